import type { Session } from '@sinew/api';
import { LoadingPage, UnreachablePage, useWho } from '@sinew/frame';
import { FeaturesProvider, Slot } from '@sinew/plugin';
import { useEffect } from 'react';
import { Navigate, Route, Routes, useLocation, useMatch, useNavigate } from 'react-router';
import { Desk } from './Desk.tsx';
import { features } from './features.ts';
import { NoDeskPage, UnknownPage } from './pages.tsx';
import { t } from './strings.ts';

/** Decides by address and session which page is shown. */
export function App() {
  const { who, ask, onSignedIn, leave, onOver } = useWho();
  if (who.kind === 'asking') return <LoadingPage label={t('loading')} />;
  if (who.kind === 'unreachable') {
    return <UnreachablePage message={who.message} retry={() => void ask()} />;
  }
  const session = who.kind === 'somebody' ? who.session : null;
  const notice = who.kind === 'nobody' ? who.notice : null;
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
  if (session !== null)
    return isForConsole(session) ? <ToConsole /> : <Navigate to={goal} replace />;
  return (
    <Slot
      name="sign-in"
      notice={notice}
      onSignedIn={(signedIn) => {
        onSignedIn(signedIn);
        if (!isForConsole(signedIn)) navigate(goal, { replace: true });
      }}
    />
  );
}

/** An administrator who works no tasks begins in the console, which is a page of its own. */
function isForConsole(session: Session): boolean {
  return session.role === 'admin' && session.worker_sid === null;
}

function ToConsole() {
  useEffect(() => location.replace('/admin'), []);
  return <LoadingPage label={t('loading')} />;
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
