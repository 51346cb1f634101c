/**
 * Reads JSON text into nodes that keep what `JSON.parse` throws away.
 *
 * - Numbers keep their digits (`1.0`, `12345678901234567890`).
 * - Keys keep their order, also those that look like numbers, and repeated ones all stay.
 */
export type JsonNode =
  | { kind: 'object'; entries: readonly (readonly [string, JsonNode])[] }
  | { kind: 'array'; items: readonly JsonNode[] }
  | { kind: 'string'; value: string }
  | { kind: 'number'; text: string }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'null' };

export class JsonSyntaxError extends Error {
  override name = 'JsonSyntaxError';
  /** How many characters could be read. */
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** Nested deeper than this is refused, so that a hostile text cannot exhaust the stack. */
const MAX_DEPTH = 200;

const BLANK = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

export function readJson(text: string): JsonNode {
  const reader = new Reader(text);
  const node = reader.value(0);
  reader.end();
  return node;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonNode {
    if (depth > MAX_DEPTH) throw new JsonSyntaxError('nested too deeply', this.#at);
    this.#take(BLANK);
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return { kind: 'string', value: this.#string() };
      default:
        return this.#scalar();
    }
  }

  end(): void {
    this.#take(BLANK);
    if (this.#at < this.#text.length) this.#fail();
  }

  #object(depth: number): JsonNode {
    const entries: [string, JsonNode][] = [];
    this.#list('}', () => {
      const key = this.#string();
      this.#take(BLANK);
      this.#expect(':');
      entries.push([key, this.value(depth + 1)]);
    });
    return { kind: 'object', entries };
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.#list(']', () => items.push(this.value(depth + 1)));
    return { kind: 'array', items };
  }

  #list(close: string, each: () => void): void {
    this.#at += 1;
    this.#take(BLANK);
    if (this.#text[this.#at] !== close) {
      for (;;) {
        this.#take(BLANK);
        each();
        this.#take(BLANK);
        if (this.#text[this.#at] !== ',') break;
        this.#at += 1;
      }
    }
    this.#expect(close);
  }

  #string(): string {
    const raw = this.#take(STRING);
    if (raw === null) this.#fail();
    return JSON.parse(raw) as string;
  }

  #scalar(): JsonNode {
    const word = this.#take(WORD);
    if (word !== null) {
      return word === 'null' ? { kind: 'null' } : { kind: 'boolean', value: word === 'true' };
    }
    const text = this.#take(NUMBER);
    if (text === null) this.#fail();
    return { kind: 'number', text };
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at += found[0].length;
    return found[0];
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) this.#fail();
    this.#at += 1;
  }

  #fail(): never {
    throw new JsonSyntaxError(`not JSON at character ${this.#at}`, this.#at);
  }
}

/** The same value as text, on one line or with an indent; numbers keep their digits. */
export function writeJson(node: JsonNode, indent = ''): string {
  return written(node, indent, '\n');
}

function written(node: JsonNode, indent: string, line: string): string {
  switch (node.kind) {
    case 'object': {
      const colon = indent === '' ? ':' : ': ';
      const parts = node.entries.map(
        ([key, child]) => JSON.stringify(key) + colon + written(child, indent, line + indent),
      );
      return enclosed('{', parts, '}', indent, line);
    }
    case 'array': {
      const parts = node.items.map((child) => written(child, indent, line + indent));
      return enclosed('[', parts, ']', indent, line);
    }
    case 'string':
      return JSON.stringify(node.value);
    case 'number':
      return node.text;
    case 'boolean':
      return String(node.value);
    case 'null':
      return 'null';
  }
}

function enclosed(open: string, parts: string[], close: string, indent: string, line: string) {
  if (parts.length === 0) return open + close;
  if (indent === '') return open + parts.join(',') + close;
  return open + line + indent + parts.join(`,${line}${indent}`) + line + close;
}

/** The value under a name of an object; of names that are there twice, the last, as programs do. */
export function member(node: JsonNode | null, name: string): JsonNode | null {
  if (node?.kind !== 'object') return null;
  return node.entries.findLast(([key]) => key === name)?.[1] ?? null;
}

/** How many single values there are. */
export function leafCount(node: JsonNode): number {
  switch (node.kind) {
    case 'object':
      return node.entries.reduce((sum, [, child]) => sum + leafCount(child), 0);
    case 'array':
      return node.items.reduce((sum, child) => sum + leafCount(child), 0);
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return 1;
  }
}
