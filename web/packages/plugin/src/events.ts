/**
 * What happened at this desk. Names are those of the field.
 */
import type { Link, TaskView } from './state.ts';

/** Why a reservation left the desk. */
export type TaskEnd =
  | 'rejected'
  | 'timeout'
  | 'canceled'
  | 'rescinded'
  | 'completed'
  /** It went while the connection was lost. */
  | 'unseen';

/** What became of a transfer that began at this desk. */
export type TransferEnd = 'completed' | 'failed' | 'canceled';

export interface DeskEvents {
  taskReceived: { task: TaskView };
  taskAccepted: { task: TaskView };
  taskWrapup: { task: TaskView };
  /** The reservation is gone from the desk. */
  taskEnded: { task: TaskView; end: TaskEnd };
  transferEnded: { task: TaskView; end: TransferEnd };
  workerActivityUpdated: { activitySid: string };
  connectionStateChanged: { link: Link };
}

type Listener<T> = (payload: T) => void;

export class Events {
  readonly #listeners = new Map<keyof DeskEvents, Set<Listener<never>>>();

  on<N extends keyof DeskEvents>(name: N, listener: Listener<DeskEvents[N]>): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  /** One broken listener must not keep the others from hearing. */
  emit<N extends keyof DeskEvents>(name: N, payload: DeskEvents[N]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as Listener<DeskEvents[N]>)(payload);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
