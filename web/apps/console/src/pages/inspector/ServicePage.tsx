import { ActionIcon, Button, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Icon, type IconName, Rows, type RowsHandle, Status } from '@sinew/ui';
import { type RefObject, useEffect, useImperativeHandle, useRef, useState } from 'react';
import { Link, Outlet, useMatch, useNavigate, useParams } from 'react-router';
import { useRemote } from '../../shell/useRemote.ts';
import { findingTitle } from './findings.ts';
import { News } from './live.ts';
import { NewObjectDialog } from './NewObjectDialog.tsx';
import { kindOf, objectPath, removedPath, servicePath, servicesPath } from './paths.ts';
import { ServiceDialog } from './ServiceDialog.tsx';
import styles from './ServicePage.module.css';
import { serviceName } from './ServicesPage.tsx';
import { KINDS, type ObjectKind, type ObjectRow, readService, type Service } from './source.ts';
import { t } from './strings.ts';
import { Stale, Trouble } from './Trouble.tsx';
import { useServiceNews } from './useChanges.ts';
import { useLook } from './useLook.ts';
import { OBJECTS_REFRESH_MS, type Told, useObjects } from './useObjects.ts';

const ROW_PX = 56;

export const KIND_ICONS: Record<ObjectKind, IconName> = {
  document: 'document',
  list: 'list',
  map: 'map',
  stream: 'stream',
};

/** What panes beside the list are given. */
export interface ServiceContext {
  /** The address to use: a SID, or `default`. */
  service: string;
  /** `null` until it is read. */
  about: Service | null;
  /** Told when something of the service changes. */
  news: News;
  /** A pane says whether the line it has open tells that. */
  setBeside(isTold: boolean): void;
  /** An object was deleted here: whoever did goes on in the list. */
  onDeleted(sid: string): void;
}

/** The objects of a service; beside them the heat, or the one that is open. */
export function ServicePage() {
  const { service = '', object } = useParams();
  const isRemoved = useMatch('/sync/:service/removed') !== null;
  const [news] = useState(() => new News());
  const [isBeside, setBeside] = useState(false);
  const objects = useRef<ObjectsHandle>(null);
  const about = useRemote(`service ${service}`, () => readService(service));
  const isOwn = useServiceNews(service, about.value !== null && !isBeside, () => news.tell());
  if (about.problem !== null && about.value === null) {
    if (about.problem.kind !== 'not-found') {
      return <Trouble problem={about.problem} retry={() => void about.reload()} />;
    }
    return (
      <Status
        isPage
        icon="note"
        title={t('noServiceTitle')}
        actions={<Link to={servicesPath}>{t('toServices')}</Link>}
      >
        <p>{t('noServiceText')}</p>
      </Status>
    );
  }
  const context: ServiceContext = {
    service,
    about: about.value,
    news,
    setBeside,
    onDeleted: (sid) => objects.current?.deleted(sid),
  };
  const isList = object === undefined && !isRemoved;
  return (
    <div className={styles.page} data-pane={isList ? 'list' : 'object'}>
      <h1 className={styles.hidden}>
        {t('stateOf', { name: about.value === null ? service : serviceName(about.value) })}
      </h1>
      <section className={styles.side} aria-label={t('objects')}>
        <ServiceHead service={service} about={about.value} reload={() => void about.reload()} />
        <Objects
          service={service}
          open={object ?? null}
          told={{ news, isLive: isOwn || isBeside }}
          handle={objects}
        />
      </section>
      <section
        className={styles.pane}
        aria-label={isRemoved ? t('removedObjects') : t(object === undefined ? 'heat' : 'object')}
      >
        <Outlet context={context} />
      </section>
    </div>
  );
}

interface ServiceHeadProps {
  service: string;
  about: Service | null;
  reload(): void;
}

function ServiceHead({ service, about, reload }: ServiceHeadProps) {
  const [look] = useLook();
  const [isOpen, setOpen] = useState(false);
  return (
    <div className={styles.head}>
      <Link to={servicesPath} className={styles.up}>
        <Icon name="back" size={16} />
        {t('toServices')}
      </Link>
      <p className={styles.title}>
        <Link
          to={servicePath(service, look)}
          title={about === null ? undefined : serviceName(about)}
        >
          {about === null ? service : serviceName(about)}
        </Link>
        {about !== null && (
          <ActionIcon
            variant="subtle"
            color="gray"
            size={32}
            aria-label={t('serviceSettings')}
            title={t('serviceSettings')}
            onClick={() => setOpen(true)}
          >
            <Icon name="settings" size={18} />
          </ActionIcon>
        )}
      </p>
      {isOpen && about !== null && (
        <ServiceDialog service={about} done={reload} close={() => setOpen(false)} />
      )}
    </div>
  );
}

export interface ObjectsHandle {
  /** Takes an object that was deleted out of the list, and the focus to the one behind it. */
  deleted(sid: string): void;
}

interface ObjectsProps {
  service: string;
  open: string | null;
  told: Told;
  handle: RefObject<ObjectsHandle | null>;
}

function Objects({ service, open, told, handle }: ObjectsProps) {
  const navigate = useNavigate();
  const [look, setLook] = useLook();
  const kind = kindOf(look.kind ?? null);
  const q = look.q ?? '';
  const [typed, setTyped] = useState(q);
  const search = useDebouncedCallback((text: string) => setLook({ q: text }, 'replace'), 200);
  const objects = useObjects(service, kind, q, told);
  const [isMaking, setMaking] = useState(false);
  const rows = useRef<RowsHandle>(null);
  const none = useRef<HTMLHeadingElement>(null);
  /** The row that takes the focus once the object is closed; -1 for the list as it is. */
  const [focus, setFocus] = useState<number | null>(null);
  useImperativeHandle(handle, () => ({
    deleted(sid) {
      const row = objects.rowOf(sid);
      objects.drop(sid);
      setFocus(row);
    },
  }));
  useEffect(() => {
    if (focus === null || open !== null) return;
    setFocus(null);
    if (rows.current === null) none.current?.focus();
    else rows.current.focus(focus < 0 ? undefined : focus);
  }, [focus, open]);
  return (
    <>
      <div className={styles.filters}>
        <TextInput
          type="search"
          size="sm"
          aria-label={t('objectFilter')}
          placeholder={t('objectFilterShort')}
          leftSection={<Icon name="search" size={16} />}
          value={typed}
          onChange={({ currentTarget: { value } }) => {
            setTyped(value);
            search(value);
          }}
        />
        <NativeSelect
          size="sm"
          aria-label={t('kind')}
          value={kind ?? ''}
          onChange={({ currentTarget }) => setLook({ kind: currentTarget.value }, 'replace')}
          data={[
            { value: '', label: t('allKinds') },
            ...KINDS.map((one) => ({ value: one, label: t(`${one}s`) })),
          ]}
        />
      </div>
      <div className={styles.rows}>
        {objects.problem !== null && !objects.hasBegun ? (
          <Trouble problem={objects.problem} retry={objects.renew} />
        ) : objects.count === 0 ? (
          <NoObjects service={service} filter={q} kind={kind} heading={none} />
        ) : (
          <Rows
            handle={rows}
            key={`${kind} ${q}`}
            label={t('listOfObjects')}
            count={objects.count}
            rowHeight={ROW_PX}
            isSelected={(row) => objects.at(row)?.sid === open}
            onLook={objects.look}
            onOpen={(row) => {
              const found = objects.at(row);
              if (found === null) return;
              const { kind: shown, q: filter } = look;
              navigate(objectPath(service, found.sid, 'value', { kind: shown, q: filter }));
            }}
            render={(row) => <ObjectLine object={objects.at(row)} />}
          />
        )}
      </div>
      <div className={styles.foot}>
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon name="plus" size={14} />}
          onClick={() => setMaking(true)}
        >
          {t('newObject')}
        </Button>
        {objects.problem !== null && objects.hasBegun ? (
          <Stale problem={objects.problem} />
        ) : (
          <span>
            {told.isLive ? t('live') : t('refreshed', { every: OBJECTS_REFRESH_MS / 1000 })}
          </span>
        )}
        <Link to={removedPath(service, { kind: look.kind, q })} className={styles.removed}>
          {t('removedObjects')}
        </Link>
      </div>
      {isMaking && (
        <NewObjectDialog
          service={service}
          kind={kind ?? 'document'}
          made={objects.renew}
          close={() => setMaking(false)}
        />
      )}
    </>
  );
}

interface NoObjectsProps {
  service: string;
  filter: string;
  kind: ObjectKind | null;
  heading: RefObject<HTMLHeadingElement | null>;
}

function NoObjects({ service, filter, kind, heading }: NoObjectsProps) {
  if (filter !== '') {
    return (
      <Status
        icon="search"
        title={t('noMatchTitle')}
        heading={heading}
        actions={
          <Link to={removedPath(service, { kind, q: filter, find: filter })}>
            {t('searchRemoved')}
          </Link>
        }
      >
        <p>{t(kind === null ? 'noMatchText' : 'noMatchKindText', { filter })}</p>
      </Status>
    );
  }
  return (
    <Status icon="inbox" title={t('noObjectsTitle')} heading={heading}>
      <p>{kind === null ? t('noObjectsText') : t('noKindText')}</p>
    </Status>
  );
}

function ObjectLine({ object }: { object: ObjectRow | null }) {
  if (object === null) return <span className={styles.blank}>{t('rowLoading')}</span>;
  const facts = [
    t(object.kind),
    ...(object.items === null ? [] : [t('items', { count: object.items })]),
    ...(object.subscribers === 0 ? [] : [t('subscribersCount', { count: object.subscribers })]),
    ...(object.writesPerSecond < 0.05
      ? []
      : [t('writes', { rate: rateText(object.writesPerSecond) })]),
  ];
  return (
    <span className={styles.line}>
      <span className={styles.icon}>
        <Icon name={KIND_ICONS[object.kind]} size={18} />
      </span>
      <span className={styles.name}>{object.name ?? object.sid}</span>
      <span className={styles.facts}>{facts.join(' · ')}</span>
      {object.findings.length > 0 && (
        <span className={styles.finding} title={object.findings.map(findingTitle).join(', ')}>
          <Icon name="flame" size={16} />
          <span className={styles.hidden}>{object.findings.map(findingTitle).join(', ')}</span>
        </span>
      )}
    </span>
  );
}

/** One digit below ten, none above. */
export function rateText(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toString();
}
