import { Alert, Button, Text } from '@mantine/core';
import { type SlotProps, useDesk, useDeskState } from '@sinew/plugin';
import { useState } from 'react';
import { t } from './strings.ts';
import styles from './Transfer.module.css';

/** A transfer that is on its way, and the way back. */
export function TransferPanel({ task }: SlotProps['task.side']) {
  const desk = useDesk();
  const isBusy = useDeskState((state) => state.busy.has(task.sid));
  const [refusal, setRefusal] = useState<string | null>(null);
  if (task.transferTo === null || task.status !== 'accepted') return null;
  const takeBack = async () => {
    setRefusal(null);
    try {
      await desk.work.cancelTransfer(task.sid);
    } catch (error) {
      setRefusal(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <section className={styles.panel} aria-labelledby="transfer-waiting" data-testid="transferring">
      <h3 id="transfer-waiting">{t('waitingTitle')}</h3>
      <Text size="sm">{t('waiting')}</Text>
      {refusal !== null && (
        <Alert color="red" variant="light" mt="md" role="alert">
          {refusal}
        </Alert>
      )}
      <Button variant="default" mt="md" loading={isBusy} onClick={() => void takeBack()}>
        {t('takeBack')}
      </Button>
    </section>
  );
}
