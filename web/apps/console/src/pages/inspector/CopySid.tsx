import { CopyButton } from '@mantine/core';
import { Icon } from '@sinew/ui';
import styles from './ObjectPane.module.css';
import { t } from './strings.ts';

/** A SID, to be taken elsewhere. */
export function CopySid({ sid }: { sid: string }) {
  return (
    <CopyButton value={sid}>
      {({ copied, copy }) => (
        <button
          type="button"
          className={styles.sid}
          aria-label={copied ? t('copied') : t('copySid', { sid })}
          onClick={copy}
        >
          {sid}
          <Icon name={copied ? 'check' : 'copy'} size={14} />
        </button>
      )}
    </CopyButton>
  );
}
