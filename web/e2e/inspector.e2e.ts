/**
 * The state inspector: what an administrator sees of Sync, live, and what can be done about it.
 */
import type { Browser, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, PATIENCE_MS, until } from './support/browser.ts';
import { type Admin, ConsolePage, makeAdmin } from './support/console.ts';
import { type Line, makeLine } from './support/line.ts';
import { runningServer } from './support/server.ts';
import { makeUser } from './support/site.ts';
import { keyOf, makeService, type Service } from './support/sync.ts';

const server = runningServer();
let browser: Browser;
let admin: Admin;
let service: Service;
const lines: Line[] = [];

beforeAll(async () => {
  browser = await launch();
  admin = await makeAdmin(server);
  service = await makeService(server, { AclEnabled: 'true' });
});

afterAll(async () => {
  service.close();
  await browser.close();
  for (const line of lines) await line.close();
});

/** A window at an address of the journeys' service. */
async function at(path: string, base = server.base): Promise<ConsolePage> {
  const console = await ConsolePage.open(browser, base);
  await console.signInAt(`/sync/${service.sid}${path}`, admin);
  return console;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('the inspector', () => {
  it('leads from services to objects to items, and back by the address', async () => {
    const map = await service.make('Maps', { UniqueName: 'agents of the day' });
    const item = {
      Key: 'dana/1 ü',
      Data: '{"state":"ready","big":12345678901234567890,"one":1.0}',
    };
    await service.write(`Maps/${map}/Items`, item);
    await service.make('Documents', { UniqueName: 'opening hours', Data: '{"open":"09:00"}' });
    await service.make('Lists', { UniqueName: 'canned answers' });
    const console = await ConsolePage.open(browser, server.base);
    const { page } = console;

    // An administrator without a worker begins in the console.
    await page.goto(`${server.base}/`);
    await page.getByLabel('User name').fill(admin.username);
    await page.getByLabel('Password', { exact: true }).fill(admin.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sync services' }).waitFor();
    await page.getByRole('link', { name: service.name }).click();
    await console
      .objects()
      .getByRole('option', { name: /agents of the day/ })
      .waitFor();

    await page.getByLabel('Filter by name or SID').fill('hours');
    await until('one object is left', () => console.objects().getByRole('option').count(), only(1));
    await page.getByLabel('Filter by name or SID').fill('');
    await page.getByLabel('Kind of object').selectOption('map');
    await console
      .objects()
      .getByRole('option', { name: /agents of the day/ })
      .click();
    await page.getByRole('heading', { name: 'agents of the day', exact: true }).waitFor();
    await console
      .items()
      .getByRole('option', { name: /dana\/1 ü/ })
      .click();
    await console.valueAt('/state').waitFor();
    // Every digit as it was stored.
    expect(await console.valueAt('/big').textContent()).toBe('12345678901234567890');
    expect(await console.valueAt('/one').textContent()).toBe('1.0');

    const address = page.url();
    const again = await console.another();
    await again.page.goto(address);
    await again.valueAt('/state').waitFor();
    await until(
      'the title says what is shown',
      () => again.page.title(),
      (title) => title.includes('agents of the day'),
    );
    await again.goto(`/sync/${service.sid}/MP${'0'.repeat(32)}`);
    await again.page.getByRole('heading', { name: 'There is no such object' }).waitFor();
    await again.goto('/sync/IS00000000000000000000000000000000');
    await again.page.getByRole('heading', { name: 'There is no such service' }).waitFor();
    await again.goto('/nowhere');
    await again.page.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();
    console.expectNoErrors();
    again.expectNoErrors();
    await console.close();
  });

  it('is for administrators alone', async () => {
    const name = `sue-${service.sid}`;
    await makeUser(server, { username: name, password: 'a long password', role: 'supervisor' });
    const console = await ConsolePage.open(browser, server.base);
    await console.page.goto(`${server.base}/admin`);
    await console.page.getByLabel('User name').fill(name);
    await console.page.getByLabel('Password', { exact: true }).fill('a long password');
    await console.page.keyboard.press('Enter');
    await console.page
      .getByRole('heading', { name: 'The console is for administrators' })
      .waitFor();
    console.expectNoErrors();
    await console.close();
  });

  it('follows changes as they happen', async () => {
    const map = await service.make('Maps', { UniqueName: 'queue of today' });
    await service.write(`Maps/${map}/Items`, { Key: 'b', Data: '{"waiting":1}' });
    const console = await at(`/${map}`);
    await console.live();
    await console.items().getByRole('option', { name: /^b / }).click();
    await console.valueAt('/waiting').waitFor();

    await service.write(`Maps/${map}/Items/b`, { Data: '{"waiting":2}' });
    await console.valueAt('/waiting').getByText('2', { exact: true }).waitFor();
    await service.write(`Maps/${map}/Items`, { Key: 'a', Data: '{"waiting":7}' });
    await console.items().getByRole('option').first().getByText('{"waiting":7}').waitFor();
    await service.remove(`Maps/${map}/Items/b`);
    await console.page.getByRole('heading', { name: 'There is no such item' }).waitFor();
    await until('the row is gone', () => console.items().getByRole('option').count(), only(1));

    const other = await service.make('Documents', { UniqueName: 'made meanwhile' });
    await console
      .objects()
      .getByRole('option', { name: /made meanwhile/ })
      .click();
    await console.page.getByRole('heading', { name: 'made meanwhile', exact: true }).waitFor();
    await console.live();
    // It is pushed: what is read every now and then is not answered meanwhile.
    const regret = { status: 500, json: { code: 20500, message: 'Not now' } };
    await console.page.route(`**/Objects/${other}`, (route) => route.fulfill(regret));
    await service.write(`Documents/${other}`, { Data: '{"now":true}' });
    await console.valueAt('/now').waitFor();
    await console.page.unrouteAll();
    await service.remove(`Documents/${other}`);
    await console.page.getByText('This object was removed').waitFor();

    const stream = await service.make('Streams', { UniqueName: 'ticker' });
    await console.goto(`/sync/${service.sid}/${stream}`);
    await console.live();
    await service.write(`Streams/${stream}/Messages`, { Data: '{"said":"hello"}' });
    await console.page.getByText('{"said":"hello"}').waitFor();
    console.expectNoErrors();
    await console.close();
  });

  it('shows both versions where two people edit the same document', async () => {
    const document = await service.make('Documents', {
      UniqueName: 'shared text',
      Data: '{"greeting":"Hello","count":1}',
    });
    const one = await at(`/${document}`);
    const two = await one.another();
    await two.goto(`/sync/${service.sid}/${document}`);
    for (const { page } of [one, two])
      await page.getByRole('button', { name: 'Edit', exact: true }).click();

    await one.field().fill('{"greeting":"Good morning","count":1}');
    await one.page.getByRole('button', { name: 'Save', exact: true }).click();
    await one.page.getByText(/^Saved as revision/).waitFor();
    // The other one is told at once, and what was typed stays.
    await two.field().fill('{"greeting":"Good evening","count":1}');
    await two.page.getByText(/Somebody changed this while you were editing/).waitFor();
    await two.page.getByRole('button', { name: 'Save', exact: true }).click();
    const conflict = two.page.getByTestId('conflict');
    await conflict.waitFor();
    const theirs = conflict.locator('[data-side="Theirs"]');
    const mine = conflict.locator('[data-side="Yours"]');
    await theirs.locator('[data-own="true"]', { hasText: 'Good morning' }).waitFor();
    await mine.locator('[data-own="true"]', { hasText: 'Good evening' }).waitFor();
    expect((await service.read(`Documents/${document}`)).data).toEqual({
      greeting: 'Good morning',
      count: 1,
    });

    // Somebody is faster once more: what is kept is only ever written over what was shown.
    await service.write(`Documents/${document}`, { Data: '{"greeting":"Good night","count":1}' });
    await two.page.getByRole('button', { name: 'Keep mine' }).click();
    await theirs.getByText('Good night').waitFor();
    await two.page.getByRole('button', { name: 'Keep mine' }).click();
    await two.page.getByText(/^Saved as revision/).waitFor();
    await one.valueAt('/greeting').getByText('Good evening').waitFor();
    // A window in the background is slowed down by the browser.
    await one.page.bringToFront();

    await one.page.getByRole('button', { name: 'Edit', exact: true }).click();
    await one.field().fill('{"greeting":"Bye"}');
    await service.write(`Documents/${document}`, { Data: '{"greeting":"Stay"}' });
    await one.page.getByRole('button', { name: 'Compare' }).click();
    await one.page.getByRole('button', { name: 'Take theirs' }).click();
    await one.valueAt('/greeting').getByText('Stay').waitFor();

    await one.page.getByRole('button', { name: 'Edit', exact: true }).click();
    await one.field().fill('{"greeting": }');
    await one.page.getByRole('button', { name: 'Save', exact: true }).click();
    await one.page.getByText('This is not JSON: line 1, column 14.').waitFor();
    await one.field().fill('[1]');
    await one.page.getByRole('button', { name: 'Save', exact: true }).click();
    await one.page.getByText(/^This was not saved:/).waitFor();
    one.expectNoErrors();
    two.expectNoErrors();
    await one.close();
  });

  it('edits, adds and removes items, and says when one is gone', async () => {
    const map = await service.make('Maps', { UniqueName: 'items to edit' });
    await service.write(`Maps/${map}/Items`, { Key: 'k', Data: '{"n":1}' });
    const console = await at(`/${map}?item=k`);
    const { page } = console;
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await console.field().fill('{"n":2}');
    await page.keyboard.press('Control+Enter');
    await console.valueAt('/n').getByText('2').waitFor();

    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await console.field().fill('{"n":3}');
    await service.remove(`Maps/${map}/Items/k`);
    await page.getByText('Somebody removed this while you were editing.').waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByTestId('conflict').waitFor();
    await page.getByRole('button', { name: 'Keep mine' }).click();
    await console.valueAt('/n').getByText('3').waitFor();

    await page.getByRole('button', { name: 'Add item' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Key').fill('k');
    await dialog.getByRole('button', { name: 'Add item' }).click();
    await dialog.getByText('There is an item with this key already.').waitFor();
    await dialog.getByLabel('Key').fill('new one');
    await dialog.getByRole('button', { name: 'Add item' }).click();
    await page.getByRole('heading', { name: 'new one', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await page
      .getByRole('heading', { name: 'new one', exact: true })
      .waitFor({ state: 'detached' });
    await until('one row is left', () => console.items().getByRole('option').count(), only(1));
    console.expectNoErrors();
    await console.close();
  });

  it('scrolls through a hundred thousand items to the end', async () => {
    const map = await service.make('Maps', { UniqueName: 'many' });
    await service.fill(map, 100_000);
    const console = await at(`/${map}`);
    const { page } = console;
    const rows = () => console.items().getByRole('option');
    await rows().first().getByText(keyOf(0)).waitFor();
    expect(await rows().count()).toBeLessThan(120);
    await until(
      'all are counted',
      () => rows().first().getAttribute('aria-setsize'),
      (size) => size === '100000',
    );

    // By the wheel, as people do: every row that comes by is the right one, and none is missing.
    await console.items().hover();
    await countFrames(console);
    const seen = new Set(await shownKeys(console));
    for (let turn = 1; turn <= 120; turn += 1) {
      await page.mouse.wheel(0, WHEEL_PX);
      await until('the wheel has turned', () => scrolledTo(console, turn * WHEEL_PX));
      for (const key of await shownKeys(console)) seen.add(key);
    }
    const keys = [...seen].toSorted();
    expect(keys.length).toBeGreaterThan(300);
    expect(keys).toEqual(keys.map((_, index) => keyOf(index)));
    const frames = await framesText(console);

    // In one go to the end, to the middle, and back.
    const started = Date.now();
    let pagesRead = 0;
    const count = (asked: Request) => {
      if (/\/Items\?/.test(asked.url())) pagesRead += 1;
    };
    page.on('request', count);
    await console.items().focus();
    await page.keyboard.press('End');
    await console
      .items()
      .getByRole('option', { name: new RegExp(keyOf(99_999)) })
      .waitFor();
    page.off('request', count);
    expect(pagesRead, 'what lies between is not read').toBeLessThan(5);
    process.stdout.write(
      `     100 000 items: the end after ${Date.now() - started} ms; ${frames}\n`,
    );
    await console.items().evaluate((element) => {
      element.scrollTop = element.scrollHeight / 2;
    });
    const middle = await until(
      'the middle is there',
      async () => (await shownKeys(console))[5] ?? '',
      (key) => key.startsWith('key-0499') || key.startsWith('key-05'),
    );
    expect(middle).toMatch(/^key-0(49|50)\d{3}$/);
    await page.keyboard.press('Home');
    await rows().first().getByText(keyOf(0)).waitFor();

    // Something is added above what is read: it stays where it is.
    await console.items().evaluate((element) => {
      element.scrollTop = 4_000;
    });
    const isFirst = (keys: string[]) => keys[0] === keyOf(100);
    await until('row 100 is first', () => shownKeys(console), isFirst);
    await service.write(`Maps/${map}/Items`, { Key: 'a first one', Data: '{}' });
    await page.getByText('of 100,001').waitFor();
    await until('row 100 is still first', () => shownKeys(console), isFirst);
    await service.remove(`Maps/${map}/Items/a%20first%20one`);
    await page.getByText('of 100,000').waitFor();
    await until('row 100 is first as before', () => shownKeys(console), isFirst);

    await page.getByLabel('Begin at key').fill(keyOf(77_777));
    await rows().first().getByText(keyOf(77_777)).waitFor();
    await page.getByLabel('Begin at key').fill('');
    await page.getByLabel('Filter by key or text').fill('key-05432');
    await until('ten are found', () => rows().count(), only(10));
    console.expectNoErrors();
    await console.close();
  }, 900_000);

  it('says that the network is gone, keeps what was typed, and recovers', async () => {
    const document = await service.make('Documents', {
      UniqueName: 'over a bad line',
      Data: '{"n":1}',
    });
    const line = await makeLine(server.base);
    lines.push(line);
    const console = await at(`/${document}`, line.base);
    const { page } = console;
    await console.live();
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await console.field().fill('{"n":5}');
    line.cut();
    await page.context().setOffline(true);
    await console.banner().waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText(/it is not known whether this was saved/).waitFor();
    expect(await console.field().inputValue()).toBe('{"n":5}');

    // Somebody goes on meanwhile.
    await service.write(`Documents/${document}`, { Data: '{"n":2}' });
    await pause(2_000);
    line.mend();
    await page.context().setOffline(false);
    await console.banner().waitFor({ state: 'detached' });
    await page.getByText('Connection restored.').waitFor();
    await page.getByText(/Somebody changed this while you were editing/).waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('button', { name: 'Take theirs' }).click();
    await console.valueAt('/n').getByText('2', { exact: true }).waitFor();
    await console.live();
    await service.write(`Documents/${document}`, { Data: '{"n":3}' });
    await console.valueAt('/n').getByText('3', { exact: true }).waitFor();
    console.expectNoErrors();
    await console.close();
  });

  it('finds out by itself that nothing comes through any more', async () => {
    const document = await service.make('Documents', { Data: '{"n":1}' });
    const line = await makeLine(server.base);
    lines.push(line);
    const console = await at(`/${document}`, line.base);
    await console.live();
    line.cut();
    await console.banner().waitFor({ timeout: 2 * PATIENCE_MS });
    await service.write(`Documents/${document}`, { Data: '{"n":2}' });
    line.mend();
    await console.banner().waitFor({ state: 'detached', timeout: 2 * PATIENCE_MS });
    await console.valueAt('/n').getByText('2').waitFor();
    console.expectNoErrors();
    await console.close();
  }, 400_000);

  it('can be used by keyboard alone', async () => {
    const map = await service.make('Maps', { UniqueName: 'by keyboard' });
    for (const key of ['one', 'three', 'two']) {
      await service.write(`Maps/${map}/Items`, { Key: key, Data: `{"name":"${key}"}` });
    }
    const console = await ConsolePage.open(browser, server.base);
    const { page } = console;
    const { keyboard } = page;
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
    const tabTo = async (what: string, is: () => Promise<boolean>) => {
      for (let step = 0; step < 40; step += 1) {
        if (await is()) return;
        await keyboard.press('Tab');
      }
      throw new Error(`the Tab key does not lead to ${what}`);
    };
    const isLabelled = (label: string) => () =>
      page.evaluate((name) => document.activeElement?.getAttribute('aria-label') === name, label);

    await page.goto(`${server.base}/admin/sync/${service.sid}`);
    await page.getByLabel('User name').waitFor();
    await until('the first field has the focus', () =>
      page.evaluate(() => document.activeElement?.tagName === 'INPUT'),
    );
    await keyboard.type(admin.username);
    await keyboard.press('Tab');
    await keyboard.type(admin.password);
    await keyboard.press('Enter');
    await console.objects().waitFor();
    await keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await tabTo('the filter', isLabelled('Filter by name or SID'));
    await keyboard.type('by keyboard');
    await until('one object is left', () => console.objects().getByRole('option').count(), only(1));
    await tabTo('the objects', isLabelled('Objects of this service'));
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'by keyboard', exact: true }).waitFor();
    await until('the title has the focus', focused, (text) => text === 'by keyboard');

    await tabTo('the items', isLabelled('Items of by keyboard'));
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    await until('the item has the focus', focused, (text) => text === 'three');
    await tabTo('the editor', async () => (await focused()) === 'Edit');
    await keyboard.press('Enter');
    await until('the field has the focus', () =>
      page.evaluate(() => document.activeElement?.tagName === 'TEXTAREA'),
    );
    await keyboard.press('Control+A');
    await keyboard.type('{"name":"by hand"}');
    await keyboard.press('Control+Enter');
    await console.valueAt('/name').getByText('by hand').waitFor();
    await tabTo('closing', isLabelled('Close item three'));
    await keyboard.press('Enter');
    await until('the items have the focus', isLabelled('Items of by keyboard'));
    console.expectNoErrors();
    await console.close();
  });

  it('tells what happened to an object, and shows it as it was', async () => {
    const document = await service.make('Documents', {
      UniqueName: 'with a past',
      Data: '{"step":"first"}',
    });
    const map = await service.make('Maps', { UniqueName: 'map with a past' });
    await service.write(`Maps/${map}/Items`, { Key: 'kept', Data: '{"step":"first"}' });
    await service.write(`Maps/${map}/Items`, { Key: 'dropped', Data: '{"step":"only"}' });
    await pause(1_100);
    await service.write(`Documents/${document}`, { Data: '{"step":"second"}' });
    await service.write(`Maps/${map}/Items/kept`, { Data: '{"step":"second"}' });
    await service.remove(`Maps/${map}/Items/dropped`);

    const console = await at(`/${document}/history`);
    const { page } = console;
    const entries = () => page.getByRole('list', { name: 'History' }).getByRole('listitem');
    await entries().first().getByText('{"step":"second"}').waitFor();
    await page.locator('[data-kind="document_created"]').getByText('See it then').click();
    await page.getByText(/^As it was at/).waitFor();
    await console.valueAt('/step').getByText('first').waitFor();
    expect(await page.getByRole('button', { name: 'Edit', exact: true }).count()).toBe(0);
    await page.getByRole('button', { name: 'Back to now' }).click();
    await console.valueAt('/step').getByText('second').waitFor();
    // By the slider: a second at a time.
    await page.getByRole('button', { name: 'Earlier' }).click();
    await page.getByRole('slider', { name: 'Go through time' }).focus();
    await page.getByText(/The journal reaches back/).waitFor();
    const instant = page.getByText(/^As it was at/);
    const notYet = page.getByRole('heading', { name: /not there then|does not reach/ });
    await until(
      'the first state is reached',
      async () => {
        const before = await instant.textContent();
        await page.keyboard.press('ArrowLeft');
        await until(
          'it is a second earlier',
          () => instant.textContent(),
          (text) => text !== before,
        );
        await console.valueAt('/step').or(notYet).waitFor();
        expect(await notYet.count(), 'the first state is not passed by').toBe(0);
        return console.valueAt('/step').getByText('first').isVisible();
      },
      Boolean,
      4 * PATIENCE_MS,
    );

    await console.goto(`/sync/${service.sid}/${map}/history?key=kept`);
    await until('only this item', () => entries().count(), only(2));
    await page.locator('[data-kind="map_item_added"]').getByText('See it then').click();
    await console.valueAt('/step').getByText('first').waitFor();
    await page.getByRole('button', { name: 'Back to now' }).click();
    await console.valueAt('/step').getByText('second').waitFor();
    await console.goto(`/sync/${service.sid}/${map}/history`);
    await page.locator('[data-kind="map_item_removed"]').waitFor();
    console.expectNoErrors();
    await console.close();
  });

  it('shows who is subscribed and what they may do', async () => {
    const map = await service.make('Maps', { UniqueName: 'followed' });
    const rights = { Read: 'true', Write: 'false', Manage: 'false' };
    await service.write(`Maps/${map}/Permissions/dana`, rights);
    const client = service.client('dana');
    const followed = await client.map({ id: map, mode: 'open_existing' });
    const console = await at(`/${map}/subscribers`);
    const { page } = console;
    await page.getByRole('cell', { name: 'dana', exact: true }).waitFor();

    const refused = await followed.set('x', {}).catch((error: { status: number }) => error.status);
    expect(refused).toBe(403);
    await page.getByRole('link', { name: 'Permissions' }).click();
    await page.getByLabel('dana may write').check();
    await page.getByText('Permissions of dana are saved.').waitFor();
    await followed.set('x', { by: 'dana' });
    await page.getByLabel('Identity').fill('lee');
    await page.getByRole('button', { name: 'Add identity' }).click();
    await page.getByLabel('lee may read').waitFor();
    await page.getByRole('button', { name: 'Revoke lee' }).click();
    await page.getByLabel('lee may read').waitFor({ state: 'detached' });

    await page.getByRole('link', { name: 'History', exact: true }).click();
    await page.locator('[data-kind="map_item_added"]').getByText('by dana').waitFor();
    await client.shutdown();
    await page.getByRole('link', { name: /^Subscribers/ }).click();
    await page.getByRole('cell', { name: 'dana', exact: true }).waitFor({ state: 'detached' });
    console.expectNoErrors();
    await console.close();
  });

  it('calls out what is used in a way that will hurt', async () => {
    const document = await service.make('Documents', { UniqueName: 'hot document', Data: '{}' });
    const console = await at('');
    const { page } = console;
    let isOver = false;
    // Several at once: a single one waits too long for its answers where the machine is slow.
    const writing = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!isOver) {
          await service.write(`Documents/${document}`, { Data: `{"n":${Math.random()}}` });
          await pause(30);
        }
      }),
    );
    writing.catch(() => undefined);
    const hot = page.getByRole('list', { name: 'Heat' }).getByRole('listitem');
    const found = hot.filter({ hasText: 'hot document' }).filter({
      hasText: 'Written in a hot loop',
    });
    try {
      await found.first().waitFor();
      await found.getByRole('link', { name: 'hot document' }).click();
      const findings = page.getByTestId('findings');
      await findings.getByText('Written in a hot loop', { exact: true }).waitFor();
      await findings.getByText('gather changes').waitFor();
    } finally {
      isOver = true;
    }
    await writing;
    console.expectNoErrors();
    await console.close();
  });
});

/** As far as a wheel turns the list at a time. */
const WHEEL_PX = 160;

/** Whether the list is scrolled so far and every row that is seen has come. */
function scrolledTo(console: ConsolePage, px: number): Promise<boolean> {
  return console.items().evaluate((list, wanted) => {
    if (list.scrollTop < wanted) return false;
    const { top, bottom } = list.getBoundingClientRect();
    return [...list.querySelectorAll('[role="option"]')]
      .filter((row) => {
        const box = row.getBoundingClientRect();
        return box.bottom > top && box.top < bottom;
      })
      .every((row) => /key-\d{6}/.test(row.textContent ?? ''));
  }, px);
}

declare global {
  interface Window {
    frameGapsMs?: number[];
  }
}

/** From now on, how long each frame takes. */
async function countFrames({ page }: ConsolePage): Promise<void> {
  await page.evaluate(() => {
    const gaps: number[] = [];
    window.frameGapsMs = gaps;
    let last = performance.now();
    const next = (now: number) => {
      gaps.push(now - last);
      last = now;
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  });
}

async function framesText({ page }: ConsolePage): Promise<string> {
  const gaps = await page.evaluate(() => (window.frameGapsMs ?? []).toSorted((a, b) => a - b));
  const at = (part: number) => Math.round(gaps[Math.floor((gaps.length - 1) * part)] ?? 0);
  return `${gaps.length} frames while scrolling, median ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

function only(count: number): (found: number) => boolean {
  return (found) => found === count;
}

/** The keys of the rows that can be seen, from the top. */
function shownKeys(console: ConsolePage): Promise<string[]> {
  return console.items().evaluate(async (list) => {
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
    const { top, bottom } = list.getBoundingClientRect();
    return [...list.querySelectorAll('[role="option"]')]
      .filter((row) => {
        const box = row.getBoundingClientRect();
        return box.bottom > top && box.top < bottom;
      })
      .map((row) => /key-\d{6}/.exec(row.textContent ?? '')?.[0] ?? '')
      .filter((key) => key !== '');
  });
}
