/**
 * Turns the SDK's living objects into the plain values the desk shows, and puts them in order.
 */
import type { ActivityView, TaskStatus, TaskView, WorkerView } from '@sinew/plugin';
import type { Activity, Reservation, Worker as RoutingWorker } from 'twilio-taskrouter';

export function workerView(worker: RoutingWorker): WorkerView {
  return {
    sid: worker.sid,
    name: worker.name,
    workspaceSid: worker.workspaceSid,
    activitySid: worker.activity.sid,
    activitySinceMs: (worker.dateStatusChanged ?? worker.dateUpdated).getTime(),
    attributes: worker.attributes,
  };
}

/** Available ones first, each part by name: the order of a menu that is used all day. */
export function activityViews(activities: Iterable<Activity>): ActivityView[] {
  return [...activities]
    .map(({ sid, name, available }) => ({ sid, name, available }))
    .sort(
      (a, b) => Number(b.available) - Number(a.available) || a.name.localeCompare(b.name, 'en'),
    );
}

/** Null for a reservation that is over. */
export function taskView(reservation: Reservation): TaskView | null {
  const status = shownStatus(reservation.status);
  if (status === null) return null;
  const { task } = reservation;
  const offeredAtMs = reservation.dateCreated.getTime();
  return {
    sid: reservation.sid,
    taskSid: task.sid,
    status,
    title: taskTitle(task.attributes, task.taskChannelUniqueName, task.sid),
    channel: task.taskChannelUniqueName,
    queue: task.queueName,
    workflow: task.workflowName,
    priority: task.priority,
    reason: task.reason,
    transferTo: transferTo(reservation),
    attributes: task.attributes,
    offeredAtMs,
    statusSinceMs: reservation.dateUpdated.getTime(),
    expiresAtMs: offeredAtMs + reservation.timeout * 1000,
    createdAtMs: task.dateCreated.getTime(),
    version: `${task.version}/${reservation.version}/${task.dateUpdated.getTime()}`,
  };
}

/** Where a transfer that began with this reservation goes, while nobody has taken it. */
function transferTo(reservation: Reservation): string | null {
  const outgoing = reservation.task.transfers?.outgoing;
  if (!outgoing || outgoing.reservationSid !== reservation.sid) return null;
  // The SDK's types write the words otherwise than it does.
  return outgoing.status.toLowerCase() === 'initiated' ? outgoing.to : null;
}

/** Where a task was handed over, somebody else may have it too: only one's own part ends. */
export function isShared(reservation: Reservation): boolean {
  const { incoming, outgoing } = reservation.task.transfers ?? {};
  const isOver = /^(failed|canceled)$/i.test(outgoing?.status ?? 'failed');
  return Boolean(incoming) || !isOver;
}

function shownStatus(status: Reservation['status']): TaskStatus | null {
  switch (status) {
    case 'pending':
    case 'accepted':
    case 'wrapping':
      return status;
    case 'rejected':
    case 'timeout':
    case 'canceled':
    case 'rescinded':
    case 'completed':
      return null;
  }
}

/** The name the caller gave, else what is known for certain. */
export function taskTitle(attributes: unknown, channel: string, sid: string): string {
  if (typeof attributes === 'object' && attributes !== null && 'name' in attributes) {
    const { name } = attributes;
    if (typeof name === 'string' && name.trim() !== '') return name.trim();
  }
  return `${channel} ${sid}`;
}

const RANK: Record<TaskStatus, number> = { pending: 0, accepted: 1, wrapping: 2 };

/** Incoming first, then active, then wrapping; the one that ends or began first leads. */
export function inOrder(tasks: Iterable<TaskView>): TaskView[] {
  return [...tasks].sort(
    (a, b) =>
      RANK[a.status] - RANK[b.status] ||
      (a.status === 'pending' ? a.expiresAtMs - b.expiresAtMs : 0) ||
      a.offeredAtMs - b.offeredAtMs ||
      (a.sid < b.sid ? -1 : 1),
  );
}
