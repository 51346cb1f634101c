/**
 * A visitor's request for help and the place of that request in its queue.
 *
 * - The place is pushed over a WebSocket; nothing here asks twice.
 * - A frame of blanks is the server's sign of life and carries nothing else.
 */
import { call } from './http.ts';

export interface Topic {
  id: string;
  label: string;
}

export interface HelpRequest {
  name: string;
  topic: string;
  text: string;
}

export type Place =
  | { status: 'waiting'; ahead: number }
  | { status: 'taken'; agent: string }
  | { status: 'ended' };

export async function listTopics(): Promise<Topic[]> {
  return (await call<{ topics: Topic[] }>('GET', '/chat/demo/topics')).topics;
}

export function askForHelp(request: HelpRequest): Promise<{ token: string }> {
  return call('POST', '/chat/demo/requests', request);
}

/** Null for a sign of life and for anything this page does not know. */
export function readPlace(frame: string): Place | null {
  if (frame.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('status' in value)) return null;
  const ahead = 'ahead' in value && typeof value.ahead === 'number' ? value.ahead : 0;
  switch (value.status) {
    case 'waiting':
      return { status: 'waiting', ahead };
    case 'offered':
      return { status: 'waiting', ahead: 0 };
    case 'taken':
      return { status: 'taken', agent: 'agent' in value ? String(value.agent) : '' };
    case 'ended':
      return { status: 'ended' };
    default:
      return null;
  }
}

export interface FollowOptions {
  token: string;
  onPlace(place: Place): void;
  onLink(link: 'live' | 'lost'): void;
  /** Given for tests. */
  open?(url: string): WebSocket;
}

const FIRST_PAUSE_MS = 800;
const LONGEST_PAUSE_MS = 15_000;
/** The server shows a sign of life at least every 20 s; twice that is silence. */
const SILENCE_MS = 45_000;

/** Follows one request until it has ended; the returned function stops it. */
export function follow(options: FollowOptions): () => void {
  const open = options.open ?? ((url) => new WebSocket(url));
  let socket: WebSocket | null = null;
  let attempt = 0;
  let stopped = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;

  const stop = () => {
    stopped = true;
    clearTimeout(retry);
    clearTimeout(silence);
    release(socket);
    globalThis.removeEventListener?.('online', hurry);
  };
  const lose = () => {
    clearTimeout(silence);
    clearTimeout(retry);
    release(socket);
    socket = null;
    if (stopped) return;
    options.onLink('lost');
    retry = setTimeout(connect, pauseMs(attempt++));
  };
  const hear = () => {
    clearTimeout(silence);
    silence = setTimeout(lose, SILENCE_MS);
  };
  const connect = () => {
    const url = new URL('/chat/demo/updates', location.href.replace(/^http/, 'ws'));
    url.searchParams.set('token', options.token);
    socket = open(url.href);
    hear();
    socket.onopen = () => options.onLink('live');
    socket.onmessage = (event: MessageEvent<string>) => {
      attempt = 0;
      hear();
      const place = readPlace(event.data);
      if (place === null) return;
      options.onPlace(place);
      if (place.status === 'ended') stop();
    };
    socket.onclose = lose;
  };
  const hurry = () => {
    if (stopped || socket?.readyState === WebSocket.OPEN) return;
    attempt = 0;
    clearTimeout(retry);
    release(socket);
    connect();
  };
  globalThis.addEventListener?.('online', hurry);
  connect();
  return stop;
}

/** Doubling with a random part, so that a restarted server is not met by everyone at once. */
export function pauseMs(attempt: number, random = Math.random()): number {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return full / 2 + (full / 2) * random;
}

function release(socket: WebSocket | null): void {
  if (socket === null) return;
  socket.onopen = null;
  socket.onmessage = null;
  socket.onclose = null;
  socket.close();
}
