/**
 * Every state of the inspector, light and dark, wide and narrow: nothing for the accessibility
 * checker to find, nothing wider than the window, and a picture to look at.
 */
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { launch } from './support/browser.ts';
import { type Admin, ConsolePage, makeAdmin } from './support/console.ts';
import { Look, looks } from './support/look.ts';
import { runningServer } from './support/server.ts';
import { keyOf, makeService, type Service } from './support/sync.ts';

const README_PICTURE = join(import.meta.dirname, '../../docs/images/inspector.png');

const server = runningServer();
let browser: Browser;
let admin: Admin;
let service: Service;
let objects: Record<'map' | 'document' | 'list' | 'stream' | 'empty', string>;

const VALUE = {
  greeting: 'Hello',
  long_text: 'A sentence that is long enough to be wrapped on any window. '.repeat(4).trim(),
  numbers: [1, 2.5, -3e2],
  nested: { yes: true, nothing: null, none: '', object: {} },
};

beforeAll(async () => {
  browser = await launch();
  admin = await makeAdmin(server);
  service = await makeService(server, { FriendlyName: 'Support', AclEnabled: 'true' });
  const map = await service.make('Maps', { UniqueName: 'agents' });
  await service.fill(map, 400);
  await service.write(`Maps/${map}/Items`, { Key: 'a longer value', Data: JSON.stringify(VALUE) });
  for (const [identity, write] of [
    ['dana.reyes@example.test', 'true'],
    ['lee', 'false'],
  ] as const) {
    const rights = { Read: 'true', Write: write, Manage: 'false' };
    await service.write(`Maps/${map}/Permissions/${identity}`, rights);
  }
  const data = JSON.stringify(VALUE);
  objects = {
    map,
    document: await service.make('Documents', { UniqueName: 'opening hours', Data: data }),
    list: await service.make('Lists', { UniqueName: 'canned answers', Ttl: '86400' }),
    stream: await service.make('Streams', { UniqueName: 'typing' }),
    empty: await service.make('Maps', {
      UniqueName: 'a name that is rather long and has/slashes:and-more/in/it',
    }),
  };
  await service.write(`Documents/${objects.document}`, {
    Data: JSON.stringify({ ...VALUE, greeting: 'Hello again' }),
  });
});

afterAll(async () => {
  service.close();
  await browser.close();
});

/** Where the list and what is open stand side by side with little room. */
const TABLET = { width: 768, height: 1024 };
const inspectorLooks = [
  ...looks,
  { name: 'middle-light', viewport: TABLET, colorScheme: 'light' },
] as const;

describe.each(inspectorLooks)('the inspector, $name', ({ name, viewport, colorScheme }) => {
  it('in every state', async () => {
    const look = new Look(name);
    const console = await ConsolePage.open(browser, server.base, { viewport, colorScheme });
    const { page } = console;
    const open = (path: string) => console.goto(`/sync/${service.sid}${path}`);
    const client = service.client('dana.reyes@example.test');
    await client.map({ id: objects.map, mode: 'open_existing' });

    await page.goto(`${server.base}/admin`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await look.at(page, '30-console-sign-in');
    await console.signInAt('/sync', admin);
    await page.locator(`a[href$="${service.sid}"]`).waitFor();
    await look.at(page, '31-services');
    const dialog = page.getByRole('dialog');
    const asked = async (button: string, state: string) => {
      await page.getByRole('button', { name: button, exact: true }).click();
      await dialog.waitFor();
      await look.at(page, state);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    };
    await asked('New service', '56-new-service');

    for (let n = 0; n < 300; n += 1) {
      await service.write(`Maps/${objects.map}/Items/${keyOf(n % 9)}`, { Data: `{"n":${n}}` });
    }
    await page.locator(`a[href$="${service.sid}"]`).click();
    await page.getByRole('list', { name: 'Heat' }).getByRole('listitem').first().waitFor();
    await look.at(page, '32-heat');
    await asked('Settings of the service', '57-settings');
    await asked('New object', '58-new-object');
    await page.getByLabel('Filter by name or SID').fill('nobody has this');
    await page.getByRole('heading', { name: 'Nothing matches' }).waitFor();
    await look.at(page, '33-no-object-matches');

    await open(`/${objects.map}`);
    await console.live();
    await console.items().getByRole('option').nth(5).getByText('{').waitFor();
    await look.at(page, '34-items');
    await console.items().focus();
    await page.keyboard.press('ArrowDown');
    await look.at(page, '35-items-by-keyboard');
    await open(`/${objects.map}?item=a%20longer%20value`);
    await console.valueAt('/greeting').waitFor();
    await look.at(page, '36-item');
    if (name === 'wide-light' && process.env.UPDATE_SCREENSHOTS === '1') {
      await page.screenshot({ path: README_PICTURE });
    }
    await asked('Remove', '37-remove-item');
    await asked('Change the time to live of a longer value', '59-time-to-live');
    await open(`/${objects.map}`);
    await asked('Add item', '38-add-item');
    await asked('Delete agents', '60-delete-object');
    await open(`/${objects.empty}`);
    await page.getByRole('heading', { name: 'No items' }).waitFor();
    await look.at(page, '39-no-items');

    await open(`/${objects.map}/subscribers`);
    await page.getByRole('cell', { name: 'dana.reyes@example.test' }).waitFor();
    await look.at(page, '40-subscribers');
    await open(`/${objects.empty}/subscribers`);
    // The window that was here a moment ago may still be among them.
    const anybody = page.getByText('A console window').first();
    await anybody.or(page.getByText('Nobody is subscribed')).waitFor();
    await look.at(page, '41-nobody-else');
    await open(`/${objects.map}/permissions`);
    await page.getByLabel('lee may read').waitFor();
    await look.at(page, '42-permissions');
    await open(`/${objects.map}/history`);
    await page.getByRole('list', { name: 'History' }).getByRole('listitem').first().waitFor();
    await look.at(page, '43-history');

    await open(`/${objects.document}`);
    await console.valueAt('/greeting').waitFor();
    await look.at(page, '44-document');
    await page.getByText('JSON', { exact: true }).click();
    await look.at(page, '45-document-as-text');
    await page.getByText('Readable', { exact: true }).click();
    await page.getByRole('button', { name: 'Earlier' }).click();
    await page.getByRole('slider').waitFor();
    await page.getByText(/The journal reaches back/).waitFor();
    await look.at(page, '46-earlier');
    await open(`/${objects.document}?at=2020-01-01T00:00:00Z`);
    await page.getByRole('heading', { name: /not there then|does not reach/ }).waitFor();
    await look.at(page, '47-too-early');

    await open(`/${objects.document}`);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await look.at(page, '48-editing');
    await console.field().fill(JSON.stringify({ ...VALUE, greeting: 'Mine' }, null, 2));
    await service.write(`Documents/${objects.document}`, {
      Data: JSON.stringify({ ...VALUE, greeting: name }),
    });
    await page.getByText(/Somebody changed this/).waitFor();
    await look.at(page, '49-changed-meanwhile');
    await page.getByRole('link', { name: 'History', exact: true }).click();
    await dialog.waitFor();
    await look.at(page, '61-not-saved');
    await dialog.getByRole('button', { name: 'Stay here' }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByTestId('conflict').waitFor();
    await look.at(page, '50-conflict');
    await page.getByRole('button', { name: 'Take theirs' }).click();

    await open(`/${objects.stream}`);
    await page.getByRole('heading', { name: 'No messages yet' }).waitFor();
    await look.at(page, '51-stream');
    await asked('Publish a message', '62-publish');
    await service.write(`Streams/${objects.stream}/Messages`, { Data: JSON.stringify(VALUE) });
    await page.getByRole('list', { name: 'Messages' }).waitFor();
    await look.at(page, '63-messages');
    await open(`/ET${'0'.repeat(32)}`);
    await page.getByRole('heading', { name: 'There is no such object' }).waitFor();
    await look.at(page, '52-no-object');
    await console.goto('/sync/IS00000000000000000000000000000000');
    await page.getByRole('heading', { name: 'There is no such service' }).waitFor();
    await look.at(page, '53-no-service');

    await open(`/${objects.list}`);
    await console.live();
    await page.context().setOffline(true);
    await console.banner().waitFor();
    await look.at(page, '54-console-offline');
    await page.context().setOffline(false);
    await page.getByText('Connection restored.').waitFor();
    await look.at(page, '55-console-back');
    await client.shutdown();
    console.expectNoErrors();
    look.expectNothing();
    await console.close();
  }, 900_000);
});
