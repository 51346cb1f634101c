import {
  channelLook,
  Slot,
  type TaskStatus,
  type TaskView,
  useDesk,
  useDeskState,
} from '@sinew/plugin';
import { Duration, Icon } from '@sinew/ui';
import { Link } from 'react-router';
import { t } from './strings.ts';
import styles from './TaskList.module.css';

const GROUPS: readonly TaskStatus[] = ['pending', 'accepted', 'wrapping'];

/** Everything that is offered to or held by this worker. */
export function TaskList() {
  const tasks = useDeskState((state) => state.tasks);
  if (tasks.length === 0) return <p className={styles.empty}>{t('empty')}</p>;
  return GROUPS.map((status) => {
    const group = tasks.filter((task) => task.status === status);
    if (group.length === 0) return null;
    return (
      <section key={status} className={styles.group} aria-labelledby={`tasks-${status}`}>
        <h2 id={`tasks-${status}`}>{t('group', { name: t(status), count: group.length })}</h2>
        <ul>
          {group.map((task) => (
            <Item key={task.sid} task={task} />
          ))}
        </ul>
      </section>
    );
  });
}

function Item({ task }: { task: TaskView }) {
  const desk = useDesk();
  const isSelected = useDeskState((state) => state.selectedTaskSid === task.taskSid);
  const look = channelLook(task.channel);
  return (
    <li className={styles.item} data-status={task.status} data-selected={isSelected}>
      <Link
        className={styles.link}
        to={`/desk/tasks/${task.taskSid}`}
        aria-current={isSelected ? 'true' : undefined}
        data-task={task.taskSid}
      >
        <span className={styles.channel}>
          <Icon name={look.icon} />
        </span>
        <span className={styles.lines}>
          <span className={styles.title}>{task.title}</span>
          <span className={styles.detail}>
            {look.label} · {task.queue}
          </span>
        </span>
        {task.status !== 'pending' && (
          <span className={styles.time}>
            <Duration sinceMs={task.statusSinceMs} now={desk.now} />
          </span>
        )}
        <Slot name="task.item" task={task} />
      </Link>
      {task.status === 'pending' && (
        <div className={styles.actions}>
          <Slot name="task.actions" task={task} size="compact" />
        </div>
      )}
    </li>
  );
}
