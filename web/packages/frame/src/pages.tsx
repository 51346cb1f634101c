/**
 * The pages that stand in any page's place while the server is asked or cannot be.
 */
import { Button, Loader } from '@mantine/core';
import { StatusPage } from '@sinew/ui';
import { t } from './strings.ts';

export function LoadingPage({ label }: { label: string }) {
  return (
    <main style={{ minHeight: '100dvh', display: 'grid', placeItems: 'center' }}>
      <Loader aria-label={label} role="status" />
    </main>
  );
}

/** `message` is what the server answered, where it did. */
export function UnreachablePage({ message, retry }: { message: string | null; retry(): void }) {
  return (
    <StatusPage
      icon="offline"
      title={message === null ? t('unreachableTitle') : t('brokenTitle')}
      actions={<Button onClick={retry}>{t('retryPage')}</Button>}
    >
      <p>{message === null ? t('unreachableText') : t('brokenText', { message })}</p>
    </StatusPage>
  );
}
