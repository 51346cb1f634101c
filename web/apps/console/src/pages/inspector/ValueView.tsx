import { type JsonNode, JsonView, writeJson } from '@sinew/ui';
import { type ReactNode, useMemo } from 'react';
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

/** A value, readable or as its text; nothing of it is left out. */
export function ValueView({ data, actions }: { data: JsonNode; actions?: ReactNode }) {
  const text = useMemo(() => writeJson(data, '  '), [data]);
  return (
    <div className={styles.value}>
      <JsonView
        node={data}
        text={text}
        textName={t('raw')}
        texts={TEXTS}
        actions={actions}
        testId="value"
      />
    </div>
  );
}
