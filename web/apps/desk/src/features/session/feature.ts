/** Signing in, who is signed in, signing out. */
import { SignIn } from '@sinew/frame';
import { contribute, currentActivity, defineAction, defineFeature } from '@sinew/plugin';
import { AccountMenu, LeaveDialog } from './AccountMenu.tsx';
import { leaving } from './leaving.ts';
import { t } from './strings.ts';

export default defineFeature({
  name: 'session',
  contributions: [
    contribute('sign-in', 'session.form', SignIn),
    contribute('header.end', 'session.account', AccountMenu, 100),
    contribute('background', 'session.leave', LeaveDialog),
  ],
  actions: [
    defineAction({
      name: 'Logout',
      label: t('signOut'),
      async run(desk) {
        const state = desk.getState();
        const staysReachable = currentActivity(state)?.available === true;
        if (staysReachable && state.link.kind === 'live') leaving.set(true);
        else await desk.signOut();
      },
    }),
  ],
});
