/**
 * Small choices that stay in this browser: sound on, theme, keys. Never anything about people.
 */
import { useSyncExternalStore } from 'react';

const PREFIX = 'sinew.';
const listeners = new Set<() => void>();
/** Where the browser keeps nothing (private windows, policy), the page still remembers. */
const kept = new Map<string, string>();

export function readChoice<T extends string>(name: string, choices: readonly T[], first: T): T {
  let stored: string | null | undefined;
  try {
    stored = localStorage.getItem(PREFIX + name);
  } catch {
    stored = null;
  }
  stored ??= kept.get(name);
  return choices.find((choice) => choice === stored) ?? first;
}

function write(name: string, value: string): void {
  kept.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Kept for this page only.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}

export function useStoredChoice<T extends string>(
  name: string,
  choices: readonly T[],
  first: T,
): [T, (value: T) => void] {
  const value = useSyncExternalStore(subscribe, () => readChoice(name, choices, first));
  return [value, (next) => write(name, next)];
}
