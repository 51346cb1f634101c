/**
 * Named things one can do at the desk: with a label, a shortcut, a condition and an effect.
 *
 * - The vocabulary is fixed here; what each name does is a feature's business.
 * - `before` listeners run first, in order, and may cancel; `after` only on success.
 * - The same definition serves a button, a key and another feature.
 */
import type { Desk } from './desk.ts';
import type { DeskState } from './state.ts';

/** Payloads of the known actions; a task is meant by its reservation's SID. */
export interface ActionPayloads {
  AcceptTask: { sid: string };
  RejectTask: { sid: string };
  WrapupTask: { sid: string };
  CompleteTask: { sid: string };
  /** Asks whom it goes to. */
  TransferTask: { sid: string };
  SelectTask: { taskSid: string | null };
  SelectNextTask: undefined;
  SelectPreviousTask: undefined;
  SetActivity: { activitySid: string };
  OpenActivityMenu: undefined;
  ShowShortcuts: undefined;
  Logout: undefined;
}

export type ActionName = keyof ActionPayloads;

export interface ActionDefinition<N extends ActionName = ActionName> {
  name: N;
  label: string;
  /** One character or a key name as `KeyboardEvent.key` gives it. */
  shortcut?: string | readonly string[];
  /** Makes the payload for a key press, or null where it has no object; else there is none. */
  fromKey?(state: DeskState): ActionPayloads[N] | null;
  when?(state: DeskState, payload: ActionPayloads[N]): boolean;
  run(desk: Desk, payload: ActionPayloads[N]): void | Promise<void>;
}

/** Ties the payload's type to the name where a definition is written. */
export function defineAction<N extends ActionName>(definition: ActionDefinition<N>) {
  return definition;
}

type Before<N extends ActionName> = (payload: ActionPayloads[N], cancel: () => void) => unknown;
type After<N extends ActionName> = (payload: ActionPayloads[N]) => unknown;

export class Actions {
  readonly #definitions = new Map<ActionName, ActionDefinition>();
  readonly #before = new Map<ActionName, Before<ActionName>[]>();
  readonly #after = new Map<ActionName, After<ActionName>[]>();
  readonly #desk: () => Desk;
  readonly #onFailure: (definition: ActionDefinition, error: unknown) => void;

  constructor(desk: () => Desk, onFailure: (definition: ActionDefinition, error: unknown) => void) {
    this.#desk = desk;
    this.#onFailure = onFailure;
  }

  register<N extends ActionName>(definition: ActionDefinition<N>): void {
    this.#definitions.set(definition.name, definition as unknown as ActionDefinition);
  }

  list(): readonly ActionDefinition[] {
    return [...this.#definitions.values()];
  }

  find<N extends ActionName>(name: N): ActionDefinition<N> | null {
    return (this.#definitions.get(name) as ActionDefinition<N> | undefined) ?? null;
  }

  before<N extends ActionName>(name: N, listener: Before<N>): void {
    this.#before.set(name, [...(this.#before.get(name) ?? []), listener as Before<ActionName>]);
  }

  after<N extends ActionName>(name: N, listener: After<N>): void {
    this.#after.set(name, [...(this.#after.get(name) ?? []), listener as After<ActionName>]);
  }

  canInvoke<N extends ActionName>(name: N, payload: ActionPayloads[N]): boolean {
    const definition = this.find(name);
    return definition !== null && (definition.when?.(this.#desk().getState(), payload) ?? true);
  }

  /** False where there is no such action, it does not apply now, was canceled, or has failed. */
  async invoke<N extends ActionName>(name: N, payload: ActionPayloads[N]): Promise<boolean> {
    const definition = this.find(name);
    if (definition === null || !this.canInvoke(name, payload)) return false;
    let canceled = false;
    for (const listener of this.#before.get(name) ?? []) {
      await (listener as Before<N>)(payload, () => {
        canceled = true;
      });
      if (canceled) return false;
    }
    try {
      await definition.run(this.#desk(), payload);
    } catch (error) {
      this.#onFailure(definition as unknown as ActionDefinition, error);
      return false;
    }
    for (const listener of this.#after.get(name) ?? []) await (listener as After<N>)(payload);
    return true;
  }
}
