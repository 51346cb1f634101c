/**
 * The desk: the state features read, the operations they call, the line to the server.
 *
 * - State changes only through `#set`, and every change is a new value.
 */
import { Problem, requestToken, type Session, serverNow } from '@sinew/api';
import {
  Actions,
  type Desk,
  type DeskState,
  Events,
  type Feature,
  type Notice,
  type NoticeTone,
  type Work,
} from '@sinew/plugin';
import { TokenKeeper } from '../link/token-keeper.ts';
import { isShared } from '../link/views.ts';
import { type Happening, isUnanswered, WorkerLink } from '../link/worker-link.ts';
import { t } from './strings.ts';

export interface Announcement {
  text: string;
  urgency: 'polite' | 'assertive';
}

interface DeskStoreOptions {
  session: Session;
  features: readonly Feature[];
  selectTask(taskSid: string | null): void;
  onSignedOut(): void;
  signOut(): Promise<void>;
}

const MAX_NOTICES = 4;
const NOTICE_MS = 8_000;

export class DeskStore implements Desk {
  readonly actions: Actions;
  readonly events = new Events();
  readonly work: Work;
  readonly #options: DeskStoreOptions;
  readonly #tokens: TokenKeeper;
  readonly #line: WorkerLink;
  readonly #listeners = new Set<() => void>();
  #state: DeskState;
  #notices: readonly Notice[] = [];
  #announcement: Announcement = { text: '', urgency: 'polite' };
  #undo: (() => void)[] = [];
  #noticeCount = 0;

  constructor(options: DeskStoreOptions) {
    this.#options = options;
    this.#state = {
      session: options.session,
      link: { kind: 'connecting' },
      worker: null,
      activities: [],
      tasks: [],
      selectedTaskSid: null,
      busy: new Set(),
    };
    this.#tokens = new TokenKeeper({
      request: requestToken,
      onRenewed: (token) => this.#line.tokenRenewed(token),
      onSignedOut: options.onSignedOut,
    });
    this.#line = new WorkerLink(this.#tokens, {
      onLink: (link) => {
        this.#set({ link });
        this.events.emit('connectionStateChanged', { link });
      },
      onSnapshot: (snapshot) => this.#set(snapshot),
      onHappening: (happening) => this.#tell(happening),
    });
    this.actions = new Actions(
      () => this,
      (definition, error) => this.notify('error', explain(definition.label, error)),
    );
    this.work = this.#makeWork();
    for (const feature of options.features) {
      for (const action of feature.actions ?? []) this.actions.register(action as never);
    }
  }

  start(): void {
    for (const feature of this.#options.features) {
      const undo = feature.start?.(this);
      if (undo) this.#undo.push(undo);
    }
    this.#line.start();
  }

  stop(): void {
    for (const undo of this.#undo) undo();
    this.#undo = [];
    this.#line.stop();
    this.#tokens.stop();
  }

  getState = (): DeskState => this.#state;

  getNotices = (): readonly Notice[] => this.#notices;

  getAnnouncement = (): Announcement => this.#announcement;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  now = (): number => serverNow();

  selectTask(taskSid: string | null): void {
    this.#options.selectTask(taskSid);
  }

  /** The address bar decides what is selected; this follows it. */
  selectionMoved(taskSid: string | null): void {
    if (this.#state.selectedTaskSid !== taskSid) this.#set({ selectedTaskSid: taskSid });
  }

  notify(tone: NoticeTone, text: string): void {
    this.#noticeCount += 1;
    const notice: Notice = { id: String(this.#noticeCount), tone, text };
    this.#notices = [...this.#notices.filter((old) => old.text !== text), notice].slice(
      -MAX_NOTICES,
    );
    this.#changed();
    // What someone may have missed stays until it is put away.
    const passes = tone === 'information' || tone === 'success';
    if (passes) setTimeout(() => this.dismiss(notice.id), NOTICE_MS);
  }

  dismiss(id: string): void {
    this.#notices = this.#notices.filter((notice) => notice.id !== id);
    this.#changed();
  }

  announce(text: string, urgency: Announcement['urgency']): void {
    this.#announcement = { text, urgency };
    this.#changed();
  }

  reconnect(): void {
    this.#line.reconnect();
  }

  async signOut(): Promise<void> {
    this.stop();
    await this.#options.signOut();
  }

  #makeWork(): Work {
    const line = this.#line;
    return {
      accept: (sid) => this.#busy(sid, () => line.onReservation(sid, (r) => r.accept())),
      reject: (sid) => this.#busy(sid, () => line.onReservation(sid, (r) => r.reject())),
      wrapUp: (sid) =>
        this.#busy(sid, () =>
          line.onReservation(sid, (r) => (isShared(r) ? r.wrap() : r.task.wrapUp({ reason: '' }))),
        ),
      complete: (sid, reason) =>
        this.#busy(sid, () =>
          line.onReservation(sid, (r) => (isShared(r) ? r.complete() : r.task.complete(reason))),
        ),
      transfer: (sid, to, mode) =>
        this.#busy(sid, () =>
          plainly(line.onReservation(sid, (r) => r.task.transfer(to, { mode }))),
        ),
      cancelTransfer: (sid) =>
        this.#busy(sid, () =>
          plainly(line.onReservation(sid, async (r) => r.task.transfers.outgoing?.cancel())),
        ),
      setActivity: (sid, pending) => line.setActivity(sid, pending),
      readAttributesText: (taskSid) => line.attributesText(taskSid),
    };
  }

  async #busy(sid: string, operate: () => Promise<void>): Promise<void> {
    if (this.#state.busy.has(sid)) return;
    this.#set({ busy: new Set([...this.#state.busy, sid]) });
    try {
      await operate();
    } finally {
      this.#set({ busy: new Set([...this.#state.busy].filter((other) => other !== sid)) });
    }
  }

  #tell(happening: Happening): void {
    switch (happening.kind) {
      case 'received':
        return this.events.emit('taskReceived', { task: happening.task });
      case 'accepted':
        return this.events.emit('taskAccepted', { task: happening.task });
      case 'wrapup':
        return this.events.emit('taskWrapup', { task: happening.task });
      case 'ended':
        return this.events.emit('taskEnded', { task: happening.task, end: happening.end });
      case 'transfer':
        return this.events.emit('transferEnded', { task: happening.task, end: happening.end });
      case 'activity':
        return this.events.emit('workerActivityUpdated', { activitySid: happening.activitySid });
    }
  }

  #set(change: Partial<DeskState>): void {
    this.#state = { ...this.#state, ...change };
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The server's sentence alone, for whoever shows it where it was asked for. */
async function plainly(operation: Promise<void>): Promise<void> {
  try {
    await operation;
  } catch (error) {
    throw new Error(isUnanswered(error) ? t('unanswered') : sentence(error));
  }
}

function explain(label: string, error: unknown): string {
  if (isUnanswered(error) || (error instanceof Problem && error.kind === 'unreachable')) {
    return t('actionUnanswered', { label });
  }
  return t('actionFailed', { label, message: sentence(error) });
}

/** The SDK puts its own sentence before the server's. */
function sentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^.*status code \d+\. /, '');
}
