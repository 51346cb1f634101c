import { Header, Page, SkipLink } from '@sinew/frame';
import { Slot, selectedTask, type TaskView, useDeskState } from '@sinew/plugin';
import { Icon } from '@sinew/ui';
import { type RefObject, useEffect, useRef } from 'react';
import { Link } from 'react-router';
import type { DeskStore } from './desk-store.ts';
import styles from './Layout.module.css';
import { LiveRegions, Notices } from './Notices.tsx';
import { t } from './strings.ts';

/** Where things are: header, list, canvas; one of the last two at a time on narrow screens. */
export function Layout({ store }: { store: DeskStore }) {
  const task = useDeskState(selectedTask);
  // A list without entries has nothing to say; the canvas then says what to do.
  const showsList = useDeskState(
    (state) => state.selectedTaskSid === null && state.tasks.length > 0,
  );
  // A page that has just been opened leaves the focus where it is.
  const isOpened = useRef(false);
  useEffect(() => {
    isOpened.current = true;
  }, []);
  return (
    <Page
      className={styles.desk}
      data-pane={showsList ? 'list' : 'canvas'}
      top={
        <>
          <SkipLink to="canvas">{t('skipToTask')}</SkipLink>
          <Header start={<Slot name="header.start" />} end={<Slot name="header.end" />} />
        </>
      }
      banner={<Slot name="banner" />}
    >
      <main className={styles.main}>
        <h1 className={styles.hidden}>{t('desk')}</h1>
        <section className={styles.list} aria-label={t('tasks')} data-region="list">
          <Slot name="list" />
        </section>
        <section className={styles.canvas} id="canvas" aria-label={t('task')} tabIndex={-1}>
          {task === null ? (
            <Slot name="canvas.empty" />
          ) : (
            <Canvas key={task.sid} task={task} isOpened={isOpened} />
          )}
        </section>
      </main>
      <Notices store={store} />
      <LiveRegions store={store} />
      <Slot name="background" />
    </Page>
  );
}

interface CanvasProps {
  task: TaskView;
  isOpened: RefObject<boolean>;
}

function Canvas({ task, isOpened }: CanvasProps) {
  const title = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  // What had the focus may be gone with the last status; then the title takes it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when the status changes
  useEffect(() => {
    const isNarrow = window.matchMedia('(max-width: 47.99rem)').matches;
    const isAdrift = document.activeElement === document.body;
    const isMoved = isAdrift || (first.current && isNarrow);
    if (isOpened.current && isMoved) title.current?.focus({ preventScroll: true });
    first.current = false;
  }, [task.status]);
  return (
    <article className={styles.article}>
      <div className={styles.top}>
        <Link className={styles.back} to="/desk" aria-label={t('back')}>
          <Icon name="back" />
        </Link>
        <div className={styles.titles}>
          <h2 ref={title} tabIndex={-1} className={styles.title}>
            {task.title}
          </h2>
          <Slot name="task.header" task={task} />
        </div>
        <div className={styles.actions}>
          <Slot name="task.actions" task={task} size="full" />
        </div>
      </div>
      <div className={styles.body}>
        <div className={styles.side}>
          <Slot name="task.side" task={task} />
        </div>
        <div className={styles.content}>
          <Slot name="task.body" task={task} />
        </div>
      </div>
    </article>
  );
}
