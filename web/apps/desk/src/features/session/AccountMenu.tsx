import { Button, Group, Text } from '@mantine/core';
import { AccountMenu as Account } from '@sinew/frame';
import { currentActivity, useDesk, useDeskState } from '@sinew/plugin';
import { Dialog } from '@sinew/ui';
import { leaving } from './leaving.ts';
import { t } from './strings.ts';

/** Who is signed in, and signing out. */
export function AccountMenu() {
  const desk = useDesk();
  const session = useDeskState((state) => state.session);
  const name = useDeskState((state) => state.worker?.name ?? state.session.username);
  return (
    <Account
      username={session.username}
      name={name}
      role={session.role}
      signOut={() => void desk.actions.invoke('Logout', undefined)}
    />
  );
}

/** Someone who leaves while available would go on being offered work. */
export function LeaveDialog() {
  const desk = useDesk();
  const current = useDeskState(currentActivity);
  const away = useDeskState(({ activities }) => {
    const candidates = activities.filter((activity) => !activity.available);
    return candidates.find((activity) => activity.name === 'Offline') ?? candidates[0] ?? null;
  });
  const openCount = useDeskState((state) => state.tasks.length);
  const activity = current?.name ?? '';
  const goAndLeave = async () => {
    if (away === null) return;
    if (await desk.actions.invoke('SetActivity', { activitySid: away.sid })) await desk.signOut();
    leaving.set(false);
  };
  const leave = async () => {
    leaving.set(false);
    await desk.signOut();
  };
  return (
    <Dialog
      opened={leaving.use()}
      onClose={() => leaving.set(false)}
      title={t('leaveTitle', { activity })}
    >
      <Text>{t('leaveText', { activity })}</Text>
      {openCount > 0 && <Text mt="xs">{t('leaveOpen', { count: openCount })}</Text>}
      <Group mt="lg" justify="flex-end">
        <Button variant="default" onClick={() => leaving.set(false)}>
          {t('stay')}
        </Button>
        <Button variant="default" onClick={() => void leave()}>
          {t('leaveAnyway', { activity })}
        </Button>
        {away !== null && (
          <Button data-autofocus onClick={() => void goAndLeave()}>
            {t('goAndLeave', { activity: away.name })}
          </Button>
        )}
      </Group>
    </Dialog>
  );
}
