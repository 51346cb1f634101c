import type { TaskView } from '@sinew/plugin';
import type { Activity, Reservation } from 'twilio-taskrouter';
import { describe, expect, it } from 'vitest';
import { activityViews, inOrder, isShared, taskTitle, taskView } from './views.ts';
import { pauseMs } from './worker-link.ts';

function view(sid: string, change: Partial<TaskView>): TaskView {
  return {
    sid,
    taskSid: `WT${sid}`,
    status: 'pending',
    title: sid,
    channel: 'default',
    queue: 'Q',
    workflow: 'W',
    priority: 0,
    reason: null,
    transferTo: null,
    attributes: {},
    offeredAtMs: 0,
    statusSinceMs: 0,
    expiresAtMs: 0,
    createdAtMs: 0,
    version: '0',
    ...change,
  };
}

function reservation(change: object): Reservation {
  return {
    sid: 'WR1',
    status: 'pending',
    timeout: 30,
    version: '0',
    dateCreated: new Date(1_000_000),
    dateUpdated: new Date(1_002_000),
    task: {
      sid: 'WT1',
      attributes: { name: ' +12025550112' },
      taskChannelUniqueName: 'voice',
      queueName: 'Sales',
      workflowName: 'All',
      priority: 0,
      reason: null,
      version: '0',
      dateCreated: new Date(900_000),
      dateUpdated: new Date(900_000),
    },
    ...change,
  } as unknown as Reservation;
}

describe('the list', () => {
  it('has incoming first, then active, then wrapping', () => {
    const tasks = [
      view('w', { status: 'wrapping', offeredAtMs: 1 }),
      view('a', { status: 'accepted', offeredAtMs: 2 }),
      view('p', { status: 'pending', offeredAtMs: 3 }),
    ];
    expect(inOrder(tasks).map((task) => task.sid)).toEqual(['p', 'a', 'w']);
  });

  it('has the offer that ends first at its top, the oldest work at the top of the rest', () => {
    const tasks = [
      view('later', { expiresAtMs: 90, offeredAtMs: 1 }),
      view('sooner', { expiresAtMs: 50, offeredAtMs: 2 }),
      view('new', { status: 'accepted', offeredAtMs: 9 }),
      view('old', { status: 'accepted', offeredAtMs: 4 }),
    ];
    expect(inOrder(tasks).map((task) => task.sid)).toEqual(['sooner', 'later', 'old', 'new']);
  });

  it('does not depend on the order in which things came', () => {
    const tasks = [view('b', {}), view('a', {}), view('c', {})];
    expect(inOrder(tasks)).toEqual(inOrder([...tasks].reverse()));
  });

  it('has no place for a reservation that is over', () => {
    for (const status of ['rejected', 'timeout', 'canceled', 'rescinded', 'completed']) {
      expect(taskView(reservation({ status })), status).toBeNull();
    }
  });
});

describe('a task', () => {
  it('ends as an offer when the time that began with the reservation is over', () => {
    const shown = taskView(reservation({}));
    expect(shown?.expiresAtMs).toBe(1_030_000);
    expect(shown?.offeredAtMs).toBe(1_000_000);
  });

  it('is called by its name, else by channel and SID', () => {
    expect(taskTitle({ name: ' +12025550112' }, 'voice', 'WT1')).toBe('+12025550112');
    for (const attributes of [{}, { name: '' }, { name: '  ' }, { name: 7 }, null, 'x', []]) {
      expect(taskTitle(attributes, 'voice', 'WT1')).toBe('voice WT1');
    }
  });
});

describe('a transfer', () => {
  const handed = (outgoing: object | null) => {
    const { task } = reservation({});
    return taskView(reservation({ task: { ...task, transfers: { outgoing } } }))?.transferTo;
  };

  it('is shown while nobody has taken it, to whoever began it', () => {
    const outgoing = { reservationSid: 'WR1', to: 'WK2', status: 'initiated' };
    expect(handed(outgoing)).toBe('WK2');
    expect(handed({ ...outgoing, status: 'complete' })).toBeNull();
    expect(handed({ ...outgoing, reservationSid: 'WR2' })).toBeNull();
    expect(handed(null)).toBeNull();
    expect(taskView(reservation({}))?.transferTo).toBeNull();
  });

  it('leaves a task that somebody else may have as well, until it came to nothing', () => {
    const shared = (transfers: object) => {
      const { task } = reservation({});
      return isShared(reservation({ task: { ...task, transfers } }));
    };
    expect(shared({ outgoing: { status: 'complete' } })).toBe(true);
    expect(shared({ outgoing: { status: 'initiated' } })).toBe(true);
    expect(shared({ incoming: { status: 'complete' } })).toBe(true);
    expect(shared({ outgoing: { status: 'failed' } })).toBe(false);
    expect(shared({ outgoing: null, incoming: null })).toBe(false);
    expect(isShared(reservation({}))).toBe(false);
  });
});

describe('activities', () => {
  it('are listed available first, then by name', () => {
    const make = (name: string, available: boolean) =>
      ({ sid: name, name, available }) as unknown as Activity;
    const sorted = activityViews([
      make('Offline', false),
      make('Ready', true),
      make('Break', false),
      make('Chats', true),
    ]);
    expect(sorted.map((activity) => activity.name)).toEqual(['Chats', 'Ready', 'Break', 'Offline']);
  });
});

describe('pauses between attempts', () => {
  it('grow up to a bound and are never nothing', () => {
    expect(pauseMs(0, 0)).toBe(250);
    expect(pauseMs(3, 1)).toBe(4_000);
    expect(pauseMs(50, 1)).toBe(10_000);
  });
});
