/** The list of work, moving in it, and what is selected when work comes and goes. */
import { contribute, type DeskState, defineAction, defineFeature } from '@sinew/plugin';
import { neighbour } from './neighbour.ts';
import { t } from './strings.ts';
import { TaskList } from './TaskList.tsx';

const hasTasks = (state: DeskState) => state.tasks.length > 0;

export default defineFeature({
  name: 'task-list',
  contributions: [contribute('list', 'task-list.list', TaskList)],
  actions: [
    defineAction({
      name: 'SelectTask',
      label: t('select'),
      run: (desk, { taskSid }) => desk.selectTask(taskSid),
    }),
    defineAction({
      name: 'SelectNextTask',
      label: t('next'),
      shortcut: ['j', 'ArrowDown'],
      when: hasTasks,
      run: (desk) => move(desk.selectTask.bind(desk), neighbour(desk.getState(), 1)),
    }),
    defineAction({
      name: 'SelectPreviousTask',
      label: t('previous'),
      shortcut: ['k', 'ArrowUp'],
      when: hasTasks,
      run: (desk) => move(desk.selectTask.bind(desk), neighbour(desk.getState(), -1)),
    }),
  ],
  start(desk) {
    const undo = [
      desk.events.on('taskReceived', ({ task }) => {
        // An offer never takes the place of a task someone is working on.
        const state = desk.getState();
        const isOccupied = state.tasks.some((other) => other.taskSid === state.selectedTaskSid);
        if (!isOccupied) desk.selectTask(task.taskSid);
      }),
      desk.events.on('taskEnded', ({ task }) => {
        const state = desk.getState();
        if (state.selectedTaskSid !== task.taskSid) return;
        desk.selectTask(state.tasks[0]?.taskSid ?? null);
      }),
    ];
    return () => {
      for (const each of undo) each();
    };
  },
});

/** Selects and takes the focus along, so that Tab goes on from there. */
function move(select: (taskSid: string) => void, taskSid: string | null): void {
  if (taskSid === null) return;
  select(taskSid);
  document.querySelector<HTMLElement>(`[data-task="${CSS.escape(taskSid)}"]`)?.focus();
}
