import { channelLook, type SlotProps, useDesk } from '@sinew/plugin';
import { Duration, Icon } from '@sinew/ui';
import type { ReactNode } from 'react';
import { t } from './strings.ts';
import styles from './TaskInfo.module.css';

/** Below the title: what kind of work, from where, how old, how far. */
export function TaskMeta({ task }: SlotProps['task.header']) {
  const desk = useDesk();
  const look = channelLook(task.channel);
  return (
    <dl className={styles.meta}>
      <Fact name={t('channel')}>
        <Icon name={look.icon} size={16} />
        {look.label}
      </Fact>
      <Fact name={t('queue')}>{task.queue}</Fact>
      <Fact name={t('age')}>
        <Duration sinceMs={task.createdAtMs} now={desk.now} />
      </Fact>
      <Fact name={t('status')}>
        <span className={styles.status} data-status={task.status}>
          {t(task.status)}
        </span>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
