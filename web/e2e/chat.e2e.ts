/**
 * A visitor asks for help, sees the place in the queue, and who takes the request. All pushed.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeskPage, launch, PATIENCE_MS, until } from './support/browser.ts';
import { type Server, serverWithVisitorPage } from './support/server.ts';
import { makeSite, type Site } from './support/site.ts';

let server: Server;
let browser: Browser;
let site: Site;

beforeAll(async () => {
  server = await serverWithVisitorPage();
  browser = await launch();
  // The server sends visitors' requests to the newest workspace of this name.
  site = await makeSite(server, { name: 'Demo', workers: [{ name: 'Dana Reyes' }] });
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

interface Visitor {
  page: Page;
  /** Requests over HTTP since the question was sent. */
  requests: string[];
  sockets: string[];
}

async function ask(name: string, text: string): Promise<Visitor> {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const visitor: Visitor = { page, requests: [], sockets: [] };
  await page.goto(`${server.base}/chat/demo`);
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('Topic').selectOption({ index: 1 });
  await page.getByLabel('Your question').fill(text);
  page.on('request', (request) => visitor.requests.push(`${request.method()} ${request.url()}`));
  page.on('websocket', (socket) => visitor.sockets.push(socket.url()));
  await page.getByRole('button', { name: 'Ask for help' }).click();
  return visitor;
}

const heading = (visitor: Visitor, name: string) =>
  visitor.page.getByRole('heading', { name, exact: true }).waitFor();

describe('a visitor', () => {
  it('sees the place in the queue and the agent’s name, without asking again', async () => {
    const first = await ask('Robin', 'Where is my order?');
    await heading(first, 'You are next');
    const second = await ask('Morgan', 'I was charged twice.');
    await heading(second, 'One person is ahead of you');

    const desk = await DeskPage.open(browser, server.base);
    await desk.goAvailable(site.person('Dana Reyes'));
    await desk.page.getByRole('heading', { name: 'Robin', exact: true }).waitFor();
    expect(await desk.shownAttributes()).toContainEqual(['/text', 'string', 'Where is my order?']);
    await desk.accept();
    await heading(first, 'Dana Reyes is helping you');
    await heading(second, 'You are next');

    await desk.wrapUp();
    await desk.choose();
    await desk.complete();
    await heading(first, 'This request is finished');
    await desk.page.getByRole('heading', { name: 'Morgan', exact: true }).waitFor();
    await desk.offer().waitFor();
    await desk.accept();
    await heading(second, 'Dana Reyes is helping you');

    for (const visitor of [first, second]) {
      // One request to ask, one socket to be told; nothing is fetched after that.
      expect(visitor.requests).toEqual([`POST ${server.base}/chat/demo/requests`]);
      expect(visitor.sockets).toHaveLength(1);
    }
    await desk.wrapUp();
    await desk.choose();
    await desk.complete();
    await heading(second, 'This request is finished');
    desk.expectNoErrors();
    await desk.close();
    await site.setActivity('Dana Reyes', site.activities.offline);
  });

  it('finds the request again after a reload', async () => {
    const visitor = await ask('Casey', 'Can I change the date?');
    await heading(visitor, 'You are next');
    await visitor.page.reload();
    await heading(visitor, 'You are next');
    await visitor.page.getByText('Can I change the date?').waitFor();
    await visitor.page.context().close();
  });

  it('is told at the field what is wrong', async () => {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(`${server.base}/chat/demo`);
    await page.getByRole('button', { name: 'Ask for help' }).click();
    await page.getByText('Enter your name.').waitFor();
    await until('the first field has the focus', () =>
      page.evaluate(() => document.activeElement?.id === 'name'),
    );
    expect(await page.getByLabel('Your name').getAttribute('aria-invalid')).toBe('true');
    // What the server alone refuses is shown at its field too.
    await page.getByLabel('Your name').fill('Robin');
    await page.getByLabel('Your question').fill('Hello');
    await page.evaluate(() => {
      const topic = document.querySelector('#topic');
      topic?.append(new Option('made up', 'made-up', true, true));
    });
    await page.getByRole('button', { name: 'Ask for help' }).click();
    await page.locator('#topic-error', { hasText: 'Is not one of the topics' }).waitFor();
    await page.context().close();
  });
});
