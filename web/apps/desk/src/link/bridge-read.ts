/**
 * Single reads over the bridge's request proxy, for what the SDK fetches but does not hand out:
 * the attribute text as it was written, and the reservations the server has right now.
 */

const ANSWER_WITHIN_MS = 15_000;

interface BridgeRead {
  url: string;
  version: 'v1' | 'v2';
  params?: Record<string, string>;
  token: string;
}

export async function bridgeRead(read: BridgeRead): Promise<unknown> {
  const { url, version, params = {}, token } = read;
  const response = await fetch('/v1/wschannels', {
    method: 'POST',
    credentials: 'omit',
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', apiVersion: version },
    body: JSON.stringify({ url, method: 'GET', params, token }),
  });
  const body: unknown = await response.json();
  if (!response.ok) throw new Error(String(field(body, 'message') ?? response.status));
  return field(body, 'payload');
}

export async function readAttributesText(
  token: string,
  workspaceSid: string,
  taskSid: string,
): Promise<string> {
  const url = `Workspaces/${workspaceSid}/Tasks/${taskSid}`;
  const text = field(await bridgeRead({ url, version: 'v1', token }), 'attributes');
  if (typeof text !== 'string') throw new Error('the task has no attribute text');
  return text;
}

/** `SID:status` of every open reservation, sorted, to be compared with what the SDK holds. */
export async function readOpenReservations(
  token: string,
  workspaceSid: string,
  workerSid: string,
): Promise<string[]> {
  const payload = await bridgeRead({
    url: `Workspaces/${workspaceSid}/Workers/${workerSid}/Reservations`,
    version: 'v2',
    params: { Active: 'true', PageSize: '1000' },
    token,
  });
  const contents = field(payload, 'contents');
  if (!Array.isArray(contents)) throw new Error('the reservations are not a list');
  return contents
    .map((entry) => `${field(entry, 'sid')}:${field(entry, 'reservation_status')}`)
    .sort();
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Record<string, unknown>)[name];
}
