import { Button, NativeSelect, Radio, Stack, Text, Textarea } from '@mantine/core';
import type { DispositionChoice } from '@sinew/api';
import { type SlotProps, type TaskView, useAction, useDeskState } from '@sinew/plugin';
import { Key } from '@sinew/ui';
import { useEffect, useRef } from 'react';
import { type Choices, loadChoices, useChoices } from './choices.ts';
import { changeDraft, type Draft, useDraft } from './drafts.ts';
import { t } from './strings.ts';
import styles from './WrapUpPanel.module.css';

/** Up to this many are all in sight; more go into a list. */
const MAX_IN_SIGHT = 7;

export function WrapUpPanel({ task }: SlotProps['task.side']) {
  return task.status === 'wrapping' ? <Panel key={task.taskSid} task={task} /> : null;
}

function Panel({ task }: { task: TaskView }) {
  const workspaceSid = useDeskState((state) => state.worker?.workspaceSid ?? '');
  const choices = useChoices(workspaceSid);
  const draft = useDraft(task.taskSid);
  const complete = useAction('CompleteTask', { sid: task.sid });
  const isBusy = useDeskState((state) => state.busy.has(task.sid));
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => void loadChoices(workspaceSid), [workspaceSid]);
  useEffect(() => {
    if (draft.isIncomplete) form.current?.querySelector<HTMLElement>('input, select')?.focus();
  }, [draft.isIncomplete]);
  // The button that began the wrap-up is gone; the first field takes its place.
  const isReady = choices.kind !== 'loading';
  useEffect(() => {
    const isAdrift =
      document.activeElement === document.body || document.activeElement?.tagName === 'H2';
    if (isReady && isAdrift) {
      form.current?.querySelector<HTMLElement>('input, select, textarea')?.focus();
    }
  }, [isReady]);

  return (
    <form
      ref={form}
      className={styles.panel}
      aria-labelledby="wrap-up-title"
      onSubmit={(event) => {
        event.preventDefault();
        complete?.invoke();
      }}
    >
      <h3 id="wrap-up-title">{t('title')}</h3>
      <Stack gap="md">
        <ChoiceField
          choices={choices}
          draft={draft}
          onChoose={(code) => changeDraft(task.taskSid, { code, isIncomplete: false })}
          onRetry={() => void loadChoices(workspaceSid)}
        />
        <Textarea
          label={t('note')}
          placeholder={t('notePlaceholder')}
          autosize
          minRows={3}
          maxRows={8}
          maxLength={1000}
          value={draft.note}
          onChange={(event) => changeDraft(task.taskSid, { note: event.currentTarget.value })}
        />
        <Button
          type="submit"
          disabled={complete === null || !complete.enabled}
          loading={isBusy}
          rightSection={complete?.shortcut && <Key name={complete.shortcut} />}
          aria-keyshortcuts={complete?.shortcut ?? undefined}
        >
          {t('complete')}
        </Button>
      </Stack>
    </form>
  );
}

interface ChoiceFieldProps {
  choices: Choices;
  draft: Draft;
  onChoose(code: string): void;
  onRetry(): void;
}

function ChoiceField({ choices, draft, onChoose, onRetry }: ChoiceFieldProps) {
  if (choices.kind === 'loading') return <Text c="dimmed">{t('loading')}</Text>;
  if (choices.kind === 'failed') {
    return (
      <div>
        <Text>{t('unavailable')}</Text>
        <Button size="xs" variant="default" mt="xs" onClick={onRetry}>
          {t('retry')}
        </Button>
      </div>
    );
  }
  const error = draft.isIncomplete ? t('missing') : undefined;
  const { list } = choices;
  if (list.length === 0) return null;
  return list.length <= MAX_IN_SIGHT ? (
    <Radios list={list} code={draft.code} error={error} onChoose={onChoose} />
  ) : (
    <NativeSelect
      label={t('disposition')}
      value={draft.code}
      error={error}
      onChange={(event) => onChoose(event.currentTarget.value)}
      data={[
        { value: '', label: t('choose') },
        ...list.map(({ code, label }) => ({ value: code, label })),
      ]}
    />
  );
}

interface RadiosProps {
  list: readonly DispositionChoice[];
  code: string;
  error: string | undefined;
  onChoose(code: string): void;
}

function Radios({ list, code, error, onChoose }: RadiosProps) {
  return (
    <Radio.Group label={t('disposition')} value={code} error={error} onChange={onChoose}>
      <Stack gap={8} mt={6}>
        {list.map((choice) => (
          <Radio key={choice.code} value={choice.code} label={choice.label} />
        ))}
      </Stack>
    </Radio.Group>
  );
}
