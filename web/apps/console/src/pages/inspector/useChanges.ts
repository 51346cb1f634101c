/**
 * Follows an object's changes while it is looked at, or those of a whole service.
 *
 * - A hot object changes thousands of times a second: changes are handed on in batches.
 * - A window nobody looks at follows nothing: browsers allow few open lines to one server. What
 *   it missed is read when it is looked at again.
 */
import { followHappenings } from '@sinew/api';
import { useEffect, useRef, useState } from 'react';
import { askAgain, lineHeard, useLine } from '../../shell/line.ts';
import { useIsSeen } from '../../shell/useIsSeen.ts';
import { type Change, eventsPath, type Place, readChange, serviceEventsPath } from './source.ts';

const BATCH_MS = 120;

export type Following = 'opening' | 'live' | 'lost' | 'over';

interface Handlers {
  onChanges(changes: readonly Change[]): void;
  /** Some changes were not heard: what is known may be out of date. */
  onMissed(): void;
  /** Something of the same service changed. */
  onNews(): void;
}

/** `begin` is the newest event in what was read of the place; `null` where that is not known. */
export function useChanges(
  place: Place | null,
  begin: string | null,
  handlers: Handlers,
): Following {
  const latest = useRef(handlers);
  latest.current = handlers;
  const heard = useRef({ sid: place?.sid, id: begin });
  if (heard.current.sid !== place?.sid) heard.current = { sid: place?.sid, id: begin };
  const [following, setFollowing] = useState<Following>('opening');
  const isSeen = useIsSeen();
  const { epoch } = useLine();
  const { service, kind, sid } = place ?? {};

  // biome-ignore lint/correctness/useExhaustiveDependencies: a line that is back is opened anew
  useEffect(() => {
    if (service === undefined || kind === undefined || sid === undefined || !isSeen) return;
    const here: Place = { service, kind, sid };
    let batch: Change[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      const changes = batch;
      batch = [];
      if (changes.length > 0) latest.current.onChanges(changes);
    };
    setFollowing('opening');
    const stop = followHappenings({
      path: (after) => eventsPath(here, after),
      after: heard.current.id,
      onHappening({ id, name, data }) {
        heard.current.id = id ?? heard.current.id;
        if (name === 'object' || name === 'objects_lost') return latest.current.onNews();
        if (name === 'lost') return latest.current.onMissed();
        if (name !== 'change') return;
        batch.push(readChange(data));
        timer ??= setTimeout(flush, BATCH_MS);
      },
      onLine(state) {
        setFollowing(state);
        // The stream may have ended while all else is well: the server says which.
        if (state === 'lost') return void askAgain();
        lineHeard();
        latest.current.onNews();
        if (heard.current.id === null) latest.current.onMissed();
      },
      onRefused: () => setFollowing('over'),
    });
    return () => {
      stop();
      clearTimeout(timer);
      // What was heard and not handed on yet is not heard again.
      flush();
    };
  }, [service, kind, sid, isSeen, epoch]);
  return following;
}

/** Whether it is heard that objects of a service change. `isWanted` is false while another line says so. */
export function useServiceNews(service: string, isWanted: boolean, onNews: () => void): boolean {
  const latest = useRef(onNews);
  latest.current = onNews;
  const [isLive, setLive] = useState(false);
  const isSeen = useIsSeen();
  const { epoch } = useLine();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a line that is back is opened anew
  useEffect(() => {
    if (!isWanted || !isSeen) return;
    const stop = followHappenings({
      path: () => serviceEventsPath(service),
      onHappening: () => latest.current(),
      onLine(state) {
        setLive(state === 'live');
        if (state === 'lost') return void askAgain();
        lineHeard();
        // What changed before the line was there was not heard.
        latest.current();
      },
      onRefused: () => setLive(false),
    });
    return () => {
      stop();
      setLive(false);
    };
  }, [service, isWanted, isSeen, epoch]);
  return isLive;
}
