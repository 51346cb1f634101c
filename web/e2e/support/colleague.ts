/**
 * A worker without a page: the official SDK in Node, and beside it the raw frames of its bridge.
 */
import { type Reservation, Worker as RoutingWorker } from 'twilio-taskrouter';
import { WebSocket } from 'ws';
import { until } from './browser.ts';
import type { Server } from './server.ts';
import type { Person, Site } from './site.ts';

/** A token as the desk gets it: through a session of that person. */
export async function tokenOf(server: Server, person: Person): Promise<string> {
  const headers = { 'Content-Type': 'application/json', 'X-Sinew-Csrf': '1' };
  const signedIn = await fetch(`${server.base}/sinew/v1/Session`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ username: person.username, password: person.password }),
  });
  const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0];
  if (!signedIn.ok || cookie === undefined) throw new Error(`${person.name} cannot sign in`);
  const answer = await fetch(`${server.base}/sinew/v1/Session/Token`, {
    method: 'POST',
    headers: { ...headers, Cookie: cookie },
  });
  const { token } = (await answer.json()) as { token: string };
  return token;
}

export interface Colleague {
  name: string;
  frames: string[];
  reservations: Reservation[];
  close(): void;
}

/** Signs in, goes available, and keeps what is offered for the journey to handle. */
export async function bringColleague(site: Site, person: Person): Promise<Colleague> {
  const token = await tokenOf(site.server, person);
  const http = `${site.server.base}/v1/wschannels`;
  const ws = http.replace(/^http/, 'ws');
  const worker = new RoutingWorker(token, { ebServer: http, wsServer: ws, logLevel: 'silent' });
  const reservations: Reservation[] = [];
  worker.on('error', () => undefined);
  worker.on('reservationCreated', (reservation) => reservations.push(reservation));
  await new Promise<void>((resolve) => worker.once('ready', () => resolve()));

  const frames: string[] = [];
  const raw = new WebSocket(`${ws}?token=${token}&closeExistingSessions=false`);
  raw.on('message', (data) => {
    const text = data.toString();
    if (text.trim() !== '') frames.push(text);
  });
  await until('the bridge has begun', () => frames.length > 0);

  const available = worker.activities.get(site.activities.available);
  if (!available) throw new Error('the available activity is not there');
  await available.setAsCurrent();
  return {
    name: person.name,
    frames,
    reservations,
    close() {
      raw.close();
      worker.disconnect();
    },
  };
}
