import { Button, SegmentedControl } from '@mantine/core';
import type { SlotProps } from '@sinew/plugin';
import { Icon, type JsonNode, JsonTree, readJson } from '@sinew/ui';
import { useMemo, useState } from 'react';
import { t } from './strings.ts';
import styles from './TaskInfo.module.css';
import { useExactText } from './useExactText.ts';

type View = 'tree' | 'raw';

const TEXTS = {
  empty: t('empty'),
  nothing: t('nothing'),
  noEntries: t('noEntries'),
  noItems: t('noItems'),
  copied: t('copied'),
  copy: (name: string) => t('copy', { name }),
};

/** All attributes of a task: readable, or letter by letter as they came. */
export function TaskInfo({ task }: SlotProps['task.body']) {
  const exact = useExactText(task);
  const [view, setView] = useState<View>('tree');
  const [copied, setCopied] = useState(false);
  // Until the text is here, what the SDK parsed is shown.
  const text = exact.kind === 'read' ? exact.text : JSON.stringify(task.attributes ?? {});
  const node = useMemo(() => parse(text, task.attributes), [text, task.attributes]);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  const isEmpty = node.kind === 'object' && node.entries.length === 0;
  return (
    <section className={styles.info} aria-labelledby="details-title">
      <div className={styles.bar}>
        <h3 id="details-title">{t('attributes')}</h3>
        <div className={styles.tools}>
          <SegmentedControl
            size="xs"
            aria-label={t('view')}
            value={view}
            onChange={(value) => setView(value === 'raw' ? 'raw' : 'tree')}
            data={[
              { value: 'tree', label: t('tree') },
              { value: 'raw', label: t('raw') },
            ]}
          />
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon name={copied ? 'check' : 'copy'} size={14} />}
            onClick={() => void copy().catch(() => undefined)}
          >
            {copied ? t('copied') : t('copyAll')}
          </Button>
        </div>
      </div>
      {exact.kind === 'failed' && (
        <p className={styles.trouble}>{t('unavailable', { message: exact.message })}</p>
      )}
      {view === 'raw' ? (
        <pre className={styles.raw} data-testid="attributes-raw" data-exact={exact.kind === 'read'}>
          {text}
        </pre>
      ) : (
        <div data-testid="attributes" data-exact={exact.kind === 'read'}>
          {isEmpty ? (
            <p className={styles.none}>{t('none')}</p>
          ) : (
            <JsonTree node={node} texts={TEXTS} />
          )}
        </div>
      )}
    </section>
  );
}

/** A text our reader refuses (nested beyond its bound) is still shown as the SDK parsed it. */
function parse(text: string, attributes: unknown): JsonNode {
  try {
    return readJson(text);
  } catch {
    return { kind: 'string', value: JSON.stringify(attributes, null, 2) };
  }
}
