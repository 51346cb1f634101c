import { describe, expect, it, vi } from 'vitest';
import { Actions, defineAction } from './actions.ts';
import type { Desk } from './desk.ts';
import { Events } from './events.ts';
import type { TaskView } from './state.ts';

function setUp(run: () => void | Promise<void> = () => undefined, isPossible = true) {
  const failures: unknown[] = [];
  const desk = { getState: () => ({}) } as Desk;
  const actions = new Actions(
    () => desk,
    (_definition, error) => failures.push(error),
  );
  actions.register(
    defineAction({ name: 'AcceptTask', label: 'Accept', when: () => isPossible, run }),
  );
  return { actions, failures };
}

describe('an action', () => {
  it('runs between its listeners, in their order', async () => {
    const order: string[] = [];
    const { actions } = setUp(() => void order.push('run'));
    actions.before('AcceptTask', async () => {
      await Promise.resolve();
      order.push('before 1');
    });
    actions.before('AcceptTask', () => order.push('before 2'));
    actions.after('AcceptTask', () => order.push('after'));
    expect(await actions.invoke('AcceptTask', { sid: 'WR1' })).toBe(true);
    expect(order).toEqual(['before 1', 'before 2', 'run', 'after']);
  });

  it('stops where a listener cancels', async () => {
    const run = vi.fn();
    const after = vi.fn();
    const { actions } = setUp(run);
    actions.before('AcceptTask', (_payload, cancel) => cancel());
    actions.after('AcceptTask', after);
    expect(await actions.invoke('AcceptTask', { sid: 'WR1' })).toBe(false);
    expect(run).not.toHaveBeenCalled();
    expect(after).not.toHaveBeenCalled();
  });

  it('reports its failure and tells nobody that it succeeded', async () => {
    const after = vi.fn();
    const { actions, failures } = setUp(async () => {
      throw new Error('gone');
    });
    actions.after('AcceptTask', after);
    expect(await actions.invoke('AcceptTask', { sid: 'WR1' })).toBe(false);
    expect(failures).toEqual([new Error('gone')]);
    expect(after).not.toHaveBeenCalled();
  });

  it('does nothing where it does not apply or is not there', async () => {
    const run = vi.fn();
    const { actions } = setUp(run, false);
    expect(await actions.invoke('AcceptTask', { sid: 'WR1' })).toBe(false);
    expect(await actions.invoke('Logout', undefined)).toBe(false);
    expect(run).not.toHaveBeenCalled();
  });
});

describe('an event', () => {
  it('reaches the other listeners when one of them breaks', () => {
    const reported = vi.fn();
    vi.stubGlobal('reportError', reported);
    const events = new Events();
    const heard = vi.fn();
    events.on('taskReceived', () => {
      throw new Error('broken');
    });
    const undo = events.on('taskReceived', heard);
    events.emit('taskReceived', { task: {} as TaskView });
    undo();
    events.emit('taskReceived', { task: {} as TaskView });
    expect(heard).toHaveBeenCalledTimes(1);
    expect(reported).toHaveBeenCalledTimes(2);
    vi.unstubAllGlobals();
  });
});
