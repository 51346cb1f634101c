import styles from './Key.module.css';

/** The key that does the same as the thing beside it. */
export function Key({ name }: { name: string }) {
  return <kbd className={styles.key}>{shown(name)}</kbd>;
}

function shown(name: string): string {
  if (name === 'ArrowDown') return '↓';
  if (name === 'ArrowUp') return '↑';
  return name.length === 1 ? name.toUpperCase() : name;
}
