/** Handing a task over to a worker or a queue, and what became of it. */
import {
  contribute,
  type DeskState,
  defineAction,
  defineFeature,
  selectedTask,
} from '@sinew/plugin';
import { dialog } from './asked.ts';
import { t } from './strings.ts';
import { TransferButton } from './TransferButton.tsx';
import { TransferPanel } from './TransferPanel.tsx';

function canBegin(state: DeskState, { sid }: { sid: string }): boolean {
  const task = state.tasks.find((candidate) => candidate.sid === sid);
  const isFree = task?.status === 'accepted' && task.transferTo === null;
  return state.link.kind === 'live' && !state.busy.has(sid) && isFree;
}

export default defineFeature({
  name: 'transfer',
  contributions: [
    contribute('task.actions', 'transfer.button', TransferButton, 20),
    contribute('task.side', 'transfer.panel', TransferPanel),
  ],
  actions: [
    defineAction({
      name: 'TransferTask',
      label: t('transfer'),
      shortcut: 't',
      fromKey: (state) => {
        const task = selectedTask(state);
        return task?.status === 'accepted' ? { sid: task.sid } : null;
      },
      when: canBegin,
      run: (_desk, { sid }) => dialog.open(sid),
    }),
  ],
  start(desk) {
    return desk.events.on('transferEnded', ({ task, end }) => {
      const tone = end === 'failed' ? 'warning' : 'information';
      desk.notify(tone, t(end, { title: task.title }));
    });
  },
});
