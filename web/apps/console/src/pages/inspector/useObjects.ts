/**
 * The objects of a service on the page: more as they are scrolled to, what is seen kept fresh.
 *
 * - A page is known by the token it begins at, so nothing is passed over when objects come and go.
 * - Only the pages that are looked at are read again: when something of the service changed, and
 *   now and then for what is not told, such as rates. Where nothing is told, more often.
 */
import type { Problem } from '@sinew/api';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { overLine, useLine } from '../../shell/line.ts';
import { useProblemFilter } from '../../shell/session.ts';
import { useEvery } from '../../shell/useEvery.ts';
import type { News } from './live.ts';
import { listObjects, type ObjectKind, type ObjectRow } from './source.ts';

/** How often it is read again while changes are told: at least, and at most. */
const TOLD_REFRESH_MS = 10_000;
const NEWS_MS = 2_000;
/** How often it is where they are not. */
export const OBJECTS_REFRESH_MS = 2_000;

interface Part {
  after: string | null;
  entries: ObjectRow[];
  next: string | null;
}

interface Held {
  of: string;
  parts: readonly Part[];
  problem: Problem | null;
}

export interface Told {
  news: News;
  /** Whether changes are told. */
  isLive: boolean;
}

export function useObjects(service: string, kind: ObjectKind | null, q: string, told: Told) {
  const of = `${service} ${kind} ${q}`;
  const [held, setHeld] = useState<Held>({ of, parts: [], problem: null });
  const filter = useRef(useProblemFilter());
  const { epoch } = useLine();
  const parts = held.of === of ? held.parts : [];
  const rows = useMemo(() => withoutRepeats(parts), [parts]);
  const next = parts.length === 0 ? '' : (parts.at(-1)?.next ?? null);
  const seen = useRef({ first: 0, last: 20 });
  const latest = useRef(parts);
  latest.current = parts;
  const busy = useRef('');
  const isAskedAgain = useRef(false);
  const wanted = useRef(of);
  wanted.current = of;

  const read = useCallback(
    async function read(after: string | null): Promise<boolean> {
      const name = `${of} ${after}`;
      if (busy.current === name) {
        // What is on its way may have been read before it changed.
        isAskedAgain.current = true;
        return true;
      }
      busy.current = name;
      isAskedAgain.current = false;
      try {
        const page = await overLine(listObjects(service, { kind, filter: q, after }));
        if (wanted.current !== of) return true;
        const part = { after, ...page };
        setHeld((known) => ({
          of,
          parts: placed(known.of === of ? known.parts : [], part),
          problem: null,
        }));
        return true;
      } catch (error) {
        const problem = filter.current(error);
        if (problem === null || problem.kind === 'unreachable' || wanted.current !== of) {
          return false;
        }
        setHeld((known) => ({ of, parts: known.of === of ? known.parts : [], problem }));
        return false;
      } finally {
        if (busy.current === name) {
          busy.current = '';
          if (isAskedAgain.current && wanted.current === of) void read(after);
        }
      }
    },
    [of, service, kind, q],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: a line that is back is read anew
  useEffect(() => void read(null), [read, epoch]);
  const refresh = useCallback(async (): Promise<boolean> => {
    let isWell = true;
    const looked = lookedAt(latest.current, seen.current).map(({ after }) => after);
    for (const after of looked.length === 0 ? [null] : looked) {
      isWell = (await read(after)) && isWell;
    }
    return isWell;
  }, [read]);
  useEvery(told.isLive ? TOLD_REFRESH_MS : OBJECTS_REFRESH_MS, refresh, of);
  useEffect(() => {
    const throttle = throttled(() => void refresh(), NEWS_MS);
    const stop = told.news.listen(throttle.ask);
    return () => {
      stop();
      throttle.stop();
    };
  }, [told.news, refresh]);

  const look = useCallback(
    (first: number, last: number) => {
      seen.current = { first, last };
      if (next !== null && next !== '' && last + 40 >= rows.length) void read(next);
    },
    [next, rows.length, read],
  );
  return {
    hasBegun: parts.length > 0,
    count: rows.length + (next === null ? 0 : 1),
    at: (row: number): ObjectRow | null => rows[row] ?? null,
    problem: held.of === of ? held.problem : null,
    look,
    rowOf: (sid: string) => rows.findIndex((row) => row.sid === sid),
    /** Takes out what is known to be gone. */
    drop: (sid: string) =>
      setHeld((known) => ({
        ...known,
        parts: known.parts.map((part) => ({
          ...part,
          entries: part.entries.filter((row) => row.sid !== sid),
        })),
      })),
    /** Reads again what is on the page, and the end, where something new would be. */
    renew: () => {
      for (const { after } of parts.slice(0, -1)) void read(after);
      void read(parts.at(-1)?.after ?? null);
    },
  };
}

function placed(parts: readonly Part[], part: Part): Part[] {
  const at = parts.findIndex(({ after }) => after === part.after);
  return at < 0 ? [...parts, part] : parts.with(at, part);
}

/** Where something went, the next page's first entry moved up and is there twice until it is read. */
function withoutRepeats(parts: readonly Part[]): ObjectRow[] {
  const rows = new Map<string, ObjectRow>();
  for (const { entries } of parts) for (const row of entries) rows.set(row.sid, row);
  return [...rows.values()];
}

function lookedAt(parts: readonly Part[], { first, last }: { first: number; last: number }) {
  let start = 0;
  return parts.filter(({ entries }) => {
    const [from, to] = [start, start + entries.length];
    start = to;
    return from <= last && to >= first;
  });
}

/** Does something when it is asked for, at once and then again at most so often. */
function throttled(work: () => void, everyMs: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAsked = false;
  const rest = () => {
    timer = undefined;
    if (!isAsked) return;
    isAsked = false;
    begin();
  };
  const begin = () => {
    work();
    timer = setTimeout(rest, everyMs);
  };
  return {
    ask() {
      if (timer === undefined) begin();
      else isAsked = true;
    },
    stop: () => clearTimeout(timer),
  };
}
