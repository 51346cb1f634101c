import type { SlotProps } from '@sinew/plugin';
import { type JsonNode, JsonView, readJson } from '@sinew/ui';
import { useMemo } from 'react';
import { t } from './strings.ts';
import styles from './TaskInfo.module.css';
import { useExactText } from './useExactText.ts';

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
  // Until the text is here, what the SDK parsed is shown.
  const text = exact.kind === 'read' ? exact.text : JSON.stringify(task.attributes ?? {});
  const node = useMemo(() => parse(text, task.attributes), [text, task.attributes]);
  return (
    <section
      className={styles.info}
      aria-labelledby="details-title"
      data-exact={exact.kind === 'read'}
    >
      {exact.kind === 'failed' && (
        <p className={styles.trouble}>{t('unavailable', { message: exact.message })}</p>
      )}
      <JsonView
        heading={<h3 id="details-title">{t('attributes')}</h3>}
        node={node}
        text={text}
        textName={t('raw')}
        texts={TEXTS}
        none={<p className={styles.none}>{t('none')}</p>}
        testId="attributes"
      />
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
