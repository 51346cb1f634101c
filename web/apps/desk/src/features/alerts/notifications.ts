/**
 * Notifications of the browser for offers that come while the page is in the background.
 */
import { channelLook, type Desk, type TaskView } from '@sinew/plugin';
import { t } from './strings.ts';

export type Permission = NotificationPermission | 'unsupported';

export function permission(): Permission {
  return typeof Notification === 'undefined' ? 'unsupported' : Notification.permission;
}

const shown = new Map<string, Notification>();

export function showOffer(desk: Desk, task: TaskView): void {
  if (!document.hidden || permission() !== 'granted') return;
  try {
    const notification = new Notification(t('notifyTitle', { title: task.title }), {
      body: t('notifyBody', {
        channel: channelLook(task.channel).label,
        queue: task.queue,
        seconds: Math.max(0, Math.round((task.expiresAtMs - desk.now()) / 1000)),
      }),
      // The same offer after a reconnection replaces its notification.
      tag: task.sid,
      requireInteraction: true,
    });
    notification.onclick = () => {
      window.focus();
      desk.selectTask(task.taskSid);
      notification.close();
    };
    shown.set(task.sid, notification);
  } catch {
    // Some browsers refuse the constructor outside of service workers; the ring remains.
  }
}

export function closeOffer(sid: string): void {
  shown.get(sid)?.close();
  shown.delete(sid);
}

export function closeAll(): void {
  for (const sid of [...shown.keys()]) closeOffer(sid);
}
