import { Button } from '@mantine/core';
import { currentActivity, useDesk, useDeskState } from '@sinew/plugin';
import { Icon, type IconName } from '@sinew/ui';
import type { ReactNode } from 'react';
import styles from './Idle.module.css';
import { t } from './strings.ts';

/** What to expect, or what to do, when no task is shown. */
export function Idle() {
  const desk = useDesk();
  const activity = useDeskState(currentActivity);
  const available = useDeskState(
    (state) => state.activities.find((candidate) => candidate.available) ?? null,
  );
  const count = useDeskState((state) => state.tasks.length);
  const isGone = useDeskState((state) => state.selectedTaskSid !== null);
  const isLive = useDeskState((state) => state.link.kind === 'live');
  if (activity === null) return null;
  if (isGone) {
    return (
      <Hint icon="inbox" title={t('goneTitle')} text={t('goneText')}>
        <Button variant="default" onClick={() => desk.selectTask(null)}>
          {t('toDesk')}
        </Button>
      </Hint>
    );
  }
  if (count > 0) return <Hint icon="inbox" title={t('openTitle')} text={t('openText')} />;
  if (activity.available) {
    return <Hint icon="check" title={t('readyTitle')} text={t('readyText')} />;
  }
  const title = t('awayTitle', { activity: activity.name });
  if (available === null) return <Hint icon="moon" title={title} text={t('awayNoneText')} />;
  const names = { available: available.name };
  return (
    <Hint icon="moon" title={title} text={t('awayText', names)}>
      <Button
        disabled={!isLive}
        onClick={() => void desk.actions.invoke('SetActivity', { activitySid: available.sid })}
      >
        {t('go', names)}
      </Button>
    </Hint>
  );
}

interface HintProps {
  icon: IconName;
  title: string;
  text: string;
  children?: ReactNode;
}

function Hint({ icon, title, text, children }: HintProps) {
  return (
    <div className={styles.hint}>
      <span className={styles.icon}>
        <Icon name={icon} size={28} />
      </span>
      <h2>{title}</h2>
      <p>{text}</p>
      {children}
    </div>
  );
}
