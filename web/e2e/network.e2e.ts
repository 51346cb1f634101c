/**
 * The network goes away for 40 seconds while an offer counts down.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeskPage, launch, until } from './support/browser.ts';
import { type Line, makeLine } from './support/line.ts';
import { runningServer } from './support/server.ts';
import { makeSite, type Site } from './support/site.ts';

const CUT_MS = 40_000;
const OFFER_S = 600;
/** Over before the network is back, and long enough to be cut off while it is offered. */
const SHORT_OFFER_S = 30;

const server = runningServer();
let browser: Browser;
const lines: Line[] = [];

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  for (const line of lines) await line.close();
});

/** A desk of its own behind a line of its own, with an offer on it. */
async function offeredBehindALine(name: string) {
  const site = await makeSite(server, { workers: [{ name }], reservationTimeoutS: OFFER_S });
  const line = await makeLine(server.base);
  lines.push(line);
  const desk = await DeskPage.open(browser, line.base);
  await desk.beginWork(site.person(name));
  const taskSid = await site.makeTask({ name: 'Robin Castell' });
  await desk.offer().waitFor();
  return { site, line, desk, taskSid };
}

async function endByServerMs(site: Site, taskSid: string): Promise<number> {
  const [reservation] = await site.workspace.tasks(taskSid).reservations.list();
  if (!reservation) throw new Error('there is no reservation');
  return reservation.dateCreated.getTime() + OFFER_S * 1000;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.concurrent('40 seconds without a network', () => {
  it('are shown, and end with the same offer and the time that is really left', async () => {
    const { site, line, desk, taskSid } = await offeredBehindALine('Dana Reyes');
    const before = await desk.remainingS();
    const cutAt = Date.now();
    line.cut();
    await desk.page.context().setOffline(true);

    await desk.banner().waitFor();
    await until(
      'no offer can be answered',
      () => desk.usable(/^Accept/).count(),
      (count) => count === 0,
    );
    expect(await desk.page.getByRole('button', { name: /^Accept/ }).count()).toBeGreaterThan(0);
    await pause(CUT_MS - (Date.now() - cutAt));
    // The time goes on without the server.
    await until(
      'the time went on',
      () => desk.remainingS(),
      (left) => left < before - 37,
    );
    expect(await desk.banner().count()).toBe(1);

    line.mend();
    await desk.page.context().setOffline(false);
    await desk.page.getByText('Connection restored.').waitFor();
    await desk.banner().waitFor({ state: 'detached' });
    await desk.offer().waitFor();
    await desk.expectRemaining(await endByServerMs(site, taskSid));

    await desk.accept();
    await desk.usable(/^Wrap up/).waitFor();
    const [reservation] = await site.workspace.tasks(taskSid).reservations.list();
    expect(reservation?.reservationStatus).toBe('accepted');
    desk.expectNoErrors();
    await desk.close();
  }, 400_000);

  it('that nobody announced are found out, and what ended meanwhile is gone', async () => {
    const { site, line, desk, taskSid } = await offeredBehindALine('Lee Ostrow');
    line.cut();
    await pause(5_000);
    await site.workspace
      .tasks(taskSid)
      .update({ assignmentStatus: 'canceled', reason: 'the caller hung up' });
    await pause(CUT_MS - 5_000);
    line.mend();
    await desk.offer().waitFor({ state: 'detached' });
    await desk.page.getByText('ended while the connection was lost').waitFor();
    await desk.banner().waitFor({ state: 'detached' });

    // The desk is whole again: the next offer comes in.
    await site.makeTask({ name: 'Morgan Ellery' });
    await desk.page.getByRole('heading', { name: 'Morgan Ellery', exact: true }).waitFor();
    await desk.accept();
    await desk.offer().waitFor({ state: 'detached' });
    await desk.usable(/^Wrap up/).waitFor();
    desk.expectNoErrors();
    await desk.close();
  }, 400_000);

  it('in which the time ran out end without the offer', async () => {
    const site = await makeSite(server, {
      workers: [{ name: 'Teo Marlow' }],
      reservationTimeoutS: SHORT_OFFER_S,
    });
    const line = await makeLine(server.base);
    lines.push(line);
    const desk = await DeskPage.open(browser, line.base);
    await desk.beginWork(site.person('Teo Marlow'));
    await site.makeTask({ name: 'Casey Lorne' });
    await desk.offer().waitFor();
    await desk.page.context().setOffline(true);
    line.cut();
    await pause(CUT_MS);
    await until(
      'nothing is left',
      () => desk.remainingS(),
      (left) => left === 0,
    );
    const worker = await until(
      'the worker was taken out of work',
      async () => (await site.workspace.workers.list())[0],
      (found) => found?.available === false,
    );
    line.mend();
    await desk.page.context().setOffline(false);
    await desk.banner().waitFor({ state: 'detached' });
    // Whoever lets an offer pass is taken out of work, and is told so.
    await desk.page.getByRole('heading', { name: `You are ${worker?.activityName}` }).waitFor();
    await desk.page.getByText('ended while the connection was lost').waitFor();
    await desk.close();
  }, 400_000);
});
