import { describe, expect, it } from 'vitest';
import { spanText, ttlOf } from './ttl.ts';

describe('a time to live', () => {
  it('is whole seconds up to a year, and nothing is for ever', () => {
    expect(['', ' ', '0', '60', ' 31536000 '].map(ttlOf)).toEqual([0, 0, 0, 60, 31_536_000]);
    for (const text of ['31536001', '-1', '1.5', '1e3', 'x', '60 s'])
      expect(ttlOf(text)).toBeNull();
  });

  it('is said in the two largest units', () => {
    expect(spanText(1)).toBe('1 second');
    expect(spanText(90)).toBe('1 minute 30 seconds');
    expect(spanText(86_400 + 60)).toBe('1 day');
    expect(spanText(2 * 86_400 + 3 * 3_600 + 59)).toBe('2 days 3 hours');
    expect(spanText(31_536_000)).toBe('365 days');
  });
});
