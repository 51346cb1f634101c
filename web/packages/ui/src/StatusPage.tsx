import type { ReactNode } from 'react';
import { Icon, type IconName } from './Icon.tsx';
import styles from './StatusPage.module.css';

interface StatusPageProps {
  icon: IconName;
  title: string;
  children: ReactNode;
  /** What one can do about it. */
  actions?: ReactNode;
}

/** A page that says one thing: nothing here, not allowed, unreachable. */
export function StatusPage({ icon, title, children, actions }: StatusPageProps) {
  return (
    <main className={styles.page}>
      <div className={styles.box}>
        <span className={styles.icon}>
          <Icon name={icon} size={28} />
        </span>
        <h1>{title}</h1>
        <div className={styles.text}>{children}</div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
    </main>
  );
}
