import { type Desk, type DeskState, Events, type TaskView } from '@sinew/plugin';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import feature from './feature.ts';
import { ring } from './ring.ts';

const NOW = 1_000_000;

function offer(change: Partial<TaskView> = {}): TaskView {
  return {
    sid: 'WR1',
    taskSid: 'WT1',
    status: 'pending',
    title: 'Robin Castell',
    channel: 'voice',
    queue: 'Sales',
    expiresAtMs: NOW + 30_000,
    ...change,
  } as TaskView;
}

/** A desk that is nothing but its state. */
function makeDesk() {
  let state = { tasks: [] as readonly TaskView[], busy: new Set<string>() } as unknown as DeskState;
  const listeners = new Set<() => void>();
  const desk = {
    getState: () => state,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    events: new Events(),
    now: () => Date.now(),
    selectTask: vi.fn(),
  } as unknown as Desk;
  const change = (next: Partial<DeskState>) => {
    state = { ...state, ...next };
    for (const listener of listeners) listener();
  };
  return { desk, change };
}

describe('alerts', () => {
  let stop: (() => void) | undefined;
  let set: ReturnType<typeof makeDesk>;

  beforeEach(() => {
    vi.useFakeTimers({ now: NOW });
    localStorage.clear();
    set = makeDesk();
    stop = feature.start?.(set.desk);
  });
  afterEach(() => {
    stop?.();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('ring while an offer can be answered, and say so in the title', () => {
    set.change({ tasks: [offer()] });
    expect(ring.isRinging).toBe(true);
    expect(document.title).toBe('(1) Robin Castell');
  });

  it.each([
    ['accepted', { tasks: [offer({ status: 'accepted' })] }],
    ['withdrawn', { tasks: [] }],
    ['being answered', { busy: new Set(['WR1']) }],
  ] as const)('fall silent when it is %s', (_how, change) => {
    set.change({ tasks: [offer()] });
    set.change(change as Partial<DeskState>);
    expect(ring.isRinging).toBe(false);
    expect(document.title).toBe('Sinew');
  });

  it('fall silent when the time is over, although nobody said so', () => {
    set.change({ tasks: [offer()] });
    vi.advanceTimersByTime(31_000);
    expect(ring.isRinging).toBe(false);
  });

  it('stay silent where the sound is off', () => {
    localStorage.setItem('sinew.sound', 'off');
    set.change({ tasks: [offer()] });
    expect(ring.isRinging).toBe(false);
    expect(document.title).toBe('(1) Robin Castell');
  });

  it('end with the desk', () => {
    set.change({ tasks: [offer()] });
    stop?.();
    stop = undefined;
    expect(ring.isRinging).toBe(false);
    expect(document.title).toBe('Sinew');
  });

  describe('outside of the page', () => {
    const shown: { title: string; close: () => void; onclick?: () => void }[] = [];
    class Shown {
      static permission = 'granted';
      onclick?: () => void;
      close = vi.fn();
      constructor(readonly title: string) {
        shown.push(this);
      }
    }
    beforeEach(() => {
      shown.length = 0;
      vi.stubGlobal('Notification', Shown);
    });

    it('are shown only while the page is in the background', () => {
      set.desk.events.emit('taskReceived', { task: offer() });
      expect(shown).toEqual([]);
      vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
      set.desk.events.emit('taskReceived', { task: offer() });
      expect(shown.map(({ title }) => title)).toEqual(['New offer: Robin Castell']);
    });

    it('lead to the offer and go with it', () => {
      vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
      vi.stubGlobal('focus', () => undefined);
      set.desk.events.emit('taskReceived', { task: offer() });
      shown[0]?.onclick?.();
      expect(set.desk.selectTask).toHaveBeenCalledWith('WT1');
      set.desk.events.emit('taskReceived', { task: offer({ sid: 'WR2' }) });
      set.desk.events.emit('taskEnded', { task: offer({ sid: 'WR2' }), end: 'rescinded' });
      expect(shown[1]?.close).toHaveBeenCalled();
    });
  });
});
