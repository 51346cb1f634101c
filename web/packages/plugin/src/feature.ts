/**
 * A feature's manifest, the default export of its `feature.ts`.
 */
import type { ComponentType } from 'react';
import type { ActionDefinition, ActionName } from './actions.ts';
import type { Desk } from './desk.ts';
import type { TaskView } from './state.ts';

/** The slots there are, and what each gives to what is put into it. */
export interface SlotProps {
  /** Instead of the desk, for someone who is not signed in. */
  'sign-in': { onSignedIn(session: import('@sinew/api').Session): void; notice: string | null };
  'header.start': object;
  'header.end': object;
  banner: object;
  list: object;
  /** What the canvas shows when no task is selected. */
  'canvas.empty': object;
  'task.header': { task: TaskView };
  /** Buttons that act on a task; `compact` inside the list. */
  'task.actions': { task: TaskView; size: 'compact' | 'full' };
  'task.item': { task: TaskView };
  'task.body': { task: TaskView };
  /** Beside the body where there is room, above it where there is not. */
  'task.side': { task: TaskView };
  /** Dialogs and things without a place. */
  background: object;
}

export type SlotName = keyof SlotProps;

export interface Contribution<S extends SlotName = SlotName> {
  slot: S;
  key: string;
  /** Lower comes first. */
  order?: number;
  component: ComponentType<SlotProps[S]>;
}

export function contribute<S extends SlotName>(
  slot: S,
  key: string,
  component: ComponentType<SlotProps[S]>,
  order = 0,
): Contribution {
  return { slot, key, order, component } as unknown as Contribution;
}

export interface Feature {
  name: string;
  contributions?: readonly Contribution[];
  // Each definition is typed by its own name; the list holds many names.
  actions?: readonly { [N in ActionName]: ActionDefinition<N> }[ActionName][];
  /** Called once per desk; the returned function undoes it. */
  start?(desk: Desk): (() => void) | undefined;
}

export function defineFeature(feature: Feature): Feature {
  return feature;
}
