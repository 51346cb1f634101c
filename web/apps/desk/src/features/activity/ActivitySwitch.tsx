import { Button, Group, Menu, Text, VisuallyHidden } from '@mantine/core';
import {
  type ActivityView,
  currentActivity,
  pendingTasks,
  useDesk,
  useDeskState,
} from '@sinew/plugin';
import { Dialog, Duration, Icon } from '@sinew/ui';
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
        withinPortal={false}
        withInitialFocusPlaceholder={false}
        loop
        transitionProps={{ duration: 0 }}
      >
        <Menu.Target>
          <button type="button" className={styles.button} disabled={!isLive}>
            <VisuallyHidden>{t('button')}</VisuallyHidden>
            <Dot available={current.available} />
            <span className={styles.name}>{current.name}</span>
            <span className={styles.time}>
              <Duration sinceMs={worker.activitySinceMs} now={desk.now} />
            </span>
            <Icon name="chevron" size={16} />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.RadioGroup value={current.sid}>
            {activities.map((activity) => (
              <Menu.RadioItem
                key={activity.sid}
                value={activity.sid}
                closeMenuOnClick
                onChange={() => choose(activity)}
              >
                <span className={styles.choice}>
                  <Dot available={activity.available} />
                  {activity.name}
                </span>
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
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
    <Dialog
      opened={activity !== null}
      onClose={onClose}
      title={t('pendingTitle', { name: activity?.name ?? '' })}
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
    </Dialog>
  );
}

/** Full for available, hollow for not: the shape says it, the colour repeats it. */
function Dot({ available }: { available: boolean }) {
  return <span className={styles.dot} data-available={available} aria-hidden="true" />;
}
