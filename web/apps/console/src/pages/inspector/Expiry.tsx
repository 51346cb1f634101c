import { useState } from 'react';
import { notify } from '../../shell/notices.ts';
import styles from './Expiry.module.css';
import { FormDialog, TtlField } from './FormDialog.tsx';
import { t } from './strings.ts';
import { instantText } from './time.ts';
import { ttlOf } from './ttl.ts';
import { useAttempt } from './useAttempt.ts';

interface ExpiryProps {
  /** Of what, in words. */
  name: string;
  at: string | null;
  /** Sets how long it lives from now on, in seconds, 0 for ever; absent where it may not be. */
  set?: ((ttl: number) => Promise<void>) | undefined;
}

/** When something expires, and the way to change that. */
export function Expiry({ name, at, set }: ExpiryProps) {
  const [isAsking, setAsking] = useState(false);
  return (
    <span className={styles.expiry}>
      {at === null ? t('neverExpires') : t('expires', { time: instantText(at) })}
      {set !== undefined && (
        <button
          type="button"
          className={styles.change}
          aria-label={t('changeTtl', { name })}
          onClick={() => setAsking(true)}
        >
          {t('change')}
        </button>
      )}
      {isAsking && set !== undefined && (
        <TtlDialog name={name} at={at} set={set} close={() => setAsking(false)} />
      )}
    </span>
  );
}

interface TtlDialogProps {
  name: string;
  at: string | null;
  set(ttl: number): Promise<void>;
  close(): void;
}

function TtlDialog({ name, at, set, close }: TtlDialogProps) {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const attempt = useAttempt();
  const submit = async () => {
    const seconds = ttlOf(text);
    if (seconds === null) return setWrong(t('ttlWrong'));
    setWrong(null);
    await attempt.run(async () => {
      await set(seconds);
      notify('success', t('ttlSet', { name }));
      close();
    });
  };
  return (
    <FormDialog
      title={t('changeTtl', { name })}
      action={t('save')}
      attempt={attempt}
      submit={() => void submit()}
      close={close}
    >
      <p>{at === null ? t('ttlNone') : t('ttlNow', { time: instantText(at) })}</p>
      <TtlField value={text} onChange={setText} error={wrong} isFirst />
    </FormDialog>
  );
}
