/**
 * What has been filled in for each task that is being wrapped up.
 *
 * - Survives a reload in the same tab; forgotten when the task is complete.
 */
import { useSyncExternalStore } from 'react';

export interface Draft {
  code: string;
  note: string;
  /** Set when completing was tried without a choice. */
  isIncomplete: boolean;
}

const EMPTY: Draft = { code: '', note: '', isIncomplete: false };
const PREFIX = 'sinew.wrap-up.';
const drafts = new Map<string, Draft>();
const listeners = new Set<() => void>();

export function draftOf(taskSid: string): Draft {
  let draft = drafts.get(taskSid);
  if (draft === undefined) {
    draft = stored(taskSid) ?? EMPTY;
    drafts.set(taskSid, draft);
  }
  return draft;
}

export function changeDraft(taskSid: string, change: Partial<Draft>): void {
  const draft = { ...draftOf(taskSid), ...change };
  drafts.set(taskSid, draft);
  try {
    sessionStorage.setItem(PREFIX + taskSid, JSON.stringify(draft));
  } catch {
    // Then it lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

export function dropDraft(taskSid: string): void {
  drafts.delete(taskSid);
  try {
    sessionStorage.removeItem(PREFIX + taskSid);
  } catch {
    // Nothing was kept.
  }
}

export function useDraft(taskSid: string): Draft {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => draftOf(taskSid),
  );
}

function stored(taskSid: string): Draft | null {
  try {
    const text = sessionStorage.getItem(PREFIX + taskSid);
    return text === null ? null : { ...EMPTY, ...(JSON.parse(text) as Partial<Draft>) };
  } catch {
    return null;
  }
}
