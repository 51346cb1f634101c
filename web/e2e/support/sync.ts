/**
 * State synchronisation as programs use it: objects made by REST, followed by the official client.
 */
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import twilio from 'twilio';
import { SyncClient, type SyncClientOptions } from 'twilio-sync';
import { needed, type Server } from './server.ts';

const { AccessToken } = twilio.jwt;

export type Form = Record<string, string>;

/** So many writes are under way at once; more would only wait in the server. */
const AT_ONCE = 48;

/** A service of a journey's own. */
export async function makeService(server: Server, form: Form = {}) {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const name = form.FriendlyName ?? `journey ${randomBytes(4).toString('hex')}`;
  const call = (method: string, path: string, body?: Form, headers: Form = {}) =>
    callProduct(server, agent, { method, path: `/sync/v1/Services${path}`, body, headers });
  const { sid } = await call('POST', '', { ...form, FriendlyName: name });
  const below = (path: string) => `/${sid}/${path}`;
  return {
    sid,
    name,
    async make(kind: 'Documents' | 'Lists' | 'Maps' | 'Streams', body: Form): Promise<string> {
      return (await call('POST', below(kind), body)).sid;
    },
    /** Also out of another service. */
    async read(path: string, of = sid): Promise<Record<string, unknown>> {
      return call('GET', path === '' ? `/${of}` : `/${of}/${path}`);
    },
    async write(path: string, body: Form): Promise<void> {
      await call('POST', below(path), body);
    },
    async remove(path: string): Promise<void> {
      await call('DELETE', below(path));
    },
    /** Adds so many items to a map, in the order of their keys. */
    async fill(mapSid: string, count: number): Promise<void> {
      let next = 0;
      const worker = async () => {
        for (;;) {
          const index = next;
          next += 1;
          if (index >= count) return;
          const body = {
            Key: keyOf(index),
            Data: JSON.stringify({ index, note: `n${index % 7}` }),
          };
          await call('POST', below(`Maps/${mapSid}/Items`), body);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    },
    /** The official client library, signed in as somebody. */
    client(identity: string): SyncClient {
      const [key, secret] = [needed('API_KEY'), needed('API_SECRET')];
      const token = new AccessToken(server.accountSid, key, secret, { identity });
      token.addGrant(new AccessToken.SyncGrant({ serviceSid: sid }));
      const uri = `${server.base.replace(/^http/, 'ws')}/v3/wsconnect`;
      // The line's address is an option that its types do not name.
      const options = { Twilsock: { uri }, logLevel: 'silent' } as SyncClientOptions;
      return new SyncClient(token.toJwt(), options);
    },
    close: () => agent.destroy(),
  };
}

export type Service = Awaited<ReturnType<typeof makeService>>;

/** Ordered as the numbers are. */
export function keyOf(index: number): string {
  return `key-${String(index).padStart(6, '0')}`;
}

interface Call {
  method: string;
  path: string;
  body?: Form | undefined;
  headers: Form;
}

function callProduct(server: Server, agent: Agent, { method, path, body, headers }: Call) {
  const { hostname, port } = new URL(server.base);
  const auth = `${server.accountSid}:${server.authToken}`;
  const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return new Promise<Record<string, string> & { sid: string }>((resolve, reject) => {
    const asked = request(
      { hostname, port, path, method, auth, agent, headers: { ...type, ...headers } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => {
          const status = answer.statusCode ?? 0;
          if (status >= 300) reject(new Error(`${method} ${path}: ${status} ${text}`));
          else resolve(text === '' ? { sid: '' } : JSON.parse(text));
        });
      },
    );
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : new URLSearchParams(body).toString());
  });
}
