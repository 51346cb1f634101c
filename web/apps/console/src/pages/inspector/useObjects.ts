/**
 * The objects of a service on the page: more as they are scrolled to, what is seen kept fresh.
 *
 * - A page is known by the token it begins at, so nothing is passed over when objects come and go.
 * - Only the pages that are looked at are read again.
 */
import type { Problem } from '@sinew/api';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { overLine, useLine } from '../../shell/line.ts';
import { useProblemFilter } from '../../shell/session.ts';
import { listObjects, type ObjectKind, type ObjectRow } from './source.ts';

/** What is listed is not pushed; it is read again this often. */
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

export function useObjects(service: string, kind: ObjectKind | null, q: string) {
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
  const wanted = useRef(of);
  wanted.current = of;

  const read = useCallback(
    async (after: string | null) => {
      const name = `${of} ${after}`;
      if (busy.current === name) return;
      busy.current = name;
      try {
        const page = await overLine(listObjects(service, { kind, filter: q, after }));
        if (wanted.current !== of) return;
        const part = { after, ...page };
        setHeld((known) => ({
          of,
          parts: placed(known.of === of ? known.parts : [], part),
          problem: null,
        }));
      } catch (error) {
        const problem = filter.current(error);
        if (problem === null || problem.kind === 'unreachable' || wanted.current !== of) return;
        setHeld((known) => ({ of, parts: known.of === of ? known.parts : [], problem }));
      } finally {
        if (busy.current === name) busy.current = '';
      }
    },
    [of, service, kind, q],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: a line that is back is read anew
  useEffect(() => void read(null), [read, epoch]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isOver = false;
    const again = async () => {
      if (!document.hidden) {
        for (const { after } of lookedAt(latest.current, seen.current)) await read(after);
      }
      if (!isOver) timer = setTimeout(again, OBJECTS_REFRESH_MS);
    };
    timer = setTimeout(again, OBJECTS_REFRESH_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [read]);

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
