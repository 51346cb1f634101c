import { Button } from '@mantine/core';
import { Icon, type JsonNode, Status, writeJson } from '@sinew/ui';
import { useState } from 'react';
import { notify } from '../../shell/notices.ts';
import { FormDialog, JsonField } from './FormDialog.tsx';
import { type Changes, useListener } from './live.ts';
import styles from './StreamTab.module.css';
import { type Place, publish } from './source.ts';
import { t } from './strings.ts';
import tabStyles from './Tab.module.css';
import { instantText } from './time.ts';
import { useAttempt } from './useAttempt.ts';
import { parseValue } from './value.ts';

const MESSAGES_MAX = 200;

interface Message {
  id: number;
  at: string;
  data: JsonNode;
}

interface StreamTabProps {
  place: Place;
  isGone: boolean;
  changes: Changes;
}

/** What is published to a stream while one looks; nothing of it is kept anywhere. */
export function StreamTab({ place, isGone, changes }: StreamTabProps) {
  const [messages, setMessages] = useState<readonly Message[]>([]);
  useListener(changes, {
    onChanges(batch) {
      const at = new Date().toISOString();
      const published = batch.flatMap(({ data }) => (data === null ? [] : [data]));
      setMessages((known) => {
        const last = known[0]?.id ?? 0;
        const news = published.map((data, place) => ({ id: last + place + 1, at, data }));
        return [...news.reverse(), ...known].slice(0, MESSAGES_MAX);
      });
    },
    onMissed() {},
  });
  if (messages.length === 0) {
    return (
      <Status
        icon="stream"
        title={t('noMessagesTitle')}
        actions={!isGone && <Publish place={place} />}
      >
        <p>{t('noMessagesText')}</p>
      </Status>
    );
  }
  return (
    <div className={tabStyles.tab}>
      {!isGone && (
        <div>
          <Publish place={place} />
        </div>
      )}
      <ol className={styles.messages} aria-label={t('messages')}>
        {messages.map(({ id, at, data }) => (
          <li key={id}>
            <span className={styles.at}>{instantText(at)}</span>
            <pre>{writeJson(data)}</pre>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Publish({ place }: { place: Place }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button size="xs" leftSection={<Icon name="plus" size={14} />} onClick={() => setOpen(true)}>
        {t('publish')}
      </Button>
      {isOpen && <PublishDialog place={place} close={() => setOpen(false)} />}
    </>
  );
}

function PublishDialog({ place, close }: { place: Place; close(): void }) {
  const [text, setText] = useState('{}');
  const [wrong, setWrong] = useState<string | null>(null);
  const attempt = useAttempt();
  const submit = () => {
    const data = parseValue(text);
    if (typeof data === 'string') return setWrong(data);
    setWrong(null);
    void attempt.run(async () => {
      await publish(place, data);
      notify('success', t('published'));
      close();
    });
  };
  return (
    <FormDialog
      title={t('publish')}
      action={t('publishNow')}
      attempt={attempt}
      submit={submit}
      close={close}
    >
      <JsonField value={text} onChange={setText} error={wrong} isFirst />
    </FormDialog>
  );
}
