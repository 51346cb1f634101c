import { Button } from '@mantine/core';
import { type SlotProps, useAction } from '@sinew/plugin';
import { Key } from '@sinew/ui';
import { dialog } from './asked.ts';
import { TransferDialog } from './TransferDialog.tsx';

/** Asks whom the task goes to. */
export function TransferButton({ task, size }: SlotProps['task.actions']) {
  const transfer = useAction('TransferTask', { sid: task.sid });
  const asked = dialog.use();
  if (task.status !== 'accepted' || size === 'compact' || transfer === null) return null;
  return (
    <>
      <Button
        variant="default"
        disabled={!transfer.enabled}
        aria-haspopup="dialog"
        aria-keyshortcuts={transfer.shortcut ?? undefined}
        rightSection={transfer.shortcut && <Key name={transfer.shortcut} />}
        onClick={transfer.invoke}
      >
        {transfer.label}
      </Button>
      <TransferDialog task={task} opened={asked === task.sid} onClose={dialog.close} />
    </>
  );
}
