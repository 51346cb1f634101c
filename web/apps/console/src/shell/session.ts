/**
 * The session's end reaches the whole page, wherever it was noticed.
 */
import { Problem } from '@sinew/api';
import { createContext, useContext } from 'react';

export const SessionOver = createContext<() => void>(() => undefined);

/** Hands on that the session is over; everything else is for the caller to show. */
export function useProblemFilter(): (problem: unknown) => Problem | null {
  const onOver = useContext(SessionOver);
  return (problem) => {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.kind !== 'signed-out') return problem;
    onOver();
    return null;
  };
}
