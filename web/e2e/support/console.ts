/**
 * The console in a browser, and what an administrator does and sees there.
 */
import { randomBytes } from 'node:crypto';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { errorsOf, PATIENCE_MS, WIDE } from './browser.ts';
import type { Server } from './server.ts';
import { makeUser } from './site.ts';

export interface Admin {
  username: string;
  password: string;
}

export async function makeAdmin(server: Server): Promise<Admin> {
  const admin = {
    username: `admin-${randomBytes(4).toString('hex')}`,
    password: randomBytes(12).toString('base64url'),
  };
  await makeUser(server, { ...admin, role: 'admin' });
  return admin;
}

/** One window of the console. */
export class ConsolePage {
  readonly page: Page;
  readonly base: string;
  readonly #errors: string[];

  constructor(page: Page, base: string) {
    this.page = page;
    this.base = base;
    page.setDefaultTimeout(PATIENCE_MS);
    this.#errors = errorsOf(page);
  }

  static async open(browser: Browser, base: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: WIDE, ...options });
    return new ConsolePage(await context.newPage(), base);
  }

  /** Another window of the same person. */
  async another(): Promise<ConsolePage> {
    return new ConsolePage(await this.page.context().newPage(), this.base);
  }

  /** Goes to an address of the console; signs in where that is asked for. */
  async signInAt(path: string, admin: Admin): Promise<void> {
    await this.page.goto(`${this.base}/admin${path}`);
    await this.page.getByLabel('User name').fill(admin.username);
    await this.page.getByLabel('Password', { exact: true }).fill(admin.password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByRole('navigation', { name: 'Console' }).waitFor();
  }

  async goto(path: string): Promise<void> {
    await this.page.goto(`${this.base}/admin${path}`);
  }

  objects() {
    return this.page.getByRole('listbox', { name: 'Objects of this service' });
  }

  items() {
    return this.page.getByRole('listbox', { name: /^Items of/ });
  }

  value() {
    return this.page.getByTestId('value');
  }

  /** A value in the tree, by its JSON Pointer. */
  valueAt(path: string) {
    return this.value().locator(`[data-path="${path}"]`);
  }

  banner() {
    return this.page.getByTestId('connection-lost');
  }

  /** Until changes are pushed to this window. */
  async live(): Promise<void> {
    await this.page.locator('[data-testid="following"][data-following="live"]').waitFor();
  }

  field() {
    return this.page.getByLabel('Value as JSON');
  }

  expectNoErrors(): void {
    expect(this.#errors).toEqual([]);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
