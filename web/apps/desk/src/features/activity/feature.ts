/** The activity switch in the header. */
import {
  contribute,
  currentActivity,
  defineAction,
  defineFeature,
  pendingTasks,
} from '@sinew/plugin';
import { ActivitySwitch } from './ActivitySwitch.tsx';
import { menu } from './menu.ts';
import { t } from './strings.ts';

/** The activity that was last chosen, or seen, at this desk. */
let chosen: string | null = null;

export default defineFeature({
  name: 'activity',
  contributions: [contribute('header.start', 'activity.switch', ActivitySwitch)],
  actions: [
    defineAction({
      name: 'SetActivity',
      label: t('change'),
      when: (state) => state.link.kind === 'live',
      async run(desk, { activitySid }) {
        const state = desk.getState();
        const target = state.activities.find((activity) => activity.sid === activitySid);
        const leavesOffers = target?.available === false && pendingTasks(state).length > 0;
        chosen = activitySid;
        await desk.work.setActivity(activitySid, leavesOffers ? 'reject-pending' : 'keep-pending');
      },
    }),
    defineAction({
      name: 'OpenActivityMenu',
      label: t('open'),
      shortcut: 's',
      when: (state) => state.link.kind === 'live' && state.worker !== null,
      run: () => menu.set(true),
    }),
  ],
  start(desk) {
    return desk.events.on('workerActivityUpdated', ({ activitySid }) => {
      const name = currentActivity(desk.getState())?.name;
      if (name === undefined) return;
      // Someone else, or a missed offer, moved this worker: that must not go unseen.
      if (activitySid === chosen) desk.announce(t('changed', { name }), 'polite');
      else desk.notify('warning', t('changedElsewhere', { name }));
      chosen = activitySid;
    });
  },
});
