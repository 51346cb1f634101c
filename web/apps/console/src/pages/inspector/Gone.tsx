import { Icon, Status } from '@sinew/ui';
import { useEffect, useRef, useState } from 'react';
import { Link, useNavigationType } from 'react-router';
import { useRemote } from '../../shell/useRemote.ts';
import { CopySid } from './CopySid.tsx';
import { GoneDocument } from './DocumentTab.tsx';
import { HistoryTab } from './HistoryTab.tsx';
import { ItemsTab } from './ItemsTab.tsx';
import { Changes } from './live.ts';
import styles from './ObjectPane.module.css';
import { objectPath, removedPath, servicePath, type Tab } from './paths.ts';
import { KIND_ICONS } from './ServicePage.tsx';
import {
  LAST,
  type Place,
  type Removal,
  readHistory,
  readObjectAt,
  readRemoval,
} from './source.ts';
import { t } from './strings.ts';
import { Then } from './Then.tsx';
import { Trouble } from './Trouble.tsx';
import { instantText } from './time.ts';
import { useLook } from './useLook.ts';

interface GoneProps {
  place: Place;
  tab: Tab;
  /** Whether somebody came here from the object as it was on the page. */
  isLed?: boolean;
}

/** Nothing is there; what was, as far as the journal tells of it. */
export function Gone({ place, tab, isLed = false }: GoneProps) {
  const removal = useRemote(`removal ${place.service} ${place.sid}`, () => readRemoval(place));
  if (removal.value !== null) {
    return <GoneObject place={place} tab={tab} removal={removal.value} isLed={isLed} />;
  }
  if (removal.problem === null) return <p className={styles.loading}>{t('loading')}</p>;
  if (removal.problem.kind === 'not-found') return <Unknown place={place} />;
  return <Trouble problem={removal.problem} retry={() => void removal.reload()} />;
}

interface GoneObjectProps extends Required<GoneProps> {
  removal: Removal;
}

/** What an object was to the last, and what led there. */
function GoneObject({ place, tab, removal, isLed }: GoneObjectProps) {
  const [changes] = useState(() => new Changes());
  const title = useRef<HTMLHeadingElement>(null);
  const isOpened = useNavigationType() === 'PUSH' || isLed;
  // Whoever opened it goes on reading here; a page that was opened at this address is left alone.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when it is opened
  useEffect(() => {
    const isAdrift = document.activeElement === document.body;
    if (isOpened && isAdrift) title.current?.focus({ preventScroll: true });
  }, []);
  const [{ kind: listed, q }] = useLook();
  const { service, sid, kind } = place;
  const hasValue = kind !== 'stream';
  return (
    <article className={styles.object}>
      <header className={styles.head}>
        <Link
          className={styles.back}
          to={removedPath(service, { kind: listed, q })}
          aria-label={t('backToRemoved')}
        >
          <Icon name="back" />
        </Link>
        <span className={styles.icon}>
          <Icon name={KIND_ICONS[kind]} />
        </span>
        <h2 ref={title} tabIndex={-1} className={styles.title} title={removal.name ?? undefined}>
          {removal.name ?? sid}
        </h2>
        <span className={styles.live} data-testid="following" data-following="gone">
          {t(removal.because)}
        </span>
        <CopySid sid={sid} />
        <ul className={styles.facts}>
          <li>{t(kind)}</li>
          <li>{t('created', { time: instantText(removal.createdAt) })}</li>
          <li>{removalText(removal)}</li>
        </ul>
      </header>
      <p className={styles.gone}>{t(hasValue ? 'goneText' : 'goneStreamText')}</p>
      <nav className={styles.tabs} aria-label={t('views')}>
        {(['value', 'history'] as const).map((one) => (
          <Link
            key={one}
            to={objectPath(service, sid, one, { kind: listed, q })}
            aria-current={one === tab ? 'page' : undefined}
          >
            {t(one === 'value' ? 'lastState' : 'history')}
          </Link>
        ))}
      </nav>
      <div className={styles.body}>
        {tab === 'history' ? (
          <HistoryTab place={place} changes={changes} isGone={!hasValue} />
        ) : kind === 'document' ? (
          <GoneDocument place={place} removal={removal} />
        ) : hasValue ? (
          <GoneItems place={place} removal={removal} />
        ) : (
          <Status icon="stream" title={t('noMessagesTitle')}>
            <p>{t('noMessagesKept')}</p>
          </Status>
        )}
      </div>
    </article>
  );
}

/** The items there were: how many is known once the journal was read. */
function GoneItems({ place, removal }: { place: Place; removal: Removal }) {
  const [changes] = useState(() => new Changes());
  const then = useRemote(`last ${place.service} ${place.sid}`, () => readObjectAt(place, LAST));
  return (
    <Then then={then}>
      {(detail) => (
        <ItemsTab place={place} detail={detail} isGone changes={changes} removal={removal} />
      )}
    </Then>
  );
}

/** How and when it went, in one piece. */
export function removalText({ because, removedAt, by }: Removal): string {
  const time = instantText(removedAt);
  if (because === 'expired') return t('expiredAt', { time });
  return by === 'system' ? t('deletedOverRest', { time }) : t('deletedBy', { time, who: by });
}

/** Nobody knows how it went, if it ever was there; the journal may still tell something. */
function Unknown({ place }: { place: Place }) {
  const [changes] = useState(() => new Changes());
  const known = useRemote(`gone ${place.service} ${place.sid}`, () =>
    readHistory(place, { size: 1 }),
  );
  return (
    <>
      <NoObject service={place.service} />
      {known.value !== null && known.value.entries.length > 0 && (
        <section aria-label={t('history')}>
          <HistoryTab place={place} changes={changes} isGone />
        </section>
      )}
    </>
  );
}

export function NoObject({ service }: { service: string }) {
  return (
    <Status
      icon="note"
      title={t('noObjectTitle')}
      actions={<Link to={servicePath(service)}>{t('toService')}</Link>}
    >
      <p>{t('noObjectText')}</p>
    </Status>
  );
}
