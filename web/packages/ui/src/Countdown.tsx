import styles from './Countdown.module.css';
import { clockText, useNow } from './time.ts';

const RADIUS = 20;
const ROUND = 2 * Math.PI * RADIUS;
/** Below this the colour changes; the number says the same. */
const URGENT_S = 10;

interface CountdownProps {
  startMs: number;
  endMs: number;
  now: () => number;
  label: string;
  size?: number;
}

/** What is left of a limited time, as a number in a closing ring. */
export function Countdown({ startMs, endMs, now, label, size = 56 }: CountdownProps) {
  const leftS = useNow(() => remainingS(endMs, now()));
  const wholeS = Math.max(1, (endMs - startMs) / 1000);
  const share = Math.min(1, leftS / wholeS);
  return (
    <div
      className={styles.countdown}
      role="timer"
      aria-live="off"
      aria-label={`${label}: ${clockText(leftS)}`}
      data-remaining={leftS}
      data-urgent={leftS <= URGENT_S}
      style={{ width: size, height: size }}
    >
      <svg viewBox="0 0 48 48" aria-hidden="true">
        <circle className={styles.track} cx="24" cy="24" r={RADIUS} />
        <circle
          className={styles.left}
          cx="24"
          cy="24"
          r={RADIUS}
          strokeDasharray={ROUND}
          strokeDashoffset={ROUND * (1 - share)}
        />
      </svg>
      <span aria-hidden="true">{clockText(leftS)}</span>
    </div>
  );
}

/** Whole seconds left, rounded up: it shows 0 only when the time is over. */
export function remainingS(endMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((endMs - nowMs) / 1000));
}
