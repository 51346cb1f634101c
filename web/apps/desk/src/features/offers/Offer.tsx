import { Button } from '@mantine/core';
import { type ActionHandle, type SlotProps, useAction, useDesk, useDeskState } from '@sinew/plugin';
import { Countdown, Key, useNow } from '@sinew/ui';
import styles from './Offer.module.css';
import { t } from './strings.ts';

/** Accept and reject. */
export function OfferActions({ task, size }: SlotProps['task.actions']) {
  const payload = { sid: task.sid };
  const accept = useAction('AcceptTask', payload);
  const reject = useAction('RejectTask', payload);
  const isBusy = useDeskState((state) => state.busy.has(task.sid));
  if (task.status !== 'pending' || accept === null || reject === null) return null;
  const button = (action: ActionHandle, variant: 'filled' | 'default') => (
    <Button
      variant={variant}
      size={size === 'compact' ? 'xs' : 'sm'}
      disabled={!action.enabled}
      aria-disabled={isBusy}
      aria-label={size === 'compact' ? `${action.label}: ${task.title}` : undefined}
      aria-keyshortcuts={action.shortcut ?? undefined}
      rightSection={size === 'full' && action.shortcut && <Key name={action.shortcut} />}
      onClick={action.invoke}
    >
      {action.label}
    </Button>
  );
  return (
    <>
      {button(accept, 'filled')}
      {button(reject, 'default')}
    </>
  );
}

/** How long there is to answer, large. */
export function OfferPanel({ task }: SlotProps['task.side']) {
  const desk = useDesk();
  const isOver = useNow(() => desk.now() >= task.expiresAtMs);
  if (task.status !== 'pending') return null;
  return (
    <div className={styles.panel} data-testid="offer">
      <Countdown
        startMs={task.offeredAtMs}
        endMs={task.expiresAtMs}
        now={desk.now}
        label={t('left')}
        size={64}
      />
      <div>
        <h3>{isOver ? t('over') : t('offered')}</h3>
        <p>{isOver ? t('overHint') : t('hint')}</p>
      </div>
    </div>
  );
}

/** The same in the list, small. */
export function OfferItem({ task }: SlotProps['task.item']) {
  const desk = useDesk();
  if (task.status !== 'pending') return null;
  return (
    <Countdown
      startMs={task.offeredAtMs}
      endMs={task.expiresAtMs}
      now={desk.now}
      label={t('left')}
      size={44}
    />
  );
}
