import { describe, expect, it } from 'vitest';
import { compareLines } from './diff.ts';

const own = (lines: readonly { text: string; isOwn: boolean }[]) =>
  lines.filter(({ isOwn }) => isOwn).map(({ text }) => text);

describe('two texts', () => {
  it('differ in the lines that only one has', () => {
    const compared = compareLines('{\n  "a": 1,\n  "b": 2\n}', '{\n  "a": 1,\n  "b": 3\n}');
    expect(own(compared.mine)).toEqual(['  "b": 2']);
    expect(own(compared.theirs)).toEqual(['  "b": 3']);
    expect(compared.differing).toBe(2);
  });

  it('keep their lines, and a line that only moved past is not everything', () => {
    const compared = compareLines('a\nb\nc\nd', 'a\nx\nb\nd\ne');
    expect(compared.mine.map(({ text }) => text).join('\n')).toBe('a\nb\nc\nd');
    expect(own(compared.mine)).toEqual(['c']);
    expect(own(compared.theirs)).toEqual(['x', 'e']);
  });

  it('are the same where they are', () => {
    expect(compareLines('a\nb', 'a\nb').differing).toBe(0);
    expect(compareLines('', '').differing).toBe(0);
    expect(compareLines('a', 'a\na').differing).toBe(1);
  });
});
