import { NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { notify } from '../../shell/notices.ts';
import { FormDialog, JsonField, TtlField } from './FormDialog.tsx';
import { kindOf, objectPath } from './paths.ts';
import { createObject, KINDS, type ObjectKind } from './source.ts';
import { t } from './strings.ts';
import { ttlOf } from './ttl.ts';
import { useAttempt } from './useAttempt.ts';
import { useLook } from './useLook.ts';
import { parseValue } from './value.ts';

interface NewObjectDialogProps {
  service: string;
  /** What was looked at, and so is likely wanted. */
  kind: ObjectKind;
  made(): void;
  close(): void;
}

type Wrong = Partial<Record<'name' | 'data' | 'ttl', string>>;

/** Asks what a new object is to be, makes it and opens it. */
export function NewObjectDialog(props: NewObjectDialogProps) {
  const { service, made, close } = props;
  const navigate = useNavigate();
  const [look] = useLook();
  const [kind, setKind] = useState(props.kind);
  const [name, setName] = useState('');
  const [text, setText] = useState('{}');
  const [ttl, setTtl] = useState('');
  const [wrong, setWrong] = useState<Wrong>({});
  const attempt = useAttempt();

  async function submit() {
    const data = kind === 'document' ? parseValue(text) : null;
    if (typeof data === 'string') return setWrong({ data });
    const seconds = ttlOf(ttl);
    if (seconds === null) return setWrong({ ttl: t('ttlWrong') });
    setWrong({});
    const create = async () => {
      const { sid } = await createObject(service, kind, { name, data, ttl: seconds });
      notify('success', t('objectMade', { name: name === '' ? sid : name }));
      close();
      made();
      navigate(objectPath(service, sid, 'value', look));
    };
    await attempt.run(create, ({ status }) => {
      if (status === 409) setWrong({ name: t('nameTaken') });
      return status === 409;
    });
  }

  return (
    <FormDialog
      title={t('newObject')}
      action={t('create')}
      attempt={attempt}
      submit={() => void submit()}
      close={close}
    >
      <NativeSelect
        label={t('objectKind')}
        value={kind}
        onChange={({ currentTarget }) => setKind(kindOf(currentTarget.value) ?? kind)}
        data={KINDS.map((one) => ({ value: one, label: t(one) }))}
      />
      <TextInput
        label={t('uniqueName')}
        description={t('uniqueNameText')}
        value={name}
        data-autofocus
        autoComplete="off"
        spellCheck={false}
        error={wrong.name}
        onChange={({ currentTarget }) => setName(currentTarget.value)}
      />
      {kind === 'document' && (
        <JsonField value={text} onChange={setText} error={wrong.data ?? null} />
      )}
      <TtlField value={ttl} onChange={setTtl} error={wrong.ttl ?? null} />
    </FormDialog>
  );
}
