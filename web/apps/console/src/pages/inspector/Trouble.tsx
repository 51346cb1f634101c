import { Button } from '@mantine/core';
import type { Problem } from '@sinew/api';
import { Status } from '@sinew/ui';
import type { ReactNode } from 'react';
import { t } from './strings.ts';

interface TroubleProps {
  problem: Problem;
  retry(): void;
  /** Where else one can go. */
  children?: ReactNode;
}

/** In place of what could not be read: why, and the way on. */
export function Trouble({ problem, retry, children }: TroubleProps) {
  return (
    <Status
      icon="warning"
      title={t('failedTitle')}
      actions={
        <>
          <Button onClick={retry}>{t('retry')}</Button>
          {children}
        </>
      }
    >
      <p>{t('failedText', { message: problem.message })}</p>
    </Status>
  );
}

/** Beside what could be read before and cannot be now. */
export function Stale({ problem }: { problem: Problem }) {
  return (
    <p role="status" style={{ margin: 0, color: 'var(--sinew-danger)' }}>
      {t('stale', { message: problem.message })}
    </p>
  );
}
