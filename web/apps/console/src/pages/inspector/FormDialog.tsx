import { Alert, Button, Textarea, TextInput } from '@mantine/core';
import { Dialog } from '@sinew/ui';
import type { FormEvent, ReactNode } from 'react';
import styles from './FormDialog.module.css';
import { t } from './strings.ts';
import { spanText, ttlOf } from './ttl.ts';
import type { Attempt } from './useAttempt.ts';

interface FormDialogProps {
  title: string;
  /** What is done, as the button says it. */
  action: string;
  /** Whether it takes something away for good. */
  isDanger?: boolean;
  attempt: Attempt;
  submit(): void;
  close(): void;
  /** Something else that may be done instead, away from the other buttons. */
  apart?: ReactNode;
  children: ReactNode;
}

/** Fields or a question over the page, with what went wrong above them. */
export function FormDialog(props: FormDialogProps) {
  const { title, action, isDanger = false, attempt, submit, close, apart, children } = props;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!attempt.isBusy) submit();
  };
  return (
    <Dialog opened onClose={close} title={title} isForm={!isDanger}>
      <form onSubmit={onSubmit} noValidate>
        {attempt.trouble !== null && (
          <Alert color="red" variant="light" mb="md" role="alert">
            {attempt.trouble}
          </Alert>
        )}
        <div className={styles.fields}>{children}</div>
        <div className={styles.buttons}>
          {apart !== undefined && <span className={styles.apart}>{apart}</span>}
          <Button variant="default" data-autofocus={isDanger ? true : undefined} onClick={close}>
            {t('cancel')}
          </Button>
          <Button
            type="submit"
            className={isDanger ? styles.danger : undefined}
            loading={attempt.isBusy}
          >
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface FieldProps {
  value: string;
  onChange(value: string): void;
  error: string | null;
  isFirst?: boolean;
}

/** A value as JSON. */
export function JsonField({ value, onChange, error, isFirst = false }: FieldProps) {
  return (
    <Textarea
      label={t('editValue')}
      value={value}
      rows={6}
      spellCheck={false}
      data-autofocus={isFirst ? true : undefined}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      error={error}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    />
  );
}

/** A time to live in seconds, said again for people. */
export function TtlField({ value, onChange, error, isFirst = false }: FieldProps) {
  const seconds = ttlOf(value);
  return (
    <TextInput
      label={t('ttl')}
      description={
        seconds === null || seconds === 0 ? t('ttlText') : t('ttlSpan', { span: spanText(seconds) })
      }
      placeholder={t('neverExpires')}
      inputMode="numeric"
      autoComplete="off"
      value={value}
      data-autofocus={isFirst ? true : undefined}
      error={error}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    />
  );
}
