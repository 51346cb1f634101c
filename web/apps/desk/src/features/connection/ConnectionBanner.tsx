import { useDesk, useDeskState } from '@sinew/plugin';
import { clockText, Icon, useNow } from '@sinew/ui';
import styles from './ConnectionBanner.module.css';
import { t } from './strings.ts';

/** Says for as long as it lasts that the server is not heard. */
export function ConnectionBanner() {
  const desk = useDesk();
  const link = useDeskState((state) => state.link);
  const sinceMs = link.kind === 'lost' ? link.sinceMs : null;
  const time = useNow(() => (sinceMs === null ? '' : clockText((desk.now() - sinceMs) / 1000)));
  if (link.kind !== 'lost') return null;
  return (
    <section className={styles.banner} aria-label={t('lost')} data-testid="connection-lost">
      <Icon name="offline" />
      <p>
        <strong role="alert">{t('lost')}</strong> <span>{t('lostText', { time })}</span>
      </p>
      <button type="button" onClick={() => desk.reconnect()}>
        {t('retry')}
      </button>
    </section>
  );
}
