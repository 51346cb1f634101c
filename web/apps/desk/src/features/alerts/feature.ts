/** Sound, browser notifications and the page's title while work is offered. */
import { contribute, type Desk, defineFeature, pendingTasks } from '@sinew/plugin';
import { readChoice } from '@sinew/ui';
import { AlertsMenu } from './AlertsMenu.tsx';
import { closeAll, closeOffer, showOffer } from './notifications.ts';
import { ring } from './ring.ts';
import { t } from './strings.ts';

const TITLE = 'Sinew';
/** Expiry is a matter of time, not of an event; this finds it soon enough. */
const CHECK_MS = 1_000;

export default defineFeature({
  name: 'alerts',
  contributions: [contribute('header.end', 'alerts.menu', AlertsMenu, 10)],
  start(desk) {
    const unlock = () => ring.unlock();
    window.addEventListener('pointerdown', unlock);
    window.addEventListener('keydown', unlock);
    const update = () => updateAlerts(desk);
    const timer = setInterval(update, CHECK_MS);
    const undo = [
      desk.subscribe(update),
      desk.events.on('taskReceived', ({ task }) => showOffer(desk, task)),
      desk.events.on('taskAccepted', ({ task }) => closeOffer(task.sid)),
      desk.events.on('taskEnded', ({ task }) => closeOffer(task.sid)),
    ];
    update();
    return () => {
      for (const each of undo) each();
      clearInterval(timer);
      window.removeEventListener('pointerdown', unlock);
      window.removeEventListener('keydown', unlock);
      ring.stop();
      closeAll();
      document.title = TITLE;
    };
  },
});

/** One place decides: ringing exactly while an unanswered offer can still be answered. */
function updateAlerts(desk: Desk): void {
  const state = desk.getState();
  const offers = pendingTasks(state).filter(
    (task) => task.expiresAtMs > desk.now() && !state.busy.has(task.sid),
  );
  const first = offers[0];
  if (first !== undefined && readChoice('sound', ['on', 'off'], 'on') === 'on') ring.start();
  else ring.stop();
  const title =
    first === undefined ? TITLE : t('pageTitle', { count: offers.length, title: first.title });
  if (document.title !== title) document.title = title;
}
