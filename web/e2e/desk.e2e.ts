/**
 * A working day in small: the whole job by keyboard, a reload in the middle, a second window.
 */
import { randomBytes } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeskPage, launch, until } from './support/browser.ts';
import { runningServer } from './support/server.ts';
import { makeSite, makeUser, type Site } from './support/site.ts';

/** Long enough for what is done while an offer waits, however slow the machine. */
const OFFER_S = 300;

const server = runningServer();
let browser: Browser;
let site: Site;

beforeAll(async () => {
  browser = await launch();
  site = await makeSite(server, {
    workers: [
      { name: 'Dana Reyes' },
      { name: 'Lee Ostrow' },
      { name: 'Ines Corrado' },
      { name: 'Teo Marlow' },
    ],
    reservationTimeoutS: OFFER_S,
  });
});

afterAll(async () => {
  await browser.close();
});

describe('the desk', () => {
  it('lets the whole job be done by keyboard alone', async () => {
    const desk = await DeskPage.open(browser, server.base);
    const { keyboard } = desk.page;
    const dana = site.person('Dana Reyes');
    /** Whether the focus is on, or in, what is described; the page's body holds everything. */
    const isFocused = (selector: string, text = '') =>
      desk.page.evaluate(
        ([where, words]) => {
          const element = document.activeElement;
          return element?.closest(where) != null && element.textContent?.includes(words) === true;
        },
        [selector, text] as const,
      );

    await desk.page.goto(`${server.base}/`);
    await desk.page.getByLabel('User name').waitFor();
    await until('the first field has the focus', () => isFocused('input'));
    await keyboard.type(dana.username);
    await keyboard.press('Tab');
    await keyboard.type(dana.password);
    await keyboard.press('Enter');
    await desk.page.getByRole('heading', { name: 'You are Offline' }).waitFor();

    await keyboard.press('s');
    await until('the menu has the focus', () => isFocused('[role^="menuitem"]', 'Available'));
    await keyboard.press('Enter');
    await desk.page.getByRole('heading', { name: 'You are ready for work' }).waitFor();

    const taskSid = await site.makeTask({ name: 'Robin Castell', 'step?': 0, note: '' });
    await desk.offer().waitFor();
    const spoken = desk.page.locator('[role="alert"]');
    await until(
      'the offer is read out',
      () => spoken.allTextContents(),
      (texts) => texts.some((text) => text.startsWith('New offer: Robin Castell')),
    );
    await desk.accept();
    await desk.usable(/^Wrap up/).waitFor();
    expect(await desk.shownAttributes()).toEqual([
      ['/name', 'string', 'Robin Castell'],
      ['/step?', 'number', '0'],
      ['/note', 'string', ''],
    ]);

    await desk.wrapUp();
    await desk.page.getByRole('heading', { name: 'How did it end?' }).waitFor();
    await until('the first choice has the focus', () => isFocused('input[type="radio"]'));
    // Completing before choosing is told at the field, and the focus goes there.
    await desk.complete();
    await desk.page.getByText('Choose how it ended.').waitFor();
    await until('the choice has the focus', () => isFocused('input[type="radio"]'));
    await keyboard.press('Space');
    await keyboard.press('Tab');
    await keyboard.type('Called back at noon');
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await desk.page.getByRole('heading', { name: 'You are ready for work' }).waitFor();

    const task = await site.workspace.tasks(taskSid).fetch();
    const disposition = await site.disposition(taskSid);
    expect(task.assignmentStatus).toBe('completed');
    expect(disposition.note).toBe('Called back at noon');
    expect(task.reason).toBe(disposition.code);
    expect(task.attributes).toBe('{"name":"Robin Castell","step?":0,"note":""}');
    await site.setActivity('Dana Reyes', site.activities.offline);
    desk.expectNoErrors();
    await desk.close();
  });

  it('shows the same offer with the right time after a reload', async () => {
    const desk = await DeskPage.open(browser, server.base);
    const lee = site.person('Lee Ostrow');
    await desk.beginWork(lee);
    const taskSid = await site.makeTask({ name: 'Morgan Ellery' });
    await desk.offer().waitFor();
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await desk.page.reload();
    await desk.offer().waitFor();
    await desk.page.waitForURL(new RegExp(taskSid));
    expect(await desk.offer().count()).toBe(1);

    const [reservation] = await site.workspace.tasks(taskSid).reservations.list();
    await desk.expectRemaining((reservation?.dateCreated.getTime() ?? 0) + OFFER_S * 1000);
    expect(await desk.remainingS()).toBeLessThan(OFFER_S - 2);

    await desk.accept();
    // What was filled in survives a reload as well.
    await desk.wrapUp();
    await desk.page.getByLabel('Note').fill('half a note');
    await desk.page.reload();
    await until(
      'the note is there again',
      () => desk.page.getByLabel('Note').inputValue(),
      (note) => note === 'half a note',
    );
    await desk.choose();
    await desk.page.getByRole('button', { name: /^Complete/ }).click();
    await desk.page.getByRole('heading', { name: 'You are ready for work' }).waitFor();
    expect((await site.workspace.tasks(taskSid).fetch()).assignmentStatus).toBe('completed');
    await site.setActivity('Lee Ostrow', site.activities.offline);
    desk.expectNoErrors();
    await desk.close();
  });

  it('asks before it leaves offers behind, and rejects them then', async () => {
    const desk = await DeskPage.open(browser, server.base);
    await desk.beginWork(site.person('Ines Corrado'));
    const taskSid = await site.makeTask({ name: 'Casey Lorne' });
    await desk.offer().waitFor();
    await desk.page.getByRole('button', { name: /^Activity:/ }).click();
    await desk.page.getByRole('menuitemradio', { name: 'Break' }).click();
    await desk.page.getByRole('dialog').waitFor();
    await desk.page.getByRole('button', { name: 'Reject and go Break' }).click();
    await desk.page.getByRole('heading', { name: 'You are Break' }).waitFor();
    await desk.page.getByText('No tasks').first().waitFor();
    const [reservation] = await site.workspace.tasks(taskSid).reservations.list();
    expect(reservation?.reservationStatus).toBe('rejected');
    await site.workspace.tasks(taskSid).remove();
    desk.expectNoErrors();
    await desk.close();
  });

  it('is in one window at a time and says so in the other', async () => {
    const first = await DeskPage.open(browser, server.base);
    await first.signIn(site.person('Teo Marlow'));
    await first.page.getByRole('heading', { name: 'You are Offline' }).waitFor();
    const second = new DeskPage(await first.page.context().newPage(), server.base);
    await second.page.goto(`${server.base}/desk`);
    await second.page.getByRole('heading', { name: 'You are Offline' }).waitFor();
    await first.page
      .getByRole('heading', { name: 'Your desk is open in another window' })
      .waitFor();
    await first.page.getByRole('button', { name: 'Use it here' }).click();
    await first.page.getByRole('heading', { name: 'You are Offline' }).waitFor();
    await second.page
      .getByRole('heading', { name: 'Your desk is open in another window' })
      .waitFor();

    await first.page.getByRole('button', { name: /^Account/ }).click();
    await first.page.getByRole('menuitem', { name: 'Sign out' }).click();
    await first.page.getByText('You are signed out.').waitFor();
    await first.page.goto(`${server.base}/desk`);
    await first.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    first.expectNoErrors();
    await first.close();
  });

  it('tells people without a desk what is missing', async () => {
    const username = `sue-${randomBytes(4).toString('hex')}`;
    const password = 'a password for one journey';
    await makeUser(server, { username, password, role: 'supervisor' });
    const desk = await DeskPage.open(browser, server.base);
    await desk.signIn({ username, password });
    await desk.page.getByRole('heading', { name: 'There is no desk for your role' }).waitFor();
    await desk.page.goto(`${server.base}/desk/nowhere`);
    await desk.page.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();
    desk.expectNoErrors();
    await desk.close();
  });
});
