import { ActionIcon, Button, Popover, Stack, Switch, Text } from '@mantine/core';
import { Icon, useNow, useStoredChoice } from '@sinew/ui';
import { useState } from 'react';
import { type Permission, permission } from './notifications.ts';
import { ring } from './ring.ts';
import { t } from './strings.ts';

/** Sound and notifications, and why one of them is not heard or seen. */
export function AlertsMenu() {
  const [sound, setSound] = useStoredChoice('sound', ['on', 'off'], 'on');
  return (
    <Popover
      position="bottom-end"
      width={320}
      shadow="md"
      withinPortal={false}
      trapFocus
      returnFocus
      transitionProps={{ duration: 0 }}
    >
      <Popover.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={36}
          aria-label={sound === 'on' ? t('buttonOn') : t('buttonOff')}
        >
          <Icon name={sound === 'on' ? 'bell' : 'bellOff'} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('title')}>
        <Stack gap="md">
          <SoundPart sound={sound} onChange={setSound} />
          <NotificationPart />
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

interface SoundPartProps {
  sound: 'on' | 'off';
  onChange(sound: 'on' | 'off'): void;
}

function SoundPart({ sound, onChange }: SoundPartProps) {
  const isBlocked = useNow(() => ring.isBlocked);
  return (
    <Stack gap="xs" align="flex-start">
      <Switch
        label={t('sound')}
        checked={sound === 'on'}
        onChange={(event) => onChange(event.currentTarget.checked ? 'on' : 'off')}
      />
      {isBlocked && (
        <Text size="sm" c="dimmed">
          {t('blocked')}
        </Text>
      )}
      <Button
        size="xs"
        variant="default"
        onClick={() => {
          ring.unlock();
          ring.once();
        }}
      >
        {t('test')}
      </Button>
    </Stack>
  );
}

function NotificationPart() {
  const [state, setState] = useState<Permission>(permission);
  return (
    <Stack gap="xs" align="flex-start">
      <Text fw={600}>{t('notifications')}</Text>
      {state === 'default' ? (
        <Button
          size="xs"
          variant="default"
          onClick={() => void Notification.requestPermission().then(setState)}
        >
          {t('ask')}
        </Button>
      ) : (
        <Text size="sm" c="dimmed">
          {t(state)}
        </Text>
      )}
    </Stack>
  );
}
