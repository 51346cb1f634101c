import { Button } from '@mantine/core';
import { Problem } from '@sinew/api';
import { Icon, Status } from '@sinew/ui';
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import { notify } from '../../shell/notices.ts';
import { type Remote, useRemote } from '../../shell/useRemote.ts';
import { DeleteDialog } from './DeleteDialog.tsx';
import { Editor } from './Editor.tsx';
import { Expiry } from './Expiry.tsx';
import styles from './ItemPanel.module.css';
import { type Changes, useListener } from './live.ts';
import { objectPath } from './paths.ts';
import {
  addItem,
  deleteItem,
  type Item,
  isConflict,
  type Place,
  readItem,
  setItemTtl,
  writeItem,
} from './source.ts';
import { t } from './strings.ts';
import { Trouble } from './Trouble.tsx';
import { instantText } from './time.ts';
import { type Editing, useEditing } from './useEditing.ts';
import { useFocusAfter } from './useFocusAfter.ts';
import { ValueView } from './ValueView.tsx';

interface ItemPanelProps {
  place: Place;
  itemKey: string;
  time: string | null;
  isGone: boolean;
  changes: Changes;
  /** It was removed from here. */
  removed(key: string): void;
  close(): void;
}

/** One item: its value, live; to be changed or removed. */
export function ItemPanel(props: ItemPanelProps) {
  const { place, itemKey, time, isGone, changes, removed, close } = props;
  const [isRemoved, setRemoved] = useState(false);
  const item = useRemote<Item | 'absent'>(`item ${place.sid} ${itemKey} ${time}`, () =>
    readThere(place, itemKey, time),
  );
  useListener(changes, {
    onChanges(batch) {
      if (time !== null) return;
      const last = batch.findLast(({ key }) => key === itemKey);
      if (last === undefined) return;
      setRemoved(last.kind.endsWith('_removed'));
      const { data, revision } = last;
      if (data === null) return;
      const updatedAt = new Date().toISOString();
      const next = { data, revision: revision ?? '', updatedAt };
      if (item.value === 'absent') void item.reload();
      item.set((known) => (known === 'absent' ? known : { ...known, ...next }));
    },
    onMissed: () => time === null && void item.reload(),
  });
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (document.activeElement?.getAttribute('role') === 'listbox') {
      title.current?.focus({ preventScroll: true });
    }
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    const isTyping = event.target instanceof HTMLTextAreaElement;
    if (event.key === 'Escape' && !isTyping && !event.defaultPrevented) close();
  };
  return (
    <section
      className={styles.panel}
      aria-label={t('item', { key: itemKey })}
      onKeyDown={onKeyDown}
    >
      <div className={styles.head}>
        <h3 ref={title} tabIndex={-1} className={styles.title} title={itemKey}>
          {itemKey}
        </h3>
        <button
          type="button"
          className={styles.close}
          aria-label={t('closeItem', { key: itemKey })}
          onClick={close}
        >
          <Icon name="close" />
        </button>
      </div>
      <Content
        place={place}
        itemKey={itemKey}
        time={time}
        item={item}
        isRemoved={isRemoved}
        isReadOnly={isGone || time !== null}
        onSaved={() => setRemoved(false)}
        onRemoved={() => removed(itemKey)}
      />
    </section>
  );
}

/** Also absent where the object itself is gone. */
async function readThere(place: Place, key: string, time: string | null): Promise<Item | 'absent'> {
  try {
    return (await readItem(place, key, time)) ?? 'absent';
  } catch (problem) {
    if (problem instanceof Problem && problem.kind === 'not-found') return 'absent';
    throw problem;
  }
}

interface ContentProps {
  place: Place;
  itemKey: string;
  time: string | null;
  item: Remote<Item | 'absent'>;
  isRemoved: boolean;
  isReadOnly: boolean;
  onSaved(): void;
  onRemoved(): void;
}

function Content(props: ContentProps) {
  const { place, itemKey, time, item, isRemoved, isReadOnly, onSaved, onRemoved } = props;
  const { value } = item;
  const canRestore = place.kind === 'map';
  const editing = useEditing(
    `${place.sid} ${itemKey}`,
    {
      async read() {
        const found = await readThere(place, itemKey, null);
        return found === 'absent' ? null : found;
      },
      write: (data, over) => writeItem(place, itemKey, data, over),
      ...(canRestore && {
        restore: async (data) => (await addItem(place, itemKey, data)).revision,
      }),
    },
    (saved) => {
      onSaved();
      item.set((known) => (known === 'absent' ? known : { ...known, ...saved }));
    },
  );
  const edit = useFocusAfter(editing.draft !== null);
  const isThere = value !== null && value !== 'absent' && !isRemoved;
  if (editing.draft !== null) {
    return (
      <Editor
        editing={editing}
        draft={editing.draft}
        name={itemKey}
        current={isThere ? value : null}
        canRestore={canRestore}
        onTakeTheirs={(theirs) => {
          if (theirs === 'removed') void item.reload();
          else item.set((known) => (known === 'absent' ? known : { ...known, ...theirs }));
        }}
      />
    );
  }
  if (value === null) {
    if (item.problem === null) return <p className={styles.facts}>{t('loading')}</p>;
    return <Trouble problem={item.problem} retry={() => void item.reload()} />;
  }
  if (!isThere) {
    return (
      <Status icon="note" title={t('itemGoneTitle')}>
        <p>{time === null ? t('itemGoneText') : t('itemGoneThen')}</p>
        {time === null && <HistoryLink place={place} itemKey={itemKey} />}
      </Status>
    );
  }
  return (
    <>
      <p className={styles.facts}>
        <span>{t('revision', { revision: value.revision })}</span>
        {value.updatedAt !== null && (
          <span>{t('updated', { time: instantText(value.updatedAt) })}</span>
        )}
        <Expiry
          name={itemKey}
          at={value.expiresAt}
          set={
            isReadOnly
              ? undefined
              : async (ttl) => {
                  await setItemTtl(place, itemKey, ttl);
                  await item.reload();
                }
          }
        />
        <HistoryLink place={place} itemKey={itemKey} />
      </p>
      {value.isForgotten && <p className={styles.facts}>{t('itemForgotten')}</p>}
      <ValueView
        data={value.data}
        actions={
          !isReadOnly && (
            <ItemActions
              place={place}
              item={value}
              editing={editing}
              edit={edit}
              onRemoved={onRemoved}
            />
          )
        }
      />
    </>
  );
}

function HistoryLink({ place, itemKey }: { place: Place; itemKey: string }) {
  return (
    <Link to={objectPath(place.service, place.sid, 'history', { key: itemKey })}>
      {t('history')}
    </Link>
  );
}

interface ItemActionsProps {
  place: Place;
  item: Item;
  editing: Editing;
  edit: RefObject<HTMLButtonElement | null>;
  onRemoved(): void;
}

function ItemActions({ place, item, editing, edit, onRemoved }: ItemActionsProps) {
  const [isAsking, setAsking] = useState(false);
  const { key } = item;
  const remove = async () => {
    try {
      await deleteItem(place, key, item.revision);
    } catch (problem) {
      if (!(problem instanceof Problem) || !isConflict(problem)) throw problem;
      return notify('warning', t('removeConflict', { key }));
    }
    notify('success', t('removed', { key }));
    onRemoved();
  };
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<Icon name="trash" size={14} />}
        onClick={() => setAsking(true)}
      >
        {t('remove')}
      </Button>
      <Button
        ref={edit}
        size="xs"
        leftSection={<Icon name="edit" size={14} />}
        onClick={() => editing.begin(item)}
      >
        {t('edit')}
      </Button>
      {isAsking && (
        <DeleteDialog
          title={t('removeTitle', { key })}
          text={t('removeText')}
          action={t('remove')}
          work={remove}
          close={() => setAsking(false)}
        />
      )}
    </>
  );
}
