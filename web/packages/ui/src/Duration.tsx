import { clockText, useNow } from './time.ts';

/** A running time since an instant. Read out only when asked for: it changes every second. */
export function Duration({ sinceMs, now }: { sinceMs: number; now: () => number }) {
  const text = useNow(() => clockText((now() - sinceMs) / 1000));
  return (
    <span role="timer" aria-live="off" style={{ fontVariantNumeric: 'tabular-nums' }}>
      {text}
    </span>
  );
}
