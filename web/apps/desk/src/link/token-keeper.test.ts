import { type AccessToken, Problem } from '@sinew/api';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { delayMs, TokenKeeper } from './token-keeper.ts';

const LIFETIME_MS = 3_600_000;

function setUp() {
  let count = 0;
  let fails: Problem | null = null;
  const request = vi.fn(async (): Promise<AccessToken> => {
    if (fails) throw fails;
    count += 1;
    return {
      token: `token ${count}`,
      expires_at: new Date(Date.now() + LIFETIME_MS).toISOString(),
      identity: 'dana',
      worker_sid: 'WK1',
      workspace_sid: 'WS1',
      role: 'agent',
    };
  });
  const onRenewed = vi.fn();
  const onSignedOut = vi.fn();
  const keeper = new TokenKeeper({ request, onRenewed, onSignedOut });
  const failWith = (problem: Problem | null) => {
    fails = problem;
  };
  return { keeper, request, onRenewed, onSignedOut, failWith };
}

const unreachable = new Problem('unreachable', 0, null, '');
const signedOut = new Problem('signed-out', 401, 20_003, '');

describe('keeping a token', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('asks once for many who need one', async () => {
    const { keeper, request } = setUp();
    const [a, b] = await Promise.all([keeper.usable(), keeper.usable()]);
    expect(a).toBe(b);
    expect((await keeper.usable()).token).toBe('token 1');
    expect(request).toHaveBeenCalledTimes(1);
  });

  it('renews well before the end, again and again', async () => {
    const { keeper, onRenewed } = setUp();
    await keeper.usable();
    await vi.advanceTimersByTimeAsync(delayMs(LIFETIME_MS) - 1);
    expect(onRenewed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(onRenewed).toHaveBeenLastCalledWith('token 2');
    await vi.advanceTimersByTimeAsync(delayMs(LIFETIME_MS));
    expect(onRenewed).toHaveBeenLastCalledWith('token 3');
    expect(delayMs(LIFETIME_MS)).toBeLessThan(LIFETIME_MS - 60_000);
  });

  it('tries again while the old one still lasts', async () => {
    const { keeper, onRenewed, failWith } = setUp();
    await keeper.usable();
    failWith(unreachable);
    await vi.advanceTimersByTimeAsync(delayMs(LIFETIME_MS));
    expect(onRenewed).not.toHaveBeenCalled();
    expect((await keeper.usable()).token).toBe('token 1');
    failWith(null);
    await vi.advanceTimersByTimeAsync(35_000);
    expect(onRenewed).toHaveBeenCalledWith('token 2');
  });

  it('does not hand out one that is about to end', async () => {
    const { keeper, failWith } = setUp();
    await keeper.usable();
    failWith(unreachable);
    await vi.advanceTimersByTimeAsync(LIFETIME_MS - 5_000);
    await expect(keeper.usable()).rejects.toBe(unreachable);
    failWith(null);
    expect((await keeper.usable()).token).toBe('token 2');
  });

  it('tells once that the session is over, and asks no more', async () => {
    const { keeper, request, onSignedOut, failWith } = setUp();
    await keeper.usable();
    failWith(signedOut);
    await vi.advanceTimersByTimeAsync(delayMs(LIFETIME_MS));
    const asked = request.mock.calls.length;
    await vi.advanceTimersByTimeAsync(LIFETIME_MS);
    expect(onSignedOut).toHaveBeenCalledTimes(1);
    expect(request).toHaveBeenCalledTimes(asked);
  });

  it('is silent once stopped', async () => {
    const { keeper, request, onRenewed } = setUp();
    await keeper.usable();
    keeper.stop();
    await vi.advanceTimersByTimeAsync(LIFETIME_MS * 2);
    expect(request).toHaveBeenCalledTimes(1);
    expect(onRenewed).not.toHaveBeenCalled();
  });
});
