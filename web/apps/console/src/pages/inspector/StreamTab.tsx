import { type JsonNode, Status, writeJson } from '@sinew/ui';
import { useState } from 'react';
import { type Changes, useListener } from './live.ts';
import styles from './StreamTab.module.css';
import { t } from './strings.ts';
import tabStyles from './Tab.module.css';
import { instantText } from './time.ts';

const MESSAGES_MAX = 200;

interface Message {
  id: number;
  at: string;
  data: JsonNode;
}

/** What is published to a stream while one looks; nothing of it is kept anywhere. */
export function StreamTab({ changes }: { changes: Changes }) {
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
      <Status icon="stream" title={t('noMessagesTitle')}>
        <p>{t('noMessagesText')}</p>
      </Status>
    );
  }
  return (
    <ol className={`${tabStyles.tab} ${styles.messages}`} aria-label={t('messages')}>
      {messages.map(({ id, at, data }) => (
        <li key={id}>
          <span className={styles.at}>{instantText(at)}</span>
          <pre>{writeJson(data)}</pre>
        </li>
      ))}
    </ol>
  );
}
