/**
 * Time on screen: one shared tick for everything that counts, and durations as text.
 */
import { useSyncExternalStore } from 'react';

const TICK_MS = 250;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    timer = setInterval(() => {
      for (const each of listeners) each();
    }, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/**
 * Renders again only when `read` gives another value, so a clock of seconds renders once a second
 * although the tick is finer.
 */
export function useNow<T>(read: () => T): T {
  return useSyncExternalStore(subscribe, read);
}

/** `0:07`, `12:40`, `1:02:09`; never negative. */
export function clockText(durationS: number): string {
  const total = Math.max(0, Math.floor(durationS));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = String(total % 60).padStart(2, '0');
  if (hours === 0) return `${minutes}:${seconds}`;
  return `${hours}:${String(minutes).padStart(2, '0')}:${seconds}`;
}
