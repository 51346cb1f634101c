/**
 * Something tried on the server on behalf of a form: whether it goes on, and why it went wrong.
 */
import type { Problem } from '@sinew/api';
import { useState } from 'react';
import { overLine } from '../../shell/line.ts';
import { useProblemFilter } from '../../shell/session.ts';
import { t } from './strings.ts';

export interface Attempt {
  isBusy: boolean;
  trouble: string | null;
  /** Says what is wrong before the server is asked. */
  complain(trouble: string | null): void;
  /**
   * Tries; `true` is that it went well. `explain` may say by itself what a refusal means, and
   * where.
   */
  run(work: () => Promise<void>, explain?: (problem: Problem) => boolean): Promise<boolean>;
}

export function useAttempt(): Attempt {
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const filter = useProblemFilter();
  return {
    isBusy,
    trouble,
    complain: setTrouble,
    async run(work, explain) {
      setTrouble(null);
      setBusy(true);
      try {
        await overLine(work());
        return true;
      } catch (error) {
        setBusy(false);
        const problem = filter(error);
        if (problem !== null && explain?.(problem) !== true) setTrouble(troubleText(problem));
        return false;
      }
    },
  };
}

/** Why something was not written, in words. */
export function troubleText(problem: Problem): string {
  return problem.kind === 'unreachable'
    ? t('notSavedOffline')
    : t('notSaved', { message: problem.message });
}
