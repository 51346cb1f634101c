/**
 * The pages that stand in the desk's place when there is no desk to show.
 */
import { Button, Loader } from '@mantine/core';
import type { Session } from '@sinew/api';
import { StatusPage } from '@sinew/ui';
import { Link } from 'react-router';
import { t } from './strings.ts';

export function LoadingPage() {
  return (
    <main style={{ minHeight: '100dvh', display: 'grid', placeItems: 'center' }}>
      <Loader aria-label={t('loading')} role="status" />
    </main>
  );
}

export function UnreachablePage({ message, retry }: { message: string | null; retry(): void }) {
  return (
    <StatusPage
      icon="offline"
      title={message === null ? t('unreachableTitle') : t('brokenTitle')}
      actions={<Button onClick={retry}>{t('retry')}</Button>}
    >
      <p>{message === null ? t('unreachableText') : t('brokenText', { message })}</p>
    </StatusPage>
  );
}

export function NotAllowedPage({ session, signOut }: { session: Session; signOut(): void }) {
  return (
    <StatusPage
      icon="warning"
      title={t('notAllowedTitle')}
      actions={<Button onClick={signOut}>{t('signOut')}</Button>}
    >
      <p>{t('notAllowedText', { name: session.username })}</p>
    </StatusPage>
  );
}

export function NoDeskPage({ session, signOut }: { session: Session; signOut(): void }) {
  const isAgent = session.role === 'agent';
  const values = { name: session.username, role: t(session.role) };
  return (
    <StatusPage
      icon="person"
      title={isAgent ? t('noWorkerTitle') : t('noDeskTitle')}
      actions={<Button onClick={signOut}>{t('signOut')}</Button>}
    >
      <p>{isAgent ? t('noWorkerText', values) : t('noDeskText', values)}</p>
      {!isAgent && <p>{t('noDeskApi')}</p>}
    </StatusPage>
  );
}

export function UnknownPage() {
  return (
    <StatusPage
      icon="note"
      title={t('unknownTitle')}
      actions={
        <Button component={Link} to="/desk">
          {t('toDesk')}
        </Button>
      }
    >
      <p>{t('unknownText')}</p>
    </StatusPage>
  );
}

export function ReplacedPage({ useHere, signOut }: { useHere(): void; signOut(): void }) {
  return (
    <StatusPage
      icon="inbox"
      title={t('replacedTitle')}
      actions={
        <>
          <Button onClick={useHere}>{t('useHere')}</Button>
          <Button variant="default" onClick={signOut}>
            {t('signOut')}
          </Button>
        </>
      }
    >
      <p>{t('replacedText')}</p>
    </StatusPage>
  );
}
