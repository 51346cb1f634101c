/**
 * Something on the server, kept on the page while it is looked at.
 *
 * - What was read stays on the page while it is read again, so nothing jumps or blinks.
 * - Read again when the line comes back, and every so often where nothing is pushed.
 */
import type { Problem } from '@sinew/api';
import { useCallback, useEffect, useRef, useState } from 'react';
import { overLine, useLine } from './line.ts';
import { useProblemFilter } from './session.ts';
import { useEvery } from './useEvery.ts';

export interface Remote<T> {
  value: T | null;
  /** Why it could not be read the last time; what was read before is still there. */
  problem: Problem | null;
  reload(): Promise<void>;
  /** Takes what is known better than the server was asked for. */
  set(change: (value: T) => T): void;
}

interface Held<T> {
  key: string | null;
  value: T | null;
  problem: Problem | null;
}

/** `key` names what is read: another key is another thing. `null` reads nothing. */
export function useRemote<T>(
  key: string | null,
  read: () => Promise<T>,
  everyMs?: number,
): Remote<T> {
  const filter = useRef(useProblemFilter());
  const latest = useRef({ key, read });
  latest.current = { key, read };
  const [held, setHeld] = useState<Held<T>>({ key, value: null, problem: null });
  const { epoch } = useLine();

  const attempt = useCallback(async (): Promise<boolean> => {
    const asked = latest.current.key;
    if (asked === null) return true;
    const isWanted = () => latest.current.key === asked;
    try {
      const value = await overLine(latest.current.read());
      if (isWanted()) setHeld({ key: asked, value, problem: null });
      return true;
    } catch (error) {
      const problem = filter.current(error);
      if (problem === null || !isWanted()) return false;
      setHeld((known) => ({
        key: asked,
        value: known.key === asked ? known.value : null,
        // A lost line is told once, for the whole page.
        problem: problem.kind === 'unreachable' ? null : problem,
      }));
      return false;
    }
  }, []);
  const reload = useCallback(async () => void (await attempt()), [attempt]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another key or line is read anew
  useEffect(() => void reload(), [reload, key, epoch]);
  useEvery(key === null ? null : (everyMs ?? null), attempt, key);

  const set = useCallback((change: (value: T) => T) => {
    setHeld((known) => (known.value === null ? known : { ...known, value: change(known.value) }));
  }, []);
  const isOwn = held.key === key;
  return { value: isOwn ? held.value : null, problem: isOwn ? held.problem : null, reload, set };
}
