import { act, renderHook } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lineHeard, lineLost } from './line.ts';
import { SLOWEST_MS, useEvery } from './useEvery.ts';

let isHidden = false;

function show(next: boolean): void {
  isHidden = !next;
  act(() => void document.dispatchEvent(new Event('visibilitychange')));
}

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

beforeEach(() => {
  vi.useFakeTimers();
  isHidden = false;
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => isHidden);
  // The line is asked for by itself while it is lost.
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')));
});

afterEach(() => {
  act(lineHeard);
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('what is done again and again', () => {
  it('rests while nobody looks and is done at once when somebody does', async () => {
    const work = vi.fn(async () => true);
    renderHook(() => useEvery(2_000, work));
    await pass(2_000);
    expect(work).toHaveBeenCalledTimes(1);
    show(false);
    await pass(60_000);
    expect(work).toHaveBeenCalledTimes(1);
    show(true);
    await pass(0);
    expect(work).toHaveBeenCalledTimes(2);
    await pass(2_000);
    expect(work).toHaveBeenCalledTimes(3);
  });

  it('is tried less and less often while it fails, and as before once it went well', async () => {
    let isWell = false;
    const work = vi.fn(async () => isWell);
    renderHook(() => useEvery(2_000, work));
    await pass(2_000);
    await pass(3_999);
    expect(work).toHaveBeenCalledTimes(1);
    await pass(1);
    expect(work).toHaveBeenCalledTimes(2);
    await pass(8_000 + 16_000 + SLOWEST_MS);
    expect(work).toHaveBeenCalledTimes(5);
    isWell = true;
    await pass(SLOWEST_MS);
    await pass(2_000);
    expect(work).toHaveBeenCalledTimes(7);
  });

  it('begins anew with something else', async () => {
    const work = vi.fn(async () => false);
    const { rerender } = renderHook(({ of }) => useEvery(2_000, work, of), {
      initialProps: { of: 'one' },
    });
    await pass(2_000 + 4_000 + 8_000);
    expect(work).toHaveBeenCalledTimes(3);
    rerender({ of: 'another' });
    await pass(2_000);
    expect(work).toHaveBeenCalledTimes(4);
  });

  it('is not tried while the line is lost', async () => {
    const work = vi.fn(async () => true);
    renderHook(() => useEvery(2_000, work));
    act(lineLost);
    await pass(30_000);
    expect(work).not.toHaveBeenCalled();
    act(lineHeard);
    await pass(2_000);
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('is never done where it is not wanted', async () => {
    const work = vi.fn(async () => true);
    renderHook(() => useEvery(null, work));
    await pass(60_000);
    expect(work).not.toHaveBeenCalled();
  });
});
