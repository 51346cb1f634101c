import { Button } from '@mantine/core';
import type { Problem } from '@sinew/api';
import { type JsonNode, Status, writeJson } from '@sinew/ui';
import { useCallback, useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import { overLine, useLine } from '../../shell/line.ts';
import { useProblemFilter } from '../../shell/session.ts';
import styles from './HistoryTab.module.css';
import { type Changes, useListener } from './live.ts';
import { type Look, objectPath } from './paths.ts';
import { type History, type HistoryEntry, type Place, readHistory } from './source.ts';
import { t } from './strings.ts';
import tabStyles from './Tab.module.css';
import { Trouble } from './Trouble.tsx';
import { instantText } from './time.ts';
import { useLook } from './useLook.ts';

/** What is pushed is gathered this long before the journal is asked. */
const GATHER_MS = 500;

interface HistoryTabProps {
  place: Place;
  changes: Changes;
  /** There is nothing at this address any more, so nothing of an earlier moment to go to. */
  isGone?: boolean;
}

/** At the end of an object there is nothing to see but what was there to the last. */
function lookAt({ kind, at, key }: HistoryEntry, place: Place): Look {
  return kind === `${place.kind}_removed` ? {} : { at, item: key };
}

/** What happened to an object, newest first, as far as the journal reaches. */
export function HistoryTab({ place, changes, isGone = false }: HistoryTabProps) {
  const [{ key }, setLook] = useLook();
  const { history, problem, more, isReading } = useHistory(place, key ?? null, changes);
  if (history === null) {
    if (problem === null) return <p className={styles.loading}>{t('loading')}</p>;
    return <Trouble problem={problem} retry={() => void more()} />;
  }
  return (
    <div className={tabStyles.tab}>
      {key && (
        <p className={styles.only}>
          {t('historyOf', { key })}{' '}
          <Button size="xs" variant="default" onClick={() => setLook({ key: null })}>
            {t('historyOfAll')}
          </Button>
        </p>
      )}
      {history.entries.length === 0 && (
        <Status icon="clock" title={t('noHistoryTitle')}>
          <p>{t('noHistoryText')}</p>
        </Status>
      )}
      <ol className={styles.entries} aria-label={t('history')}>
        {history.entries.map((entry) => (
          <Entry key={entry.id} place={place} entry={entry} isGone={isGone} />
        ))}
      </ol>
      <div className={styles.end}>
        {history.next !== null && (
          <Button variant="default" loading={isReading} onClick={() => void more()}>
            {t('older')}
          </Button>
        )}
        {history.reachesTo !== null && (
          <p className={tabStyles.facts}>
            {t('historyReaches', { time: instantText(history.reachesTo) })}
          </p>
        )}
      </div>
    </div>
  );
}

function Entry(props: { place: Place; entry: HistoryEntry; isGone: boolean }) {
  const { place, entry, isGone } = props;
  const look = lookAt(entry, place);
  return (
    <li className={styles.entry} data-kind={entry.kind}>
      <span className={styles.at}>{instantText(entry.at)}</span>
      <div className={styles.what}>
        <span>
          <strong>{entry.kind.replaceAll('_', ' ')}</strong>
          <span className={styles.key}>{entry.key ?? entry.identity}</span>
        </span>
        <span className={styles.by}>
          {[
            ...(entry.revision === null ? [] : [t('revision', { revision: entry.revision })]),
            ...(entry.by === null
              ? []
              : [entry.by === 'system' ? t('overRest') : t('by', { who: entry.by })]),
          ].join(' · ')}
        </span>
        {entry.data !== null && <Value data={entry.data} />}
      </div>
      {!isGone && (
        <Link className={styles.then} to={objectPath(place.service, place.sid, 'value', look)}>
          {t(look.at ? 'seeThen' : 'seeLast')}{' '}
          <span className={styles.hidden}>{instantText(entry.at)}</span>
        </Link>
      )}
    </li>
  );
}

/** Short values at once, long ones on demand. */
function Value({ data }: { data: JsonNode }) {
  const text = writeJson(data);
  if (text.length <= 120) return <code className={styles.value}>{text}</code>;
  return (
    <details className={styles.details}>
      <summary>
        <code>{text.slice(0, 120)}…</code>
      </summary>
      <pre className={styles.value}>{writeJson(data, '  ')}</pre>
    </details>
  );
}

function useHistory(place: Place, key: string | null, changes: Changes) {
  const { service, kind, sid } = place;
  const of = `${service} ${sid} ${key}`;
  const [held, setHeld] = useState<{ of: string; history: History | null }>({ of, history: null });
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isReading, setReading] = useState(false);
  const filter = useRef(useProblemFilter());
  const { epoch } = useLine();
  const history = held.of === of ? held.history : null;

  const read = useCallback(
    async (before: string | null) => {
      setReading(true);
      try {
        const page = await overLine(readHistory({ service, kind, sid }, { key, before }));
        setProblem(null);
        setHeld((known) => ({
          of,
          history: joined(known.of === of ? known.history : null, page, before),
        }));
      } catch (error) {
        const found = filter.current(error);
        if (found?.kind !== 'unreachable') setProblem(found);
      } finally {
        setReading(false);
      }
    },
    [of, service, kind, sid, key],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: a line that is back is read anew
  useEffect(() => void read(null), [read, epoch]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const again = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void read(null);
    }, GATHER_MS);
  };
  useListener(changes, { onChanges: again, onMissed: again });
  return { history, problem, isReading, more: () => read(history?.next ?? null) };
}

/** A page put to what is known: older below; or news above, as long as they meet. */
function joined(known: History | null, page: History, before: string | null): History {
  if (known === null) return page;
  if (before !== null) return { ...page, entries: [...known.entries, ...page.entries] };
  const seen = new Set(known.entries.map(({ id }) => id));
  const news = page.entries.filter(({ id }) => !seen.has(id));
  // Too much happened meanwhile: what lies between is not known, so it begins anew.
  if (news.length === page.entries.length && news.length > 0) return page;
  return { ...known, reachesTo: page.reachesTo, entries: [...news, ...known.entries] };
}
