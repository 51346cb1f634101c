/**
 * Hands an object's changes on to whatever shows a part of it.
 */
import { useEffect, useRef } from 'react';
import type { Change } from './source.ts';
import type { Following } from './useChanges.ts';

/** How the object is followed; `gone` is that there is nothing to follow any more. */
export type Follow = Following | 'gone';

interface Listener {
  onChanges(changes: readonly Change[]): void;
  onMissed(): void;
}

export class Changes {
  readonly #listeners = new Set<Listener>();

  tell(changes: readonly Change[]): void {
    for (const listener of this.#listeners) listener.onChanges(changes);
  }

  /** Some were not heard. */
  miss(): void {
    for (const listener of this.#listeners) listener.onMissed();
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}

/** Says that something of a service changed, whatever it was. */
export class News {
  readonly #listeners = new Set<() => void>();

  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}

/** Hears of changes for as long as the component is on the page. */
export function useListener(changes: Changes, listener: Listener): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(
    () =>
      changes.listen({
        onChanges: (batch) => latest.current.onChanges(batch),
        onMissed: () => latest.current.onMissed(),
      }),
    [changes],
  );
}
