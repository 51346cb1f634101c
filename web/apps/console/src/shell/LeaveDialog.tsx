import { Button, Group } from '@mantine/core';
import { Dialog } from '@sinew/ui';
import { useEffect } from 'react';
import { type Location, useBlocker } from 'react-router';
import { t } from './strings.ts';

interface LeaveDialogProps {
  opened: boolean;
  stay(): void;
  leave(): void;
}

/** Asks whoever would lose what they typed. */
export function LeaveDialog({ opened, stay, leave }: LeaveDialogProps) {
  return (
    <Dialog opened={opened} onClose={stay} title={t('leaveTitle')}>
      <p style={{ margin: 0 }}>{t('leaveText')}</p>
      <Group mt="lg" justify="flex-end">
        <Button variant="default" onClick={leave}>
          {t('leave')}
        </Button>
        <Button data-autofocus onClick={stay}>
          {t('stay')}
        </Button>
      </Group>
    </Dialog>
  );
}

interface LeaveGuardProps {
  /** Whether there is something to lose. */
  isUnsaved: boolean;
  /** Whether going there takes it off the page. */
  leaves(from: Location, to: Location): boolean;
  /** It is given up. */
  onLeave(): void;
}

/** Holds back whoever would leave something unsaved behind, within the page or out of it. */
export function LeaveGuard({ isUnsaved, leaves, onLeave }: LeaveGuardProps) {
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => isUnsaved && leaves(currentLocation, nextLocation),
  );
  useEffect(() => {
    if (!isUnsaved) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [isUnsaved]);
  return (
    <LeaveDialog
      opened={blocker.state === 'blocked'}
      stay={() => blocker.reset?.()}
      leave={() => {
        onLeave();
        blocker.proceed?.();
      }}
    />
  );
}
