/**
 * A small contact centre of a journey's own, made by REST with the official library.
 */
import { randomBytes } from 'node:crypto';
import twilio from 'twilio';
import type { Server } from './server.ts';

export interface WorkerSpec {
  name: string;
  /** As a text, so that it can be compared letter by letter. */
  attributes?: string;
}

export interface SiteSpec {
  name?: string;
  workers: readonly WorkerSpec[];
  reservationTimeoutS?: number;
  /** A workflow's configuration for the given queue; else every task goes to everyone. */
  configuration?(queueSid: string): object;
}

export interface Person {
  name: string;
  workerSid: string;
  username: string;
  password: string;
}

export type Site = Awaited<ReturnType<typeof makeSite>>;

export function clientOf(server: Server) {
  const client = twilio(server.accountSid, server.authToken);
  client.taskrouter.baseUrl = `${server.base}/taskrouter`;
  return client;
}

export async function makeSite(server: Server, spec: SiteSpec) {
  const client = clientOf(server);
  const suffix = randomBytes(4).toString('hex');
  const { sid } = await client.taskrouter.v1.workspaces.create({
    friendlyName: spec.name ?? `journey ${suffix}`,
  });
  const workspace = client.taskrouter.v1.workspaces(sid);
  const activities = await workspace.activities.list();
  const available = await activityOf('Available', true);
  const offline = await activityOf('Offline', false);
  await activityOf('Break', false);

  async function activityOf(friendlyName: string, isAvailable: boolean): Promise<string> {
    const known = activities.find((activity) => activity.friendlyName === friendlyName);
    if (known) return known.sid;
    return (await workspace.activities.create({ friendlyName, available: isAvailable })).sid;
  }

  const queue = await workspace.taskQueues.create({
    friendlyName: 'Everyone',
    targetWorkers: '1==1',
  });
  const configuration = spec.configuration?.(queue.sid) ?? {
    task_routing: { filters: [], default_filter: { queue: queue.sid } },
  };
  const workflow = await workspace.workflows.create({
    friendlyName: 'All work',
    configuration: JSON.stringify(configuration),
    taskReservationTimeout: spec.reservationTimeoutS ?? 60,
  });
  const people: Record<string, Person> = {};
  for (const worker of spec.workers) {
    people[worker.name] = await makePerson(worker);
  }

  async function makePerson({ name, attributes }: WorkerSpec): Promise<Person> {
    const created = await workspace.workers.create({
      friendlyName: name,
      activitySid: offline,
      attributes: attributes ?? JSON.stringify({ full_name: name }),
    });
    const username = `${name.toLowerCase().replaceAll(/[^a-z]/g, '')}-${suffix}`;
    const password = randomBytes(12).toString('base64url');
    await makeUser(server, { username, password, role: 'agent', worker_sid: created.sid });
    return { name, workerSid: created.sid, username, password };
  }

  return {
    server,
    workspaceSid: sid,
    workflowSid: workflow.sid,
    activities: { available, offline },
    workspace,
    person(name: string): Person {
      const found = people[name];
      if (!found) throw new Error(`nobody is called ${name}`);
      return found;
    },
    async makeTask(attributes: object | string, taskChannel?: string): Promise<string> {
      const task = await workspace.tasks.create({
        workflowSid: workflow.sid,
        attributes: typeof attributes === 'string' ? attributes : JSON.stringify(attributes),
        ...(taskChannel === undefined ? {} : { taskChannel }),
      });
      return task.sid;
    },
    /** Puts a worker into an activity as a supervisor would. */
    async setActivity(name: string, activitySid: string): Promise<void> {
      await workspace.workers(this.person(name).workerSid).update({ activitySid });
    },
    disposition(taskSid: string): Promise<{ code: string; note: string | null }> {
      const path = `/sinew/v1/Workspaces/${sid}/Tasks/${taskSid}/Disposition`;
      return own(server, 'GET', path) as Promise<{ code: string; note: string | null }>;
    },
  };
}

export interface UserSpec {
  username: string;
  password: string;
  role: 'agent' | 'supervisor' | 'admin';
  worker_sid?: string;
}

export async function makeUser(server: Server, user: UserSpec): Promise<void> {
  await own(server, 'POST', '/sinew/v1/Users', user);
}

/** A call of what is ours alone, with the account's credentials. */
export async function own(
  server: Server,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const credentials = Buffer.from(`${server.accountSid}:${server.authToken}`).toString('base64');
  const answer = await fetch(server.base + path, {
    method,
    headers: { Authorization: `Basic ${credentials}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}
