import type { DeskState } from '@sinew/plugin';

/** The task after or before the selected one; with none selected, the first or the last. */
export function neighbour(
  state: Pick<DeskState, 'tasks' | 'selectedTaskSid'>,
  step: 1 | -1,
): string | null {
  const { tasks, selectedTaskSid } = state;
  const at = tasks.findIndex((task) => task.taskSid === selectedTaskSid);
  if (at === -1) return (step === 1 ? tasks.at(0) : tasks.at(-1))?.taskSid ?? null;
  return (tasks[at + step] ?? tasks[at])?.taskSid ?? null;
}
