import type { Session } from '@sinew/api';
import { LoadingPage } from '@sinew/frame';
import { DeskProvider, useDesk, useDeskState } from '@sinew/plugin';
import { useEffect, useState } from 'react';
import { useMatch, useNavigate } from 'react-router';
import { DeskStore } from './desk-store.ts';
import { features } from './features.ts';
import { useActionKeys } from './keys.ts';
import { Layout } from './Layout.tsx';
import { NotAllowedPage, ReplacedPage } from './pages.tsx';
import { t } from './strings.ts';

interface DeskProps {
  session: Session;
  onSignedOut(): void;
  signOut(): Promise<void>;
}

/** One signed-in worker's desk, from the first connection until signing out. */
export function Desk({ session, onSignedOut, signOut }: DeskProps) {
  const navigate = useNavigate();
  const taskSid = useMatch('/desk/tasks/:taskSid')?.params.taskSid ?? null;
  const [store] = useState(
    () =>
      new DeskStore({
        session,
        features,
        selectTask: (sid) => navigate(sid === null ? '/desk' : `/desk/tasks/${sid}`),
        onSignedOut,
        signOut,
      }),
  );
  useEffect(() => {
    store.start();
    return () => store.stop();
  }, [store]);
  useEffect(() => store.selectionMoved(taskSid), [store, taskSid]);
  return (
    <DeskProvider value={store}>
      <Shown store={store} />
    </DeskProvider>
  );
}

function Shown({ store }: { store: DeskStore }) {
  const desk = useDesk();
  const link = useDeskState((state) => state.link);
  const session = useDeskState((state) => state.session);
  const isKnown = useDeskState((state) => state.worker !== null);
  useActionKeys(desk);
  const leave = () => void desk.signOut();
  if (link.kind === 'replaced') {
    return <ReplacedPage useHere={() => desk.reconnect()} signOut={leave} />;
  }
  if (link.kind === 'refused') return <NotAllowedPage session={session} signOut={leave} />;
  if (!isKnown && link.kind === 'connecting') return <LoadingPage label={t('loading')} />;
  return <Layout store={store} />;
}
