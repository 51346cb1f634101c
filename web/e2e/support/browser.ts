/**
 * The browser, a desk in it, and what a person at that desk does and sees.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Person } from './site.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const WIDE = { width: 1360, height: 850 };
export const NARROW = { width: 360, height: 740 };

/**
 * How long something may take before it counts as missing. A journey that is right never waits
 * so long; on a slow machine it waits as long as it has to.
 */
export const PATIENCE_MS = 60_000;

/** Where `SLOWED` names a factor, every page has so many times less of the processor. */
export async function launch(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const rate = Number(process.env.SLOWED ?? '1');
  if (rate > 1) slowDown(browser, rate);
  return browser;
}

function slowDown(browser: Browser, rate: number): void {
  const make = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await make(options);
    context.on('page', async (page) => {
      const session = await context.newCDPSession(page);
      await session.send('Emulation.setCPUThrottlingRate', { rate });
    });
    return context;
  };
}

/** Waits until `read` gives a value that `is` accepts. */
export async function until<T>(
  what: string,
  read: () => Promise<T> | T,
  is: (value: T) => boolean = Boolean,
  withinMs = PATIENCE_MS,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = await read();
    if (is(value)) return value;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}; last ${value}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What goes wrong on a page from now on. */
export function errorsOf(page: Page): string[] {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    // A refused policy is told nowhere else.
    if (/Content Security Policy/i.test(message.text())) errors.push(message.text());
  });
  return errors;
}

export interface Frame {
  text: string;
  atMs: number;
}

/** One page with somebody's desk. */
export class DeskPage {
  readonly page: Page;
  readonly base: string;
  /** What the server sent over the bridge's socket, signs of life left out. */
  readonly frames: Frame[] = [];
  readonly #errors: string[];

  constructor(page: Page, base: string) {
    this.page = page;
    this.base = base;
    page.setDefaultTimeout(PATIENCE_MS);
    this.#errors = errorsOf(page);
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        const text = payload.toString();
        if (text.trim() !== '') this.frames.push({ text, atMs: Date.now() });
      });
    });
  }

  static async open(browser: Browser, base: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: WIDE, ...options });
    return new DeskPage(await context.newPage(), base);
  }

  async signIn(person: { username: string; password: string }): Promise<void> {
    await this.page.goto(`${this.base}/`);
    await this.page.getByLabel('User name').fill(person.username);
    await this.page.getByLabel('Password', { exact: true }).fill(person.password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.waitForURL(/\/desk/);
  }

  /** Signs in and chooses an available activity; work may be there at once. */
  async goAvailable(person: Person): Promise<void> {
    await this.signIn(person);
    await this.page.getByRole('button', { name: 'Go Available' }).click();
  }

  /** The same where no work waits. */
  async beginWork(person: Person): Promise<void> {
    await this.goAvailable(person);
    await this.page.getByRole('heading', { name: 'You are ready for work' }).waitFor();
  }

  offer() {
    return this.page.getByTestId('offer');
  }

  banner() {
    return this.page.getByTestId('connection-lost');
  }

  /** That the offer which is shown large says what is left until an instant, to two seconds. */
  async expectRemaining(endMs: number): Promise<void> {
    // Number and time are read in one go: what lies between would count as a difference.
    const read = () =>
      this.offer()
        .getByRole('timer')
        .evaluate((timer, end) => {
          const shown = Number((timer as HTMLElement).dataset.remaining);
          return shown - (end - Date.now()) / 1000;
        }, endMs);
    await until('what is left is shown', read, (difference) => Math.abs(difference) < 2);
  }

  /** Seconds left of the offer that is shown large. */
  async remainingS(): Promise<number> {
    const timer = this.offer().getByRole('timer');
    return Number(await timer.getAttribute('data-remaining'));
  }

  /** A button once it can be used: while the server is asked, neither it nor its key can. */
  usable(name: RegExp) {
    return this.page.getByRole('button', { name, disabled: false });
  }

  /** By the key, as soon as there is an offer that can be answered. */
  async accept(): Promise<void> {
    await this.usable(/^Accept/)
      .first()
      .waitFor();
    await this.page.keyboard.press('a');
  }

  /** By the key, as soon as the task is one's own. */
  async wrapUp(): Promise<void> {
    await this.usable(/^Wrap up/).waitFor();
    await this.page.keyboard.press('w');
  }

  /** By the key, as soon as it is being wrapped up. */
  async complete(): Promise<void> {
    await this.usable(/^Complete/).waitFor();
    await this.page.keyboard.press('e');
  }

  /** Chooses the first disposition there is. */
  async choose(): Promise<void> {
    await this.dispositions().getByRole('radio').first().check();
  }

  dispositions() {
    return this.page.getByRole('radiogroup', { name: 'Disposition' });
  }

  /** Path, kind and text of every value shown, once the exact text is there. */
  async shownAttributes(): Promise<[string, string, string][]> {
    await this.page.locator('[data-exact="true"] [data-testid="attributes"]').waitFor();
    return this.page.locator('[data-testid="attributes"] [data-kind]').evaluateAll((elements) =>
      elements
        .map((element) => element as HTMLElement)
        .filter(({ dataset }) => dataset.kind !== 'object' && dataset.kind !== 'array')
        .map((element): [string, string, string] => [
          element.dataset.path ?? '',
          element.dataset.kind ?? '',
          element.textContent ?? '',
        ]),
    );
  }

  async rawAttributes(): Promise<string> {
    await this.page.getByText('Original', { exact: true }).click();
    const raw = this.page.locator(
      '[data-exact="true"] [data-testid="attributes"][data-view="raw"] pre',
    );
    const text = await raw.evaluate((element) => element.textContent ?? '');
    await this.page.getByText('Readable', { exact: true }).click();
    return text;
  }

  expectNoErrors(): void {
    expect(this.#errors).toEqual([]);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** Until what was just shown has come to rest: a colour half-way is nobody's colour. */
export async function still(page: Page): Promise<void> {
  await page.evaluate(async () => {
    // It may begin to move a frame later. A window behind another one is not drawn at all.
    for (let frame = 0; frame < 2; frame += 1) {
      await new Promise((drawn) => {
        requestAnimationFrame(drawn);
        setTimeout(drawn, 100);
      });
    }
    const ending = document.getAnimations().filter((one) => {
      return Number.isFinite(one.effect?.getComputedTiming().endTime);
    });
    await Promise.allSettled(ending.map((one) => one.finished));
  });
}

/** What the accessibility checker finds wrong with the page once it is still, in readable lines. */
export async function violations(page: Page): Promise<string[]> {
  await still(page);
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, help, nodes }) => ({
      id,
      help,
      where: nodes.slice(0, 4).map((node) => node.html.slice(0, 160)),
    }));
  });
  return found.map(({ id, help, where }) => `${id}: ${help}: ${where.join(' | ')}`);
}
