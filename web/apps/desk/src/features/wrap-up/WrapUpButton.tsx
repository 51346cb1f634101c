import { Button } from '@mantine/core';
import { type SlotProps, useAction, useDeskState } from '@sinew/plugin';
import { Key } from '@sinew/ui';

/** Ends the work itself; what is left is to say how it ended. */
export function WrapUpButton({ task, size }: SlotProps['task.actions']) {
  const wrapUp = useAction('WrapupTask', { sid: task.sid });
  const isBusy = useDeskState((state) => state.busy.has(task.sid));
  if (task.status !== 'accepted' || size === 'compact' || wrapUp === null) return null;
  return (
    <Button
      variant="default"
      disabled={!wrapUp.enabled}
      loading={isBusy}
      aria-keyshortcuts={wrapUp.shortcut ?? undefined}
      rightSection={wrapUp.shortcut && <Key name={wrapUp.shortcut} />}
      onClick={wrapUp.invoke}
    >
      {wrapUp.label}
    </Button>
  );
}
