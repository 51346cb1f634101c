import { Icon, useCopy } from '@sinew/ui';
import styles from './ObjectPane.module.css';
import { t } from './strings.ts';

/** A SID, to be taken elsewhere. */
export function CopySid({ sid }: { sid: string }) {
  const [copied, copy] = useCopy(sid);
  return (
    <button
      type="button"
      className={styles.sid}
      aria-label={copied ? t('copied') : t('copySid', { sid })}
      onClick={copy}
    >
      {sid}
      <Icon name={copied ? 'check' : 'copy'} size={14} />
    </button>
  );
}
