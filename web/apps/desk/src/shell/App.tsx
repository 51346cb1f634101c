import { Problem, readSession, type Session, signOut } from '@sinew/api';
import { FeaturesProvider, Slot } from '@sinew/plugin';
import { useCallback, useEffect, useState } from 'react';
import { Navigate, Route, Routes, useLocation, useMatch, useNavigate } from 'react-router';
import { Desk } from './Desk.tsx';
import { features } from './features.ts';
import { LoadingPage, NoDeskPage, UnknownPage, UnreachablePage } from './pages.tsx';
import { t } from './strings.ts';

/** How often a page that waits for the server asks again. */
const RETRY_MS = 4_000;

type Known =
  | { kind: 'asking' }
  | { kind: 'unreachable'; message: string | null }
  | { kind: 'nobody'; notice: string | null }
  | { kind: 'somebody'; session: Session };

/** Decides by address and session which page is shown. */
export function App() {
  const [known, setKnown] = useState<Known>({ kind: 'asking' });

  const ask = useCallback(async () => {
    setKnown(await askWho());
  }, []);
  useEffect(() => void ask(), [ask]);
  useEffect(() => {
    if (known.kind !== 'unreachable') return;
    const timer = setTimeout(() => void ask(), RETRY_MS);
    return () => clearTimeout(timer);
  }, [known, ask]);

  const onSignedIn = useCallback((session: Session) => setKnown({ kind: 'somebody', session }), []);
  const leave = useCallback(async () => {
    // Whatever the server says, this browser is done with the session.
    await signOut().catch(() => undefined);
    setKnown({ kind: 'nobody', notice: t('signedOut') });
  }, []);

  const onOver = useCallback(() => setKnown({ kind: 'nobody', notice: t('sessionOver') }), []);

  if (known.kind === 'asking') return <LoadingPage />;
  if (known.kind === 'unreachable') {
    return <UnreachablePage message={known.message} retry={() => void ask()} />;
  }
  const session = known.kind === 'somebody' ? known.session : null;
  const notice = known.kind === 'nobody' ? known.notice : null;
  return (
    <FeaturesProvider value={features}>
      <Routes>
        <Route
          path="/"
          element={<Entrance session={session} notice={notice} onSignedIn={onSignedIn} />}
        />
        <Route
          path="/desk/*"
          element={<Inside session={session} leave={leave} onOver={onOver} />}
        />
        <Route path="*" element={<UnknownPage />} />
      </Routes>
    </FeaturesProvider>
  );
}

interface EntranceProps {
  session: Session | null;
  notice: string | null;
  onSignedIn(session: Session): void;
}

function Entrance({ session, notice, onSignedIn }: EntranceProps) {
  const location = useLocation();
  const navigate = useNavigate();
  const target: unknown = location.state?.from;
  const goal = typeof target === 'string' && target.startsWith('/desk') ? target : '/desk';
  if (session !== null) return <Navigate to={goal} replace />;
  return (
    <Slot
      name="sign-in"
      notice={notice}
      onSignedIn={(signedIn) => {
        onSignedIn(signedIn);
        navigate(goal, { replace: true });
      }}
    />
  );
}

interface InsideProps {
  session: Session | null;
  leave(): Promise<void>;
  onOver(): void;
}

function Inside({ session, leave, onOver }: InsideProps) {
  const location = useLocation();
  const isDesk = useMatch('/desk') !== null;
  const isTask = useMatch('/desk/tasks/:taskSid') !== null;
  if (!isDesk && !isTask) return <UnknownPage />;
  if (session === null) return <Navigate to="/" replace state={{ from: location.pathname }} />;
  if (session.worker_sid === null) {
    return <NoDeskPage session={session} signOut={() => void leave()} />;
  }
  return <Desk session={session} onSignedOut={onOver} signOut={leave} />;
}

async function askWho(): Promise<Known> {
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
