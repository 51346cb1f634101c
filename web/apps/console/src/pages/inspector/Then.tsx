import { Status } from '@sinew/ui';
import type { ReactNode } from 'react';
import type { Remote } from '../../shell/useRemote.ts';
import { t } from './strings.ts';
import { Trouble } from './Trouble.tsx';

interface ThenProps<T> {
  then: Remote<T>;
  children(value: T): ReactNode;
}

/** Something as it was; or why that cannot be shown. */
export function Then<T>({ then, children }: ThenProps<T>) {
  const { value, problem } = then;
  if (value !== null) return children(value);
  if (problem === null) return <p>{t('loading')}</p>;
  if (problem.kind === 'not-found' || problem.kind === 'invalid') {
    const title = problem.kind === 'not-found' ? t('notYetTitle') : t('beforeJournalTitle');
    return (
      <Status icon="clock" title={title}>
        <p>{problem.message}</p>
      </Status>
    );
  }
  return <Trouble problem={problem} retry={() => void then.reload()} />;
}
