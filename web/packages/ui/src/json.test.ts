import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type JsonNode, JsonSyntaxError, leafCount, member, readJson, writeJson } from './json.ts';

const FIXTURES = join(import.meta.dirname, '../../../../testkit/fixtures');

function plain(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries(node.entries.map(([key, child]) => [key, plain(child)]));
    case 'array':
      return node.items.map(plain);
    case 'number':
      return Number(node.text);
    case 'null':
      return null;
    case 'string':
    case 'boolean':
      return node.value;
  }
}

describe('reading JSON', () => {
  it('agrees with JSON.parse on every fixture', () => {
    const files = readdirSync(FIXTURES).filter((name) => name.endsWith('.json'));
    expect(files.length).toBeGreaterThan(13);
    for (const name of files) {
      const text = readFileSync(join(FIXTURES, name), 'utf8');
      expect(plain(readJson(text)), name).toEqual(JSON.parse(text));
    }
  });

  it('keeps the digits of numbers', () => {
    const node = readJson('[1.0, 12345678901234567890, -0, 1e400, 0.10]');
    expect(
      node.kind === 'array' && node.items.map((item) => item.kind === 'number' && item.text),
    ).toEqual(['1.0', '12345678901234567890', '-0', '1e400', '0.10']);
  });

  it('keeps the order of keys, and keys that are there twice', () => {
    const node = readJson('{"b":1,"2":2,"1":3,"b":4,"__proto__":5,"call_route_step?":6}');
    expect(node.kind === 'object' && node.entries.map(([key]) => key)).toEqual([
      'b',
      '2',
      '1',
      'b',
      '__proto__',
      'call_route_step?',
    ]);
  });

  it('keeps blanks and escapes in strings', () => {
    expect(readJson('" +12025550112"')).toEqual({ kind: 'string', value: ' +12025550112' });
    expect(readJson('"a\\u00e9\\n\\"b"')).toEqual({ kind: 'string', value: 'aé\n"b' });
  });

  it.each(['', '{', '{"a"}', '[1,]', '01', '1.', '"a', "{'a':1}", 'nul', '1 2', '"\n"', '[1}'])(
    'refuses %j',
    (text) => {
      expect(() => JSON.parse(text)).toThrow();
      expect(() => readJson(text)).toThrow(JsonSyntaxError);
    },
  );

  it('refuses what is nested too deeply instead of exhausting the stack', () => {
    expect(() => readJson('['.repeat(100_000))).toThrow(JsonSyntaxError);
  });

  it('is written as it was read', () => {
    const text = '{"b":[1.0,12345678901234567890,{}],"2":"a\\n\\"é","b":null,"c":[],"d":false}';
    expect(writeJson(readJson(text))).toBe(text);
    const plain = { a: [1, { b: 'c' }], d: {}, e: [] };
    expect(writeJson(readJson(JSON.stringify(plain)), '  ')).toBe(JSON.stringify(plain, null, 2));
  });

  it('says how far it came', () => {
    const failure = (() => {
      try {
        return readJson('{"a": x}');
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toBeInstanceOf(JsonSyntaxError);
    expect(failure).toMatchObject({ at: 6 });
  });

  it('finds a value by name', () => {
    expect(member(readJson('{"a":1,"a":2}'), 'a')).toEqual({ kind: 'number', text: '2' });
    expect(member(readJson('{"a":1}'), 'b')).toBeNull();
    expect(member(readJson('[1]'), '0')).toBeNull();
  });

  it('counts single values', () => {
    expect(leafCount(readJson('{"a":[1,2,{}],"b":{"c":null}}'))).toBe(3);
  });
});
