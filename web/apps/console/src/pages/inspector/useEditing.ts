/**
 * One value being edited: over which revision, and what to do when somebody else was faster.
 *
 * - A save names the revision it was begun from, so nothing is ever overwritten unseen.
 * - What was typed survives every failure, and the end of the session.
 */
import { Problem } from '@sinew/api';
import { type JsonNode, writeJson } from '@sinew/ui';
import { useEffect, useState } from 'react';
import { overLine } from '../../shell/line.ts';
import { notify } from '../../shell/notices.ts';
import { useProblemFilter } from '../../shell/session.ts';
import { forgetUnsaved, keepUnsaved, readUnsaved } from '../../shell/unsaved.ts';
import { isConflict } from './source.ts';
import { t } from './strings.ts';
import { troubleText } from './useAttempt.ts';
import { parseValue } from './value.ts';

/** What is stored now. */
export interface Version {
  data: JsonNode;
  revision: string;
}

export interface Store {
  /** What is stored; `null` where it was removed. */
  read(): Promise<Version | null>;
  /** Writes over that revision alone; gives the new one. */
  write(data: JsonNode, over: string): Promise<string>;
  /** Adds anew what was removed; absent where it cannot come back. */
  restore?(data: JsonNode): Promise<string>;
}

export interface Draft {
  text: string;
  /** What it was begun with. */
  begun: string;
  /** The revision it was begun from. */
  base: string;
  /** What somebody else made of it meanwhile, once that is known; `'removed'` is that it is gone. */
  theirs: Version | 'removed' | null;
  trouble: string | null;
  isSaving: boolean;
}

/** `name` tells what is edited from everything else that is. */
export function useEditing(name: string, store: Store, onSaved: (version: Version) => void) {
  const [draft, setDraft] = useState<Draft | null>(() => readUnsaved<Draft>(name));
  useEffect(() => {
    if (draft !== null && isUnsaved(draft)) keepUnsaved(name, { ...draft, isSaving: false });
    else forgetUnsaved(name);
  }, [name, draft]);
  const filter = useProblemFilter();
  const patch = (change: Partial<Draft>) =>
    setDraft((known) => (known === null ? null : { ...known, ...change }));

  function begin(version: Version): void {
    const text = writeJson(version.data, '  ');
    setDraft({
      text,
      begun: text,
      base: version.revision,
      theirs: null,
      trouble: null,
      isSaving: false,
    });
  }

  /** Reads what stands there now and puts it beside. */
  async function compare(): Promise<void> {
    try {
      patch({ theirs: (await overLine(store.read())) ?? 'removed', isSaving: false });
    } catch (problem) {
      fail(problem);
    }
  }

  async function save(): Promise<void> {
    if (draft === null || draft.isSaving) return;
    const data = parseValue(draft.text);
    if (typeof data === 'string') return patch({ trouble: data });
    const { theirs } = draft;
    patch({ isSaving: true, trouble: null });
    try {
      const revision = await overLine(
        theirs === 'removed' && store.restore !== undefined
          ? store.restore(data)
          : store.write(
              data,
              theirs === null || theirs === 'removed' ? draft.base : theirs.revision,
            ),
      );
      setDraft(null);
      onSaved({ data, revision });
      notify('success', t('saved', { revision }));
    } catch (problem) {
      const isFaster =
        problem instanceof Problem && (isConflict(problem) || problem.kind === 'not-found');
      // Added anew by somebody else: theirs is there again.
      const isThere = problem instanceof Problem && problem.status === 409;
      if (isFaster || isThere) await compare();
      else fail(problem);
    }
  }

  function fail(error: unknown): void {
    const problem = filter(error);
    if (problem === null) return;
    patch({ trouble: troubleText(problem), isSaving: false });
  }

  return {
    draft,
    begin,
    compare,
    save,
    type: (text: string) => patch({ text, trouble: null }),
    end: () => setDraft(null),
  };
}

export type Editing = ReturnType<typeof useEditing>;

/** Whether there is something to lose. */
export function isUnsaved(draft: Draft): boolean {
  return draft.text !== draft.begun;
}
