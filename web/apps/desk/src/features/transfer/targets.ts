/** Whom a task can go to, by a part of the name, as it is typed. */
import { listTransferTargets, type TransferTargets } from '@sinew/api';
import { useEffect, useState } from 'react';

export type Targets =
  | { kind: 'loading' }
  | { kind: 'ready'; targets: TransferTargets }
  | { kind: 'failed' };

/** A pause in typing this long is the end of it. */
const TYPED_MS = 150;

export function useTargets(workspaceSid: string, search: string, isWanted: boolean): Targets {
  const [found, setFound] = useState<Targets>({ kind: 'loading' });
  useEffect(() => {
    if (!isWanted) return;
    let isCurrent = true;
    const read = async () => {
      try {
        const targets = await listTransferTargets(workspaceSid, search);
        if (isCurrent) setFound({ kind: 'ready', targets });
      } catch {
        if (isCurrent) setFound({ kind: 'failed' });
      }
    };
    const timer = setTimeout(() => void read(), search === '' ? 0 : TYPED_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [workspaceSid, search, isWanted]);
  return found;
}
