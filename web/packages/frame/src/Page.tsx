import type { ComponentProps, ReactNode } from 'react';
import styles from './Page.module.css';

interface PageProps extends ComponentProps<'div'> {
  /** The way past everything that every page has, then the strip at the top. */
  top: ReactNode;
  banner: ReactNode;
}

/** As high as the window: the strip at the top, a banner while there is one, then the content. */
export function Page({ top, banner, children, className = '', ...more }: PageProps) {
  return (
    <div {...more} className={`${styles.page} ${className}`}>
      {top}
      <div>{banner}</div>
      {children}
    </div>
  );
}
