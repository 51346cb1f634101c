/**
 * The one object a feature's code works with.
 */
import type { Actions } from './actions.ts';
import type { Events } from './events.ts';
import type { DeskState } from './state.ts';

export type NoticeTone = 'information' | 'success' | 'warning' | 'error';

export interface Notice {
  id: string;
  tone: NoticeTone;
  text: string;
}

/** `WARM`: one stays until it is taken; `COLD`: one leaves at once. */
export type TransferMode = 'WARM' | 'COLD';

/** Operations on the worker and its reservations; each is one call of the official SDK. */
export interface Work {
  accept(sid: string): Promise<void>;
  reject(sid: string): Promise<void>;
  wrapUp(sid: string): Promise<void>;
  complete(sid: string, reason: string): Promise<void>;
  /** Hands the task over to a worker or a queue, by SID. */
  transfer(sid: string, to: string, mode: TransferMode): Promise<void>;
  /** Calls off a transfer that nobody has taken yet. */
  cancelTransfer(sid: string): Promise<void>;
  setActivity(activitySid: string, pending: 'reject-pending' | 'keep-pending'): Promise<void>;
  /** The attribute text exactly as the task was created with. */
  readAttributesText(taskSid: string): Promise<string>;
}

export interface Desk {
  getState(): DeskState;
  subscribe(listener: () => void): () => void;
  readonly work: Work;
  readonly actions: Actions;
  readonly events: Events;
  /** The server's time. */
  now(): number;
  selectTask(taskSid: string | null): void;
  /** Shows a short message and has it read out. */
  notify(tone: NoticeTone, text: string): void;
  /** Has a text read out without showing it. */
  announce(text: string, urgency: 'polite' | 'assertive'): void;
  /** Opens the line again after it was given to another window or refused. */
  reconnect(): void;
  signOut(): Promise<void>;
}
