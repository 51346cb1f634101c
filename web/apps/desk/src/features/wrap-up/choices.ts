/**
 * The dispositions of the workspace, read once per page and again on demand.
 */
import { type DispositionChoice, listDispositions, Problem } from '@sinew/api';
import { useSyncExternalStore } from 'react';

export type Choices =
  | { kind: 'loading' }
  | { kind: 'ready'; list: readonly DispositionChoice[] }
  | { kind: 'failed' };

const LOADING: Choices = { kind: 'loading' };
const known = new Map<string, Choices>();
const listeners = new Set<() => void>();

export function choicesOf(workspaceSid: string): Choices {
  return known.get(workspaceSid) ?? LOADING;
}

export async function loadChoices(workspaceSid: string): Promise<void> {
  if (choicesOf(workspaceSid).kind === 'ready') return;
  put(workspaceSid, LOADING);
  try {
    put(workspaceSid, { kind: 'ready', list: await listDispositions(workspaceSid) });
  } catch (problem) {
    // A workspace without dispositions asks for none.
    const hasNone = problem instanceof Problem && problem.kind === 'not-found';
    put(workspaceSid, hasNone ? { kind: 'ready', list: [] } : { kind: 'failed' });
  }
}

export function useChoices(workspaceSid: string): Choices {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => choicesOf(workspaceSid),
  );
}

function put(workspaceSid: string, choices: Choices): void {
  known.set(workspaceSid, choices);
  for (const listener of listeners) listener();
}
