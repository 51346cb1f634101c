import { Button, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import type { Problem } from '@sinew/api';
import { Icon, Status } from '@sinew/ui';
import { useCallback, useEffect, useRef, useState } from 'react';
import { Link, useOutletContext } from 'react-router';
import { overLine, useLine } from '../../shell/line.ts';
import { useProblemFilter } from '../../shell/session.ts';
import { removalText } from './Gone.tsx';
import { objectPath, servicePath } from './paths.ts';
import styles from './RemovedPane.module.css';
import { KIND_ICONS, type ServiceContext } from './ServicePage.tsx';
import { listRemoved, type Page, type Removal } from './source.ts';
import { t } from './strings.ts';
import { Stale, Trouble } from './Trouble.tsx';
import { useLook } from './useLook.ts';
import { useTitle } from './useTitle.ts';

/** What is gone of a service, the newest first; each can be opened as it was. */
export function RemovedPane() {
  const { service, about } = useOutletContext<ServiceContext>();
  const [look, setLook] = useLook();
  const { kind, q } = look;
  const find = look.find ?? '';
  const [typed, setTyped] = useState(find);
  const search = useDebouncedCallback((text: string) => setLook({ find: text }, 'replace'), 250);
  const { page, problem, isReading, more, again } = useRemoved(service, find);
  useTitle(t('removedObjects'), about?.name ?? service);
  return (
    <div className={styles.removed}>
      <div className={styles.top}>
        <Link
          className={styles.back}
          to={servicePath(service, look)}
          aria-label={t('backToObjects')}
        >
          <Icon name="back" />
        </Link>
        <h2>{t('removedObjects')}</h2>
        <Button size="xs" variant="default" onClick={again}>
          {t('refresh')}
        </Button>
      </div>
      <p className={styles.lead}>{t('removedLead')}</p>
      <TextInput
        type="search"
        size="sm"
        aria-label={t('removedFilter')}
        placeholder={t('objectFilterShort')}
        leftSection={<Icon name="search" size={16} />}
        value={typed}
        onChange={({ currentTarget: { value } }) => {
          setTyped(value);
          search(value);
        }}
      />
      {problem !== null && page !== null && <Stale problem={problem} />}
      {problem !== null && page === null && <Trouble problem={problem} retry={again} />}
      {page !== null && page.entries.length === 0 && page.next === null && (
        <Status icon="inbox" title={t(find === '' ? 'noneRemovedTitle' : 'noMatchTitle')}>
          <p>{find === '' ? t('noneRemovedText') : t('noRemovedMatch', { filter: find })}</p>
        </Status>
      )}
      <ul className={styles.list} aria-label={t('removedObjects')} aria-busy={isReading}>
        {page?.entries.map((one) => (
          <li key={one.sid}>
            <Link to={objectPath(service, one.sid, 'value', { kind, q })} className={styles.one}>
              <Icon name={KIND_ICONS[one.kind]} size={18} />
              <span className={styles.name} title={one.name ?? undefined}>
                {one.name ?? one.sid}
              </span>
              <span className={styles.facts}>
                {t(one.kind)} · {removalText(one)}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {page !== null && page.next !== null && (
        <Button variant="default" loading={isReading} onClick={more}>
          {t('older')}
        </Button>
      )}
    </div>
  );
}

/** What was read of it so far. */
function useRemoved(service: string, filter: string) {
  const of = `${service} ${filter}`;
  const [held, setHeld] = useState<{ of: string; page: Page<Removal> | null }>({ of, page: null });
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isReading, setReading] = useState(false);
  const signedOut = useRef(useProblemFilter());
  const wanted = useRef(of);
  wanted.current = of;
  const { epoch } = useLine();
  const read = useCallback(
    async (after: string | null) => {
      setReading(true);
      try {
        const page = await overLine(listRemoved(service, { kind: null, filter, after }));
        if (wanted.current !== of) return;
        setProblem(null);
        setHeld((known) => ({
          of,
          page:
            after === null || known.page === null || known.of !== of
              ? page
              : { ...page, entries: [...known.page.entries, ...page.entries] },
        }));
      } catch (error) {
        const found = signedOut.current(error);
        if (wanted.current === of && found?.kind !== 'unreachable') setProblem(found);
      } finally {
        setReading(false);
      }
    },
    [of, service, filter],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: a line that is back is read anew
  useEffect(() => void read(null), [read, epoch]);
  const page = held.of === of ? held.page : null;
  return {
    page,
    problem,
    isReading,
    more: () => void read(page?.next ?? null),
    again: () => void read(null),
  };
}
