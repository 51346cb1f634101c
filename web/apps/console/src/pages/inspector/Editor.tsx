import { Alert, Button } from '@mantine/core';
import { readJson, writeJson } from '@sinew/ui';
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef } from 'react';
import { LeaveGuard } from '../../shell/LeaveDialog.tsx';
import { compareLines, type Line } from './diff.ts';
import styles from './Editor.module.css';
import { staysInPlace } from './paths.ts';
import { t } from './strings.ts';
import { type Draft, type Editing, isUnsaved, type Version } from './useEditing.ts';

interface EditorProps {
  editing: Editing;
  draft: Draft;
  name: string;
  /** What is known to stand there now; `null` once it was removed. */
  current: { revision: string } | null;
  canRestore: boolean;
  onTakeTheirs(theirs: Version | 'removed'): void;
}

/** A value as text to change; once somebody else was faster, theirs beside it. */
export function Editor(props: EditorProps) {
  const { editing, draft, name } = props;
  const title = useId();
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (draft.theirs === null) void editing.save();
  };
  return (
    <section className={styles.editor} aria-labelledby={title} onKeyDown={onKeyDown}>
      <h3 id={title} className={styles.title}>
        {draft.theirs === null ? t('editing', { name }) : t('conflictTitle')}
      </h3>
      {draft.trouble !== null && (
        <Alert color="red" variant="light" mb="sm" role="alert">
          {draft.trouble}
        </Alert>
      )}
      <LeaveGuard
        isUnsaved={isUnsaved(draft)}
        leaves={(from, to) => !staysInPlace(from, to)}
        onLeave={editing.end}
      />
      {draft.theirs === null ? <Plain {...props} /> : <Conflict {...props} theirs={draft.theirs} />}
    </section>
  );
}

function Plain({ editing, draft, current }: EditorProps) {
  const isOld = current === null || current.revision !== draft.base;
  return (
    <>
      {isOld && !draft.isSaving && (
        <Alert color="orange" variant="light" mb="sm" role="status">
          <div className={styles.meanwhile}>
            <span>
              {current === null
                ? t('removedMeanwhile')
                : t('changedMeanwhile', { revision: current.revision })}
            </span>
            <Button size="xs" variant="default" onClick={() => void editing.compare()}>
              {t('compare')}
            </Button>
          </div>
        </Alert>
      )}
      <Text editing={editing} draft={draft} label={t('editValue')} isFirst />
      <div className={styles.buttons}>
        <Button loading={draft.isSaving} onClick={() => void editing.save()}>
          {t('save')}
        </Button>
        <Button variant="default" onClick={editing.end}>
          {isUnsaved(draft) ? t('discard') : t('cancel')}
        </Button>
        <span className={styles.hint}>{t('saveHint')}</span>
      </div>
    </>
  );
}

interface TextProps {
  editing: Editing;
  draft: Draft;
  label: string;
  isFirst?: boolean;
}

function Text({ editing, draft, label, isFirst = false }: TextProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (isFirst) field.current?.focus({ preventScroll: true });
  }, [isFirst]);
  return (
    <textarea
      ref={field}
      className={styles.text}
      aria-label={label}
      value={draft.text}
      rows={Math.min(24, Math.max(6, draft.text.split('\n').length + 1))}
      spellCheck={false}
      autoComplete="off"
      onChange={({ currentTarget }) => editing.type(currentTarget.value)}
    />
  );
}

type ConflictProps = EditorProps & { theirs: Version | 'removed' };

function Conflict({ editing, draft, theirs, canRestore, onTakeTheirs }: ConflictProps) {
  const box = useRef<HTMLDivElement>(null);
  const text = theirs === 'removed' ? null : writeJson(theirs.data, '  ');
  const compared = useMemo(
    () => (text === null ? null : compareLines(laidOut(draft.text), text)),
    [draft.text, text],
  );
  const mine =
    compared?.mine ?? draft.text.split('\n').map((line) => ({ text: line, isOwn: false }));
  // What to do next is said here; the field that was left is gone.
  useEffect(() => {
    box.current?.focus({ preventScroll: true });
    box.current?.parentElement?.scrollIntoView({ block: 'nearest' });
  }, []);
  return (
    <div ref={box} tabIndex={-1} className={styles.conflict} data-testid="conflict">
      <p role="alert">{explanation(draft, theirs, canRestore)}</p>
      {compared !== null && (
        <p className={styles.count} role="status">
          {compared.differing === 0 ? t('same') : t('differing', { count: compared.differing })}
        </p>
      )}
      <div className={styles.sides}>
        <Side title={t('mine')}>
          <Lines lines={mine} own={t('onlyMine')} sign="−" />
        </Side>
        <Side title={t('theirs')} revision={theirs === 'removed' ? undefined : theirs.revision}>
          {compared === null ? (
            <p className={styles.gone}>{t('theirsRemoved')}</p>
          ) : (
            <Lines lines={compared.theirs} own={t('onlyTheirs')} sign="+" />
          )}
        </Side>
      </div>
      <details className={styles.change}>
        <summary>{t('changeMine')}</summary>
        <Text editing={editing} draft={draft} label={t('mine')} />
      </details>
      <div className={styles.buttons}>
        {(theirs !== 'removed' || canRestore) && (
          <Button loading={draft.isSaving} onClick={() => void editing.save()}>
            {t('keepMine')}
          </Button>
        )}
        <Button
          variant="default"
          onClick={() => {
            editing.end();
            onTakeTheirs(theirs);
          }}
        >
          {t('takeTheirs')}
        </Button>
      </div>
    </div>
  );
}

/** As the other side is laid out, so that only what differs in substance differs. */
function laidOut(text: string): string {
  try {
    return writeJson(readJson(text), '  ');
  } catch {
    return text;
  }
}

function explanation(draft: Draft, theirs: Version | 'removed', canRestore: boolean): string {
  if (theirs !== 'removed') {
    return t('conflictText', { base: draft.base, theirs: theirs.revision });
  }
  return canRestore ? t('conflictRemoved') : t('conflictRemovedFixed');
}

function Side(props: { title: string; revision?: string | undefined; children: ReactNode }) {
  const { title, revision, children } = props;
  return (
    <section className={styles.side} aria-label={title} data-side={title}>
      <h4>
        {title}
        {revision !== undefined && <span> · {t('revision', { revision })}</span>}
      </h4>
      {children}
    </section>
  );
}

/** Lines with what only this side has marked by sign, colour and word. */
function Lines({ lines, own, sign }: { lines: readonly Line[]; own: string; sign: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable
    <pre className={styles.lines} tabIndex={0}>
      {lines.map((line, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line's place is its identity
        <span key={at} className={styles.line} data-own={line.isOwn}>
          <span aria-hidden="true">{line.isOwn ? sign : ' '} </span>
          {line.isOwn && <span className={styles.hidden}>{own}: </span>}
          {line.text}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
