/**
 * Looking at a page: a picture of it, and what is wrong with it, in every theme and width.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { NARROW, still, violations, WIDE } from './browser.ts';

const OUT = join(import.meta.dirname, '../.out');

export const looks = [
  { name: 'wide-light', viewport: WIDE, colorScheme: 'light' },
  { name: 'wide-dark', viewport: WIDE, colorScheme: 'dark' },
  { name: 'narrow-light', viewport: NARROW, colorScheme: 'light' },
  { name: 'narrow-dark', viewport: NARROW, colorScheme: 'dark' },
] as const;

/** Collects what is wrong, so that one run names everything. */
export class Look {
  readonly #name: string;
  readonly found: string[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  async at(page: Page, state: string): Promise<void> {
    await still(page);
    mkdirSync(OUT, { recursive: true });
    await page.screenshot({ path: join(OUT, `${state}-${this.#name}.png`) });
    for (const violation of await violations(page)) this.found.push(`${state}: ${violation}`);
    const beyond = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (beyond > 0) this.found.push(`${state}: ${beyond} pixels wider than the window`);
  }

  /** Fails with everything that was found. */
  expectNothing(): void {
    if (this.found.length > 0) throw new Error(this.found.join('\n'));
  }
}
