/**
 * The server the journeys run against.
 *
 * - `BASE`, `ACCOUNT_SID`, `AUTH_TOKEN` name a running one; it is used as a user of REST would.
 * - Where a journey needs an option the running server was not started with, and `SINEW` names
 *   the program, it starts one of its own.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Server {
  base: string;
  accountSid: string;
  authToken: string;
  stop(): Promise<void>;
}

/** What the caller of the journeys has to say. */
export function needed(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}

export function runningServer(): Server {
  return {
    base: needed('BASE').replace(/\/$/, ''),
    accountSid: needed('ACCOUNT_SID'),
    authToken: needed('AUTH_TOKEN'),
    stop: async () => undefined,
  };
}

/** The running server where its visitor page is on, else one of our own. */
export async function serverWithVisitorPage(): Promise<Server> {
  const running = runningServer();
  const answer = await fetch(`${running.base}/chat/demo/topics`);
  if (answer.ok) return running;
  return startServer(['--demo']);
}

async function startServer(options: readonly string[]): Promise<Server> {
  const data = mkdtempSync(join(tmpdir(), 'sinew-e2e-'));
  const accountSid = `AC${'e2'.repeat(16)}`;
  const authToken = 'journeys-have-a-token-of-their-own';
  const child = spawn(
    needed('SINEW'),
    ['serve', '--listen', '127.0.0.1:0', '--data', data, ...options],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, SINEW_ACCOUNT_SID: accountSid, SINEW_AUTH_TOKEN: authToken },
    },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const base = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const ready = /sinew ready (\S+)/.exec(said);
      if (ready?.[1]) resolve(ready[1]);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return {
    base,
    accountSid,
    authToken,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}
