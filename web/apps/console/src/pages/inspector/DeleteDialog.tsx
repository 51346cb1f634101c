import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { FormDialog } from './FormDialog.tsx';
import { t } from './strings.ts';
import { useAttempt } from './useAttempt.ts';

interface DeleteDialogProps {
  title: string;
  text: string;
  /** What the button says; without it, that it is deleted. */
  action?: string;
  /** What must be typed, where a great deal is lost. */
  word?: string;
  /** Does it, and says so. */
  work(): Promise<void>;
  close(): void;
}

/** Asks whether something is really to go. */
export function DeleteDialog({ title, text, action, word, work, close }: DeleteDialogProps) {
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const attempt = useAttempt();
  const submit = () => {
    if (word !== undefined && typed.trim() !== word) return setWrong(t('wordWrong', { word }));
    setWrong(null);
    void attempt.run(async () => {
      await work();
      close();
    });
  };
  return (
    <FormDialog
      title={title}
      action={action ?? t('delete')}
      isDanger
      attempt={attempt}
      submit={submit}
      close={close}
    >
      <p>{text}</p>
      {word !== undefined && (
        <TextInput
          label={t('wordLabel', { word })}
          value={typed}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          error={wrong}
          onChange={({ currentTarget }) => setTyped(currentTarget.value)}
        />
      )}
    </FormDialog>
  );
}
