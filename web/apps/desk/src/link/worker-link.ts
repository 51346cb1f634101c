/**
 * Holds one connected `Worker` of the official SDK and replaces it when its line breaks.
 *
 * - After a break the state is read anew through a new `Worker`, so nothing stale survives.
 * - The line is tried again with growing pauses, and at once when the network returns.
 * - A line the server gave to another window is not taken back by itself.
 * - Knows nothing of pages; reports snapshots and what changed.
 */
import { Problem, serverNow } from '@sinew/api';
import type { ActivityView, Link, TaskEnd, TaskView, TransferEnd, WorkerView } from '@sinew/plugin';
import {
  type OutgoingTransfer,
  type Reservation,
  Worker as RoutingWorker,
} from 'twilio-taskrouter';
import { readAttributesText, readOpenReservations } from './bridge-read.ts';
import type { TokenKeeper } from './token-keeper.ts';
import { activityViews, inOrder, taskView, workerView } from './views.ts';

/** The worker, its activities and its open work at one moment. */
export interface Snapshot {
  worker: WorkerView;
  activities: readonly ActivityView[];
  tasks: readonly TaskView[];
}

export type Happening =
  | { kind: 'received'; task: TaskView }
  | { kind: 'accepted' | 'wrapup'; task: TaskView }
  | { kind: 'ended'; task: TaskView; end: TaskEnd }
  | { kind: 'transfer'; task: TaskView; end: TransferEnd }
  | { kind: 'activity'; activitySid: string };

export interface LinkHooks {
  onLink(link: Link): void;
  onSnapshot(snapshot: Snapshot): void;
  onHappening(happening: Happening): void;
}

/** From the start of an attempt to `ready`; then the attempt counts as failed. */
const READY_WITHIN_MS = 12_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** The SDK waits for an answer for ever; after this an operation counts as unanswered. */
const ANSWER_WITHIN_MS = 12_000;
/** The events that cross a comparison are given this long to arrive. */
const SETTLE_MS = 1_500;
/** A timer this late means that the machine slept. */
const SLEPT_MS = 20_000;
const PULSE_MS = 5_000;
/** An offer whose time has been over for this long should have been withdrawn. */
const OVERDUE_MS = 4_000;

/** How the server says that another window has the line now. */
const REPLACED = /another session|replaced/i;

const TRANSFER_ENDS = ['completed', 'failed', 'canceled'] as const;

const ENDS = ['rejected', 'timeout', 'canceled', 'rescinded', 'completed'] as const;

export class WorkerLink {
  readonly #tokens: TokenKeeper;
  readonly #hooks: LinkHooks;
  #worker: RoutingWorker | null = null;
  #watched = new WeakSet<Reservation | OutgoingTransfer>();
  #tasks: readonly TaskView[] = [];
  #link: Link = { kind: 'connecting' };
  #attempt = 0;
  #started = false;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #pulse: ReturnType<typeof setInterval> | undefined;
  #pulseAt = 0;
  #checking = false;

  constructor(tokens: TokenKeeper, hooks: LinkHooks) {
    this.#tokens = tokens;
    this.#hooks = hooks;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    window.addEventListener('online', this.#onOnline);
    window.addEventListener('offline', this.#onOffline);
    this.#pulseAt = Date.now();
    this.#pulse = setInterval(() => this.#onPulse(), PULSE_MS);
    void this.#connect();
  }

  stop(): void {
    this.#started = false;
    window.removeEventListener('online', this.#onOnline);
    window.removeEventListener('offline', this.#onOffline);
    clearInterval(this.#pulse);
    this.#retire();
  }

  /** Takes the line here, also from another window. */
  reconnect(): void {
    this.#attempt = 0;
    this.#say({ kind: 'connecting' });
    void this.#connect();
  }

  tokenRenewed(token: string): void {
    this.#worker?.updateToken(token);
  }

  /** Runs one operation of the SDK on a reservation and reads the state it leaves. */
  async onReservation(
    sid: string,
    operate: (reservation: Reservation) => Promise<unknown>,
  ): Promise<void> {
    const worker = this.#worker;
    const reservation = worker?.reservations.get(sid);
    if (!worker || !reservation) throw new Error('this task is no longer yours');
    await this.#operate(worker, () => operate(reservation));
  }

  async setActivity(sid: string, pending: 'reject-pending' | 'keep-pending'): Promise<void> {
    const worker = this.#worker;
    const activity = worker?.activities.get(sid);
    if (!worker || !activity) throw new Error('this activity is not there');
    const options = pending === 'reject-pending' ? { rejectPendingReservations: true } : {};
    await this.#operate(worker, () => activity.setAsCurrent(options));
  }

  async attributesText(taskSid: string): Promise<string> {
    const workspaceSid = this.#worker?.workspaceSid;
    if (!workspaceSid) throw new Error('not connected');
    const { token } = await this.#tokens.usable();
    return readAttributesText(token, workspaceSid, taskSid);
  }

  async #operate(worker: RoutingWorker, operate: () => Promise<unknown>): Promise<void> {
    try {
      await inTime(operate());
    } catch (error) {
      if (this.#worker === worker) {
        if (isUnanswered(error)) this.#lose();
        else void this.#verify(worker);
      }
      throw error;
    }
    this.#publish(worker);
  }

  async #connect(): Promise<void> {
    this.#retire();
    if (!this.#started) return;
    const attempt = { current: true };
    const giveUp = this.#after(READY_WITHIN_MS, () => {
      attempt.current = false;
      this.#lose();
    });
    try {
      const { token } = await this.#tokens.usable();
      if (!attempt.current || !this.#started) return;
      this.#open(token, () => this.#cancel(giveUp));
    } catch (problem) {
      this.#cancel(giveUp);
      if (!attempt.current || !this.#started) return;
      this.#refused(problem);
    }
  }

  #refused(problem: unknown): void {
    const kind = problem instanceof Problem ? problem.kind : 'server';
    if (kind === 'signed-out') return; // The keeper has told it already.
    if (kind === 'not-allowed') return this.#say({ kind: 'refused', problem: 'not-allowed' });
    this.#lose();
  }

  #open(token: string, onReady: () => void): void {
    const { origin } = location;
    const worker = new RoutingWorker(token, {
      ebServer: `${origin}/v1/wschannels`,
      wsServer: `${origin.replace(/^http/, 'ws')}/v1/wschannels`,
      closeExistingSessions: true,
      logLevel: 'silent',
    });
    this.#worker = worker;
    const ifCurrent = (then: () => void) => () => {
      if (this.#worker === worker) then();
    };
    worker.on('ready', () => {
      if (this.#worker !== worker) return;
      onReady();
      this.#onReady(worker);
    });
    // The SDK's types leave out the reason that its event carries.
    worker.on('disconnected', ((info: { message?: string }) => {
      if (this.#worker === worker) this.#onDisconnected(info?.message ?? '');
    }) as unknown as () => void);
    worker.on('error', (error) => {
      // A socket's error is followed by its end; a failed start is followed by nothing.
      if (this.#worker === worker && /initialize/i.test(error.message)) this.#lose();
    });
    worker.on('tokenExpired', () => void this.#tokens.renew().catch(() => undefined));
    worker.on(
      'reservationCreated',
      (reservation) => this.#worker === worker && this.#onCreated(worker, reservation),
    );
    worker.on(
      'attributesUpdated',
      ifCurrent(() => this.#publish(worker)),
    );
    worker.on(
      'activityUpdated',
      ifCurrent(() => {
        this.#publish(worker);
        this.#hooks.onHappening({ kind: 'activity', activitySid: worker.activity.sid });
      }),
    );
  }

  #onReady(worker: RoutingWorker): void {
    this.#attempt = 0;
    const before = this.#tasks;
    for (const reservation of worker.reservations.values()) this.#watch(worker, reservation);
    this.#publish(worker);
    this.#say({ kind: 'live' });
    for (const task of this.#tasks) {
      if (task.status !== 'pending' || before.some((known) => known.sid === task.sid)) continue;
      this.#hooks.onHappening({ kind: 'received', task });
    }
    for (const task of before) {
      if (this.#tasks.some((known) => known.sid === task.sid)) continue;
      this.#hooks.onHappening({ kind: 'ended', task, end: 'unseen' });
    }
    // The SDK hears no events while it reads its first state; one comparison closes the gap.
    void this.#verify(worker);
  }

  #onCreated(worker: RoutingWorker, reservation: Reservation): void {
    this.#watch(worker, reservation);
    this.#publish(worker);
    const task = this.#tasks.find((known) => known.sid === reservation.sid);
    if (task) this.#hooks.onHappening({ kind: 'received', task });
  }

  #onDisconnected(message: string): void {
    if (REPLACED.test(message)) {
      this.#retire();
      this.#say({ kind: 'replaced' });
      return;
    }
    this.#lose();
  }

  #watch(worker: RoutingWorker, reservation: Reservation): void {
    if (this.#watched.has(reservation)) return;
    this.#watched.add(reservation);
    // Another event may take it off the desk before the SDK says that it ended.
    let last = taskView(reservation);
    for (const kind of ['accepted', 'wrapup'] as const) {
      reservation.on(kind, () => {
        if (this.#worker !== worker) return;
        this.#publish(worker);
        const task = taskView(reservation);
        if (task === null) return;
        last = task;
        this.#hooks.onHappening({ kind, task });
      });
    }
    for (const end of ENDS) {
      reservation.on(end, () => {
        if (this.#worker !== worker) return;
        const task = this.#tasks.find((known) => known.sid === reservation.sid) ?? last;
        this.#publish(worker);
        if (task) this.#hooks.onHappening({ kind: 'ended', task, end });
      });
    }
    for (const change of ['updated', 'wrapup', 'canceled', 'completed'] as const) {
      reservation.task.on(change, () => {
        if (this.#worker === worker) this.#publish(worker);
      });
    }
    reservation.task.on('transferInitiated', () => {
      if (this.#worker === worker) this.#publish(worker);
    });
  }

  /** The SDK makes the transfer's object at some moment between its event and its answer. */
  #watchTransfer(worker: RoutingWorker, reservation: Reservation): void {
    const outgoing = reservation.task.transfers?.outgoing;
    if (!outgoing || this.#watched.has(outgoing)) return;
    this.#watched.add(outgoing);
    for (const end of TRANSFER_ENDS) {
      outgoing.on(end, () => {
        if (this.#worker !== worker) return;
        this.#publish(worker);
        const task = this.#tasks.find((known) => known.sid === reservation.sid);
        if (task) this.#hooks.onHappening({ kind: 'transfer', task, end });
      });
    }
  }

  #publish(worker: RoutingWorker): void {
    if (this.#worker !== worker || !worker.activity) return;
    for (const reservation of worker.reservations.values()) {
      this.#watchTransfer(worker, reservation);
    }
    const views = [...worker.reservations.values()].map(taskView);
    this.#tasks = inOrder(views.filter((view) => view !== null));
    this.#hooks.onSnapshot({
      worker: workerView(worker),
      activities: activityViews(worker.activities.values()),
      tasks: this.#tasks,
    });
  }

  /** Compares what the SDK holds with what the server has; a lasting difference starts anew. */
  async #verify(worker: RoutingWorker): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    try {
      if (await this.#differs(worker)) {
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
        if (this.#worker === worker && (await this.#differs(worker))) void this.#connect();
      }
    } catch {
      // The line itself tells when the server cannot be reached.
    } finally {
      this.#checking = false;
    }
  }

  async #differs(worker: RoutingWorker): Promise<boolean> {
    if (this.#worker !== worker) return false;
    const { token } = await this.#tokens.usable();
    const theirs = await readOpenReservations(token, worker.workspaceSid, worker.sid);
    const ours = [...worker.reservations.values()]
      .filter((reservation) => taskView(reservation) !== null)
      .map((reservation) => `${reservation.sid}:${reservation.status}`)
      .sort();
    return theirs.join() !== ours.join();
  }

  #lose(): void {
    this.#retire();
    if (!this.#started) return;
    if (this.#link.kind !== 'lost') this.#say({ kind: 'lost', sinceMs: serverNow() });
    this.#after(pauseMs(this.#attempt++), () => void this.#connect());
  }

  /** Lets go of the present worker; whatever it still says is not heard. */
  #retire(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    const worker = this.#worker;
    this.#worker = null;
    worker?.disconnect();
  }

  #say(link: Link): void {
    this.#link = link;
    this.#hooks.onLink(link);
  }

  readonly #onOffline = () => {
    if (this.#link.kind === 'live' || this.#link.kind === 'connecting') this.#lose();
  };

  readonly #onOnline = () => {
    if (this.#link.kind !== 'lost') return;
    this.#attempt = 0;
    void this.#connect();
  };

  #onPulse(): void {
    const lateMs = Date.now() - this.#pulseAt - PULSE_MS;
    this.#pulseAt = Date.now();
    if (this.#link.kind !== 'live' || this.#worker === null) return;
    if (lateMs > SLEPT_MS) return this.#lose();
    const overdue = this.#tasks.some(
      (task) => task.status === 'pending' && serverNow() > task.expiresAtMs + OVERDUE_MS,
    );
    if (overdue) void this.#verify(this.#worker);
  }

  #after(ms: number, then: () => void): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #cancel(timer: ReturnType<typeof setTimeout>): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }
}

/** Doubling with a random part, so that a restarted server is not met by all desks at once. */
export function pauseMs(attempt: number, random = Math.random()): number {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return full / 2 + (full / 2) * random;
}

class Unanswered extends Error {
  override name = 'Unanswered';
}

async function inTime(answer: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Unanswered()), ANSWER_WITHIN_MS);
  });
  try {
    await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** No answer came: whether the server did what was asked is not known. */
export function isUnanswered(error: unknown): boolean {
  // The SDK names its errors.
  return error instanceof Unanswered || (error instanceof Error && error.name === 'NETWORK_ERROR');
}
