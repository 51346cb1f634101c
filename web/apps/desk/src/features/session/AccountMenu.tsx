import { ActionIcon, Button, Group, Menu, Text } from '@mantine/core';
import { currentActivity, useDesk, useDeskState } from '@sinew/plugin';
import { Dialog, Icon } from '@sinew/ui';
import { leaving } from './leaving.ts';
import { t } from './strings.ts';

/** Who is signed in, and signing out. */
export function AccountMenu() {
  const desk = useDesk();
  const session = useDeskState((state) => state.session);
  const name = useDeskState((state) => state.worker?.name ?? state.session.username);
  return (
    <Menu
      position="bottom-end"
      shadow="md"
      withinPortal={false}
      withInitialFocusPlaceholder={false}
      transitionProps={{ duration: 0 }}
    >
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={36}
          aria-label={t('account', { name: session.username })}
        >
          <Icon name="person" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name} · {t(session.role)}
        </Menu.Label>
        <Menu.Item
          leftSection={<Icon name="signOut" size={16} />}
          onClick={() => void desk.actions.invoke('Logout', undefined)}
        >
          {t('signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
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
