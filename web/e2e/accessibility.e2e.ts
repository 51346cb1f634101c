/**
 * Every page and dialog, light and dark, wide and narrow: nothing for the accessibility checker
 * to find, nothing wider than the window, and a picture to look at.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { DeskPage, launch, NARROW, until } from './support/browser.ts';
import { Look, looks } from './support/look.ts';
import { type Server, serverWithVisitorPage } from './support/server.ts';
import { makeSite, makeUser } from './support/site.ts';

const README_PICTURE = join(import.meta.dirname, '../../docs/images/desk.png');
const FIXTURES = join(import.meta.dirname, '../../testkit/fixtures');
const fixture = (name: string) => readFileSync(join(FIXTURES, `${name}.json`), 'utf8');

let server: Server;
let browser: Browser;

beforeAll(async () => {
  server = await serverWithVisitorPage();
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

describe.each(looks)('the pages, $name', ({ name, viewport, colorScheme }) => {
  it('of the desk', async () => {
    const look = new Look(name);
    const site = await makeSite(server, {
      workers: [{ name: 'Dana Reyes' }],
      reservationTimeoutS: 1_800,
    });
    const dana = site.person('Dana Reyes');
    const desk = await DeskPage.open(browser, server.base, { viewport, colorScheme });
    const { page } = desk;
    const menu = page.getByRole('menu');
    const dialog = page.getByRole('dialog');
    /** What is over the page is gone before anything else is asked for. */
    const close = async () => {
      await page.keyboard.press('Escape');
      for (const over of [menu, dialog]) await over.waitFor({ state: 'detached' });
    };

    await page.goto(server.base);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await look.at(page, '01-sign-in');
    await page.getByLabel('User name').fill(dana.username);
    await page.getByLabel('Password', { exact: true }).fill('not the password');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await look.at(page, '02-sign-in-refused');

    await desk.signIn(dana);
    await page.getByRole('heading', { name: 'You are Offline' }).waitFor();
    await look.at(page, '03-offline');
    await page.keyboard.press('s');
    await menu.waitFor();
    await look.at(page, '04-activities');
    await close();
    await page.getByRole('button', { name: 'Go Available' }).click();
    await page.getByRole('heading', { name: 'You are ready for work' }).waitFor();
    await look.at(page, '05-ready');

    const first = await site.makeTask(fixture('task-designed-composite'), 'voice');
    await desk.offer().waitFor();
    await desk.shownAttributes();
    await look.at(page, '06-incoming');
    await desk.accept();
    await desk.usable(/^Wrap up/).waitFor();
    await look.at(page, '07-active');

    await site.makeTask(fixture('task-chat-web'), 'chat');
    await site.makeTask(fixture('task-follow-up'));
    await until('two more are offered', async () => {
      const offered = site.workspace.workers(dana.workerSid).reservations;
      return (await offered.list({ reservationStatus: 'pending' })).length === 2;
    });
    await page.goto(`${server.base}/desk`);
    // With nothing selected, the offer that ends first is opened.
    await desk.offer().waitFor();
    if (viewport === NARROW) await page.getByRole('link', { name: 'Back to the list' }).click();
    await page.getByText('Incoming (2)').waitFor();
    await look.at(page, '08-list');
    await page.goto(`${server.base}/desk/tasks/${first}`);
    await page.getByRole('heading', { name: 'robin.castell@example.test', exact: true }).waitFor();
    await desk.shownAttributes();
    await look.at(page, '09-active-and-incoming');
    if (name === 'wide-light' && process.env.UPDATE_SCREENSHOTS === '1') {
      mkdirSync(join(README_PICTURE, '..'), { recursive: true });
      await page.screenshot({ path: README_PICTURE });
    }

    await page.keyboard.press('?');
    await dialog.waitFor();
    await look.at(page, '10-shortcuts');
    await close();
    await desk.wrapUp();
    await page.getByRole('heading', { name: 'How did it end?' }).waitFor();
    await look.at(page, '11-wrapping');
    await page.getByRole('button', { name: /^Complete/ }).click();
    await page.getByText('Choose how it ended.').waitFor();
    await look.at(page, '12-wrapping-unchosen');
    await page.getByText('Original', { exact: true }).click();
    await look.at(page, '13-original');
    await page.getByRole('button', { name: /^Alerts/ }).click();
    await dialog.waitFor();
    await look.at(page, '14-alerts');
    await close();
    await page.getByRole('button', { name: 'Appearance' }).click();
    await menu.waitFor();
    await look.at(page, '15-appearance');
    await close();
    await page.getByRole('button', { name: /^Activity:/ }).click();
    await page.getByRole('menuitemradio', { name: 'Break' }).click();
    await dialog.waitFor();
    await look.at(page, '16-leaving-offers');
    await close();
    await page.getByRole('button', { name: /^Account/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await dialog.waitFor();
    await look.at(page, '17-signing-out');
    await close();

    await page.context().setOffline(true);
    await desk.banner().waitFor();
    await look.at(page, '18-connection-lost');
    await page.context().setOffline(false);
    await page.getByText('Connection restored.').waitFor();
    await look.at(page, '19-connection-restored');

    const second = new DeskPage(await page.context().newPage(), server.base);
    await second.page.goto(`${server.base}/desk`);
    await page.getByRole('heading', { name: 'Your desk is open in another window' }).waitFor();
    await look.at(page, '20-elsewhere');
    desk.expectNoErrors();
    look.expectNothing();
    await desk.close();
  }, 900_000);

  it('without a desk, and of the visitor', async () => {
    const look = new Look(name);
    const site = await makeSite(server, { name: 'Demo', workers: [{ name: 'Dana Reyes' }] });
    // As long as a name may be, and nowhere to break it.
    const username = `sue-${site.workspaceSid}`.padEnd(64, 'w');
    const supervisor = { username, password: 'a password for looks' };
    await makeUser(server, { ...supervisor, role: 'supervisor' });
    const desk = await DeskPage.open(browser, server.base, { viewport, colorScheme });
    const { page } = desk;
    await desk.signIn(supervisor);
    await page.getByRole('heading', { name: 'There is no desk for your role' }).waitFor();
    await look.at(page, '21-no-desk');
    await page.goto(`${server.base}/desk/nowhere`);
    await page.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();
    await look.at(page, '22-unknown-address');
    await page.route('**/sinew/v1/Session', (route) => route.abort());
    await page.goto(`${server.base}/desk`);
    await page.getByRole('heading', { name: 'The server cannot be reached' }).waitFor();
    await look.at(page, '23-unreachable');

    await page.goto(`${server.base}/chat/demo`);
    await page.getByRole('button', { name: 'Ask for help' }).waitFor();
    await look.at(page, '24-visitor-form');
    await page.getByRole('button', { name: 'Ask for help' }).click();
    await page.locator('[aria-invalid="true"]').first().waitFor();
    await look.at(page, '25-visitor-form-refused');
    await page.getByLabel('Your name').fill('Robin');
    await page.getByLabel('Your question').fill('Where is my order?');
    await page.getByRole('button', { name: 'Ask for help' }).click();
    await page.getByRole('heading', { name: 'You are next' }).waitFor();
    await look.at(page, '26-visitor-waiting');
    desk.expectNoErrors();
    look.expectNothing();
    await desk.close();
  }, 900_000);
});
