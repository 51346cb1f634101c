// The official TaskRouter SDK: a worker from ready to disconnected, a supervisor, a workspace.
// Run: BASE=http://host:port ACCOUNT_SID= API_KEY= API_SECRET= WORKSPACE_SID= WORKER_SID= OTHER_WORKER_SID= WORKFLOW_SID= TASK_QUEUE_SID= [NO_CALL=1] node taskrouter.js   (run.js makes these and calls it)
'use strict';
const { Worker, Supervisor, Workspace } = require('twilio-taskrouter');
const { cfg, accessToken, check, refused, waitFor, until, main } = require('./lib');

const grant = (extra) => ({ task_router: { workspace_sid: cfg.workspace, worker_sid: cfg.worker, role: 'worker', ...extra } });
const token = (extra, ttl) => accessToken('alice', grant(extra), ttl);
// ebServer takes the POSTed (proxied) REST requests, wsServer is the event socket. Give both or neither.
const WORKFLOW = process.env.WORKFLOW_SID;
const QUEUE = process.env.TASK_QUEUE_SID;
const OTHER = process.env.OTHER_WORKER_SID; // target of transfer, hold, kick
const opts = { ebServer: `${cfg.BASE}/v1/wschannels`, wsServer: `${cfg.WS}/v1/wschannels`, logLevel: process.env.LOG || 'silent' };

main(async () => {
  const w = new Worker(token(), opts);
  await waitFor(w, 'ready');
  check('worker ready', w.sid === cfg.worker, { name: w.name, activities: [...w.activities.values()].map((a) => a.name), channels: [...w.channels.values()].map((c) => c.taskChannelUniqueName), reservations: w.reservations.size });

  const avail = [...w.activities.values()].find((a) => a.available && !a.isCurrent) || [...w.activities.values()].find((a) => a.available);
  let p = waitFor(w, 'activityUpdated');
  await avail.setAsCurrent({ rejectPendingReservations: false }); await p;
  check('activity set', w.activity.sid === avail.sid, w.activity.name);
  p = waitFor(w, 'attributesUpdated'); await w.setAttributes({ languages: ['en'] }); await p;
  check('worker attributes', w.attributes.languages[0] === 'en');

  // a task routed to this worker: created through the SDK itself
  p = waitFor(w, 'reservationCreated');
  const taskSid = await w.createTask('+15550001', '+15550002', WORKFLOW, QUEUE, { attributes: { case: 7 }, taskChannelUniqueName: 'voice' });
  let r = await p;
  check('reservationCreated', r.task.sid === taskSid && r.status === 'pending' && r.task.attributes.case === 7, { sid: r.sid, timeout: r.timeout });
  p = waitFor(r, 'accepted'); await r.accept(); await p;
  check('reservation accepted', r.status === 'accepted' && w.reservations.has(r.sid));
  await r.task.setAttributes({ case: 8 }); check('task attributes', await until(() => r.task.attributes.case === 8));
  await refused('accepting twice is refused', () => r.accept(), (e) => e.name === 'REQUEST_INVALID' || e.name === 'INVALID_ARGUMENT');
  if (process.env.NO_CALL !== '1') { // needs a conference behind the task on a real server
    await r.task.updateParticipant({ hold: true, holdUrl: 'https://example.test/hold' }); check('hold customer', true);
    await r.task.hold(OTHER, true, {}); check('hold another worker', true);
    await r.task.kick(OTHER); check('kick another worker', true);
    await r.updateParticipant({ endConferenceOnExit: false }); check('update own participant', true);
  }
  p = waitFor(r.task, 'transferInitiated');
  await r.task.transfer(OTHER, { mode: 'WARM', attributes: { note: 'x' } });
  const out = await p; check('transfer initiated', out.status === 'initiated' && out.to.startsWith('WK'), { sid: out.sid, mode: out.mode, type: out.type });
  p = waitFor(r.task.transfers.outgoing, 'canceled'); await r.task.transfers.outgoing.cancel(); await p; check('transfer canceled', true);

  p = waitFor(r, 'wrapup'); await r.task.wrapUp({ reason: 'done' }); await p; check('wrapup', r.status === 'wrapping' && r.task.status === 'wrapping', { reservation: r.status, task: r.task.status });
  p = waitFor(r, 'completed'); const taskCompleted = waitFor(r.task, 'completed'); await r.task.complete('finished'); await p; await taskCompleted; check('completed', r.status === 'completed' && !w.reservations.has(r.sid));

  p = waitFor(w, 'reservationCreated');
  await w.createTask('+15550001', '+15550002', WORKFLOW, QUEUE, { attributes: {}, taskChannelUniqueName: 'voice' });
  r = await p; p = waitFor(r, 'rejected'); await r.reject({ activitySid: [...w.activities.values()][0].sid }); await p; check('rejected', r.status === 'rejected');
  p = waitFor(w, 'reservationCreated');
  await w.createTask('+15550001', '+15550002', WORKFLOW, QUEUE, { attributes: {}, taskChannelUniqueName: 'voice' });
  r = await p; p = waitFor(r, 'accepted');
  if (process.env.NO_CALL === '1') { await r.accept(); await p; }
  else { await r.conference({ startConferenceOnEnter: true, endConferenceOnExit: false, beep: 'onEnter', from: '+15550009' }); await p; check('conference instruction', r.status === 'accepted'); }

  const sup = new Supervisor(token({ role: 'supervisor' }), opts); await waitFor(sup, 'ready');
  if (process.env.NO_CALL !== '1') { await sup.monitor(r.task.sid, r.sid, { MonitorUrl: 'x' }); check('supervisor.monitor', true); }
  await sup.setWorkerActivity(cfg.worker, avail.sid); await sup.setWorkerAttributes(cfg.worker, { a: 1 }); check('supervisor sets worker', true);

  const space = new Workspace(token({ role: 'supervisor' }), opts);
  check('workspace.fetchWorkers', (await space.fetchWorkers()).size >= 1);
  check('workspace.fetchTaskQueues', (await space.fetchTaskQueues()).size >= 1);
  check('workspace.fetchWorker/fetchTask', (await space.fetchWorker(cfg.worker)).sid === cfg.worker && (await space.fetchTask(r.task.sid)).sid === r.task.sid);
  await r.complete();

  try { await space.fetchTask('WT0bad'); check('error surfaced', false); } catch (e) { check('error surfaced', e.name === 'REQUEST_INVALID', e.message); }
  await refused('a bad workflow is refused', () => w.createTask('+15550001', '+15550002', 'WW0bad', QUEUE), (e) => e.name === 'REQUEST_INVALID');
  w.updateToken(token({}, 7200)); check('updateToken', true);
  const short = new Worker(token({}, 15), opts); const expired = waitFor(short, 'tokenExpired'); await waitFor(short, 'ready'); await expired; check('tokenExpired fires 5 s early', true);
  p = waitFor(w, 'disconnected'); w.disconnect(); sup.disconnect(); short.disconnect(); await p; check('disconnected', true);
});
