/**
 * Whom a task can be handed over to. The transfer itself goes through the official SDK.
 */
import { call } from './http.ts';

export interface TransferTargets {
  workers: { sid: string; friendly_name: string; activity_name: string | null }[];
  task_queues: { sid: string; friendly_name: string }[];
  /** Whether more workers fit than are listed. */
  more_workers: boolean;
  more_task_queues: boolean;
}

/** Available workers and queues whose name has this in it. */
export function listTransferTargets(
  workspaceSid: string,
  search: string,
): Promise<TransferTargets> {
  const path = `/sinew/v1/Workspaces/${workspaceSid}/TransferTargets`;
  return call('GET', `${path}?Search=${encodeURIComponent(search)}`);
}
