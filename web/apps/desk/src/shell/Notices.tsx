import { NoticeList } from '@sinew/frame';
import { useSyncExternalStore } from 'react';
import type { DeskStore } from './desk-store.ts';
import styles from './Notices.module.css';

/** What the desk has to say in passing. */
export function Notices({ store }: { store: DeskStore }) {
  const notices = useSyncExternalStore(store.subscribe, store.getNotices);
  return <NoticeList notices={notices} dismiss={(id) => store.dismiss(id)} />;
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
