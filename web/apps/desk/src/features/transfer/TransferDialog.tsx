import { Alert, Button, Group, Radio, Stack, Text, TextInput } from '@mantine/core';
import type { TransferTargets } from '@sinew/api';
import { type TaskView, type TransferMode, useDesk, useDeskState } from '@sinew/plugin';
import { Dialog } from '@sinew/ui';
import { useState } from 'react';
import { t } from './strings.ts';
import styles from './Transfer.module.css';
import { type Targets, useTargets } from './targets.ts';

interface TransferDialogProps {
  task: TaskView;
  opened: boolean;
  onClose(): void;
}

export function TransferDialog({ task, opened, onClose }: TransferDialogProps) {
  return (
    <Dialog opened={opened} onClose={onClose} title={t('title', { title: task.title })}>
      {opened && <Form task={task} onClose={onClose} />}
    </Dialog>
  );
}

/** Made anew each time the dialog opens, so nothing chosen earlier is left. */
function Form({ task, onClose }: Omit<TransferDialogProps, 'opened'>) {
  const desk = useDesk();
  const workspaceSid = useDeskState((state) => state.worker?.workspaceSid ?? '');
  const [search, setSearch] = useState('');
  const [to, setTo] = useState('');
  const [mode, setMode] = useState<TransferMode>('WARM');
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);
  const targets = useTargets(workspaceSid, search.trim(), true);

  const send = async () => {
    if (to === '') return setRefusal(t('missing'));
    setRefusal(null);
    setSending(true);
    try {
      await desk.work.transfer(task.sid, to, mode);
      desk.notify('information', t('begun', { title: task.title }));
      onClose();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      setRefusal(t('refused', { why: named(why, to, targets) }));
      setSending(false);
    }
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Stack gap="md">
        <TextInput
          label={t('search')}
          placeholder={t('searchHint')}
          value={search}
          data-autofocus
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            setTo('');
          }}
        />
        <Choice targets={targets} to={to} onChoose={setTo} />
        <Radio.Group
          label={t('mode')}
          value={mode}
          onChange={(value) => setMode(value === 'COLD' ? 'COLD' : 'WARM')}
        >
          <Stack gap={8} mt={6}>
            <Radio value="WARM" label={t('warm')} description={t('warmHint')} />
            <Radio value="COLD" label={t('cold')} description={t('coldHint')} />
          </Stack>
        </Radio.Group>
        {refusal !== null && (
          <Alert color="red" variant="light" role="alert">
            {refusal}
          </Alert>
        )}
      </Stack>
      <Group mt="lg" justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('cancel')}
        </Button>
        <Button type="submit" loading={isSending}>
          {t('transfer')}
        </Button>
      </Group>
    </form>
  );
}

/** The server names what was chosen by its SID; whoever reads this chose it by its name. */
function named(sentence: string, sid: string, targets: Targets): string {
  if (targets.kind !== 'ready') return sentence;
  const { workers, task_queues: queues } = targets.targets;
  const name = [...workers, ...queues].find((one) => one.sid === sid)?.friendly_name;
  return name === undefined ? sentence : sentence.replace(new RegExp(`(\\w+ )?${sid}`), name);
}

interface ChoiceProps {
  targets: Targets;
  to: string;
  onChoose(sid: string): void;
}

function Choice({ targets, to, onChoose }: ChoiceProps) {
  if (targets.kind === 'loading') return <Text c="dimmed">{t('loading')}</Text>;
  if (targets.kind === 'failed') return <Text>{t('unavailable')}</Text>;
  const { workers, task_queues: queues, more_workers, more_task_queues } = targets.targets;
  const named = workers.map(({ sid, friendly_name, activity_name }) => ({
    sid,
    label: friendly_name,
    hint: activity_name,
  }));
  const plain = queues.map(({ sid, friendly_name }) => ({ sid, label: friendly_name, hint: null }));
  return (
    <Radio.Group label={t('to')} value={to} onChange={onChoose}>
      <div className={styles.list} data-testid="transfer-targets">
        {named.length + plain.length === 0 && <Text size="sm">{t('nobody')}</Text>}
        <Part title={t('workers')} entries={named} />
        <Part title={t('queues')} entries={plain} />
      </div>
      {hasMore({ more_workers, more_task_queues }) && (
        <Text size="sm" c="dimmed" mt={6}>
          {t('more')}
        </Text>
      )}
    </Radio.Group>
  );
}

function hasMore(found: Pick<TransferTargets, 'more_workers' | 'more_task_queues'>): boolean {
  return found.more_workers || found.more_task_queues;
}

interface PartProps {
  title: string;
  entries: readonly { sid: string; label: string; hint: string | null }[];
}

function Part({ title, entries }: PartProps) {
  if (entries.length === 0) return null;
  return (
    <>
      <h3 className={styles.part}>{title}</h3>
      <Stack gap={8}>
        {entries.map(({ sid, label, hint }) => (
          <Radio key={sid} value={sid} label={label} description={hint} />
        ))}
      </Stack>
    </>
  );
}
