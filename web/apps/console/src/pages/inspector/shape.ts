/**
 * Reads the server's answers part by part, with every number's digits as they came.
 */
import { type JsonNode, member, readJson, writeJson } from '@sinew/ui';

export class Shape {
  readonly #node: JsonNode;

  constructor(node: JsonNode) {
    this.#node = node;
  }

  static of(text: string): Shape {
    return new Shape(readJson(text));
  }

  /** The parts of a list; of what is no list, none. */
  list(name?: string): Shape[] {
    const node = name === undefined ? this.#node : member(this.#node, name);
    return node?.kind === 'array' ? node.items.map((item) => new Shape(item)) : [];
  }

  part(name: string): Shape | null {
    const node = member(this.#node, name);
    return node === null || node.kind === 'null' ? null : new Shape(node);
  }

  /** A text, or a number's digits. */
  textOrNull(name: string): string | null {
    const node = member(this.#node, name);
    if (node?.kind === 'string') return node.value;
    return node?.kind === 'number' ? node.text : null;
  }

  text(name: string): string {
    return this.textOrNull(name) ?? '';
  }

  numberOrNull(name: string): number | null {
    const node = member(this.#node, name);
    return node?.kind === 'number' ? Number(node.text) : null;
  }

  number(name: string): number {
    return this.numberOrNull(name) ?? 0;
  }

  flag(name: string): boolean {
    const node = member(this.#node, name);
    return node?.kind === 'boolean' && node.value;
  }

  /** A value of the customer's, as it is stored; `null` where there is none. */
  value(name: string): JsonNode | null {
    return member(this.#node, name);
  }

  /** This value as one text. */
  get own(): string {
    return this.#node.kind === 'string' ? this.#node.value : writeJson(this.#node);
  }
}
