/**
 * What is known of an object after it was deleted or has expired: its last state, what led there,
 * and how one finds it.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, until } from './support/browser.ts';
import { type Admin, ConsolePage, makeAdmin } from './support/console.ts';
import { Look, looks } from './support/look.ts';
import { runningServer } from './support/server.ts';
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
  await console.signInAt(`/sync/${service.sid}${path}`, admin);
  return console;
}

/** Until the server's clock is past this second, which then can be asked for as a whole. */
async function nextSecond(): Promise<void> {
  const begun = Date.now();
  await until(
    'the second is over',
    () => Math.floor(Date.now() / 1000),
    (now) => now > Math.floor(begun / 1000),
  );
}

describe('what was deleted', () => {
  it('is found again and shown as it was to the last, and before', async () => {
    const map = await service.make('Maps', { UniqueName: 'board of yesterday' });
    await service.write(`Maps/${map}/Items`, { Key: 'a', Data: '{"big":12345678901234567890}' });
    await service.write(`Maps/${map}/Items`, { Key: 'b', Data: '{"n":"first"}' });
    await nextSecond();
    await service.write(`Maps/${map}/Items/b`, { Data: '{"n":"second"}' });
    const console = await at(`/${map}`);
    const { page } = console;
    await console.live();
    // Somebody else deletes it before one's eyes.
    await service.remove(`Maps/${map}`);
    await page.getByRole('button', { name: 'See its last state' }).click();
    await page.getByText('This object is gone.').waitFor();
    await page.getByText(/^Deleted .* over REST$/).waitFor();
    await until(
      'all of its items are listed',
      () => console.items().getByRole('option').count(),
      (count) => count === 2,
    );
    await console.items().getByRole('option', { name: /^a/ }).click();
    await console.valueAt('/big').getByText('12345678901234567890').waitFor();
    // Nothing can be done to what is gone.
    expect(await page.getByRole('button', { name: 'Edit', exact: true }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Remove', exact: true }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Add item', exact: true }).count()).toBe(0);

    await page.getByRole('link', { name: 'History', exact: true }).first().click();
    const history = page.getByRole('list', { name: 'History' });
    await history.getByText('map removed').waitFor();
    const first = history.getByRole('listitem').filter({ hasText: '{"n":"first"}' });
    await first.getByRole('link', { name: /^See it then/ }).click();
    await page.getByRole('button', { name: 'Back to the last state' }).waitFor();
    await console.valueAt('/n').getByText('first').waitFor();
    await page.getByRole('button', { name: 'Back to the last state' }).click();
    await console.valueAt('/n').getByText('second').waitFor();
    console.expectNoErrors();
    await console.close();
  });

  it('is listed, newest first, and found by its name and its SID', async () => {
    const document = await service.make('Documents', {
      UniqueName: 'hours of last year',
      Data: '{"open":"08:00"}',
    });
    await service.remove(`Documents/${document}`);
    const expired = await service.make('Documents', {
      UniqueName: 'for a second',
      Data: '{"short":true}',
      Ttl: '1',
    });
    const console = await at('/removed');
    const { page } = console;
    const list = page.getByRole('list', { name: 'Recently deleted' });
    await until(
      'what expired is listed',
      async () => {
        await page.getByRole('button', { name: 'Read again' }).click();
        return list.getByRole('link', { name: /for a second/ }).count();
      },
      (count) => count === 1,
    );
    await list.getByRole('link').first().getByText('for a second').waitFor();
    await list.getByRole('link', { name: /for a second/ }).click();
    await page.getByText(/^Expired \d/).waitFor();
    await console.valueAt('/short').waitFor();
    expect(page.url()).toContain(expired);

    // Whoever looks for it among what is there is led on.
    await page.getByLabel('Filter by name or SID', { exact: true }).fill(document);
    await page.getByRole('link', { name: 'Look among what was deleted' }).click();
    await until(
      'one is left',
      () => list.getByRole('link').count(),
      (count) => count === 1,
    );
    // What is there is filtered by itself.
    await page.getByLabel('Filter by name or SID', { exact: true }).fill('');
    await page.getByLabel('Filter what was deleted by name or SID').fill('LAST YEAR');
    await list.getByRole('link', { name: /hours of last year/ }).click();
    await console.valueAt('/open').getByText('08:00').waitFor();
    await page.getByRole('button', { name: 'Earlier' }).click();
    await page.getByRole('slider').waitFor();
    await page.getByText(/The journal reaches back/).waitFor();
    console.expectNoErrors();
    await console.close();
  });

  it.each(looks)('is readable, $name', async ({ name, viewport, colorScheme }) => {
    const map = await service.make('Maps', { UniqueName: `looked at ${name}` });
    await service.write(`Maps/${map}/Items`, { Key: 'k', Data: '{"n":1}' });
    await service.remove(`Maps/${map}`);
    const console = await ConsolePage.open(browser, server.base, { viewport, colorScheme });
    const { page } = console;
    await console.signInAt(`/sync/${service.sid}/removed`, admin);
    const look = new Look(name);
    const one = page.getByRole('link', { name: new RegExp(`looked at ${name}`) });
    await one.waitFor();
    await look.at(page, '64-deleted-objects');
    await page.getByLabel('Filter what was deleted by name or SID').fill('nothing has this name');
    await page.getByRole('heading', { name: 'Nothing matches' }).waitFor();
    await look.at(page, '65-nothing-deleted-matches');
    await page.getByLabel('Filter what was deleted by name or SID').fill('');
    await one.click();
    await console.items().getByRole('option', { name: /^k/ }).waitFor();
    await look.at(page, '66-last-state');
    await page.getByRole('button', { name: 'Earlier' }).click();
    await page.getByText(/The journal reaches back/).waitFor();
    await look.at(page, '67-before-the-last-state');
    await console.goto(`/sync/${service.sid}/${map}/history`);
    await page.getByText('map removed').waitFor();
    await look.at(page, '68-history-of-what-is-gone');
    look.expectNothing();
    console.expectNoErrors();
    await console.close();
  });
});
