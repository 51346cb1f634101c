/**
 * The main job on real input: the task sets arrive through the official Python library, a
 * workflow finds for each the one right worker by language, level, experience or name, and that
 * worker's desk is offered it. Attributes stay letter by letter what they were.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JsonNode, readJson } from '../packages/ui/src/json.ts';
import { DeskPage, launch, until } from './support/browser.ts';
import { bringColleague, type Colleague } from './support/colleague.ts';
import { runningServer } from './support/server.ts';
import { makeSite, own, type Site } from './support/site.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(ROOT, 'testkit/fixtures', `${name}.json`), 'utf8');

interface Filter {
  filter_friendly_name: string;
  expression: string;
  targets: [{ expression: string }];
}

interface Job {
  workers: Record<string, string>;
  bystanders: Record<string, string>;
  filters: Filter[];
  tasks: { file: string; worker: string; is_envelope?: boolean }[];
}

interface Work {
  file: string;
  worker: string;
  attributes: string;
  taskChannel: string | null;
  timeoutS: number | null;
}

const job = JSON.parse(read('main-job')) as Job;
const works: Work[] = job.tasks.map(({ file, worker, is_envelope }) => {
  const text = read(file);
  if (!is_envelope) return { file, worker, attributes: text, taskChannel: null, timeoutS: null };
  const envelope = JSON.parse(text) as {
    timeout: number | null;
    taskChannel: string;
    attributes: object;
  };
  return {
    file,
    worker,
    attributes: JSON.stringify(envelope.attributes),
    taskChannel: envelope.taskChannel,
    timeoutS: envelope.timeout,
  };
});

const DESKS = ['Dana Reyes', 'Teo Marlow'];
const server = runningServer();

/** Path, kind and text of every single value. */
function values(node: JsonNode, path = ''): [string, string, string][] {
  const below = (key: string) => `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  switch (node.kind) {
    case 'object':
      return node.entries.flatMap(([key, child]) => values(child, below(key)));
    case 'array':
      return node.items.flatMap((child, index) => values(child, below(String(index))));
    case 'string':
      return [[path, 'string', node.value]];
    case 'number':
      return [[path, 'number', node.text]];
    case 'boolean':
      return [[path, 'boolean', String(node.value)]];
    case 'null':
      return [[path, 'null', '']];
  }
}

describe('the fixtures of the main job', () => {
  async function holds(context: string, expression: string, task: string, worker = '{}') {
    const answer = await own(server, 'POST', '/sinew/v1/Expressions/Evaluate', {
      context,
      expression,
      task: JSON.parse(task),
      worker: JSON.parse(worker),
    });
    return (answer as { result: boolean }).result;
  }

  async function targetOf(work: Work): Promise<string> {
    for (const filter of job.filters) {
      if (await holds('filter', filter.expression, work.attributes)) {
        return filter.targets[0].expression;
      }
    }
    throw new Error(`${work.file}: no filter takes it`);
  }

  const names = Object.keys(job.workers);
  const attributesOf = (name: string) => read(job.workers[name] ?? '');
  /** For each task, whose attributes satisfy its target; with a change of the expression. */
  async function matches(change = (expression: string) => expression) {
    return Promise.all(
      works.map(async (work) => {
        const target = change(await targetOf(work));
        const verdicts = await Promise.all(
          names.map((name) => holds('target', target, work.attributes, attributesOf(name))),
        );
        return names.filter((_, index) => verdicts[index]);
      }),
    );
  }

  it('have exactly one right worker for each task, and work for each worker', async () => {
    expect(works.length).toBeGreaterThanOrEqual(15);
    const found = await matches();
    expect(found).toEqual(works.map((work) => [work.worker]));
    expect([...new Set(works.map((work) => work.worker))].sort()).toEqual([...names].sort());
  });

  it('fail when the attributes of any two workers are swapped', async () => {
    const found = await matches();
    for (const [index, one] of names.entries()) {
      for (const other of names.slice(index + 1)) {
        const swapped = (name: string) => (name === one ? other : name === other ? one : name);
        const astray = works.filter((work, at) => {
          const now = (found[at] ?? []).map(swapped);
          return now.length !== 1 || now[0] !== work.worker;
        });
        expect(astray.length, `${one} and ${other}`).toBeGreaterThan(0);
      }
    }
  });

  it.each([
    ['language', 'spoken_languages'],
    ['skill level', 'routing.levels.overflow_status'],
    ['experience', 'experience_level'],
    ['the named worker', 'contact_uri'],
  ])('are told apart by %s', async (_criterion, attribute) => {
    const without = (expression: string) => {
      const clauses = expression.split(' AND ').filter((clause) => !clause.includes(attribute));
      return clauses.length === 0 ? '1 == 1' : clauses.join(' AND ');
    };
    const found = await matches(without);
    expect(found.filter((candidates) => candidates.length > 1).length).toBeGreaterThan(0);
  });
});

describe('the main job', () => {
  let browser: Browser;
  let site: Site;
  const scratch = mkdtempSync(join(tmpdir(), 'sinew-main-job-'));

  beforeAll(async () => {
    browser = await launch();
    const everyone = { ...job.workers, ...job.bystanders };
    site = await makeSite(server, {
      workers: Object.entries(everyone).map(([name, file]) => ({ name, attributes: read(file) })),
      reservationTimeoutS: 900,
      configuration: (queue) => ({
        task_routing: {
          filters: job.filters.map((filter) => ({
            ...filter,
            targets: filter.targets.map((target) => ({ ...target, queue })),
          })),
        },
      }),
    });
    const channels = await site.workspace.taskChannels.list();
    if (!channels.some((channel) => channel.uniqueName === 'email')) {
      await site.workspace.taskChannels.create({ friendlyName: 'E-mail', uniqueName: 'email' });
    }
  });

  afterAll(async () => {
    await browser.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function createByPython(): Promise<{ sid: string; attributes: string }[]> {
    const file = join(scratch, 'tasks.json');
    const tasks = works.map(({ attributes, taskChannel, timeoutS }) => ({
      attributes,
      task_channel: taskChannel,
      timeout: timeoutS,
    }));
    const { workspaceSid: workspace_sid, workflowSid: workflow_sid } = site;
    writeFileSync(file, JSON.stringify({ workspace_sid, workflow_sid, tasks }));
    const { stdout } = await promisify(execFile)(
      process.env.PYTHON ?? 'python3',
      [join(ROOT, 'clients/python/create_tasks.py'), file],
      { env: { ...process.env, BASE: server.base }, maxBuffer: 16 * 1024 * 1024 },
    );
    return JSON.parse(stdout) as { sid: string; attributes: string }[];
  }

  it('is done by the right worker for every task, and nothing is rewritten', async () => {
    const desks = await Promise.all(
      DESKS.map(async (name) => {
        const desk = await DeskPage.open(browser, server.base);
        await desk.beginWork(site.person(name));
        return { name, desk };
      }),
    );
    const others = Object.keys(job.workers).filter((name) => !DESKS.includes(name));
    const colleagues = await Promise.all(
      others.map((name) => bringColleague(site, site.person(name))),
    );

    const created = await createByPython();
    const workOf = new Map(created.map(({ sid }, index) => [sid, works[index] as Work]));
    expect(created.map(({ attributes }) => attributes)).toEqual(works.map((w) => w.attributes));

    const dispositions = new Map<string, string>();
    await Promise.all([
      ...desks.map(({ name, desk }) => workAtDesk(name, desk, workOf, dispositions)),
      ...colleagues.map((colleague) => workByHand(colleague, workOf)),
    ]);
    const heard: [string, () => string[]][] = [
      ...desks.map(({ name, desk }): [string, () => string[]] => [
        name,
        () => desk.frames.map((frame) => frame.text),
      ]),
      ...colleagues.map(({ name, frames }): [string, () => string[]] => [name, () => frames]),
    ];
    for (const [name, frames] of heard) {
      await until(
        `${name} is told of every end`,
        () => endsIn(frames()),
        (ends) => ends >= share(name),
      );
    }
    // Whatever would still come to the wrong place has time to do so.
    await new Promise((resolve) => setTimeout(resolve, 1_500));

    for (const [name, frames] of heard) expectFrames(name, frames(), workOf);
    for (const [sid, work] of workOf) await expectDone(sid, work, dispositions.get(sid));
    await expectWorkersUnchanged();

    for (const { desk } of desks) {
      desk.expectNoErrors();
      await desk.close();
    }
    for (const colleague of colleagues) colleague.close();
  }, 600_000);

  const share = (name: string) => works.filter((work) => work.worker === name).length;

  async function storedText(taskSid: string): Promise<string> {
    return (await site.workspace.tasks(taskSid).fetch()).attributes;
  }

  /** Handles every offer of one desk in the page, as many as are meant for it. */
  async function workAtDesk(
    name: string,
    desk: DeskPage,
    workOf: Map<string, Work>,
    dispositions: Map<string, string>,
  ): Promise<void> {
    for (let done = 0; done < share(name); done += 1) {
      await desk.offer().waitFor();
      await desk.page.waitForURL(/\/desk\/tasks\/WT/);
      const taskSid = /WT[0-9a-f]{32}/.exec(desk.page.url())?.[0] ?? '';
      const work = workOf.get(taskSid);
      expect(work?.worker, `${name} was offered ${work?.file}`).toBe(name);
      if (!work) return;
      expect(await storedText(taskSid)).toBe(work.attributes);
      expect(await desk.shownAttributes(), work.file).toEqual(values(readJson(work.attributes)));
      expect(await desk.rawAttributes(), work.file).toBe(work.attributes);
      const title = (JSON.parse(work.attributes) as { name?: string }).name?.trim();
      if (title) {
        const shown = await desk.page.getByRole('heading', { level: 2 }).allTextContents();
        expect(shown).toContain(title);
      }

      await desk.accept();
      await desk.usable(/^Wrap up/).waitFor();
      expect(await storedText(taskSid)).toBe(work.attributes);
      await desk.wrapUp();
      await desk.choose();
      expect(await storedText(taskSid)).toBe(work.attributes);
      expect(await desk.shownAttributes(), work.file).toEqual(values(readJson(work.attributes)));
      await desk.page.getByRole('button', { name: /^Complete/ }).click();
      await until(`${work.file} is complete`, async () => {
        const task = await site.workspace.tasks(taskSid).fetch();
        return task.assignmentStatus === 'completed';
      });
      dispositions.set(taskSid, (await site.disposition(taskSid)).code);
    }
  }

  async function workByHand(colleague: Colleague, workOf: Map<string, Work>): Promise<void> {
    for (let done = 0; done < share(colleague.name); done += 1) {
      await until(
        `${colleague.name} is offered number ${done + 1}`,
        () => colleague.reservations.length > done,
      );
      const reservation = colleague.reservations[done];
      if (!reservation) return;
      const work = workOf.get(reservation.task.sid);
      expect(work?.worker, `${colleague.name} was offered ${work?.file}`).toBe(colleague.name);
      expect(reservation.task.attributes).toEqual(JSON.parse(work?.attributes ?? ''));
      await reservation.accept();
      await reservation.task.wrapUp({ reason: 'done' });
      await reservation.task.complete('done');
    }
  }

  function endsIn(frames: string[]): number {
    return frames.filter((frame) => JSON.parse(frame).event_type === 'reservation.completed')
      .length;
  }

  /** Only what is meant for this worker came over its socket, each time with the same text. */
  function expectFrames(name: string, frames: string[], workOf: Map<string, Work>): void {
    const seen = new Map<string, Set<string>>();
    for (const frame of frames) {
      const { event_type: type, payload } = JSON.parse(frame) as {
        event_type: string;
        payload: { sid?: string; attributes?: string; task?: { sid: string; attributes: string } };
      };
      const isTask = type.startsWith('task.');
      const isReservation = type.startsWith('reservation.');
      if (!isTask && !isReservation) continue;
      const task = isTask ? payload : payload.task;
      const work = workOf.get(task?.sid ?? '');
      expect(work?.worker, `${name} received ${type} of ${work?.file}`).toBe(name);
      expect(task?.attributes, `${type} of ${work?.file}`).toBe(work?.attributes);
      const types = seen.get(work?.file ?? '') ?? new Set();
      seen.set(work?.file ?? '', types.add(type));
    }
    const mine = works.filter((work) => work.worker === name).map((work) => work.file);
    expect([...seen.keys()].sort()).toEqual([...mine].sort());
    for (const [file, types] of seen) {
      for (const status of ['created', 'accepted', 'wrapup', 'completed']) {
        expect(types, file).toContain(`reservation.${status}`);
      }
    }
  }

  async function expectDone(sid: string, work: Work, disposition?: string): Promise<void> {
    const task = await site.workspace.tasks(sid).fetch();
    expect(task.assignmentStatus).toBe('completed');
    expect(task.attributes, work.file).toBe(work.attributes);
    const reservations = await site.workspace.tasks(sid).reservations.list();
    expect(
      reservations.map(({ workerSid, reservationStatus }) => [workerSid, reservationStatus]),
      work.file,
    ).toEqual([[site.person(work.worker).workerSid, 'completed']]);
    if (DESKS.includes(work.worker)) expect(task.reason).toBe(disposition);
  }

  async function expectWorkersUnchanged(): Promise<void> {
    const everyone = { ...job.workers, ...job.bystanders };
    for (const [name, file] of Object.entries(everyone)) {
      const worker = site.workspace.workers(site.person(name).workerSid);
      expect((await worker.fetch()).attributes, name).toBe(read(file));
    }
    for (const name of Object.keys(job.bystanders)) {
      const { reservations } = site.workspace.workers(site.person(name).workerSid);
      expect(await reservations.list(), name).toEqual([]);
    }
  }
});
