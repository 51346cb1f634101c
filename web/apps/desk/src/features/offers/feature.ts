/** Offers: the time there is to answer, accepting, rejecting, and what became of them. */
import {
  channelLook,
  contribute,
  type Desk,
  type DeskState,
  defineAction,
  defineFeature,
  pendingTasks,
  selectedTask,
  type TaskEnd,
  type TaskView,
} from '@sinew/plugin';
import { OfferActions, OfferItem, OfferPanel } from './Offer.tsx';
import { t } from './strings.ts';

/** The selected offer; where something else is selected, the one that ends first. */
function meant(state: DeskState): { sid: string } | null {
  const selected = selectedTask(state);
  const offer = selected?.status === 'pending' ? selected : pendingTasks(state)[0];
  return offer === undefined ? null : { sid: offer.sid };
}

function isAnswerable(state: DeskState, { sid }: { sid: string }): boolean {
  return (
    state.link.kind === 'live' &&
    !state.busy.has(sid) &&
    state.tasks.some((task) => task.sid === sid && task.status === 'pending')
  );
}

export default defineFeature({
  name: 'offers',
  contributions: [
    contribute('task.actions', 'offers.actions', OfferActions),
    contribute('task.side', 'offers.panel', OfferPanel),
    contribute('task.item', 'offers.item', OfferItem),
  ],
  actions: [
    defineAction({
      name: 'AcceptTask',
      label: t('accept'),
      shortcut: 'a',
      fromKey: meant,
      when: isAnswerable,
      async run(desk, { sid }) {
        await desk.work.accept(sid);
        const task = desk.getState().tasks.find((candidate) => candidate.sid === sid);
        if (task !== undefined) desk.selectTask(task.taskSid);
      },
    }),
    defineAction({
      name: 'RejectTask',
      label: t('reject'),
      shortcut: 'r',
      fromKey: meant,
      when: isAnswerable,
      run: (desk, { sid }) => desk.work.reject(sid),
    }),
  ],
  start(desk) {
    const undo = [
      desk.events.on('taskReceived', ({ task }) =>
        desk.announce(describe(desk, task), 'assertive'),
      ),
      desk.events.on('taskEnded', ({ task, end }) => tell(desk, task, end)),
    ];
    return () => {
      for (const each of undo) each();
    };
  },
});

function describe(desk: Desk, task: TaskView): string {
  return t('announce', {
    title: task.title,
    channel: channelLook(task.channel).label,
    queue: task.queue,
    count: Math.max(0, Math.round((task.expiresAtMs - desk.now()) / 1000)),
  });
}

/** What the agent did is known already; what happened to the agent is told. */
function tell(desk: Desk, task: TaskView, end: TaskEnd): void {
  const { title } = task;
  const isOffer = task.status === 'pending';
  switch (end) {
    case 'timeout':
      return desk.notify('warning', t('missed', { title }));
    case 'rescinded':
      return desk.notify('information', t('withdrawn', { title }));
    case 'canceled':
      return desk.notify('warning', t(isOffer ? 'withdrawn' : 'canceled', { title }));
    case 'unseen':
      return desk.notify('warning', t(isOffer ? 'unseenOffer' : 'unseen', { title }));
    case 'rejected':
    case 'completed':
      return;
  }
}
