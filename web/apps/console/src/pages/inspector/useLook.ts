/**
 * The part of the address that says what is looked for, and how to change it.
 *
 * - A change may come late, when somebody has typed and gone on: what is looked for in the list
 *   beside goes with them, and what was looked for where they were is over.
 */
import { useCallback } from 'react';
import { useHref, useLocation, useNavigate, useSearchParams } from 'react-router';
import { type Look, lookOf, withLook } from './paths.ts';

/** Changing replaces the address where only the view moves, so that Back leaves the page. */
export function useLook(): [Look, (change: Look, how?: 'push' | 'replace') => void] {
  const [search] = useSearchParams();
  const { pathname } = useLocation();
  const here = useHref(pathname);
  const navigate = useNavigate();
  const look = lookOf(search);
  const change = useCallback(
    (next: Look, how: 'push' | 'replace' = 'push') => {
      const { location } = window;
      const wanted = location.pathname === here ? next : besideOnly(next);
      if (Object.keys(wanted).length === 0) return;
      const now = lookOf(new URLSearchParams(location.search));
      // Without a path it is the one of now: this page may be about to make room for another.
      navigate({ search: withLook('', { ...now, ...wanted }) }, { replace: how === 'replace' });
    },
    [navigate, here],
  );
  return [look, change];
}

/** What is about the list beside. */
function besideOnly(look: Look): Look {
  return Object.fromEntries(
    Object.entries(look).filter(([name]) => name === 'kind' || name === 'q'),
  );
}
