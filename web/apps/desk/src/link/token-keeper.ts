/**
 * Keeps a valid access token: renews it well before its end and tells whoever uses it.
 *
 * - Several callers share one request.
 * - A failed renewal is tried again while the old token still lasts.
 * - Being signed out is final and reported once.
 */
import { type AccessToken, Problem, serverNow } from '@sinew/api';

/** Renewal happens when this part of the lifetime is over. */
const RENEW_AT = 0.75;
/** A token with less than this left is not handed out. */
const USABLE_MS = 20_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 30_000;
/** Longer timers overflow in browsers. */
const LONGEST_TIMER_MS = 2_000_000_000;

export interface TokenHooks {
  request(): Promise<AccessToken>;
  onRenewed(token: string): void;
  onSignedOut(): void;
}

export class TokenKeeper {
  readonly #hooks: TokenHooks;
  #current: AccessToken | null = null;
  #pending: Promise<AccessToken> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(hooks: TokenHooks) {
    this.#hooks = hooks;
  }

  /** A token that lasts a while; asks for one only where there is none. */
  async usable(): Promise<AccessToken> {
    const current = this.#current;
    return current !== null && leftMs(current) > USABLE_MS ? current : this.renew();
  }

  /** What was given last, also when it is about to end. */
  get last(): AccessToken | null {
    return this.#current;
  }

  renew(): Promise<AccessToken> {
    this.#pending ??= this.#ask().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<AccessToken> {
    const first = this.#current === null;
    try {
      const token = await this.#hooks.request();
      this.#current = token;
      this.#schedule(delayMs(leftMs(token)), FIRST_RETRY_MS);
      if (!first && !this.#stopped) this.#hooks.onRenewed(token.token);
      return token;
    } catch (problem) {
      if (problem instanceof Problem && problem.kind === 'signed-out' && !this.#stopped) {
        this.stop();
        this.#hooks.onSignedOut();
      }
      throw problem;
    }
  }

  #schedule(inMs: number, retryMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(
      () => {
        this.renew().catch(() => {
          this.#schedule(retryMs, Math.min(LONGEST_RETRY_MS, retryMs * 2));
        });
      },
      Math.min(inMs, LONGEST_TIMER_MS),
    );
  }
}

function leftMs(token: AccessToken): number {
  return Date.parse(token.expires_at) - serverNow();
}

/** When to renew a token that lasts this long. */
export function delayMs(lifetimeMs: number): number {
  return Math.max(1_000, lifetimeMs * RENEW_AT);
}
