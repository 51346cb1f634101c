/**
 * Whether the server is heard: one answer for the whole page.
 *
 * - Any call that gets no answer says the line is lost; any answer says it is back.
 * - While it is lost the server is asked again with growing pauses, and at once when the browser
 *   says that the network is back.
 * - `epoch` counts the returns: what was read in an earlier one may be out of date.
 */
import { Problem, pauseMs, readSession } from '@sinew/api';
import { useSyncExternalStore } from 'react';

export interface Line {
  /** Since when the server is not heard, by this machine's clock; `null` while it is. */
  lostSinceMs: number | null;
  epoch: number;
}

let line: Line = { lostSinceMs: null, epoch: 0 };
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;
let attempt = 0;

function set(next: Line): void {
  line = next;
  for (const listener of listeners) listener();
}

export function lineLost(): void {
  if (line.lostSinceMs !== null) return;
  set({ ...line, lostSinceMs: Date.now() });
  attempt = 0;
  askLater();
}

export function lineHeard(): void {
  if (line.lostSinceMs === null) return;
  clearTimeout(timer);
  set({ lostSinceMs: null, epoch: line.epoch + 1 });
}

function askLater(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void askAgain(), pauseMs(attempt));
  attempt += 1;
}

/** Asks now, whatever the pause. */
export async function askAgain(): Promise<void> {
  clearTimeout(timer);
  await overLine(readSession()).catch(() => undefined);
  if (line.lostSinceMs !== null) askLater();
}

/** Hears of every call's end; gives back what it got. */
export async function overLine<T>(answer: Promise<T>): Promise<T> {
  try {
    const value = await answer;
    lineHeard();
    return value;
  } catch (problem) {
    if (problem instanceof Problem && problem.kind === 'unreachable') lineLost();
    else lineHeard();
    throw problem;
  }
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    window.addEventListener('offline', lineLost);
    window.addEventListener('online', askAgain);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    window.removeEventListener('offline', lineLost);
    window.removeEventListener('online', askAgain);
  };
}

export function useLine(): Line {
  return useSyncExternalStore(subscribe, () => line);
}
