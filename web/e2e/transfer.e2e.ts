/**
 * One desk hands a task over to another: by keyboard, to a worker and to a queue, staying and
 * leaving; refusals are shown where they were met.
 */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DeskPage, launch, NARROW, until, violations } from './support/browser.ts';
import { runningServer } from './support/server.ts';
import { makeSite, type Site } from './support/site.ts';

const server = runningServer();
const OUT = new URL('.out/', import.meta.url).pathname;
let browser: Browser;
let site: Site;

beforeAll(async () => {
  browser = await launch();
  site = await makeSite(server, {
    workers: [{ name: 'Noor Vane' }, { name: 'Sam Okafor' }],
    reservationTimeoutS: 600,
  });
});

afterAll(async () => {
  await browser.close();
});

/** What went wrong in one journey is not met by the next. */
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  for (const task of await site.workspace.tasks.list())
    await site.workspace.tasks(task.sid).remove();
  for (const name of ['Noor Vane', 'Sam Okafor']) {
    await site.setActivity(name, site.activities.offline);
  }
});

/** Noor has a task; Sam is available. */
async function begin(name: string, options = {}) {
  const noor = await DeskPage.open(browser, server.base, options);
  const sam = await DeskPage.open(browser, server.base, options);
  await noor.beginWork(site.person('Noor Vane'));
  const taskSid = await site.makeTask({ name });
  await noor.offer().waitFor();
  await noor.accept();
  await noor.usable(/^Transfer/).waitFor();
  await sam.beginWork(site.person('Sam Okafor'));
  return { noor, sam, taskSid };
}

async function end(...desks: DeskPage[]) {
  await site.setActivity('Noor Vane', site.activities.offline);
  await site.setActivity('Sam Okafor', site.activities.offline);
  for (const desk of desks) {
    desk.expectNoErrors();
    await desk.close();
  }
}

const statusOf = async (taskSid: string) =>
  (await site.workspace.tasks(taskSid).fetch()).assignmentStatus;

const becomes = (taskSid: string, wanted: string) =>
  until(
    `the task is ${wanted}`,
    () => statusOf(taskSid),
    (status) => status === wanted,
  );

async function finish(desk: DeskPage) {
  // Whoever left the task at once is wrapping up already.
  await desk
    .usable(/^Wrap up/)
    .or(desk.dispositions())
    .waitFor();
  if (await desk.usable(/^Wrap up/).isVisible()) await desk.usable(/^Wrap up/).click();
  await desk.choose();
  await desk.page.getByRole('button', { name: /^Complete/ }).click();
  await desk.page.getByRole('heading', { name: 'You are ready for work' }).waitFor();
}

describe('a transfer', () => {
  it('goes to a colleague by keyboard alone, and both have the task then', async () => {
    const { noor, sam, taskSid } = await begin('Ash Lindqvist');
    const { keyboard } = noor.page;
    await keyboard.press('t');
    const dialog = noor.page.getByRole('dialog', { name: 'Transfer “Ash Lindqvist”' });
    await dialog.waitFor();
    await dialog.getByRole('radio', { name: 'Sam Okafor' }).waitFor();
    await dialog.getByRole('radio', { name: 'Everyone' }).waitFor();
    expect(await dialog.getByRole('radio', { name: 'Noor Vane' }).count(), 'not to oneself').toBe(
      0,
    );
    expect(await violations(noor.page)).toEqual([]);
    await noor.page.screenshot({ path: `${OUT}transfer.png` });

    // Sent before anybody was chosen: told there and then.
    await keyboard.press('Enter');
    await dialog.getByText('Choose a worker or a queue.').waitFor();
    await keyboard.type('oka');
    await dialog.getByRole('radio', { name: 'Everyone' }).waitFor({ state: 'detached' });
    await keyboard.press('Tab');
    await keyboard.press('Space');
    await keyboard.press('Tab');
    await keyboard.press('Tab');
    await keyboard.press('Tab');
    await until('the button has the focus', () =>
      noor.page.evaluate(() => document.activeElement?.textContent === 'Transfer'),
    );
    await keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });

    await noor.page.getByRole('heading', { name: 'Waiting to be taken', exact: true }).waitFor();
    expect(await violations(noor.page)).toEqual([]);
    await noor.page.screenshot({ path: `${OUT}transfer-waiting.png` });
    await sam.offer().waitFor();
    expect(await statusOf(taskSid)).toBe('reserved');
    await sam.accept();
    await noor.page.getByText('“Ash Lindqvist” was taken.').waitFor();
    await noor.page.getByTestId('transferring').waitFor({ state: 'detached' });
    expect(await statusOf(taskSid)).toBe('assigned');

    await finish(noor);
    expect(await statusOf(taskSid)).toBe('assigned');
    await finish(sam);
    await becomes(taskSid, 'completed');
    await end(noor, sam);
  });

  it('shows the server’s refusal in the dialog, and can be called off', async () => {
    const { noor, sam, taskSid } = await begin('Kit Moreau');
    await noor.page.getByRole('button', { name: /^Transfer/ }).click();
    const dialog = noor.page.getByRole('dialog');
    await dialog.getByRole('radio', { name: 'Sam Okafor' }).check();
    await site.setActivity('Sam Okafor', site.activities.offline);
    await dialog.getByRole('button', { name: 'Transfer', exact: true }).click();
    const refusal = dialog.getByText('The task was not handed over.');
    await refusal.waitFor();
    const text = (await refusal.textContent()) ?? '';
    expect(text.length, text).toBeGreaterThan('The task was not handed over. '.length);
    expect(text).not.toContain('status code');
    expect(text).toMatch(/Sam Okafor/);
    expect(text).not.toMatch(/WK[0-9a-f]{32}/);
    await noor.page.screenshot({ path: `${OUT}transfer-refused.png` });
    expect(await violations(noor.page)).toEqual([]);
    expect(await statusOf(taskSid)).toBe('assigned');
    await noor.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });

    await site.setActivity('Sam Okafor', site.activities.available);
    await noor.page.getByRole('button', { name: /^Transfer/ }).click();
    await dialog.getByRole('radio', { name: 'Sam Okafor' }).check();
    await dialog.getByRole('button', { name: 'Transfer', exact: true }).click();
    await sam.offer().waitFor();
    await noor.page.getByRole('button', { name: 'Take back' }).click();
    await sam.offer().waitFor({ state: 'detached' });
    await becomes(taskSid, 'assigned');
    await noor.page.getByTestId('transferring').waitFor({ state: 'detached' });
    await finish(noor);
    await becomes(taskSid, 'completed');
    await end(noor, sam);
  });

  it('goes to a queue from a narrow desk, whose owner leaves at once', async () => {
    const { noor, sam, taskSid } = await begin('Remy Halloran', { viewport: NARROW });
    await noor.page.getByRole('button', { name: /^Transfer/ }).click();
    const dialog = noor.page.getByRole('dialog');
    await dialog.getByRole('radio', { name: 'Everyone' }).check();
    await dialog.getByRole('radio', { name: 'Hand it over and leave' }).check();
    const isWithin = await noor.page.evaluate(
      () => document.documentElement.scrollWidth <= window.innerWidth,
    );
    expect(isWithin, 'nothing sticks out').toBe(true);
    expect(await violations(noor.page)).toEqual([]);
    await noor.page.screenshot({ path: `${OUT}transfer-narrow.png` });
    await dialog.getByRole('button', { name: 'Transfer', exact: true }).click();
    await noor.page.getByRole('heading', { name: 'How did it end?' }).waitFor();
    await sam.offer().waitFor();
    // Each of the two buttons, in the list and beside the task, would do.
    await sam
      .usable(/^Accept/)
      .first()
      .click();
    await sam.usable(/^Wrap up/).waitFor();
    expect(await statusOf(taskSid)).toBe('assigned');

    await finish(noor);
    expect(await statusOf(taskSid)).toBe('assigned');
    await finish(sam);
    await becomes(taskSid, 'completed');
    await end(noor, sam);
  });
});
