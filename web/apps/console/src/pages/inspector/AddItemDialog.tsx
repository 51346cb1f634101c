import { Alert, Button, Textarea, TextInput } from '@mantine/core';
import { Problem } from '@sinew/api';
import { Dialog, JsonSyntaxError, readJson } from '@sinew/ui';
import { type FormEvent, useState } from 'react';
import { overLine } from '../../shell/line.ts';
import { notify } from '../../shell/notices.ts';
import styles from './ItemPanel.module.css';
import { addItem, type Place } from './source.ts';
import { t } from './strings.ts';
import { useLook } from './useLook.ts';

interface Trouble {
  key?: string;
  data?: string;
  form?: string;
}

/** Asks for a new item's key, in a map, and value. */
export function AddItemDialog({ place, close }: { place: Place; close(): void }) {
  const [, setLook] = useLook();
  const [key, setKey] = useState('');
  const [text, setText] = useState('{}');
  const [trouble, setTrouble] = useState<Trouble>({});
  const [isBusy, setBusy] = useState(false);
  const isMap = place.kind === 'map';

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (isMap && key === '') return setTrouble({ key: t('keyMissing') });
    let data: ReturnType<typeof readJson>;
    try {
      data = readJson(text);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      const before = text.slice(0, error.at).split('\n');
      const column = (before.at(-1)?.length ?? 0) + 1;
      return setTrouble({ data: t('badJson', { line: before.length, column }) });
    }
    setBusy(true);
    try {
      const made = await overLine(addItem(place, isMap ? key : null, data));
      notify('success', t('added', { key: made.key }));
      close();
      setLook({ item: made.key });
    } catch (problem) {
      setBusy(false);
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 409) return setTrouble({ key: t('keyTaken') });
      setTrouble({
        form:
          problem.kind === 'unreachable'
            ? t('notSavedOffline')
            : t('notSaved', { message: problem.message }),
      });
    }
  }

  return (
    <Dialog opened onClose={close} title={t('addTitle')}>
      <form onSubmit={submit} noValidate>
        {trouble.form && (
          <Alert color="red" variant="light" mb="sm" role="alert">
            {trouble.form}
          </Alert>
        )}
        {isMap && (
          <TextInput
            label={t('key')}
            value={key}
            data-autofocus
            mb="sm"
            autoComplete="off"
            spellCheck={false}
            error={trouble.key}
            onChange={({ currentTarget }) => setKey(currentTarget.value)}
          />
        )}
        <Textarea
          label={t('editValue')}
          value={text}
          rows={6}
          spellCheck={false}
          data-autofocus={isMap ? undefined : true}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          error={trouble.data}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
        />
        <div className={styles.buttons}>
          <Button variant="default" onClick={close}>
            {t('cancel')}
          </Button>
          <Button type="submit" loading={isBusy}>
            {t('addItem')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
