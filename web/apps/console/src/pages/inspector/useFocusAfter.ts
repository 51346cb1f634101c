/**
 * Gives the focus to a button when what stood in its place is done.
 */
import { type RefObject, useEffect, useRef } from 'react';

export function useFocusAfter(isAway: boolean): RefObject<HTMLButtonElement | null> {
  const button = useRef<HTMLButtonElement>(null);
  const wasAway = useRef(false);
  useEffect(() => {
    if (wasAway.current && !isAway) button.current?.focus();
    wasAway.current = isAway;
  }, [isAway]);
  return button;
}
