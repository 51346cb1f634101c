import { Alert, Button, PasswordInput, TextInput } from '@mantine/core';
import { Problem, type Session, signIn } from '@sinew/api';
import { type FormEvent, useRef, useState } from 'react';
import styles from './SignIn.module.css';
import { t } from './strings.ts';

/** Everything at the field it belongs to; the rest above the fields, read out at once. */
interface Trouble {
  username?: string;
  password?: string;
  form?: string;
}

interface SignInProps {
  onSignedIn(session: Session): void;
  /** Why somebody who was here before has to sign in again. */
  notice: string | null;
}

export function SignIn({ onSignedIn, notice }: SignInProps) {
  const [trouble, setTrouble] = useState<Trouble>({});
  const [busy, setBusy] = useState(false);
  const username = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const name = username.current?.value.trim() ?? '';
    const secret = password.current?.value ?? '';
    const missing: Trouble = {};
    if (name === '') missing.username = t('missingUsername');
    if (secret === '') missing.password = t('missingPassword');
    setTrouble(missing);
    if (missing.username) return username.current?.focus();
    if (missing.password) return password.current?.focus();
    setBusy(true);
    try {
      onSignedIn(await signIn(name, secret));
    } catch (problem) {
      setBusy(false);
      setTrouble({ form: explain(problem) });
      password.current?.select();
      password.current?.focus();
    }
  }

  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <p className={styles.product}>{t('product')}</p>
        <h1>{t('title')}</h1>
        {notice && !trouble.form && (
          <Alert color="blue" variant="light" mb="md" role="status">
            {notice}
          </Alert>
        )}
        {trouble.form && (
          <Alert color="red" variant="light" mb="md" role="alert">
            {trouble.form}
          </Alert>
        )}
        <form onSubmit={submit} noValidate>
          <TextInput
            ref={username}
            label={t('username')}
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            size="md"
            autoFocus
            error={trouble.username}
          />
          <PasswordInput
            ref={password}
            label={t('password')}
            name="password"
            autoComplete="current-password"
            size="md"
            mt="md"
            error={trouble.password}
          />
          <Button type="submit" fullWidth size="md" mt="xl" loading={busy}>
            {t('submit')}
          </Button>
        </form>
      </div>
    </main>
  );
}

function explain(problem: unknown): string {
  if (!(problem instanceof Problem)) return t('failed', { message: String(problem) });
  switch (problem.kind) {
    case 'signed-out':
      return t('wrong');
    case 'unreachable':
      return t('unreachable');
    case 'too-many':
      return t('tooMany');
    case 'not-allowed':
    case 'not-found':
    case 'invalid':
    case 'server':
      return t('failed', { message: problem.message });
  }
}
