/**
 * One way to call the server: JSON in, JSON out, problems as values one can act on.
 *
 * - Every request carries the header that proves it came from our own page: the server lets it
 *   change something, and leaves asking for a password to the page.
 * - The server's clock is measured in passing, because countdowns follow the server's time.
 * - Knows nothing about what is fetched.
 */

/** Why a call did not succeed, in the terms a page can act on. */
export type ProblemKind =
  | 'unreachable'
  | 'signed-out'
  | 'not-allowed'
  | 'not-found'
  | 'too-many'
  | 'invalid'
  | 'server';

/** The error body of the server, or the reason why there was none. */
export class Problem extends Error {
  readonly kind: ProblemKind;
  readonly status: number;
  readonly code: number | null;

  constructor(kind: ProblemKind, status: number, code: number | null, message: string) {
    super(message);
    this.name = 'Problem';
    this.kind = kind;
    this.status = status;
    this.code = code;
  }
}

/** Milliseconds the server's clock is ahead of this machine's, as last measured. */
let serverAheadMs = 0;

/** The server's time now, as far as it is known. */
export function serverNow(): number {
  return Date.now() + serverAheadMs;
}

/**
 * `Date` counts whole seconds and the answer took a while, so only a difference that neither
 * explains is taken for a real one.
 */
export function measureClock(date: string | null, sentAt: number, receivedAt: number): void {
  const stated = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(stated)) return;
  const ahead = stated + 500 - (sentAt + receivedAt) / 2;
  const uncertainty = 1000 + (receivedAt - sentAt) / 2;
  serverAheadMs = Math.abs(ahead) > uncertainty ? ahead : 0;
}

/** A network that swallows everything in silence must not hold a page for minutes. */
const ANSWER_WITHIN_MS = 15_000;

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export async function call<T>(method: Method, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await send(method, path, { headers, ...json });
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

export interface TextOptions {
  /** Sent as a form, as the REST operations of the products take it. */
  form?: Record<string, string>;
  /** Only change what still has this revision; else the problem's status is 412. */
  ifMatch?: string;
}

/** The same for answers whose letters matter: numbers keep their digits until someone reads them. */
export async function callText(
  method: Method,
  path: string,
  { form, ifMatch }: TextOptions = {},
): Promise<string> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (ifMatch !== undefined) headers['If-Match'] = ifMatch;
  const body = form === undefined ? {} : { body: new URLSearchParams(form) };
  const response = await send(method, path, { headers, ...body });
  try {
    return await response.text();
  } catch (cause) {
    throw unreachable(cause);
  }
}

async function send(
  method: Method,
  path: string,
  options: { headers: Record<string, string>; body?: BodyInit },
): Promise<Response> {
  const headers = { ...options.headers, 'X-Sinew-Csrf': '1' };
  const sentAt = Date.now();
  let response: Response;
  try {
    response = await fetch(path, {
      ...options,
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  } catch (cause) {
    throw unreachable(cause);
  }
  measureClock(response.headers.get('date'), sentAt, Date.now());
  if (!response.ok) throw await readProblem(response);
  return response;
}

function unreachable(cause: unknown): Problem {
  return new Problem('unreachable', 0, null, cause instanceof Error ? cause.message : '');
}

/** What the server says about a call it refused. */
export async function readProblem(response: Response): Promise<Problem> {
  let code: number | null = null;
  let message = response.statusText;
  try {
    const body: unknown = await response.json();
    if (typeof body === 'object' && body !== null) {
      if ('code' in body && typeof body.code === 'number') code = body.code;
      if ('message' in body && typeof body.message === 'string') message = body.message;
    }
  } catch {
    // An answer without a readable body still has its status.
  }
  return new Problem(kindOf(response.status), response.status, code, message);
}

function kindOf(status: number): ProblemKind {
  if (status === 401) return 'signed-out';
  if (status === 403) return 'not-allowed';
  if (status === 404) return 'not-found';
  if (status === 429) return 'too-many';
  if (status >= 500) return 'server';
  return 'invalid';
}
