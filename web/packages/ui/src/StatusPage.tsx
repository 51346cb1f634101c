import type { ReactNode, RefObject } from 'react';
import { Icon, type IconName } from './Icon.tsx';
import styles from './StatusPage.module.css';

interface StatusProps {
  icon: IconName;
  title: string;
  children: ReactNode;
  /** What one can do about it. */
  actions?: ReactNode;
  /** For who takes the focus to it. */
  heading?: RefObject<HTMLHeadingElement | null>;
}

/** A page that says one thing: nothing here, not allowed, unreachable. */
export function StatusPage(props: StatusProps) {
  return (
    <main className={styles.page}>
      <Box {...props} level="h1" />
    </main>
  );
}

/** The same in a part of a page, or as all of what is inside its frame. */
export function Status({ isPage = false, ...props }: StatusProps & { isPage?: boolean }) {
  return (
    <div className={styles.part}>
      <Box {...props} level={isPage ? 'h1' : 'h2'} />
    </div>
  );
}

function Box(props: StatusProps & { level: 'h1' | 'h2' }) {
  const { icon, title, children, actions, heading, level: Heading } = props;
  return (
    <div className={styles.box}>
      <span className={styles.icon}>
        <Icon name={icon} size={28} />
      </span>
      <Heading ref={heading} tabIndex={-1} className={styles.title}>
        {title}
      </Heading>
      <div className={styles.text}>{children}</div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}
