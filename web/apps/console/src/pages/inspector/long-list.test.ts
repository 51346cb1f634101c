import { describe, expect, it } from 'vitest';
import { byIndex, byKey, LongList } from './long-list.ts';

const PAGE = 100;

/** A collection on a server, and a reader that asks for what a window over it wants. */
function collection(size: number, isCounted = true) {
  const all = Array.from({ length: size }, (_, index) => ({ key: String(index) }));
  const list = new LongList<{ key: string }>(byIndex, isCounted ? size : null);
  let reads = 0;
  const look = (first: number, last: number) => {
    for (;;) {
      const wanted = list.wanted(first, last);
      if (wanted === null) return;
      reads += 1;
      const ordered = wanted.end === 'head' ? all : all.toReversed();
      const start =
        wanted.after === null ? 0 : ordered.findIndex(({ key }) => key === wanted.after) + 1;
      const page = ordered.slice(start, start + PAGE);
      const isMore = start + PAGE < ordered.length;
      list.add(wanted.end, page, isMore ? (page.at(-1)?.key ?? null) : null);
    }
  };
  const rows = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, row) => list.at(first + row)?.key ?? null);
  return { all, list, look, rows, reads: () => reads };
}

describe('a long list', () => {
  it('is as long as the collection from its first page on', () => {
    const { list, look, rows } = collection(100_000);
    look(0, 20);
    expect(list.count).toBe(100_000);
    expect(rows(0, 2)).toEqual(['0', '1', '2']);
    expect(rows(500, 500)).toEqual([null]);
  });

  it('reads its end without what lies between', () => {
    const { look, rows, reads } = collection(100_000);
    look(0, 20);
    look(99_980, 99_999);
    expect(rows(99_997, 99_999)).toEqual(['99997', '99998', '99999']);
    expect(reads()).toBeLessThan(6);
  });

  it('is whole once both runs meet, with nothing twice and nothing left out', () => {
    const { all, list, look, rows } = collection(1_234);
    for (let row = 0; row < 700; row += 50) look(row, row + 20);
    for (let row = 1_233; row > 500; row -= 50) look(row - 20, row);
    expect(list.isWhole).toBe(true);
    expect(rows(0, list.count - 1)).toEqual(all.map(({ key }) => key));
  });

  it('goes on from the start alone where nobody counted', () => {
    const { list, look, rows } = collection(250, false);
    look(0, 20);
    expect(list.isWhole).toBe(false);
    look(list.count - 20, list.count - 1);
    look(list.count - 20, list.count - 1);
    expect(list.isWhole).toBe(true);
    expect(list.count).toBe(250);
    expect(rows(249, 249)).toEqual(['249']);
  });

  it('is empty where there is nothing', () => {
    const { list, look } = collection(0);
    expect(list.count).toBe(1);
    look(0, 0);
    expect(list.count).toBe(0);
    expect(list.isWhole).toBe(true);
  });

  it('follows changes in what is known and counts those in what is not', () => {
    const { list, look } = collection(10_000);
    look(0, 20);
    const before = list.version();
    list.drop('1');
    expect(list.at(1)?.key).toBe('2');
    list.put({ key: '1' });
    expect(list.at(1)?.key).toBe('1');
    expect(list.count).toBe(10_000);
    list.put({ key: '10000' });
    expect(list.count).toBe(10_001);
    list.drop('5000');
    expect(list.count).toBe(10_000);
    expect(list.rowOf('3')).toBe(3);
    expect(list.rowOf('9000')).toBeNull();
    expect(list.version()).toBe(before + 4);
  });
});

describe('the order of keys', () => {
  it('is that of their bytes', () => {
    const keys = ['', 'a', 'a/b', 'ab', 'b', 'é', '\u{ffff}', '\u{10000}', '\u{1f600}'];
    const bytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(keys.toReversed().toSorted(byKey)).toEqual(bytes);
  });

  it('of indices is that of numbers', () => {
    expect(['10', '9', '1'].toSorted(byIndex)).toEqual(['1', '9', '10']);
  });
});
