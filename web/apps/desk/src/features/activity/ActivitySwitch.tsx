import { Button, Group, Menu, Modal, Text } from '@mantine/core';
import {
  type ActivityView,
  currentActivity,
  pendingTasks,
  useDesk,
  useDeskState,
} from '@sinew/plugin';
import { Duration, Icon } from '@sinew/ui';
import { useState } from 'react';
import styles from './ActivitySwitch.module.css';
import { menu } from './menu.ts';
import { t } from './strings.ts';

/** The present activity, how long it has lasted, and the way to another one. */
export function ActivitySwitch() {
  const desk = useDesk();
  const worker = useDeskState((state) => state.worker);
  const activities = useDeskState((state) => state.activities);
  const current = useDeskState(currentActivity);
  const isLive = useDeskState((state) => state.link.kind === 'live');
  const [asked, setAsked] = useState<ActivityView | null>(null);
  const opened = menu.use();
  if (worker === null || current === null) return null;

  const choose = (activity: ActivityView) => {
    if (activity.sid === current.sid) return;
    const leavesOffers = !activity.available && pendingTasks(desk.getState()).length > 0;
    if (leavesOffers) setAsked(activity);
    else void desk.actions.invoke('SetActivity', { activitySid: activity.sid });
  };

  return (
    <>
      <Menu
        opened={opened}
        onChange={menu.set}
        position="bottom-start"
        shadow="md"
        width={240}
        loop
        transitionProps={{ duration: 0 }}
      >
        <Menu.Target>
          <button
            type="button"
            className={styles.button}
            disabled={!isLive}
            aria-label={t('button', { name: current.name })}
          >
            <Dot available={current.available} />
            <span className={styles.name}>{current.name}</span>
            <span className={styles.time}>
              <Duration sinceMs={worker.activitySinceMs} now={desk.now} />
            </span>
            <Icon name="chevron" size={16} />
          </button>
        </Menu.Target>
        <Menu.Dropdown aria-label={t('open')}>
          {activities.map((activity) => (
            <Menu.Item
              key={activity.sid}
              role="menuitemradio"
              aria-checked={activity.sid === current.sid}
              leftSection={<Dot available={activity.available} />}
              rightSection={activity.sid === current.sid && <Icon name="check" size={16} />}
              onClick={() => choose(activity)}
            >
              {activity.name}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <LeaveOffers
        activity={asked}
        current={current}
        onClose={() => setAsked(null)}
        onConfirm={(activity) => {
          setAsked(null);
          void desk.actions.invoke('SetActivity', { activitySid: activity.sid });
        }}
      />
    </>
  );
}

interface LeaveOffersProps {
  activity: ActivityView | null;
  current: ActivityView;
  onClose(): void;
  onConfirm(activity: ActivityView): void;
}

function LeaveOffers({ activity, current, onClose, onConfirm }: LeaveOffersProps) {
  const count = useDeskState((state) => pendingTasks(state).length);
  return (
    <Modal
      opened={activity !== null}
      onClose={onClose}
      title={t('pendingTitle', { name: activity?.name ?? '' })}
      transitionProps={{ duration: 0 }}
      centered
    >
      <Text>{t('pendingText', { count })}</Text>
      <Group mt="lg" justify="flex-end">
        <Button variant="default" onClick={onClose} data-autofocus>
          {t('cancel', { name: current.name })}
        </Button>
        <Button onClick={() => activity && onConfirm(activity)}>
          {t('confirm', { name: activity?.name ?? '' })}
        </Button>
      </Group>
    </Modal>
  );
}

/** Full for available, hollow for not: the shape says it, the colour repeats it. */
function Dot({ available }: { available: boolean }) {
  return <span className={styles.dot} data-available={available} aria-hidden="true" />;
}
