import { type TaskView, useDesk } from '@sinew/plugin';
import { useEffect, useState } from 'react';

export type ExactText =
  | { kind: 'reading' }
  | { kind: 'read'; text: string }
  | { kind: 'failed'; message: string };

/**
 * The attribute text as it was written.
 *
 * The SDK hands out a parsed object, which has lost the spelling of numbers and the order of
 * some keys; the text is read once per version of the task.
 */
export function useExactText(task: TaskView): ExactText {
  const desk = useDesk();
  const [exact, setExact] = useState<ExactText>({ kind: 'reading' });
  const { taskSid, version } = task;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version is read again
  useEffect(() => {
    let wanted = true;
    desk.work.readAttributesText(taskSid).then(
      (text) => wanted && setExact({ kind: 'read', text }),
      (error: unknown) =>
        wanted &&
        setExact((known) =>
          // What was read before is still better than an error.
          known.kind === 'read' ? known : { kind: 'failed', message: messageOf(error) },
        ),
    );
    return () => {
      wanted = false;
    };
  }, [desk, taskSid, version]);
  return exact;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
