/**
 * How a piece of work ended. Stored beside the task, never inside its attributes.
 */
import { call, Problem } from './http.ts';

export interface DispositionChoice {
  code: string;
  label: string;
}

export interface Disposition {
  code: string;
  note?: string;
}

/** What may be chosen in this workspace. */
export async function listDispositions(workspaceSid: string): Promise<DispositionChoice[]> {
  const answer = await call<{ dispositions: DispositionChoice[] }>(
    'GET',
    `/sinew/v1/Workspaces/${workspaceSid}/Dispositions`,
  );
  return answer.dispositions;
}

/** What was chosen for this task, or null where nothing was yet. */
export async function readDisposition(
  workspaceSid: string,
  taskSid: string,
): Promise<Disposition | null> {
  try {
    return await call('GET', pathOf(workspaceSid, taskSid));
  } catch (problem) {
    if (problem instanceof Problem && problem.kind === 'not-found') return null;
    throw problem;
  }
}

export function putDisposition(
  workspaceSid: string,
  taskSid: string,
  disposition: Disposition,
): Promise<void> {
  return call('PUT', pathOf(workspaceSid, taskSid), disposition);
}

function pathOf(workspaceSid: string, taskSid: string): string {
  return `/sinew/v1/Workspaces/${workspaceSid}/Tasks/${taskSid}/Disposition`;
}
