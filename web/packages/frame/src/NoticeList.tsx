import { Icon, type IconName } from '@sinew/ui';
import styles from './NoticeList.module.css';
import { t } from './strings.ts';

export type NoticeTone = 'information' | 'success' | 'warning' | 'error';

export interface Notice {
  id: string;
  tone: NoticeTone;
  text: string;
}

const ICONS: Record<NoticeTone, IconName> = {
  information: 'note',
  success: 'check',
  warning: 'warning',
  error: 'warning',
};

interface NoticeListProps {
  notices: readonly Notice[];
  dismiss(id: string): void;
}

/** Short messages in a corner; the newest is nearest to the work. */
export function NoticeList({ notices, dismiss }: NoticeListProps) {
  return (
    <section className={styles.notices} aria-label={t('notices')} aria-live="polite">
      {notices.map((notice) => (
        <div key={notice.id} className={styles.notice} data-tone={notice.tone}>
          <Icon name={ICONS[notice.tone]} />
          <p>{notice.text}</p>
          <button type="button" aria-label={t('dismiss')} onClick={() => dismiss(notice.id)}>
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </section>
  );
}
