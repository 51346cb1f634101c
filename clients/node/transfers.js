// The official TaskRouter SDK: tasks handed over between workers, what supervisors may, and how a workspace is paged.
// Run: as taskrouter.js, and BOB_SID= CAROL_SID= THIRD_QUEUE_SID= QUICK_WORKFLOW_SID= AVAILABLE_SID= node transfers.js   (run.js makes these and calls it)
'use strict';
const { Worker, Supervisor, Workspace } = require('twilio-taskrouter');
const { cfg, accessToken, check, refused, waitFor, until, main } = require('./lib');

const { BOB_SID, CAROL_SID, THIRD_QUEUE_SID, QUICK_WORKFLOW_SID, AVAILABLE_SID, WORKFLOW_SID, TASK_QUEUE_SID } = process.env;
const token = (worker, role = 'worker') => accessToken(worker, { task_router: { workspace_sid: cfg.workspace, worker_sid: worker, role } });
const opts = { ebServer: `${cfg.BASE}/v1/wschannels`, wsServer: `${cfg.WS}/v1/wschannels`, logLevel: process.env.LOG || 'silent' };
const invalid = (e) => e.name === 'REQUEST_INVALID';

async function open(sid, more = {}) {
  const worker = new Worker(token(sid), { ...opts, ...more });
  await waitFor(worker, 'ready');
  return worker;
}

async function makeAvailable(worker) {
  const activity = worker.activities.get(AVAILABLE_SID);
  if (worker.activity.sid === activity.sid) return;
  const told = waitFor(worker, 'activityUpdated');
  await activity.setAsCurrent();
  await told;
}

// A task of the worker's own, accepted.
async function take(worker, workflow = WORKFLOW_SID) {
  const offered = waitFor(worker, 'reservationCreated');
  await worker.createTask('+15550001', '+15550002', workflow, TASK_QUEUE_SID, { attributes: {}, taskChannelUniqueName: 'chat' });
  const reservation = await offered;
  const told = waitFor(reservation, 'accepted');
  await reservation.accept();
  await told;
  return reservation;
}

// What the library answers is what came last; the status of the task is fetched anew.
async function statusOf(reservation) {
  await reservation.task.fetchLatestVersion();
  return reservation.task.status;
}

async function finish(reservation) {
  const told = waitFor(reservation, 'completed');
  await reservation.complete();
  await told;
}

async function warm(alice, bob) {
  const own = await take(alice);
  const initiated = waitFor(own.task, 'transferInitiated');
  const offered = waitFor(bob, 'reservationCreated');
  await own.task.transfer(bob.sid, { mode: 'WARM', attributes: { note: 'vip' }, priority: 7 });
  const out = await initiated;
  const incoming = await offered;
  check('warm: initiated', out.status === 'initiated' && out.to === bob.sid && out.type === 'WORKER' && out.mode === 'WARM', { sid: out.sid });
  const shown = incoming.task.transfers.incoming;
  check('warm: the target is told of the transfer', incoming.task.sid === own.task.sid && shown.sid === out.sid && shown.workerSid === alice.sid && shown.reservationSid === own.sid, { status: shown.status });
  check('warm: attributes and priority of the transfer', incoming.task.attributes.note === 'vip' && incoming.task.priority === 7);
  check('warm: the task is reserved and the transferor keeps it', (await statusOf(own)) === 'reserved' && own.status === 'accepted');
  await refused('warm: the task cannot be completed meanwhile', () => own.task.complete('x'), invalid);
  await refused('warm: nor wrapped', () => own.task.wrapUp({ reason: 'x' }), invalid);
  await refused('warm: nor handed over twice', () => own.task.transfer(CAROL_SID), invalid);
  const completed = waitFor(own.task.transfers.outgoing, 'completed');
  await incoming.accept();
  await completed;
  check('warm: completed', own.task.transfers.outgoing.status === 'complete' && (await statusOf(own)) === 'assigned' && own.status === 'accepted');
  const wrapped = waitFor(own, 'wrapup');
  await own.wrap();
  await wrapped;
  await finish(own);
  check('warm: each part ends by itself', (await statusOf(incoming)) === 'assigned' && !alice.reservations.has(own.sid));
  const last = waitFor(incoming, 'wrapup');
  await incoming.wrap();
  await last;
  check('warm: the task follows the last one', (await statusOf(incoming)) === 'wrapping');
  const over = waitFor(incoming.task, 'completed');
  await finish(incoming);
  await over;
}

async function rejected(alice, bob) {
  const own = await take(alice);
  const offered = waitFor(bob, 'reservationCreated');
  await own.task.transfer(bob.sid);
  const incoming = await offered;
  const failed = waitFor(own.task.transfers.outgoing, 'failed');
  await incoming.reject();
  await failed;
  check('rejected: failed, and back with the transferor', own.task.transfers.outgoing.status === 'failed' && (await statusOf(own)) === 'assigned', own.task.transfers.outgoing.transferFailedReason);
  await finish(own);
}

async function timedOut(alice, carol) {
  const own = await take(alice, QUICK_WORKFLOW_SID);
  const offered = waitFor(carol, 'reservationCreated');
  await own.task.transfer(carol.sid);
  const incoming = await offered;
  const away = waitFor(carol, 'activityUpdated');
  const failed = waitFor(own.task.transfers.outgoing, 'failed');
  const late = waitFor(incoming, 'timeout');
  await Promise.all([failed, late, away]);
  check('timed out: failed, and the target is in the timeout activity', !carol.activity.available && (await statusOf(own)) === 'assigned');
  await refused('an unavailable target is refused', () => own.task.transfer(carol.sid), invalid);
  check('and nothing has begun', (await statusOf(own)) === 'assigned');
  await finish(own);
  await makeAvailable(carol);
}

async function toQueue(alice, bob, carol) {
  const own = await take(alice);
  const first = Promise.race([waitFor(bob, 'reservationCreated'), waitFor(carol, 'reservationCreated')]);
  await own.task.transfer(THIRD_QUEUE_SID);
  const one = await first;
  const [refuser, other] = bob.reservations.has(one.sid) ? [bob, carol] : [carol, bob];
  check('queue: offered to one of its workers', own.task.transfers.outgoing.type === 'QUEUE' && one.task.queueSid === THIRD_QUEUE_SID);
  const attempt = waitFor(own.task.transfers.outgoing, 'attemptFailed');
  const second = waitFor(other, 'reservationCreated');
  await one.reject();
  await attempt;
  const two = await second;
  check('queue: the next one is tried', own.task.transfers.outgoing.status === 'initiated' && !refuser.reservations.has(one.sid));
  const completed = waitFor(own.task.transfers.outgoing, 'completed');
  await two.accept();
  await completed;
  check('queue: completed', (await statusOf(two)) === 'assigned');
  await finish(own);
  await finish(two);

  const again = await take(alice);
  const offers = [waitFor(bob, 'reservationCreated'), waitFor(carol, 'reservationCreated')];
  await again.task.transfer(THIRD_QUEUE_SID);
  const three = await Promise.race(offers);
  await three.reject();
  const all = await Promise.all(offers);
  const failed = waitFor(again.task.transfers.outgoing, 'failed');
  await all.find((offer) => offer.sid !== three.sid).reject();
  await failed;
  check('queue: failed when nobody is left', again.task.transfers.outgoing.status === 'failed' && (await statusOf(again)) === 'assigned');
  await finish(again);
}

async function cold(alice, bob) {
  const own = await take(alice);
  const wrapped = waitFor(own, 'wrapup');
  const offered = waitFor(bob, 'reservationCreated');
  await own.task.transfer(bob.sid, { mode: 'COLD' });
  await wrapped;
  const incoming = await offered;
  check('cold: the transferor wraps at once', own.status === 'wrapping' && (await statusOf(incoming)) === 'reserved');
  await finish(own);
  await incoming.accept();
  check('cold: taken', (await statusOf(incoming)) === 'assigned');
  await finish(incoming);
}

async function reconnected(alice, bob) {
  const own = await take(alice);
  const offered = waitFor(bob, 'reservationCreated');
  await own.task.transfer(bob.sid);
  await offered;
  const again = await open(alice.sid);
  const seen = again.reservations.get(own.sid);
  check('a client that loads anew sees the open transfer', seen.task.transfers.outgoing.sid === own.task.transfers.outgoing.sid, seen.task.transfers.outgoing.status);
  const target = await open(bob.sid);
  const incoming = [...target.reservations.values()].find((one) => one.task.sid === own.task.sid);
  check('and so does the target', incoming.task.transfers.incoming.sid === own.task.transfers.outgoing.sid);

  const url = `Workspaces/${cfg.workspace}/Workers/${alice.sid}/Transfers`;
  const post = async (url, params) => (await fetch(opts.ebServer, { method: 'POST', body: JSON.stringify({ url, method: 'POST', params, token: token(bob.sid) }) })).status;
  const asked = { TaskSid: own.task.sid, ReservationSid: own.sid, To: CAROL_SID };
  check('nobody hands over for another worker', (await post(url, asked)) === 403);
  const open_ = own.task.transfers.outgoing.sid;
  check('nor calls it off', (await post(`${url}/${open_}`, { TaskSid: own.task.sid, TransferStatus: 'canceled' })) === 403);
  check('not even by another path', (await post(`Workspaces/${cfg.workspace}/Workers/${bob.sid}/Transfers/${open_}`, { TaskSid: own.task.sid, TransferStatus: 'canceled' })) === 404);

  const canceled = waitFor(own.task.transfers.outgoing, 'canceled');
  const withdrawn = waitFor(incoming, 'canceled');
  await seen.task.transfers.outgoing.cancel();
  await Promise.all([canceled, withdrawn]);
  check('canceled: the offer is withdrawn, the task stays', (await statusOf(own)) === 'assigned');
  for (const [name, call] of [
    ['hold', () => own.task.updateParticipant({ hold: true, holdUrl: 'https://example.test/hold', holdMethod: 'GET' })],
    ['hold a worker', () => own.task.hold(bob.sid, true, {})],
    ['kick', () => own.task.kick(bob.sid)],
    ['mute', () => own.updateParticipant({ endConferenceOnExit: false, mute: true, beepOnExit: false })],
  ]) {
    await refused(`${name} needs a conference`, call, (e) => invalid(e) && /conference/.test(e.message));
  }
  again.disconnect();
  target.disconnect();
  await finish(own);
}

async function supervised(alice, bob) {
  const own = await take(alice);
  const supervisor = new Supervisor(token(alice.sid, 'supervisor'), { ...opts, enableVersionCheck: true });
  await waitFor(supervisor, 'ready');
  for (const seen of [1, 2]) {
    const told = waitFor(bob, 'attributesUpdated');
    await supervisor.setWorkerAttributes(bob.sid, { team: 'third', seen });
    await told;
    check('a supervisor sets attributes', bob.attributes.seen === seen);
  }
  await refused('to join a call there must be one', () => supervisor.monitor(own.task.sid, own.sid), invalid);
  await refused('a rejection needs an unavailable activity', () => supervisor.setWorkerActivity(bob.sid, AVAILABLE_SID, { rejectPendingReservations: true }), invalid);
  const plain = new Supervisor(token(alice.sid), opts);
  await waitFor(plain, 'ready');
  const forbidden = (e) => /does not speak|supervisors/.test(e.message);
  await refused('a worker sets nobody else', () => plain.setWorkerAttributes(bob.sid, {}), forbidden);
  await refused('nor their activity', () => plain.setWorkerActivity(bob.sid, AVAILABLE_SID), forbidden);
  await refused('nor joins', () => plain.monitor(own.task.sid, own.sid), forbidden);
  supervisor.disconnect();
  plain.disconnect();
  await finish(own);
}

async function workspace(alice) {
  const space = new Workspace(token(alice.sid, 'supervisor'), { ...opts, pageSize: 2 });
  const all = await space.fetchWorkers();
  check('all pages of workers', all.size >= 5 && all.has(BOB_SID), all.size);
  const most = await space.fetchWorkers({ MaxWorkers: 3 });
  check('no more workers than asked for', most.size === 3);
  const names = async (options) => [...(await space.fetchWorkers(options)).values()].map((one) => one.name ?? one.friendlyName).sort().join(' ');
  check('workers by name', (await names({ FriendlyName: 'bob' })) === 'bob');
  check('workers by expression', (await names({ TargetWorkersExpression: "team == 'third'" })) === 'bob carol');
  check('workers by activity', (await names({ ActivitySid: AVAILABLE_SID, TargetWorkersExpression: "team == 'third'" })) === 'bob carol');
  check('workers by the name of an activity', (await names({ ActivityName: 'Available', FriendlyName: 'carol' })) === 'carol');
  check('workers in nobody\'s activity', (await names({ ActivityName: 'Nowhere' })) === '');
  const ordered = await space.fetchWorkers({ Ordering: 'DateStatusChanged:desc' });
  check('ordered workers, page by page', ordered.size === all.size);
  const stamps = [...ordered.values()].map((one) => one.dateStatusChanged.getTime());
  check('newest first', stamps.every((at, i) => i === 0 || at <= stamps[i - 1]));
  const queues = await space.fetchTaskQueues({ Ordering: 'DateUpdated:asc' });
  check('all queues, ordered', queues.has(TASK_QUEUE_SID) && queues.has(THIRD_QUEUE_SID), queues.size);
  check('queues of a worker', !(await space.fetchTaskQueues({ WorkerSid: alice.sid })).has(THIRD_QUEUE_SID) && (await space.fetchTaskQueues({ WorkerSid: BOB_SID })).has(THIRD_QUEUE_SID));
  check('queues by name', [...(await space.fetchTaskQueues({ FriendlyName: 'Third' })).keys()].join() === THIRD_QUEUE_SID);
  check('one queue', (await space.fetchTaskQueue(THIRD_QUEUE_SID)).sid === THIRD_QUEUE_SID);
  await refused('an order nobody knows', () => space.fetchWorkers({ Ordering: 'Name:asc' }), invalid);
  const plain = new Workspace(token(alice.sid), opts);
  await refused('a worker lists nobody', () => plain.fetchWorkers(), (e) => /supervisors/.test(e.message));
  await refused('and fetches no other task', () => plain.fetchTask('WT00000000000000000000000000000001'), (e) => e.name !== undefined);
}

async function options(alice) {
  const away = waitFor(alice, 'activityUpdated');
  await [...alice.activities.values()].find((one) => !one.available).setAsCurrent();
  await away;
  const first = await open(alice.sid, { connectActivitySid: AVAILABLE_SID });
  check('connectActivitySid', await until(() => first.activity.sid === AVAILABLE_SID), first.activity.name);
  const closed = waitFor(first, 'disconnected');
  const second = await open(alice.sid, { closeExistingSessions: true, enableVersionCheck: true });
  await closed;
  check('closeExistingSessions', true);
  const own = await take(second);
  await own.task.setAttributes({ step: 1 });
  await until(() => own.task.attributes.step === 1);
  await own.task.setAttributes({ step: 2 });
  check('versions agree where they are checked', own.task.attributes.step === 2);
  await finish(own);
  second.disconnect();
}

main(async () => {
  const [alice, bob, carol] = await Promise.all([cfg.worker, BOB_SID, CAROL_SID].map((sid) => open(sid)));
  for (const worker of [alice, bob, carol]) await makeAvailable(worker);
  await warm(alice, bob);
  await rejected(alice, bob);
  await timedOut(alice, carol);
  await toQueue(alice, bob, carol);
  await cold(alice, bob);
  await reconnected(alice, bob);
  await supervised(alice, bob);
  await workspace(alice);
  await options(alice);
  bob.disconnect();
  carol.disconnect();
});
