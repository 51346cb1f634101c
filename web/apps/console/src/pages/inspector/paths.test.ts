import { describe, expect, it } from 'vitest';
import { lookOf, objectPath, servicePath, staysInPlace, tabOf, withLook } from './paths.ts';

const MAP = 'MP00000000000000000000000000000001';

describe('addresses of the inspector', () => {
  it('are what they always were', () => {
    expect(servicePath('default')).toBe('/sync/default');
    expect(servicePath('IS1', { kind: 'map', q: 'a b', item: 'x' })).toBe(
      '/sync/IS1?kind=map&q=a+b',
    );
    expect(objectPath('IS1', MAP)).toBe(`/sync/IS1/${MAP}`);
    expect(objectPath('IS1', MAP, 'history', { key: 'a' })).toBe(`/sync/IS1/${MAP}/history?key=a`);
  });

  it('bring any key back as it was', () => {
    for (const item of ['a/b', 'ü%20 ', '?&=#', '😀', '0']) {
      const path = objectPath('IS1', MAP, 'value', { item, at: '2026-01-01T00:00:00.5Z' });
      const look = lookOf(new URL(path, 'http://here').searchParams);
      expect(look.item).toBe(item);
      expect(look.at).toBe('2026-01-01T00:00:00.5Z');
      expect(withLook(`/sync/IS1/${MAP}`, look)).toBe(path);
    }
  });

  it('are of the same value as long as neither it nor its moment changes', () => {
    const at = (look: Parameters<typeof objectPath>[3], tab?: Parameters<typeof objectPath>[2]) => {
      const { pathname, search } = new URL(objectPath('IS1', MAP, tab, look), 'http://here');
      return { pathname, search };
    };
    const here = at({ item: 'a' });
    expect(staysInPlace(here, at({ item: 'a', q: 'x', kind: 'map', from: 'b', find: 'c' }))).toBe(
      true,
    );
    expect(staysInPlace(here, at({ item: 'b' }))).toBe(false);
    expect(staysInPlace(here, at({}))).toBe(false);
    expect(staysInPlace(here, at({ item: 'a', at: '2026-01-01T00:00:00Z' }))).toBe(false);
    expect(staysInPlace(here, at({ item: 'a' }, 'history'))).toBe(false);
  });

  it('know their tabs', () => {
    expect(tabOf(undefined)).toBe('value');
    expect(tabOf('history')).toBe('history');
    expect(tabOf('nothing')).toBeNull();
  });
});
