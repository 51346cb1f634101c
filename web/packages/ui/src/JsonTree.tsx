import { Fragment, type ReactNode } from 'react';
import { useCopy } from './copy.ts';
import { Icon } from './Icon.tsx';
import styles from './JsonTree.module.css';
import type { JsonNode } from './json.ts';

export interface JsonTreeTexts {
  empty: string;
  nothing: string;
  noEntries: string;
  noItems: string;
  copy(key: string): string;
  copied: string;
}

/** What is longer scrolls in its own place, so that the rest of the value stays in sight. */
const LONG_CHARS = 2_000;

interface JsonTreeProps {
  node: JsonNode;
  texts: JsonTreeTexts;
}

/**
 * All of a JSON value, readable: nothing is shortened, hidden or reformatted.
 *
 * `data-path` and `data-kind` name each value, so that a test can read the page back.
 */
export function JsonTree({ node, texts }: JsonTreeProps) {
  if (node.kind === 'object' || node.kind === 'array') {
    return <Branch node={node} path="" texts={texts} />;
  }
  return <Value node={node} path="" texts={texts} />;
}

interface PartProps<N extends JsonNode = JsonNode> extends JsonTreeProps {
  node: N;
  /** JSON Pointer of this value. */
  path: string;
}

type Composite = Extract<JsonNode, { kind: 'object' | 'array' }>;

function Branch({ node, path, texts }: PartProps<Composite>) {
  const children: (readonly [string, JsonNode])[] =
    node.kind === 'object'
      ? [...node.entries]
      : node.items.map((item, index) => [String(index), item] as const);
  if (children.length === 0) {
    return (
      <span className={styles.hint} data-path={path} data-kind={node.kind}>
        {node.kind === 'object' ? texts.noEntries : texts.noItems}
      </span>
    );
  }
  return (
    <ul className={styles.branch} data-path={path} data-kind={node.kind}>
      {children.map(([key, child], index) => (
        <Row
          // Keys may repeat; the place does not.
          // biome-ignore lint/suspicious/noArrayIndexKey: the place is the identity here
          key={index}
          name={key}
          shown={node.kind === 'object' ? key : String(index + 1)}
          isItem={node.kind === 'array'}
          node={child}
          path={`${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`}
          texts={texts}
        />
      ))}
    </ul>
  );
}

function Row(props: PartProps & { name: string; shown: string; isItem: boolean }) {
  const { node, path, texts, name, shown, isItem } = props;
  const label = <span className={isItem ? styles.index : styles.name}>{breakable(shown)}</span>;
  const isComposite = node.kind === 'object' || node.kind === 'array';
  const size =
    node.kind === 'object' ? node.entries.length : node.kind === 'array' ? node.items.length : 0;
  if (isComposite && size > 0) {
    return (
      <li>
        <details open className={styles.details}>
          <summary>
            <span className={styles.chevron}>
              <Icon name="chevron" size={14} />
            </span>
            {label}
            <span className={styles.size}>
              {node.kind === 'object' ? `{${size}}` : `[${size}]`}
            </span>
          </summary>
          <Branch node={node} path={path} texts={texts} />
        </details>
      </li>
    );
  }
  return (
    <li className={styles.row}>
      {label}
      <span className={styles.value}>
        {isComposite ? (
          <Branch node={node} path={path} texts={texts} />
        ) : (
          <Value node={node} path={path} texts={texts} />
        )}
        {!isComposite && node.kind !== 'null' && (
          <CopyButton label={texts.copy(name)} done={texts.copied} text={plainText(node)} />
        )}
      </span>
    </li>
  );
}

/** Lets a long key wrap between its words; the text stays the same. */
function breakable(key: string): ReactNode {
  return key.split(/(?<=[_.\-/])/).map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text have no other identity
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}

function Value({ node, path, texts }: PartProps) {
  const mark = { 'data-path': path, 'data-kind': node.kind };
  switch (node.kind) {
    case 'string':
      if (node.value === '')
        return <span {...mark} className={styles.none} data-none={texts.empty} />;
      if (node.value.length > LONG_CHARS) {
        return (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable
          <span {...mark} className={`${styles.string} ${styles.long}`} tabIndex={0}>
            {node.value}
          </span>
        );
      }
      return (
        <span {...mark} className={styles.string}>
          {node.value}
        </span>
      );
    case 'null':
      return <span {...mark} className={styles.none} data-none={texts.nothing} />;
    case 'number':
    case 'boolean':
      return (
        <span {...mark} className={styles.literal}>
          {plainText(node)}
        </span>
      );
    case 'object':
    case 'array':
      return <Branch node={node} path={path} texts={texts} />;
  }
}

function plainText(node: JsonNode): string {
  switch (node.kind) {
    case 'string':
      return node.value;
    case 'number':
      return node.text;
    case 'boolean':
      return String(node.value);
    case 'null':
    case 'object':
    case 'array':
      return '';
  }
}

/** Says in place that it has copied; the clipboard itself shows nothing. */
function CopyButton(props: { label: string; done: string; text: string }): ReactNode {
  const [copied, copy] = useCopy(props.text);
  return (
    <button
      type="button"
      className={styles.copy}
      aria-label={copied ? props.done : props.label}
      title={copied ? props.done : props.label}
      onClick={copy}
    >
      <Icon name={copied ? 'check' : 'copy'} size={14} />
    </button>
  );
}
