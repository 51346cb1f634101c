import { ActionIcon, Button } from '@mantine/core';
import type { Problem } from '@sinew/api';
import { Icon } from '@sinew/ui';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Link, useNavigate, useOutletContext, useParams } from 'react-router';
import { useLine } from '../../shell/line.ts';
import { notify } from '../../shell/notices.ts';
import { useRemote } from '../../shell/useRemote.ts';
import { CopySid } from './CopySid.tsx';
import { DeleteDialog } from './DeleteDialog.tsx';
import { DocumentTab } from './DocumentTab.tsx';
import { Expiry } from './Expiry.tsx';
import { Findings } from './Findings.tsx';
import { Gone, NoObject } from './Gone.tsx';
import { HistoryTab } from './HistoryTab.tsx';
import { ItemsTab } from './ItemsTab.tsx';
import { Changes, type Follow } from './live.ts';
import styles from './ObjectPane.module.css';
import { PermissionsTab } from './PermissionsTab.tsx';
import { objectPath, servicePath, TABS, type Tab, tabOf } from './paths.ts';
import { KIND_ICONS, rateText, type ServiceContext } from './ServicePage.tsx';
import { StreamTab } from './StreamTab.tsx';
import { SubscribersTab } from './SubscribersTab.tsx';
import {
  deleteObject,
  kindOfSid,
  type ObjectDetail,
  type Place,
  readObject,
  setObjectTtl,
} from './source.ts';
import { t } from './strings.ts';
import { Stale, Trouble } from './Trouble.tsx';
import { instantText } from './time.ts';
import { useChanges } from './useChanges.ts';
import { useLook } from './useLook.ts';
import { useTitle } from './useTitle.ts';

/** Rates and subscribers are not pushed. */
const REFRESH_MS = 2_000;

/** One object: its value and what is about it. */
export function ObjectPane() {
  const { service, about } = useOutletContext<ServiceContext>();
  const { object = '', tab: tabText } = useParams();
  /** An object that went while it was looked at, and is looked at as one that is gone from now on. */
  const [left, setLeft] = useState<string | null>(null);
  const tab = tabOf(tabText);
  const kind = kindOfSid(object);
  const key = kind === null ? null : `object ${service} ${object}`;
  const read = () => readObject({ service, sid: object });
  const detail = useRemote(key, read, REFRESH_MS);
  useTitle(detail.value?.name ?? object, about?.name ?? service);
  if (kind === null || tab === null) return <NoObject service={service} />;
  const place: Place = { service, kind, sid: object };
  if (detail.value === null) {
    if (detail.problem === null) return <p className={styles.loading}>{t('loading')}</p>;
    if (detail.problem.kind === 'not-found') return <Gone place={place} tab={tab} />;
    return (
      <Trouble problem={detail.problem} retry={() => void detail.reload()}>
        <Link to={servicePath(service)}>{t('toService')}</Link>
      </Trouble>
    );
  }
  if (left === object) return <Gone place={place} tab={tab} isLed />;
  return (
    <Shown
      key={object}
      place={place}
      tab={tab}
      detail={detail.value}
      problem={detail.problem}
      aclEnabled={about?.aclEnabled ?? true}
      reload={detail.reload}
      setDetail={detail.set}
      leave={() => setLeft(object)}
    />
  );
}

interface ShownProps {
  place: Place;
  tab: Tab;
  detail: ObjectDetail;
  /** Why it could not be read again: it may be there no longer. */
  problem: Problem | null;
  aclEnabled: boolean;
  reload(): Promise<void>;
  setDetail(change: (detail: ObjectDetail) => ObjectDetail): void;
  /** To what is known of it when it is gone. */
  leave(): void;
}

function Shown(props: ShownProps) {
  const { place, tab, detail, problem, aclEnabled, reload, setDetail, leave } = props;
  const { news, setBeside } = useOutletContext<ServiceContext>();
  const isGone = problem?.kind === 'not-found';
  const [changes] = useState(() => new Changes());
  const following = useChanges(place, detail.eventId, {
    onChanges(batch) {
      const last = batch.findLast(({ data }) => data !== null);
      if (place.kind === 'document' && last !== undefined) {
        setDetail((known) => ({
          ...known,
          data: last.data,
          revision: last.revision ?? known.revision,
          updatedAt: new Date().toISOString(),
        }));
      }
      if (batch.some(({ kind }) => kind === `${place.kind}_removed`)) void reload();
      changes.tell(batch);
    },
    onMissed() {
      void reload();
      changes.miss();
    },
    onNews: () => news.tell(),
  });
  useEffect(() => {
    setBeside(following === 'live');
    return () => setBeside(false);
  }, [following, setBeside]);
  const { lostSinceMs } = useLine();
  // Whoever follows is a subscriber too: the count that was read before is one short.
  useEffect(() => {
    if (following === 'live') void reload();
  }, [following, reload]);
  const follow = isGone ? 'gone' : lostSinceMs === null ? following : 'lost';
  return (
    <article className={styles.object}>
      <ObjectHead place={place} detail={detail} follow={follow} reload={reload} />
      {problem !== null && (
        <div className={styles.gone} role="status">
          {isGone ? (
            <p>
              <strong>{t('removedTitle')}</strong> {t('removedText')}{' '}
              <Button size="compact-sm" variant="default" onClick={leave}>
                {t('openRemoved')}
              </Button>
            </p>
          ) : (
            <Stale problem={problem} />
          )}
        </div>
      )}
      <Tabs place={place} detail={detail} tab={tab} />
      <div className={styles.body}>
        {tab === 'value' && place.kind === 'document' && (
          <DocumentTab place={place} detail={detail} isGone={isGone} setDetail={setDetail} />
        )}
        {tab === 'value' && (place.kind === 'list' || place.kind === 'map') && (
          <ItemsTab place={place} detail={detail} isGone={isGone} changes={changes} />
        )}
        {tab === 'value' && place.kind === 'stream' && (
          <StreamTab place={place} isGone={isGone} changes={changes} />
        )}
        {tab === 'history' && <HistoryTab place={place} changes={changes} />}
        {tab === 'subscribers' && <SubscribersTab place={place} />}
        {tab === 'permissions' && <PermissionsTab place={place} aclEnabled={aclEnabled} />}
      </div>
    </article>
  );
}

interface ObjectHeadProps {
  place: Place;
  detail: ObjectDetail;
  follow: Follow;
  reload(): Promise<void>;
}

function ObjectHead({ place, detail, follow, reload }: ObjectHeadProps) {
  const [look] = useLook();
  const title = useRef<HTMLHeadingElement>(null);
  // Whoever opened it goes on reading here; a page that was opened at this address is left alone.
  useEffect(() => {
    if (document.activeElement?.getAttribute('role') === 'listbox') {
      title.current?.focus({ preventScroll: true });
    }
  }, []);
  const facts: ReactNode[] = [
    t(place.kind),
    ...(detail.revision === null ? [] : [t('revision', { revision: detail.revision })]),
    ...(detail.items === null ? [] : [t('items', { count: detail.items })]),
    t('updated', { time: instantText(detail.updatedAt) }),
    <Expiry
      key="expiry"
      name={detail.name ?? place.sid}
      at={detail.expiresAt}
      set={
        follow === 'gone'
          ? undefined
          : async (ttl) => {
              await setObjectTtl(place, ttl);
              await reload();
            }
      }
    />,
    t(follow === 'live' ? 'subscribersWithUs' : 'subscribersCount', {
      count: detail.subscribers,
    }),
    ...(detail.writesPerSecond < 0.05
      ? []
      : [t('writes', { rate: rateText(detail.writesPerSecond) })]),
  ];
  return (
    <header className={styles.head}>
      <Link
        className={styles.back}
        to={servicePath(place.service, look)}
        aria-label={t('backToObjects')}
      >
        <Icon name="back" />
      </Link>
      <span className={styles.icon}>
        <Icon name={KIND_ICONS[place.kind]} />
      </span>
      <h2 ref={title} tabIndex={-1} className={styles.title} title={detail.name ?? undefined}>
        {detail.name ?? place.sid}
      </h2>
      <span className={styles.live} data-following={follow} data-testid="following" role="status">
        {t(FOLLOW_TEXTS[follow])}
      </span>
      {follow !== 'gone' && <DeleteObject place={place} detail={detail} />}
      <CopySid sid={place.sid} />
      <ul className={styles.facts}>
        {facts.map((fact, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: each fact has its place
          <li key={at}>{fact}</li>
        ))}
      </ul>
      <Findings findings={detail.findings} />
    </header>
  );
}

function DeleteObject({ place, detail }: { place: Place; detail: ObjectDetail }) {
  const [isAsking, setAsking] = useState(false);
  const [look] = useLook();
  const { onDeleted } = useOutletContext<ServiceContext>();
  const navigate = useNavigate();
  const name = detail.name ?? place.sid;
  const { kind, q } = look;
  return (
    <>
      <ActionIcon
        className={styles.delete}
        variant="default"
        size={28}
        aria-label={t('deleteObject', { name })}
        title={t('deleteObject', { name })}
        onClick={() => setAsking(true)}
      >
        <Icon name="trash" size={16} />
      </ActionIcon>
      {isAsking && (
        <DeleteDialog
          title={t('deleteObjectTitle', { name })}
          text={`${detail.items ? t('deleteItems', { count: detail.items }) : ''} ${t('deleteObjectText')}`.trim()}
          close={() => setAsking(false)}
          work={async () => {
            await deleteObject(place);
            notify('success', t('objectDeleted', { name }));
            navigate(servicePath(place.service, { kind, q }));
            onDeleted(place.sid);
          }}
        />
      )}
    </>
  );
}

const FOLLOW_TEXTS = {
  opening: 'opening',
  live: 'live',
  lost: 'notLive',
  over: 'over',
  gone: 'over',
} as const satisfies Record<Follow, string>;

function Tabs({ place, detail, tab }: { place: Place; detail: ObjectDetail; tab: Tab }) {
  const [{ kind, q }] = useLook();
  const names: Record<Tab, ReactNode> = {
    value: t(VALUE_TEXTS[place.kind]),
    history: t('history'),
    subscribers: (
      <>
        {t('subscribers')}
        <span className={styles.count}> ({detail.subscribers})</span>
      </>
    ),
    permissions: t('permissions'),
  };
  // Streams have no permissions.
  const shown = TABS.filter((one) => one !== 'permissions' || place.kind !== 'stream');
  return (
    <nav className={styles.tabs} aria-label={t('views')}>
      {shown.map((one) => (
        <Link
          key={one}
          to={objectPath(place.service, place.sid, one, { kind, q })}
          aria-current={one === tab ? 'page' : undefined}
        >
          {names[one]}
        </Link>
      ))}
    </nav>
  );
}

const VALUE_TEXTS = {
  document: 'value',
  list: 'itemsTab',
  map: 'itemsTab',
  stream: 'messages',
} as const;
