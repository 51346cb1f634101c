/**
 * The items of a list or map on the page: read as they are looked at, followed as they change.
 */
import type { Problem } from '@sinew/api';
import { writeJson } from '@sinew/ui';
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { overLine, useLine } from '../../shell/line.ts';
import { useProblemFilter } from '../../shell/session.ts';
import { byIndex, byKey, LongList } from './long-list.ts';
import { type Change, type Item, listItems, type Place } from './source.ts';

/** What a row shows; values may be large, so only their beginning is kept. */
export interface ItemRow {
  key: string;
  preview: string;
  revision: string;
  updatedAt: string | null;
  /** When it changed before one's eyes. */
  changedAtMs: number | null;
}

const PREVIEW_CHARS = 240;

function rowOf(item: Item): ItemRow {
  return {
    key: item.key,
    preview: writeJson(item.data).slice(0, PREVIEW_CHARS),
    revision: item.revision,
    updatedAt: item.updatedAt,
    changedAtMs: null,
  };
}

export interface ItemsView {
  from: string | null;
  find: string;
  time: string | null;
}

export interface Items {
  list: LongList<ItemRow>;
  /** Changes with everything that changes in the list. */
  version: number;
  problem: Problem | null;
  isReading: boolean;
  look(first: number, last: number): void;
  apply(changes: readonly Change[]): void;
  /** Takes out what is known to be gone. */
  drop(key: string): void;
  /** Reads everything anew. */
  renew(): void;
}

/** `total` is how many items the object has, where it is known. */
export function useItems(place: Place, view: ItemsView, total: number | null): Items {
  const { service, kind, sid } = place;
  const { from, find, time } = view;
  const filter = useRef(useProblemFilter());
  const { epoch } = useLine();
  const [renewal, setRenewal] = useState(0);
  const isAll = from === null && find === '' && time === null;
  const count = useRef(total);
  count.current = isAll ? total : null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another view is another list
  const list = useMemo(
    () => new LongList<ItemRow>(kind === 'list' ? byIndex : byKey, count.current),
    [service, kind, sid, from, find, time, epoch, renewal],
  );
  const version = useSyncExternalStore(list.subscribe, list.version);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isReading, setReading] = useState(false);
  const window = useRef({ first: 0, last: 40 });
  const busy = useRef<LongList<ItemRow> | null>(null);

  const fill = useCallback(async () => {
    if (busy.current === list) return;
    busy.current = list;
    setReading(true);
    setProblem(null);
    try {
      for (;;) {
        const wanted = list.wanted(window.current.first, window.current.last);
        if (wanted === null || busy.current !== list) return;
        const order = wanted.end === 'head' ? 'asc' : 'desc';
        const query = { from, after: wanted.after, order, filter: find, time } as const;
        const page = await overLine(listItems({ service, kind, sid }, query));
        if (busy.current !== list) return;
        list.add(wanted.end, page.entries.map(rowOf), page.next);
      }
    } catch (error) {
      const found = filter.current(error);
      if (busy.current === list && found?.kind !== 'unreachable') setProblem(found);
    } finally {
      if (busy.current === list) {
        busy.current = null;
        setReading(false);
      }
    }
  }, [list, service, kind, sid, from, find, time]);

  useEffect(() => {
    void fill();
    return () => {
      busy.current = null;
    };
  }, [fill]);

  const look = useCallback(
    (first: number, last: number) => {
      window.current = { first, last };
      void fill();
    },
    [fill],
  );
  const apply = useCallback(
    (changes: readonly Change[]) => {
      for (const change of changes) applyChange(list, change, find);
    },
    [list, find],
  );
  const renew = useCallback(() => setRenewal((known) => known + 1), []);
  const drop = useCallback((key: string) => list.drop(key), [list]);
  return { list, version, problem, isReading, look, apply, drop, renew };
}

function applyChange(list: LongList<ItemRow>, change: Change, find: string): void {
  const { key, data } = change;
  if (key === null) return;
  if (change.kind.endsWith('_item_removed')) return list.drop(key);
  if (data === null) return;
  const preview = writeJson(data);
  const isShown = list.rowOf(key) !== null;
  const isFound = `${key} ${preview}`.toLowerCase().includes(find.toLowerCase());
  if (!isShown && !isFound) return;
  const isNew = change.kind.endsWith('_item_added');
  if (!isShown && !isNew) return;
  list.put({
    key,
    preview: preview.slice(0, PREVIEW_CHARS),
    revision: change.revision ?? '',
    updatedAt: new Date().toISOString(),
    changedAtMs: Date.now(),
  });
}
