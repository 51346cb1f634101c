/**
 * The pages that stand in the desk's place when there is no desk to show.
 */
import { Button } from '@mantine/core';
import type { Session } from '@sinew/api';
import { StatusPage } from '@sinew/ui';
import { Link } from 'react-router';
import { t } from './strings.ts';

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
      actions={
        <>
          {session.role === 'admin' && (
            <Button component="a" href="/admin">
              {t('toConsole')}
            </Button>
          )}
          <Button variant={session.role === 'admin' ? 'default' : 'filled'} onClick={signOut}>
            {t('signOut')}
          </Button>
        </>
      }
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
