import { act, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Countdown, remainingS } from './Countdown.tsx';
import { clockText } from './time.ts';

describe('a countdown', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('counts to the end and not below', () => {
    const now = () => Date.now();
    render(<Countdown startMs={1_000_000} endMs={1_012_000} now={now} label="Time left" />);
    const timer = screen.getByRole('timer');
    expect(timer.dataset.remaining).toBe('12');
    expect(timer.dataset.urgent).toBe('false');
    act(() => void vi.advanceTimersByTime(3_000));
    expect(timer.dataset.remaining).toBe('9');
    expect(timer.dataset.urgent).toBe('true');
    expect(timer.getAttribute('aria-label')).toBe('Time left: 0:09');
    act(() => void vi.advanceTimersByTime(60_000));
    expect(timer.dataset.remaining).toBe('0');
  });

  it('starts in the middle where the offer is older than the page', () => {
    const now = () => Date.now();
    render(<Countdown startMs={980_000} endMs={1_010_000} now={now} label="Time left" />);
    expect(screen.getByRole('timer').dataset.remaining).toBe('10');
  });

  it('follows the clock it is given, not this machine', () => {
    const now = () => Date.now() + 5_000;
    render(<Countdown startMs={1_000_000} endMs={1_030_000} now={now} label="Time left" />);
    expect(screen.getByRole('timer').dataset.remaining).toBe('25');
  });

  it('rounds up, so that 0 means over', () => {
    expect(remainingS(1_000, 999)).toBe(1);
    expect(remainingS(1_000, 1_000)).toBe(0);
    expect(remainingS(1_000, 90_000)).toBe(0);
  });
});

describe('durations', () => {
  it.each([
    [-3, '0:00'],
    [0, '0:00'],
    [7.9, '0:07'],
    [760, '12:40'],
    [3_729, '1:02:09'],
  ])('%d seconds are %s', (seconds, text) => expect(clockText(seconds)).toBe(text));
});
