import { Button, SegmentedControl } from '@mantine/core';
import { Icon, type JsonNode, JsonTree, useStoredChoice, writeJson } from '@sinew/ui';
import { type ReactNode, useMemo, useState } from 'react';
import { t } from './strings.ts';
import styles from './ValueView.module.css';

const TEXTS = {
  empty: t('empty'),
  nothing: t('nothing'),
  noEntries: t('noEntries'),
  noItems: t('noItems'),
  copied: t('copied'),
  copy: (name: string) => t('copy', { name }),
};

/** A tree of more than this would take long to draw and longer to read. */
const TREE_CHARS_MAX = 100_000;

const VIEWS = ['tree', 'raw'] as const;

/** A value, readable or as its text; nothing of it is left out. */
export function ValueView({ data, actions }: { data: JsonNode; actions?: ReactNode }) {
  const [view, setView] = useStoredChoice('console-value', VIEWS, 'tree');
  const [copied, setCopied] = useState(false);
  const text = useMemo(() => writeJson(data, '  '), [data]);
  const isLarge = text.length > TREE_CHARS_MAX;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <div>
      <div className={styles.bar}>
        {!isLarge && (
          <SegmentedControl
            size="xs"
            aria-label={t('view')}
            value={view}
            onChange={(value) => setView(value === 'raw' ? 'raw' : 'tree')}
            data={VIEWS.map((value) => ({ value, label: t(value) }))}
          />
        )}
        <div className={styles.actions}>
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon name={copied ? 'check' : 'copy'} size={14} />}
            onClick={() => void copy().catch(() => undefined)}
          >
            {copied ? t('copied') : t('copyAll')}
          </Button>
          {actions}
        </div>
      </div>
      {isLarge && <p className={styles.large}>{t('large')}</p>}
      <div className={styles.value} data-testid="value">
        {isLarge || view === 'raw' ? (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable
          <pre className={styles.raw} tabIndex={0}>
            {text}
          </pre>
        ) : (
          <JsonTree node={data} texts={TEXTS} />
        )}
      </div>
    </div>
  );
}
