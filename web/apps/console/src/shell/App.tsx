import { Button } from '@mantine/core';
import type { Session } from '@sinew/api';
import {
  AccountMenu,
  Header,
  LoadingPage,
  LostBanner,
  NoticeList,
  Page,
  SignIn,
  SkipLink,
  ThemeMenu,
  UnreachablePage,
  useWho,
} from '@sinew/frame';
import { Status, StatusPage } from '@sinew/ui';
import { useEffect, useRef, useState } from 'react';
import { Link, Navigate, NavLink, Route, Routes, useLocation } from 'react-router';
import { HeatPane } from '../pages/inspector/HeatPane.tsx';
import { ObjectPane } from '../pages/inspector/ObjectPane.tsx';
import { RemovedPane } from '../pages/inspector/RemovedPane.tsx';
import { ServicePage } from '../pages/inspector/ServicePage.tsx';
import { ServicesPage } from '../pages/inspector/ServicesPage.tsx';
import styles from './App.module.css';
import { LeaveDialog } from './LeaveDialog.tsx';
import { askAgain, useLine } from './line.ts';
import { dismiss, notify, useNotices } from './notices.ts';
import { SessionOver } from './session.ts';
import { t } from './strings.ts';
import { forgetAllUnsaved, hasUnsaved, unsavedOf } from './unsaved.ts';

/** Decides by session and role whether the console is shown, and by address which page of it. */
export function App() {
  const { who, ask, onSignedIn, leave, onOver } = useWho();
  switch (who.kind) {
    case 'asking':
      return <LoadingPage label={t('loading')} />;
    case 'unreachable':
      return <UnreachablePage message={who.message} retry={() => void ask()} />;
    case 'nobody':
      return <SignIn notice={who.notice} onSignedIn={onSignedIn} />;
    case 'somebody':
      if (who.session.role !== 'admin') {
        return <NotForYouPage session={who.session} signOut={() => void leave()} />;
      }
      return (
        <SessionOver value={onOver}>
          <Console session={who.session} signOut={() => void leave()} />
        </SessionOver>
      );
  }
}

interface ConsoleProps {
  session: Session;
  signOut(): void;
}

function Console({ session, signOut }: ConsoleProps) {
  // Before anything on the page looks for what it had kept.
  useState(() => unsavedOf(session.username));
  const [isAsking, setAsking] = useState(false);
  const content = useFocusKept();
  const leave = () => {
    forgetAllUnsaved();
    signOut();
  };
  return (
    <Page
      top={<Top session={session} signOut={() => (hasUnsaved() ? setAsking(true) : leave())} />}
      banner={<Lost />}
    >
      <main ref={content} id="content" tabIndex={-1} className={styles.main}>
        <Routes>
          <Route path="/" element={<Navigate to="/sync" replace />} />
          <Route path="/sync" element={<ServicesPage />} />
          <Route path="/sync/:service" element={<ServicePage />}>
            <Route index element={<HeatPane />} />
            <Route path="removed" element={<RemovedPane />} />
            <Route path=":object/:tab?" element={<ObjectPane />} />
          </Route>
          <Route path="*" element={<UnknownPage />} />
        </Routes>
      </main>
      <Notices />
      <LeaveDialog opened={isAsking} stay={() => setAsking(false)} leave={leave} />
    </Page>
  );
}

/**
 * Whoever goes elsewhere by something that is no longer there goes on at the new page's heading,
 * not before the first link of all.
 */
function useFocusKept() {
  const content = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const known = useRef(pathname);
  useEffect(() => {
    if (known.current === pathname) return;
    known.current = pathname;
    // A dialog that goes gives the focus back first.
    const timer = setTimeout(() => {
      if (document.activeElement !== document.body) return;
      const heading = content.current?.querySelector<HTMLElement>('h1');
      heading?.setAttribute('tabindex', '-1');
      (heading ?? content.current)?.focus({ preventScroll: true });
    }, 50);
    return () => clearTimeout(timer);
  }, [pathname]);
  return content;
}

function Top({ session, signOut }: ConsoleProps) {
  return (
    <>
      <SkipLink to="content">{t('skip')}</SkipLink>
      <Header
        start={
          <nav aria-label={t('pages')} className={styles.nav}>
            <NavLink to="/sync">{t('state')}</NavLink>
          </nav>
        }
        end={
          <>
            <ThemeMenu />
            <AccountMenu
              username={session.username}
              name={session.username}
              role={session.role}
              signOut={signOut}
            />
          </>
        }
      />
    </>
  );
}

function Lost() {
  const { lostSinceMs } = useLine();
  const wasLost = useRef(false);
  useEffect(() => {
    if (lostSinceMs !== null) wasLost.current = true;
    else if (wasLost.current) {
      wasLost.current = false;
      notify('success', t('restored'));
    }
  }, [lostSinceMs]);
  if (lostSinceMs === null) return null;
  return (
    <LostBanner
      sinceMs={lostSinceMs}
      now={Date.now}
      text={(time) => t('lostText', { time })}
      retry={() => void askAgain()}
    />
  );
}

function Notices() {
  return <NoticeList notices={useNotices()} dismiss={dismiss} />;
}

function NotForYouPage({ session, signOut }: ConsoleProps) {
  return (
    <StatusPage
      icon="warning"
      title={t('notForYouTitle')}
      actions={
        <>
          <Button component="a" href="/desk">
            {t('toDesk')}
          </Button>
          <Button variant="default" onClick={signOut}>
            {t('signOut')}
          </Button>
        </>
      }
    >
      <p>{t('notForYouText', { name: session.username, role: t(session.role) })}</p>
    </StatusPage>
  );
}

function UnknownPage() {
  return (
    <Status
      isPage
      icon="note"
      title={t('unknownTitle')}
      actions={
        <Button component={Link} to="/sync">
          {t('toState')}
        </Button>
      }
    >
      <p>{t('unknownText')}</p>
    </Status>
  );
}
