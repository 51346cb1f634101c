/**
 * Does something again and again, for as long as somebody looks.
 *
 * - A window nobody sees does nothing; as soon as it is seen, it is done at once.
 * - While the line is lost nothing is tried: whoever reads, reads anew when it is back.
 * - What fails is tried again after four seconds, then less and less often, up to once in half a
 *   minute.
 */
import { useEffect, useRef } from 'react';
import { useLine } from './line.ts';
import { useIsSeen } from './useIsSeen.ts';

export const SLOWEST_MS = 30_000;

/**
 * `work` says whether it went well; `of` names what it is about, and what went wrong with something
 * else does not count. `null` is never.
 */
export function useEvery(
  everyMs: number | null,
  work: () => Promise<boolean>,
  of: string | null = null,
): void {
  const latest = useRef(work);
  latest.current = work;
  const isSeen = useIsSeen();
  const isHeard = useLine().lostSinceMs === null;
  const wasHidden = useRef(false);
  const failures = useRef(0);
  const known = useRef(of);
  useEffect(() => {
    if (everyMs === null) return;
    if (known.current !== of) {
      known.current = of;
      failures.current = 0;
    }
    if (!isSeen) {
      wasHidden.current = true;
      return;
    }
    if (!isHeard) return;
    let timer: ReturnType<typeof setTimeout>;
    let isOver = false;
    const again = async () => {
      const isWell = await latest.current();
      if (isOver) return;
      failures.current = isWell ? 0 : failures.current + 1;
      later();
    };
    const later = () => {
      timer = setTimeout(() => void again(), pauseAfter(failures.current, everyMs));
    };
    if (wasHidden.current) {
      wasHidden.current = false;
      void again();
    } else later();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [everyMs, of, isSeen, isHeard]);
}

/** How long it is until the next try, after so many in a row that failed. */
function pauseAfter(failures: number, everyMs: number): number {
  return failures === 0 ? everyMs : Math.min(SLOWEST_MS, 2_000 * 2 ** failures);
}
