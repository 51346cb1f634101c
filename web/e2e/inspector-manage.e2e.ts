/**
 * What an administrator makes, changes and takes away in the inspector, and what becomes of text
 * that was typed and not saved.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, until } from './support/browser.ts';
import { type Admin, ConsolePage, makeAdmin } from './support/console.ts';
import { runningServer } from './support/server.ts';
import { own } from './support/site.ts';
import { makeService, type Service } from './support/sync.ts';

const server = runningServer();
let browser: Browser;
let admin: Admin;
let service: Service;

beforeAll(async () => {
  browser = await launch();
  admin = await makeAdmin(server);
  service = await makeService(server);
});

afterAll(async () => {
  service.close();
  await browser.close();
});

async function at(path: string): Promise<ConsolePage> {
  const console = await ConsolePage.open(browser, server.base);
  await console.signInAt(path, admin);
  return console;
}

async function type(console: ConsolePage, text: string): Promise<void> {
  await console.page.getByRole('button', { name: 'Edit', exact: true }).click();
  await console.field().fill(text);
}

/** Saves without a session, unless the page noticed by itself before that there is none. */
async function saveInVain(page: Page): Promise<void> {
  const save = page.getByRole('button', { name: 'Save', exact: true });
  await save.or(page.getByText('Your session has ended.')).first().click();
}

const asked = (page: Page) => page.getByRole('dialog', { name: 'What you typed is not saved' });

async function answer(page: Page, name: string): Promise<void> {
  await asked(page).getByRole('button', { name, exact: true }).click();
  await asked(page).waitFor({ state: 'detached' });
}

describe('what was typed and not saved', () => {
  it('is only given up by whoever says so', async () => {
    const map = await service.make('Maps', { UniqueName: 'typed into' });
    for (const Key of ['one', 'two']) {
      await service.write(`Maps/${map}/Items`, { Key, Data: '{"n":1}' });
    }
    const console = await at(`/sync/${service.sid}/${map}`);
    const { page } = console;
    await console.items().getByRole('option', { name: /^one/ }).click();
    await type(console, '{"n":2}');
    // What is listed beside it may change; it stays.
    await page.getByLabel('Filter by key or text').fill('o');
    await page.getByLabel('Filter by name or SID').fill('typed');
    await until(
      'the filters are in the address',
      () => page.url(),
      (url) => url.includes('q=typed'),
    );
    expect(await asked(page).count()).toBe(0);
    // The item that is open stays so, also while the list beside it is read anew.
    await page.getByRole('heading', { name: 'Editing one', exact: true }).waitFor();

    const two = console.items().getByRole('option', { name: /^two/ });
    await two.click();
    await answer(page, 'Stay here');
    expect(await console.field().inputValue()).toBe('{"n":2}');
    await page.getByRole('link', { name: 'History', exact: true }).first().click();
    await answer(page, 'Stay here');
    await page.getByRole('button', { name: 'Close item one' }).click();
    await answer(page, 'Stay here');
    await page.goBack();
    await answer(page, 'Stay here');
    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await answer(page, 'Stay here');
    expect(await console.field().inputValue()).toBe('{"n":2}');
    // The window itself asks, in the browser's own words.
    const kinds: string[] = [];
    page.once('dialog', (dialog) => {
      kinds.push(dialog.type());
      void dialog.accept();
    });
    await page.reload();
    expect(kinds).toEqual(['beforeunload']);
    await two.waitFor();
    await page.getByRole('button', { name: 'Edit', exact: true }).waitFor();
    await type(console, '{"n":3}');
    await two.click();
    await answer(page, 'Go on without saving');
    await page.getByRole('heading', { name: 'two', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Edit', exact: true }).waitFor();
    expect((await service.read(`Maps/${map}/Items/one`)).data).toEqual({ n: 1 });
    // Nothing was changed: nothing is asked.
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByRole('button', { name: 'Close item two' }).click();
    await page.getByRole('heading', { name: 'two', exact: true }).waitFor({ state: 'detached' });
    console.expectNoErrors();
    await console.close();
  });

  it('is there again after the session ended, for the same person alone', async () => {
    const Data = '{"text":"first"}';
    const document = await service.make('Documents', { UniqueName: 'a long text', Data });
    const console = await at(`/sync/${service.sid}/${document}`);
    const { page } = console;
    const signIn = async ({ username, password }: Admin) => {
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await page.getByLabel('User name').fill(username);
      await page.getByLabel('Password', { exact: true }).fill(password);
      await page.keyboard.press('Enter');
    };
    await type(console, '{"text":"second"}');
    await page.context().clearCookies();
    // The browser itself must not ask for a password: nothing of the page could be used then.
    await saveInVain(page);
    await page.getByText('Your session has ended.').waitFor();
    await signIn(admin);
    await console.field().waitFor();
    await until(
      'what was typed is there again',
      () => console.field().inputValue(),
      (text) => text === '{"text":"second"}',
    );

    await page.context().clearCookies();
    await saveInVain(page);
    await signIn(await makeAdmin(server));
    await console.valueAt('/text').getByText('first').waitFor();
    expect(await console.field().count()).toBe(0);
    await console.close();
  });
});

describe('the inspector as a tool', () => {
  it('makes a service and what is in it, sets how long it lives, and deletes it', async () => {
    const name = `made by hand ${service.sid.slice(-6)}`;
    const console = await at('/sync');
    const { page } = console;
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'New service' }).click();
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'Nothing here yet' }).waitFor();
    const made = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    const read = (path: string) => service.read(path, made);

    await page.getByRole('button', { name: 'Settings of the service' }).click();
    await dialog.getByLabel('Enforce permissions').check();
    await dialog.getByLabel('Webhook address').fill('not an address');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText(/^This was not saved:.*WebhookUrl/).waitFor();
    await dialog.getByLabel('Webhook address').fill('');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The settings are saved.').waitFor();
    expect(await read('')).toMatchObject({ acl_enabled: true, friendly_name: name });

    await page.getByRole('button', { name: 'New object' }).click();
    await dialog.getByLabel('Kind').selectOption('map');
    await dialog.getByLabel('Unique name').fill('by hand');
    await dialog.getByLabel('Time to live').fill('x');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByText('Enter whole seconds').waitFor();
    await dialog.getByLabel('Time to live').fill('5400');
    await dialog.getByText('It expires 1 hour 30 minutes from now.').waitFor();
    let setAfter = Date.now();
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'by hand', exact: true }).waitFor();
    await console
      .objects()
      .getByRole('option', { name: /by hand/ })
      .waitFor();
    await expectLife(read, 'Maps/by%20hand', 5_400, setAfter);

    await page.getByRole('button', { name: 'Add item' }).click();
    await dialog.getByLabel('Key').fill('k');
    await dialog.getByLabel('Time to live').fill('600');
    setAfter = Date.now();
    await dialog.getByRole('button', { name: 'Add item' }).click();
    await page.getByRole('heading', { name: 'k', exact: true }).waitFor();
    await expectLife(read, 'Maps/by%20hand/Items/k', 600, setAfter);
    await page.getByRole('button', { name: 'Change the time to live of k' }).click();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByLabel('Item k', { exact: true }).getByText('Never expires').waitFor();
    expect(await read('Maps/by%20hand/Items/k')).toMatchObject({ date_expires: null });
    await page.getByRole('button', { name: 'Change the time to live of by hand' }).click();
    await dialog.getByLabel('Time to live').fill('7200');
    setAfter = Date.now();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The time to live of by hand is set.').waitFor();
    await expectLife(read, 'Maps/by%20hand', 7_200, setAfter);

    await page.getByRole('button', { name: 'New object' }).click();
    await dialog.getByLabel('Kind').selectOption('map');
    await dialog.getByLabel('Unique name').fill('by hand');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByText('There is an object of this kind with this name already.').waitFor();
    await page.keyboard.press('Escape');

    await page.getByRole('button', { name: 'Delete by hand' }).click();
    await dialog.getByText('Its 1 item goes with it.').waitFor();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Nothing here yet' }).waitFor();
    // What is gone has a history where it was.
    await page.goBack();
    await page.getByRole('heading', { name: 'by hand', exact: true }).waitFor();
    await page.getByRole('link', { name: 'History', exact: true }).first().click();
    await page.getByRole('list', { name: 'History' }).getByText('map removed').waitFor();
    await page.getByRole('button', { name: 'Settings of the service' }).click();
    await dialog.getByRole('button', { name: 'Delete this service' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByText(`Type exactly “${name}”.`).waitFor();
    await dialog.getByLabel(/^Type/).fill(name);
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Sync services' }).waitFor();
    await until(
      'it is gone',
      () => page.getByRole('link', { name }).count(),
      (count) => count === 0,
    );

    // The account's own service stays.
    await console.goto('/sync/default');
    await page.getByRole('button', { name: 'Settings of the service' }).click();
    await dialog.getByLabel('Name').waitFor();
    expect(await dialog.getByRole('button', { name: 'Delete this service' }).count()).toBe(0);
    console.expectNoErrors();
    await console.close();
  });

  it('publishes to a stream, and never says that it is live while the line is lost', async () => {
    const stream = await service.make('Streams', { UniqueName: 'said by hand' });
    const console = await at(`/sync/${service.sid}/${stream}`);
    const { page } = console;
    await console.live();
    await page.getByText('1 subscriber: this page').waitFor();
    await page.getByRole('button', { name: 'Publish a message' }).click();
    await page.getByRole('dialog').getByLabel('Value as JSON').fill('{"said":"by hand"}');
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('list', { name: 'Messages' }).getByText('{"said":"by hand"}').waitFor();
    await page.context().setOffline(true);
    await console.banner().waitFor();
    await page.locator('[data-testid="following"][data-following="lost"]').waitFor();
    await page.context().setOffline(false);
    await console.live();
    await console.close();
  });

  it('says so when something cannot be read again, and what was read stays', async () => {
    const UniqueName = 'read once';
    const document = await service.make('Documents', { UniqueName, Data: '{"n":1}' });
    const console = await at(`/sync/${service.sid}/${document}`);
    const { page } = console;
    await console.valueAt('/n').waitFor();
    // The store is broken, say: every answer about objects is the server's regret.
    const broken = { status: 500, json: { code: 20500, message: 'Something is broken' } };
    await page.route('**/sinew/v1/Sync/**/Objects/*', (route) => route.fulfill(broken));
    await page.route('**/sinew/v1/Sync/**/Objects?*', (route) => route.fulfill(broken));
    const told = page.getByText('This could not be read again: Something is broken');
    await until(
      'both places say so',
      () => told.count(),
      (count) => count === 2,
    );
    await console.valueAt('/n').waitFor();
    await page.unrouteAll();
    await until(
      'neither does',
      () => told.count(),
      (count) => count === 0,
    );
    await console.close();
  });

  it('asks whoever is no administrator any more to sign in, and lets them no further', async () => {
    const another = await makeAdmin(server);
    const console = await ConsolePage.open(browser, server.base);
    const { page } = console;
    await console.signInAt(`/sync/${service.sid}`, another);
    await own(server, 'POST', `/sinew/v1/Users/${another.username}`, { role: 'supervisor' });
    await page.getByText('Your session has ended.').waitFor();
    await page.getByLabel('User name').fill(another.username);
    await page.getByLabel('Password', { exact: true }).fill(another.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'The console is for administrators' }).waitFor();
    await console.close();
  });

  it('says since when it counts and how often it looks', async () => {
    const console = await at(`/sync/${service.sid}`);
    await console.page
      .getByText(/^Counted since the server started, .*; read again every 2 s\.$/)
      .waitFor();
    await console.page.getByText('Live', { exact: true }).waitFor();
    console.expectNoErrors();
    await console.close();
  });
});

/** That it ends so many seconds after it was set, as the ordinary operations tell it. */
async function expectLife(
  read: (path: string) => Promise<Record<string, unknown>>,
  path: string,
  seconds: number,
  setAfterMs: number,
): Promise<void> {
  const { date_expires: expires } = await read(path);
  const setMs = Date.parse(String(expires)) - seconds * 1_000;
  // The answer has whole seconds.
  expect(setMs).toBeGreaterThan(setAfterMs - 1_000);
  expect(setMs).toBeLessThanOrEqual(Date.now());
}
