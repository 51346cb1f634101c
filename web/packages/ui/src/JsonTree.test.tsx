import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { render } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { JsonTree } from './JsonTree.tsx';
import { type JsonNode, readJson } from './json.ts';

const FIXTURES = join(import.meta.dirname, '../../../../testkit/fixtures');

const TEXTS = {
  empty: 'empty text',
  nothing: 'no value',
  noEntries: 'no entries',
  noItems: 'no items',
  copied: 'Copied',
  copy: (key: string) => `Copy ${key}`,
};

/** Path, kind and text of every single value. */
function leaves(node: JsonNode, path = ''): [string, string, string][] {
  const below = (key: string) => `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  switch (node.kind) {
    case 'object':
      return node.entries.flatMap(([key, child]) => leaves(child, below(key)));
    case 'array':
      return node.items.flatMap((child, index) => leaves(child, below(String(index))));
    case 'string':
      return [[path, 'string', node.value]];
    case 'number':
      return [[path, 'number', node.text]];
    case 'boolean':
      return [[path, 'boolean', String(node.value)]];
    case 'null':
      return [[path, 'null', '']];
  }
}

function shown(container: HTMLElement): [string, string, string][] {
  return [...container.querySelectorAll<HTMLElement>('[data-kind]')]
    .filter((element) => !['object', 'array'].includes(element.dataset.kind ?? ''))
    .map((element) => [
      element.dataset.path ?? '',
      element.dataset.kind ?? '',
      element.textContent ?? '',
    ]);
}

describe('a tree of attributes', () => {
  it.each([
    'task-designed-composite',
    'task-chat-web',
    'task-voice-primary-legacy',
    'task-interaction-sms-outbound',
    'task-inbound-call',
  ])('shows every value of %s, whole and in order', (name) => {
    const node = readJson(readFileSync(join(FIXTURES, `${name}.json`), 'utf8'));
    const { container } = render(<JsonTree node={node} texts={TEXTS} />);
    expect(shown(container)).toEqual(leaves(node));
  });

  it('says what is empty without writing into the value', () => {
    const node = readJson('{"a":"","b":null,"c":{},"d":[]}');
    const { container } = render(<JsonTree node={node} texts={TEXTS} />);
    const at = (path: string) => container.querySelector<HTMLElement>(`[data-path="${path}"]`);
    expect(at('/a')?.textContent).toBe('');
    expect(at('/a')?.dataset.none).toBe('empty text');
    expect(at('/b')?.dataset.none).toBe('no value');
    expect(at('/c')?.textContent).toBe('no entries');
    expect(at('/d')?.textContent).toBe('no items');
  });

  it('offers to copy what has a value', () => {
    const node = readJson('{"phone":"2025550143","none":null}');
    const { container } = render(<JsonTree node={node} texts={TEXTS} />);
    const labels = [...container.querySelectorAll('button')].map((b) =>
      b.getAttribute('aria-label'),
    );
    expect(labels).toEqual(['Copy phone']);
  });
});
