/**
 * The desk as features see it: plain, immutable values.
 */
import type { Session } from '@sinew/api';

/** How the desk and the server stand. */
export type Link =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** Trying again; `sinceMs` is when it was lost. */
  | { kind: 'lost'; sinceMs: number }
  /** The server gave this worker's line to another window; it is not taken back unasked. */
  | { kind: 'replaced' }
  | { kind: 'refused'; problem: 'not-allowed' | 'unreachable' };

export interface ActivityView {
  sid: string;
  name: string;
  available: boolean;
}

export interface WorkerView {
  sid: string;
  name: string;
  workspaceSid: string;
  activitySid: string;
  /** When the present activity began, in the server's time. */
  activitySinceMs: number;
  attributes: Readonly<Record<string, unknown>>;
}

export type TaskStatus = 'pending' | 'accepted' | 'wrapping';

/** One reservation with its task: what an agent calls a task. */
export interface TaskView {
  /** The reservation's SID. */
  sid: string;
  taskSid: string;
  status: TaskStatus;
  title: string;
  channel: string;
  queue: string;
  workflow: string;
  priority: number;
  reason: string | null;
  /** The SID it is being handed over to, until somebody takes it. */
  transferTo: string | null;
  /** As the SDK parsed them. */
  attributes: unknown;
  /** When the reservation was made, in the server's time. */
  offeredAtMs: number;
  /** When the reservation last changed: the start of the present status. */
  statusSinceMs: number;
  /** When a pending offer ends. */
  expiresAtMs: number;
  createdAtMs: number;
  /** Changes whenever the task does. */
  version: string;
}

export interface DeskState {
  session: Session;
  link: Link;
  /** Null until the first connection. */
  worker: WorkerView | null;
  activities: readonly ActivityView[];
  /** In the order they are shown: incoming, active, wrapping. */
  tasks: readonly TaskView[];
  selectedTaskSid: string | null;
  /** SIDs of reservations with an operation on the way. */
  busy: ReadonlySet<string>;
}

export function currentActivity(state: DeskState): ActivityView | null {
  return state.activities.find((activity) => activity.sid === state.worker?.activitySid) ?? null;
}

export function selectedTask(state: DeskState): TaskView | null {
  return state.tasks.find((task) => task.taskSid === state.selectedTaskSid) ?? null;
}

export function pendingTasks(state: DeskState): readonly TaskView[] {
  return state.tasks.filter((task) => task.status === 'pending');
}
