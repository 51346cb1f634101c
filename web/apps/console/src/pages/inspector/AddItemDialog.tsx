import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { notify } from '../../shell/notices.ts';
import { FormDialog, JsonField, TtlField } from './FormDialog.tsx';
import { addItem, type Place } from './source.ts';
import { t } from './strings.ts';
import { ttlOf } from './ttl.ts';
import { useAttempt } from './useAttempt.ts';
import { useLook } from './useLook.ts';
import { parseValue } from './value.ts';

type Wrong = Partial<Record<'key' | 'data' | 'ttl', string>>;

/** Asks for a new item's key, in a map, its value, and how long it is to live. */
export function AddItemDialog({ place, close }: { place: Place; close(): void }) {
  const [, setLook] = useLook();
  const [key, setKey] = useState('');
  const [text, setText] = useState('{}');
  const [ttl, setTtl] = useState('');
  const [wrong, setWrong] = useState<Wrong>({});
  const attempt = useAttempt();
  const isMap = place.kind === 'map';

  async function submit() {
    if (isMap && key === '') return setWrong({ key: t('keyMissing') });
    const data = parseValue(text);
    if (typeof data === 'string') return setWrong({ data });
    const seconds = ttlOf(ttl);
    if (seconds === null) return setWrong({ ttl: t('ttlWrong') });
    setWrong({});
    const add = async () => {
      const made = await addItem(place, isMap ? key : null, data, seconds);
      notify('success', t('added', { key: made.key }));
      close();
      setLook({ item: made.key });
    };
    await attempt.run(add, ({ status }) => {
      if (status === 409) setWrong({ key: t('keyTaken') });
      return status === 409;
    });
  }

  return (
    <FormDialog
      title={t('addTitle')}
      action={t('addItem')}
      attempt={attempt}
      submit={() => void submit()}
      close={close}
    >
      {isMap && (
        <TextInput
          label={t('key')}
          value={key}
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          error={wrong.key}
          onChange={({ currentTarget }) => setKey(currentTarget.value)}
        />
      )}
      <JsonField value={text} onChange={setText} error={wrong.data ?? null} isFirst={!isMap} />
      <TtlField value={ttl} onChange={setTtl} error={wrong.ttl ?? null} />
    </FormDialog>
  );
}
