/**
 * The inspector for who has no mouse, little room or many windows: where the focus goes, what fits,
 * and what is asked of the server.
 */
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, NARROW, until } from './support/browser.ts';
import { type Admin, ConsolePage, makeAdmin } from './support/console.ts';
import { runningServer } from './support/server.ts';
import { makeService, type Service } from './support/sync.ts';

const TABLET = { width: 768, height: 1024 };

const server = runningServer();
let browser: Browser;
let admin: Admin;
const services: Service[] = [];

beforeAll(async () => {
  browser = await launch();
  admin = await makeAdmin(server);
});

afterAll(async () => {
  for (const service of services) service.close();
  await browser.close();
});

async function serviceWith(form = {}): Promise<Service> {
  const service = await makeService(server, form);
  services.push(service);
  return service;
}

async function at(path: string, options: BrowserContextOptions = {}): Promise<ConsolePage> {
  const console = await ConsolePage.open(browser, server.base, options);
  await console.signInAt(path, admin);
  return console;
}

/** The row the keyboard is at, if a list has the focus. */
function activeRow({ page }: ConsolePage): Promise<string | null> {
  return page.evaluate(() => {
    const list = document.activeElement;
    const id = list?.getAttribute('aria-activedescendant');
    return id ? (document.getElementById(id)?.textContent ?? null) : null;
  });
}

const focused = ({ page }: ConsolePage) =>
  page.evaluate(() => document.activeElement?.textContent ?? null);

describe('the focus', () => {
  it('goes on to the next object when one is deleted, and to the heading after the last', async () => {
    const service = await serviceWith();
    for (const UniqueName of ['one', 'two', 'three']) {
      await service.make('Documents', { UniqueName, Data: '{}' });
    }
    const console = await at(`/sync/${service.sid}`);
    const { page } = console;
    await until(
      'all are listed',
      () => console.objects().getByRole('option').count(),
      (count) => count === 3,
    );
    await console.objects().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    for (const [name, next] of [
      ['two', 'three'],
      ['three', 'one'],
    ] as const) {
      await page.getByRole('button', { name: `Delete ${name}`, exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
      const told = page.getByRole('region', { name: 'Notices' });
      await told.getByText(`${name} was deleted.`).waitFor();
      await until(
        `the keyboard is at ${next}`,
        () => activeRow(console),
        (row) => row?.includes(next) ?? false,
      );
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: next, exact: true }).waitFor();
    }
    await page.getByRole('button', { name: 'Delete one', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await until(
      'the heading has it',
      () => focused(console),
      (text) => text === 'Nothing here yet',
    );

    // Where a service was, its page is no more.
    await page.getByRole('button', { name: 'Settings of the service' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete this service' }).click();
    await page.getByRole('dialog').getByLabel(/^Type/).fill(service.name);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await until(
      'the list of services has it',
      () => focused(console),
      (text) => text === 'Sync services',
    );
    console.expectNoErrors();
    await console.close();
  });

  it.each([
    ['wide', {}],
    ['narrow', { viewport: NARROW }],
  ])('goes on to the next item when one is removed, %s', async (_, options) => {
    const service = await serviceWith();
    const map = await service.make('Maps', { UniqueName: 'm' });
    for (const Key of ['a', 'b', 'c']) {
      await service.write(`Maps/${map}/Items`, { Key, Data: `{"of":"${Key}"}` });
    }
    const console = await at(`/sync/${service.sid}/${map}?item=b`, options);
    const { page } = console;
    for (const [key, next] of [
      ['b', 'c'],
      ['c', 'a'],
    ] as const) {
      await page.getByRole('heading', { name: key, exact: true }).waitFor();
      await page.getByRole('button', { name: 'Remove', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
      await until(
        `the keyboard is at ${next}`,
        () => activeRow(console),
        (row) => row?.startsWith(next) ?? false,
      );
      await page.keyboard.press('Enter');
    }
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await until(
      'the heading has it',
      () => focused(console),
      (text) => text === 'No items',
    );
    console.expectNoErrors();
    await console.close();
  });

  it('goes on to the next identity when one is revoked', async () => {
    const service = await serviceWith({ AclEnabled: 'true' });
    const sid = await service.make('Documents', { UniqueName: 'd', Data: '{}' });
    for (const identity of ['ann', 'bob']) {
      const rights = { Read: 'true', Write: 'false', Manage: 'false' };
      await service.write(`Documents/${sid}/Permissions/${identity}`, rights);
    }
    const console = await at(`/sync/${service.sid}/${sid}/permissions`);
    const { page } = console;
    const label = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
    await page.getByRole('button', { name: 'Revoke ann', exact: true }).click();
    await until('the next one has it', label, (name) => name === 'Revoke bob');
    await page.keyboard.press('Enter');
    await until('the field has it', label, (name) => name === 'Identity');
    console.expectNoErrors();
    await console.close();
  });
});

describe('little room', () => {
  it.each([
    ['768', TABLET],
    ['360', NARROW],
  ])('hides nothing of who may what and who follows, at %s pixels', async (_, viewport) => {
    const service = await serviceWith({ AclEnabled: 'true' });
    const name = 'a name that is as long as names of boards of large teams often become over time';
    const map = await service.make('Maps', { UniqueName: name });
    const identity = `dana.reyes.of.the.second.shift@${'subsidiary.'.repeat(4)}example.test`;
    for (const one of [identity, 'lee']) {
      const rights = { Read: 'true', Write: 'true', Manage: 'false' };
      await service.write(`Maps/${map}/Permissions/${encodeURIComponent(one)}`, rights);
    }
    const client = service.client(identity);
    await client.map({ id: map, mode: 'open_existing' });
    const console = await at(`/sync/${service.sid}/${map}/permissions`, { viewport });
    const { page } = console;
    await page.getByLabel(`${identity} may manage`).waitFor();
    expect(await beyond(console)).toEqual([]);
    await page.getByLabel(`${identity} may manage`).click();
    await page.getByText(`Permissions of ${identity} are saved.`).waitFor();
    await console.goto(`/sync/${service.sid}/${map}/subscribers`);
    await page.getByRole('cell', { name: identity }).waitFor();
    await page
      .getByRole('cell', { name: /^\d+ bytes$/ })
      .first()
      .waitFor();
    expect(await beyond(console)).toEqual([]);
    await client.shutdown();
    console.expectNoErrors();
    await console.close();
  });
});

/** What scrolls sideways, and what can be pressed and is not to be seen without that. */
function beyond({ page }: ConsolePage): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const isHidden = (element: Element) => element.closest('[aria-hidden="true"]') !== null;
    for (const element of document.querySelectorAll<HTMLElement>('main *')) {
      const { overflowX } = getComputedStyle(element);
      const isScrolled = overflowX === 'auto' || overflowX === 'scroll';
      if (isScrolled && element.scrollWidth > element.clientWidth + 1)
        found.push(element.className);
      if (!element.matches('button, input, a') || isHidden(element)) continue;
      const { right, left, width } = element.getBoundingClientRect();
      if (width > 0 && (right > window.innerWidth + 1 || left < -1)) found.push(element.outerHTML);
    }
    return found;
  });
}

describe('what is copied', () => {
  it('is copied also where the page came over plain HTTP', async () => {
    const service = await serviceWith();
    const UniqueName = 'to be copied';
    const sid = await service.make('Documents', { UniqueName, Data: '{"text":"taken along"}' });
    const console = await ConsolePage.open(browser, server.base);
    const { page } = console;
    await page.addInitScript(() => {
      Object.defineProperty(window, 'isSecureContext', { value: false });
      Object.defineProperty(navigator, 'clipboard', { value: undefined });
    });
    await console.signInAt(`/sync/${service.sid}/${sid}`, admin);
    const field = page.getByLabel('Filter by name or SID', { exact: true });
    const pasted = async () => {
      await field.fill('');
      await field.press('Control+V');
      return field.inputValue();
    };
    await page.getByRole('button', { name: `Copy SID ${sid}`, exact: true }).click();
    await page.getByRole('button', { name: 'Copied', exact: true }).waitFor();
    expect(await pasted()).toBe(sid);
    const copied = page.getByRole('button', { name: 'Copied', exact: true });
    await copied.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Copy all', exact: true }).click();
    await page.getByRole('button', { name: 'Copied', exact: true }).waitFor();
    expect(JSON.parse(await pasted())).toEqual({ text: 'taken along' });
    console.expectNoErrors();
    await console.close();
  });
});

describe('what is asked of the server', () => {
  it('is little while changes are told, and nothing while nobody looks', async () => {
    const service = await serviceWith();
    await service.make('Documents', { UniqueName: 'first', Data: '{}' });
    const console = await at(`/sync/${service.sid}`);
    const { page } = console;
    const asked = { list: 0, heat: 0 };
    page.on('request', (request) => {
      if (request.url().includes('/Objects?')) asked.list += 1;
      if (request.url().includes('/Heat?')) asked.heat += 1;
    });
    await page.getByText('Live', { exact: true }).waitFor();
    await console
      .objects()
      .getByRole('option', { name: /^first/ })
      .waitFor();
    asked.list = 0;
    await until(
      'the heat was read a few times',
      () => asked.heat,
      (count) => count >= 3,
    );
    expect(asked.list).toBeLessThan(3);
    // What is made is there at once, also beside an object that is open.
    await service.make('Documents', { UniqueName: 'second', Data: '{}' });
    await console
      .objects()
      .getByRole('option', { name: /^second/ })
      .click();
    await console.live();
    await service.make('Documents', { UniqueName: 'third', Data: '{}' });
    await console
      .objects()
      .getByRole('option', { name: /^third/ })
      .waitFor();

    await console.goto(`/sync/${service.sid}`);
    await page.getByText('Live', { exact: true }).waitFor();
    await show(console, false);
    await page.getByText('Read again every 2 s', { exact: true }).waitFor();
    await page.waitForLoadState('networkidle');
    const before = { ...asked };
    await service.make('Documents', { UniqueName: 'fourth', Data: '{}' });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(asked).toEqual(before);
    await show(console, true);
    await console
      .objects()
      .getByRole('option', { name: /^fourth/ })
      .waitFor();
    console.expectNoErrors();
    await console.close();
  });
});

/** As if the window were covered, or seen again. */
function show({ page }: ConsolePage, isSeen: boolean): Promise<void> {
  return page.evaluate((isSeen) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => !isSeen });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isSeen);
}
