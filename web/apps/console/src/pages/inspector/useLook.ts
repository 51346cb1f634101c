/**
 * The part of the address that says what is looked for, and how to change it.
 */
import { useCallback } from 'react';
import { useLocation, useNavigate, useSearchParams } from 'react-router';
import { type Look, lookOf, withLook } from './paths.ts';

/** Changing replaces the address where only the view moves, so that Back leaves the page. */
export function useLook(): [Look, (change: Look, how?: 'push' | 'replace') => void] {
  const [search] = useSearchParams();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const look = lookOf(search);
  const change = useCallback(
    (next: Look, how: 'push' | 'replace' = 'push') => {
      const now = lookOf(new URLSearchParams(window.location.search));
      navigate(withLook(pathname, { ...now, ...next }), { replace: how === 'replace' });
    },
    [navigate, pathname],
  );
  return [look, change];
}
