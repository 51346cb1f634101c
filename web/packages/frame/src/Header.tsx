import type { ReactNode } from 'react';
import styles from './Header.module.css';
import { t } from './strings.ts';

/** The strip at the top: the product and where one is, then what is about oneself. */
export function Header({ start, end }: { start: ReactNode; end: ReactNode }) {
  return (
    <header className={styles.header}>
      <div className={styles.start}>
        <span className={styles.product}>{t('product')}</span>
        {start}
      </div>
      <div className={styles.end}>{end}</div>
    </header>
  );
}

/** For the keyboard: past everything that every page has. */
export function SkipLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <a className={styles.skip} href={`#${to}`}>
      {children}
    </a>
  );
}
