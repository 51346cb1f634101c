/** Wrapping up with a disposition and completing. The task's attributes stay as they are. */
import { putDisposition } from '@sinew/api';
import {
  contribute,
  type DeskState,
  defineAction,
  defineFeature,
  selectedTask,
  type TaskStatus,
} from '@sinew/plugin';
import { choicesOf } from './choices.ts';
import { changeDraft, draftOf, dropDraft } from './drafts.ts';
import { t } from './strings.ts';
import { WrapUpButton } from './WrapUpButton.tsx';
import { WrapUpPanel } from './WrapUpPanel.tsx';

/** What a task is completed with where the workspace knows no dispositions. */
const PLAIN_REASON = 'completed';

const isIn =
  (status: TaskStatus) =>
  (state: DeskState, { sid }: { sid: string }) =>
    state.link.kind === 'live' &&
    !state.busy.has(sid) &&
    state.tasks.some((task) => task.sid === sid && task.status === status);

const selectedIn = (status: TaskStatus) => (state: DeskState) => {
  const task = selectedTask(state);
  return task?.status === status ? { sid: task.sid } : null;
};

export default defineFeature({
  name: 'wrap-up',
  contributions: [
    contribute('task.actions', 'wrap-up.button', WrapUpButton, 10),
    contribute('task.side', 'wrap-up.panel', WrapUpPanel),
  ],
  actions: [
    defineAction({
      name: 'WrapupTask',
      label: t('wrapUp'),
      shortcut: 'w',
      fromKey: selectedIn('accepted'),
      when: isIn('accepted'),
      run: (desk, { sid }) => desk.work.wrapUp(sid),
    }),
    defineAction({
      name: 'CompleteTask',
      label: t('complete'),
      shortcut: 'e',
      fromKey: selectedIn('wrapping'),
      when: isIn('wrapping'),
      async run(desk, { sid }) {
        const { tasks, worker } = desk.getState();
        const task = tasks.find((candidate) => candidate.sid === sid);
        if (task === undefined || worker === null) return;
        const { taskSid } = task;
        const { code, note } = draftOf(taskSid);
        const choices = choicesOf(worker.workspaceSid);
        const isAsked =
          choices.kind === 'loading' || (choices.kind === 'ready' && choices.list.length > 0);
        if (code === '' && isAsked) {
          changeDraft(taskSid, { isIncomplete: true });
          return;
        }
        if (code !== '') {
          const disposition = note.trim() === '' ? { code } : { code, note: note.trim() };
          await putDisposition(worker.workspaceSid, taskSid, disposition);
        }
        await desk.work.complete(sid, code === '' ? PLAIN_REASON : code);
        dropDraft(taskSid);
        desk.notify('success', t('done', { title: task.title }));
      },
    }),
  ],
});
