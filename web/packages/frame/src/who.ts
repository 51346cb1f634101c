/**
 * Who is at this browser, as the server knows them.
 */
import { Problem, readSession, type Session, signOut } from '@sinew/api';
import { useCallback, useEffect, useState } from 'react';
import { t } from './strings.ts';

export type Who =
  | { kind: 'asking' }
  | { kind: 'unreachable'; message: string | null }
  | { kind: 'nobody'; notice: string | null }
  | { kind: 'somebody'; session: Session };

/** How often a page that waits for the server asks again. */
const RETRY_MS = 4_000;

export function useWho() {
  const [who, setWho] = useState<Who>({ kind: 'asking' });

  const ask = useCallback(async () => {
    setWho(await askWho());
  }, []);
  useEffect(() => void ask(), [ask]);
  useEffect(() => {
    if (who.kind !== 'unreachable') return;
    const timer = setTimeout(() => void ask(), RETRY_MS);
    return () => clearTimeout(timer);
  }, [who, ask]);

  const onSignedIn = useCallback((session: Session) => setWho({ kind: 'somebody', session }), []);
  const leave = useCallback(async () => {
    // Whatever the server says, this browser is done with the session.
    await signOut().catch(() => undefined);
    setWho({ kind: 'nobody', notice: t('signedOut') });
  }, []);
  const onOver = useCallback(() => setWho({ kind: 'nobody', notice: t('sessionOver') }), []);

  return { who, ask, onSignedIn, leave, onOver };
}

async function askWho(): Promise<Who> {
  try {
    return { kind: 'somebody', session: await readSession() };
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.kind === 'signed-out') return { kind: 'nobody', notice: null };
    return {
      kind: 'unreachable',
      message: problem.kind === 'unreachable' ? null : problem.message,
    };
  }
}
