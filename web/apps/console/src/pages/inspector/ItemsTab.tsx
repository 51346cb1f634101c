import { Button, TextInput } from '@mantine/core';
import { useDebouncedCallback, useMediaQuery } from '@mantine/hooks';
import { Icon, Rows, type RowsHandle, Status } from '@sinew/ui';
import { type RefObject, useEffect, useRef, useState } from 'react';
import { AddItemDialog } from './AddItemDialog.tsx';
import { ItemPanel } from './ItemPanel.tsx';
import styles from './ItemsTab.module.css';
import { type Changes, useListener } from './live.ts';
import { LAST, type ObjectDetail, type Place, type Removal } from './source.ts';
import { t } from './strings.ts';
import { TimeBar } from './TimeBar.tsx';
import { Trouble } from './Trouble.tsx';
import { instantText } from './time.ts';
import { type ItemRow, type Items, useItems } from './useItems.ts';
import { useLook } from './useLook.ts';

const ROW_PX = 40;
const NARROW_ROW_PX = 60;
/** How long a row shows that it has just changed. */
const FRESH_MS = 1_500;

interface ItemsTabProps {
  place: Place;
  detail: ObjectDetail;
  isGone: boolean;
  changes: Changes;
  /** How the object went: it is shown as it was to the last. */
  removal?: Removal;
}

/** The items of a list or map, of any number; one of them open beside. */
export function ItemsTab({ place, detail, isGone, changes, removal }: ItemsTabProps) {
  const [look, setLook] = useLook();
  const time = look.at || (removal === undefined ? null : LAST);
  // The past is not searched.
  const view = { from: look.from || null, find: time === null ? (look.find ?? '') : '', time };
  const items = useItems(place, view, detail.items);
  const isNow = view.time === null;
  useListener(changes, {
    onChanges: (batch) => isNow && items.apply(batch),
    onMissed: () => isNow && items.renew(),
  });
  const list = useRef<RowsHandle>(null);
  const none = useRef<HTMLHeadingElement>(null);
  /** The row that takes the focus once the item that was there is gone. */
  const [focus, setFocus] = useState<number | null>(null);
  const isOpen = look.item !== null && look.item !== undefined;
  useEffect(() => {
    // Where there is little room the list is only there once the item is closed.
    if (focus === null || isOpen) return;
    setFocus(null);
    if (list.current === null) none.current?.focus();
    else list.current.focus(focus);
  }, [focus, isOpen]);
  const close = () => {
    setLook({ item: null });
    list.current?.focus();
  };
  const removed = (key: string) => {
    const row = items.list.rowOf(key);
    items.drop(key);
    setLook({ item: null }, 'replace');
    setFocus(row ?? 0);
  };
  return (
    <div className={styles.tab} data-open={isOpen}>
      <div className={styles.list}>
        <div className={styles.tools}>
          <Finders place={place} isPast={time !== null} />
          <TimeBar place={place} removal={removal}>
            {!isGone && <AddItem place={place} />}
          </TimeBar>
        </div>
        <ItemRows
          place={place}
          name={detail.name ?? place.sid}
          items={items}
          open={look.item ?? null}
          view={view}
          handle={list}
          none={none}
          onOpen={(key) => setLook({ item: key })}
        />
      </div>
      {isOpen && (
        <ItemPanel
          key={`${look.item} ${view.time}`}
          place={place}
          itemKey={look.item ?? ''}
          time={view.time}
          isGone={isGone}
          changes={changes}
          removed={removed}
          close={close}
        />
      )}
    </div>
  );
}

function Finders({ place, isPast }: { place: Place; isPast: boolean }) {
  const [look, setLook] = useLook();
  const [find, setFind] = useState(look.find ?? '');
  const [from, setFrom] = useState(look.from ?? '');
  const search = useDebouncedCallback((text: string) => setLook({ find: text }, 'replace'), 250);
  const begin = useDebouncedCallback((text: string) => setLook({ from: text }, 'replace'), 250);
  const fromLabel = place.kind === 'list' ? t('fromIndex') : t('fromKey');
  return (
    <div className={styles.finders}>
      {!isPast && (
        <TextInput
          type="search"
          size="xs"
          aria-label={t('itemFilter')}
          placeholder={t('itemFilter')}
          leftSection={<Icon name="search" size={14} />}
          value={find}
          onChange={({ currentTarget: { value } }) => {
            setFind(value);
            search(value);
          }}
        />
      )}
      <TextInput
        type="search"
        size="xs"
        aria-label={fromLabel}
        placeholder={fromLabel}
        inputMode={place.kind === 'list' ? 'numeric' : 'text'}
        value={from}
        onChange={({ currentTarget: { value } }) => {
          const text = place.kind === 'list' ? value.replaceAll(/\D/g, '') : value;
          setFrom(text);
          begin(text);
        }}
      />
    </div>
  );
}

function AddItem({ place }: { place: Place }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button size="xs" leftSection={<Icon name="plus" size={14} />} onClick={() => setOpen(true)}>
        {t('addItem')}
      </Button>
      {isOpen && <AddItemDialog place={place} close={() => setOpen(false)} />}
    </>
  );
}

interface ItemRowsProps {
  place: Place;
  name: string;
  items: Items;
  open: string | null;
  view: { from: string | null; find: string; time: string | null };
  handle: RefObject<RowsHandle | null>;
  none: RefObject<HTMLHeadingElement | null>;
  onOpen(key: string): void;
}

function ItemRows({ place, name, items, open, view, handle, none, onOpen }: ItemRowsProps) {
  const { list } = items;
  const isNarrow = useMediaQuery('(max-width: 47.99rem)') ?? false;
  const [seen, setSeen] = useState({ first: 0, last: 0 });
  if (items.problem !== null && !list.hasBegun) {
    const isThen = view.time !== null && items.problem.kind !== 'server';
    if (!isThen) return <Trouble problem={items.problem} retry={items.renew} />;
    return (
      <Status icon="clock" title={t('notYetTitle')}>
        <p>{items.problem.message}</p>
      </Status>
    );
  }
  if (list.isWhole && list.count === 0) return <NoItems {...view} heading={none} />;
  const isSearching = view.find !== '' && !list.isWhole && list.reached !== null;
  return (
    <>
      <div className={styles.heads} aria-hidden="true">
        <span>{place.kind === 'list' ? t('index') : t('key')}</span>
        <span>{t('value')}</span>
        <span className={styles.updated}>{t('updated', { time: '' })}</span>
      </div>
      <div className={styles.rows}>
        <Rows
          handle={handle}
          key={`${view.from} ${view.find} ${view.time}`}
          label={t('listOfItems', { name })}
          count={list.count}
          rowHeight={isNarrow ? NARROW_ROW_PX : ROW_PX}
          isSelected={(row) => open !== null && list.at(row)?.key === open}
          onLook={(first, last) => {
            items.look(first, last);
            setSeen((known) =>
              known.first === first && known.last === last ? known : { first, last },
            );
          }}
          onOpen={(row) => {
            const found = list.at(row);
            if (found !== null) onOpen(found.key);
          }}
          names={{
            nameOf: (row) => list.at(row)?.key ?? null,
            rowOf: (name) => list.rowOf(name),
          }}
          render={(row) => <Line item={list.at(row)} />}
        />
      </div>
      <p className={styles.status} data-testid="items-status">
        {isSearching
          ? t('searched', { key: list.reached ?? '' })
          : t('shown', {
              known: `${seen.first + 1}–${Math.max(seen.first, seen.last) + 1}`,
              count: list.count.toLocaleString(),
            })}
      </p>
    </>
  );
}

function Line({ item }: { item: ItemRow | null }) {
  if (item === null) {
    return (
      <span className={styles.line}>
        <span className={styles.blank}>{t('rowLoading')}</span>
      </span>
    );
  }
  const isFresh = item.changedAtMs !== null && Date.now() - item.changedAtMs < FRESH_MS;
  return (
    <span className={styles.line}>
      {isFresh && <span key={item.revision} className={styles.fresh} />}
      <span className={styles.key}>{item.key}</span>
      <span className={styles.preview}>{item.preview}</span>
      <span className={styles.updated}>
        {item.updatedAt === null ? '' : instantText(item.updatedAt)}
      </span>
    </span>
  );
}

interface NoItemsProps {
  find: string;
  from: string | null;
  time: string | null;
  heading: RefObject<HTMLHeadingElement | null>;
}

function NoItems({ find, from, time, heading }: NoItemsProps) {
  if (find !== '' || from !== null) {
    return (
      <Status icon="search" title={t('noMatchTitle')} heading={heading}>
        <p>{find === '' ? t('noItemFrom', { from: from ?? '' }) : t('noItemMatch', { find })}</p>
      </Status>
    );
  }
  return (
    <Status icon="inbox" title={t('noItemsTitle')} heading={heading}>
      <p>{time === null ? t('noItemsText') : t('noItemsThen')}</p>
    </Status>
  );
}
