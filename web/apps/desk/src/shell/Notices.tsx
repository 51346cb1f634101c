import type { NoticeTone } from '@sinew/plugin';
import { Icon, type IconName } from '@sinew/ui';
import { useSyncExternalStore } from 'react';
import type { DeskStore } from './desk-store.ts';
import styles from './Notices.module.css';
import { t } from './strings.ts';

const ICONS: Record<NoticeTone, IconName> = {
  information: 'note',
  success: 'check',
  warning: 'warning',
  error: 'warning',
};

/** Short messages in a corner; the newest is nearest to the work. */
export function Notices({ store }: { store: DeskStore }) {
  const notices = useSyncExternalStore(store.subscribe, store.getNotices);
  return (
    <section className={styles.notices} aria-label={t('notices')} aria-live="polite">
      {notices.map((notice) => (
        <div key={notice.id} className={styles.notice} data-tone={notice.tone}>
          <Icon name={ICONS[notice.tone]} />
          <p>{notice.text}</p>
          <button type="button" aria-label={t('dismiss')} onClick={() => store.dismiss(notice.id)}>
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </section>
  );
}

/** What is said but not shown. Both regions exist from the start, or nothing would be read. */
export function LiveRegions({ store }: { store: DeskStore }) {
  const { text, urgency } = useSyncExternalStore(store.subscribe, store.getAnnouncement);
  return (
    <>
      <div className={styles.spoken} role="status" aria-live="polite">
        {urgency === 'polite' ? text : ''}
      </div>
      <div className={styles.spoken} role="alert" aria-live="assertive">
        {urgency === 'assertive' ? text : ''}
      </div>
    </>
  );
}
