import { Button } from '@mantine/core';
import { Problem } from '@sinew/api';
import { Icon, Status } from '@sinew/ui';
import { useRemote } from '../../shell/useRemote.ts';
import { Editor } from './Editor.tsx';
import {
  LAST,
  type ObjectDetail,
  type Place,
  type Removal,
  readObject,
  readObjectAt,
  writeDocument,
} from './source.ts';
import { t } from './strings.ts';
import styles from './Tab.module.css';
import { Then } from './Then.tsx';
import { EarlierButton, TimeBar } from './TimeBar.tsx';
import { useEditing } from './useEditing.ts';
import { useFocusAfter } from './useFocusAfter.ts';
import { useLook } from './useLook.ts';
import { ValueView } from './ValueView.tsx';

interface DocumentTabProps {
  place: Place;
  detail: ObjectDetail;
  isGone: boolean;
  setDetail(change: (detail: ObjectDetail) => ObjectDetail): void;
}

const EMPTY = { kind: 'object', entries: [] } as const;

/** A document's value: live, to be changed, or as it was. */
export function DocumentTab({ place, detail, isGone, setDetail }: DocumentTabProps) {
  const [{ at }] = useLook();
  if (at) {
    return (
      <div className={styles.tab}>
        <TimeBar place={place} />
        <ThenDocument place={place} at={at} />
      </div>
    );
  }
  return <NowDocument place={place} detail={detail} isGone={isGone} setDetail={setDetail} />;
}

/** The value of a document that is gone: to the last, or earlier. */
export function GoneDocument({ place, removal }: { place: Place; removal: Removal }) {
  const [{ at }] = useLook();
  return (
    <div className={styles.tab}>
      <TimeBar place={place} removal={removal} />
      <ThenDocument place={place} at={at || LAST} />
    </div>
  );
}

function ThenDocument({ place, at }: { place: Place; at: string }) {
  const then = useRemote(`then ${place.sid} ${at}`, () => readObjectAt(place, at));
  return (
    <Then then={then}>
      {(found) => (
        <>
          <p className={styles.facts}>{t('revision', { revision: found.revision ?? '' })}</p>
          <ValueView data={found.data ?? EMPTY} />
        </>
      )}
    </Then>
  );
}

function NowDocument({ place, detail, isGone, setDetail }: DocumentTabProps) {
  const version = { data: detail.data ?? EMPTY, revision: detail.revision ?? '' };
  const editing = useEditing(
    place.sid,
    {
      async read() {
        try {
          const { data, revision } = await readObject(place);
          return { data: data ?? EMPTY, revision: revision ?? '' };
        } catch (problem) {
          if (problem instanceof Problem && problem.kind === 'not-found') return null;
          throw problem;
        }
      },
      write: (data, over) => writeDocument(place, data, over),
    },
    (saved) => setDetail((known) => ({ ...known, ...saved })),
  );
  const edit = useFocusAfter(editing.draft !== null);
  return (
    <div className={styles.tab}>
      {editing.draft !== null ? (
        <Editor
          editing={editing}
          draft={editing.draft}
          name={detail.name ?? place.sid}
          current={isGone ? null : version}
          canRestore={false}
          onTakeTheirs={(theirs) => {
            if (theirs !== 'removed') setDetail((known) => ({ ...known, ...theirs }));
          }}
        />
      ) : detail.data === null ? (
        <Status icon="document" title={t('removedTitle')}>
          <p>{t('removedText')}</p>
        </Status>
      ) : (
        <ValueView
          data={detail.data}
          actions={
            <>
              <EarlierButton />
              {!isGone && (
                <Button
                  ref={edit}
                  size="xs"
                  leftSection={<Icon name="edit" size={14} />}
                  onClick={() => editing.begin(version)}
                >
                  {t('edit')}
                </Button>
              )}
            </>
          }
        />
      )}
    </div>
  );
}
