/**
 * What is known of a long, ordered collection: a run from its start, a run up to its end, and how
 * many lie between.
 *
 * - Rows are numbered over the whole, so the scroll bar is as long as the collection.
 * - What lies between is read from whichever end is nearer to what is looked at.
 * - Knows no network and no drawing; keys are unique and in the order of `compare`.
 */

export interface Keyed {
  key: string;
}

/** The next page to read: onwards from the start, or backwards from the end. */
export interface Wanted {
  end: 'head' | 'tail';
  /** The key to go on from; `null` for the first page of that end. */
  after: string | null;
}

/** Rows around what is looked at that are read in advance. */
const MARGIN_ROWS = 60;

export class LongList<T extends Keyed> {
  readonly #compare: (a: string, b: string) => number;
  #head: T[] = [];
  /** In the collection's order, like the head. */
  #tail: T[] = [];
  #headNext: string | null = null;
  #tailNext: string | null = null;
  #hasBegun = false;
  #isJoined = false;
  /** How many there are in all, where that is known. */
  #total: number | null;
  #version = 0;
  readonly #listeners = new Set<() => void>();

  constructor(compare: (a: string, b: string) => number, total: number | null) {
    this.#compare = compare;
    this.#total = total;
  }

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** Changes with everything that changes. */
  readonly version = () => this.#version;

  /** How many rows to draw; those that are not known yet included. */
  get count(): number {
    const known = this.#head.length + this.#tail.length;
    if (this.#isJoined) return known;
    // At least one row stands for what is still to be read.
    return Math.max(this.#total ?? 0, known + 1);
  }

  /** Whether everything there is has been read. */
  get isWhole(): boolean {
    return this.#isJoined;
  }

  /** Whether anything has been read yet. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** How far the run from the start reaches. */
  get reached(): string | null {
    return this.#headNext;
  }

  at(row: number): T | null {
    const fromTail = row - (this.count - this.#tail.length);
    return (fromTail >= 0 ? this.#tail[fromTail] : this.#head[row]) ?? null;
  }

  /** The row of a key, if it is known. */
  rowOf(key: string): number | null {
    const inHead = this.#find(this.#head, key);
    if (inHead.found) return inHead.at;
    const inTail = this.#find(this.#tail, key);
    return inTail.found ? this.count - this.#tail.length + inTail.at : null;
  }

  /** What to read for these rows to be drawn; `null` where all is there. */
  wanted(first: number, last: number): Wanted | null {
    if (this.#isJoined) return null;
    if (!this.#hasBegun) return { end: 'head', after: null };
    const gapEnd = this.count - this.#tail.length;
    const isNear = last + MARGIN_ROWS >= this.#head.length && first - MARGIN_ROWS < gapEnd;
    if (!isNear) return null;
    const fromHead = first - this.#head.length;
    const fromTail = gapEnd - last;
    if (this.#total === null || fromHead <= fromTail) {
      return { end: 'head', after: this.#headNext };
    }
    return { end: 'tail', after: this.#tailNext };
  }

  /** A page that was read; `next` is where that end goes on, `null` at the other end of it all. */
  add(end: Wanted['end'], page: readonly T[], next: string | null): void {
    if (this.#isJoined) return;
    this.#hasBegun = true;
    if (end === 'head') this.#addToHead(page, next);
    else this.#addToTail(page.toReversed(), next);
    this.#changed();
  }

  #addToHead(page: readonly T[], next: string | null): void {
    const first = this.#tail[0];
    const isBelow = (one: T) => first === undefined || this.#compare(one.key, first.key) < 0;
    const own = page.filter(isBelow);
    this.#head.push(...own);
    this.#headNext = next;
    if (next === null || own.length < page.length) this.#join();
  }

  #addToTail(page: readonly T[], next: string | null): void {
    const last = this.#head.at(-1);
    const isAbove = (one: T) => last === undefined || this.#compare(one.key, last.key) > 0;
    const own = page.filter(isAbove);
    this.#tail.unshift(...own);
    this.#tailNext = next;
    if (next === null || own.length < page.length) this.#join();
  }

  #join(): void {
    this.#head = [...this.#head, ...this.#tail];
    this.#tail = [];
    this.#isJoined = true;
  }

  /** Something was added or changed. */
  put(one: T): void {
    for (const run of [this.#head, this.#tail]) {
      const { at, found } = this.#find(run, one.key);
      if (!found) continue;
      run[at] = one;
      return this.#changed();
    }
    if (this.#total !== null) this.#total += 1;
    const run = this.#placeOf(one.key);
    if (run !== null) run.splice(this.#find(run, one.key).at, 0, one);
    this.#changed();
  }

  /** Something is gone. */
  drop(key: string): void {
    for (const run of [this.#head, this.#tail]) {
      const { at, found } = this.#find(run, key);
      if (found) run.splice(at, 1);
    }
    if (this.#total !== null) this.#total -= 1;
    this.#changed();
  }

  /** Which run a new key stands in; `null` where it belongs to what was not read. */
  #placeOf(key: string): T[] | null {
    if (!this.#hasBegun) return null;
    if (this.#isJoined) return this.#head;
    const last = this.#head.at(-1);
    if (last !== undefined && this.#compare(key, last.key) < 0) return this.#head;
    const first = this.#tail[0];
    if (first !== undefined && this.#compare(key, first.key) > 0) return this.#tail;
    return null;
  }

  #find(run: readonly T[], key: string): { at: number; found: boolean } {
    let low = 0;
    let high = run.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const one = run[middle];
      if (one !== undefined && this.#compare(one.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return { at: low, found: run[low]?.key === key };
  }

  #changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}

/** Indices of a list. */
export function byIndex(a: string, b: string): number {
  return Number(a) - Number(b);
}

/** Keys of a map, as the server orders them: by code point, which is how their bytes order. */
export function byKey(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Halves of characters beyond the first plane come after all that stand alone. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x10000 : unit;
}
