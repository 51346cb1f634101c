/**
 * How a piece of work ended. Stored beside the task, never inside its attributes.
 */
import { call } from './http.ts';

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

export function putDisposition(
  workspaceSid: string,
  taskSid: string,
  disposition: Disposition,
): Promise<void> {
  const path = `/sinew/v1/Workspaces/${workspaceSid}/Tasks/${taskSid}/Disposition`;
  return call('PUT', path, disposition);
}
