/**
 * Something open or closed that a key press and a component both move.
 */
import { useSyncExternalStore } from 'react';

export interface Flag {
  get(): boolean;
  set(value: boolean): void;
  use(): boolean;
}

export function createFlag(): Flag {
  let value = false;
  const listeners = new Set<() => void>();
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const get = () => value;
  return {
    get,
    set(next) {
      if (next === value) return;
      value = next;
      for (const listener of listeners) listener();
    },
    use: () => useSyncExternalStore(subscribe, get),
  };
}
