import { Button, SegmentedControl } from '@mantine/core';
import type { ReactNode } from 'react';
import { useCopy } from './copy.ts';
import { Icon } from './Icon.tsx';
import { JsonTree, type JsonTreeTexts } from './JsonTree.tsx';
import styles from './JsonView.module.css';
import type { JsonNode } from './json.ts';
import { useStoredChoice } from './stored.ts';
import { strings } from './strings.ts';

const t = strings('json-view', {
  view: 'How it is shown',
  tree: 'Readable',
  copyAll: 'Copy all',
  large: 'This value is large, so it is shown as text.',
});

/** A tree of more than this would take long to draw and longer to read. */
const TREE_CHARS_MAX = 100_000;

const VIEWS = ['tree', 'raw'] as const;

interface JsonViewProps {
  node: JsonNode;
  /** The value as text: what is copied, and what is shown where no tree is wanted. */
  text: string;
  /** What that text is called. */
  textName: string;
  texts: JsonTreeTexts;
  /** In place of an empty object or list. */
  none?: ReactNode;
  heading?: ReactNode;
  actions?: ReactNode;
  testId: string;
}

/** A value, readable or as its text, with a button to copy it; nothing of it is left out. */
export function JsonView(props: JsonViewProps) {
  const { node, text, textName, texts, none, heading, actions, testId } = props;
  const [view, setView] = useStoredChoice('json-view', VIEWS, 'tree');
  const [copied, copy] = useCopy(text);
  const isLarge = text.length > TREE_CHARS_MAX;
  const isEmpty =
    (node.kind === 'object' && node.entries.length === 0) ||
    (node.kind === 'array' && node.items.length === 0);
  const isRaw = isLarge || view === 'raw';
  return (
    <>
      <div className={styles.bar}>
        {heading}
        {!isLarge && (
          <SegmentedControl
            size="xs"
            aria-label={t('view')}
            value={view}
            onChange={(value) => setView(value === 'raw' ? 'raw' : 'tree')}
            data={[
              { value: 'tree', label: t('tree') },
              { value: 'raw', label: textName },
            ]}
          />
        )}
        <div className={styles.actions}>
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon name={copied ? 'check' : 'copy'} size={14} />}
            onClick={copy}
          >
            {copied ? texts.copied : t('copyAll')}
          </Button>
          {actions}
        </div>
      </div>
      {isLarge && <p className={styles.large}>{t('large')}</p>}
      <div className={styles.value} data-testid={testId} data-view={isRaw ? 'raw' : 'tree'}>
        {isRaw ? (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable
          <pre className={styles.raw} tabIndex={0}>
            {text}
          </pre>
        ) : isEmpty && none !== undefined ? (
          none
        ) : (
          <JsonTree node={node} texts={texts} />
        )}
      </div>
    </>
  );
}
