import { clockText, Icon, useNow } from '@sinew/ui';
import styles from './LostBanner.module.css';
import { t } from './strings.ts';

interface LostBannerProps {
  /** Since when, by the clock of `now`. */
  sinceMs: number;
  now(): number;
  /** What that means for what is shown, given for how long it has been tried. */
  text(time: string): string;
  retry(): void;
}

/** Says for as long as it lasts that the server is not heard. */
export function LostBanner({ sinceMs, now, text, retry }: LostBannerProps) {
  const time = useNow(() => clockText((now() - sinceMs) / 1000));
  return (
    <section className={styles.banner} aria-label={t('lost')} data-testid="connection-lost">
      <Icon name="offline" />
      <p>
        <strong role="alert">{t('lost')}</strong> <span>{text(time)}</span>
      </p>
      <button type="button" onClick={retry}>
        {t('retry')}
      </button>
    </section>
  );
}
