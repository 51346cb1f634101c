/**
 * What the console has to say in passing.
 */
import type { Notice, NoticeTone } from '@sinew/frame';
import { useSyncExternalStore } from 'react';

const MAX_NOTICES = 4;
const NOTICE_MS = 8_000;

let notices: readonly Notice[] = [];
let count = 0;
const listeners = new Set<() => void>();

function set(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

export function notify(tone: NoticeTone, text: string): void {
  count += 1;
  const id = String(count);
  set([...notices, { id, tone, text }].slice(-MAX_NOTICES));
  // What went wrong stays until somebody has read it.
  if (tone !== 'error') setTimeout(() => dismiss(id), NOTICE_MS);
}

export function dismiss(id: string): void {
  set(notices.filter((notice) => notice.id !== id));
}

export function useNotices(): readonly Notice[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notices,
  );
}
