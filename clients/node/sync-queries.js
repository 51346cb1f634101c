// The official Sync SDK as a supervisor's dashboard: live and instant queries on workers, tasks, reservations and queues.
// Over a line that is cut, and with a server of its own that is stopped and killed. Run: SINEW=path/to/sinew node sync-queries.js (run-sync.js calls it)
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const twilio = require('twilio');
const { SyncClient } = require('twilio-sync');
const { cfg, accessToken, check, refused, until, waitFor, followed, main } = require('./lib');
const { line } = require('./line');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sinew-queries-'));
let server;

// On the same data each time.
async function start() {
  const env = { ...process.env, SINEW_ACCOUNT_SID: cfg.accountSid, SINEW_AUTH_TOKEN: cfg.authToken, SINEW_API_KEY_SID: cfg.apiKey, SINEW_API_KEY_SECRET: cfg.apiSecret };
  const child = spawn(process.env.SINEW, ['serve', '--listen', '127.0.0.1:0', '--data', folder], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const base = await new Promise((done, failed) => {
    let said = '';
    child.stdout.on('data', (part) => {
      said += part;
      const ready = said.match(/^sinew ready (\S+)/m);
      if (ready) done(ready[1].startsWith('http') ? ready[1] : `http://${ready[1]}`);
    });
    child.on('exit', () => failed(new Error(`the server ended: ${said}`)));
  });
  server = { child, base: base.replace(/\/$/, '') };
}

async function stop(signal) {
  const gone = new Promise((done) => server.child.once('exit', done));
  server.child.kill(signal);
  await gone;
}

const taskrouter = () => {
  const client = twilio(cfg.accountSid, cfg.authToken);
  client.taskrouter.baseUrl = `${server.base}/taskrouter`;
  return client.taskrouter.v1;
};

async function setUp(name) {
  const workspace = await taskrouter().workspaces.create({ friendlyName: name });
  const space = () => taskrouter().workspaces(workspace.sid);
  const queue = await space().taskQueues.create({ friendlyName: 'Everyone', targetWorkers: '1==1' });
  const configuration = JSON.stringify({ task_routing: { default_filter: { queue: queue.sid } } });
  const workflow = await space().workflows.create({ friendlyName: 'Default', configuration });
  const activities = Object.fromEntries((await space().activities.list()).map((a) => [a.friendlyName, a.sid]));
  const worker = (who, team) => space().workers.create({ friendlyName: who, attributes: JSON.stringify({ team, skills: ['de', 'en'], level: 3 }), activitySid: activities.Offline });
  const [alice, bob] = [await worker('alice', 'a'), await worker('bob', 'b')];
  return { sid: workspace.sid, space, queue, workflow, activities, alice, bob };
}

const grants = (workspace, role) => ({ data_sync: { service_sid: cfg.syncService }, ...(role && { task_router: { workspace_sid: workspace, role } }) });
const open = (wire, who, workspace, role) => new SyncClient(accessToken(who, grants(workspace, role)), { Twilsock: { uri: `${wire.base.replace(/^http/, 'ws')}/v3/wsconnect` }, logLevel: process.env.LOG || 'silent' });
const connected = (c) => (c.connectionState === 'connected' ? Promise.resolve() : waitFor(c, 'connectionStateChanged', (s) => s === 'connected'));
const keys = (q) => Object.keys(q.getItems()).sort();
const same = (a, b) => JSON.stringify(a) === JSON.stringify([...b].sort());

async function instant(client, there) {
  const query = await client.instantQuery('tr-worker');
  const results = [];
  query.on('searchResult', (items) => results.push(items));
  await query.search('data.attributes.team == "a" AND data.attributes.skills HAS "de"');
  await until(() => results.length === 1);
  const found = query.getItems()[there.alice.sid];
  check('an instant query finds by attributes, under the SID', same(Object.keys(query.getItems()), [there.alice.sid]));
  check('attributes are a value, dates are seconds', found.attributes.level === 3 && found.friendly_name === 'alice' && Math.abs(found.date_created - Date.now() / 1000) < 600, found);
  await query.search('');
  check('without a word everything is found', same(Object.keys(query.getItems()), [there.alice.sid, there.bob.sid]));
  await refused('a query that makes no sense is refused with its place', () => query.search('data.level >'), (e) => e.status === 400 && e.code === 54507);
  await refused('a key without data. is refused', () => query.search('level > 1'), (e) => e.status === 400 && e.code === 54507 && /data\./.test(e.message));
  await query.search('data.friendly_name == "bob"');
  const live = await query.subscribe();
  check('an instant query becomes a live one', same(keys(live), [there.bob.sid]));
  live.close();
}

async function rights(wire, there, other) {
  const [agent, nobody, elsewhere] = [open(wire, 'agent', there.sid, 'worker'), open(wire, 'nobody', there.sid), open(wire, 'boss', other.sid, 'supervisor')];
  await Promise.all([agent, nobody, elsewhere].map(connected));
  await refused('a worker may not query', () => agent.liveQuery('tr-worker', 'data.sid != null'), (e) => e.status === 403);
  await refused('nor somebody without a grant for a workspace', () => nobody.liveQuery('tr-worker', 'data.sid != null'), (e) => e.status === 403);
  const query = await elsewhere.liveQuery('tr-worker', 'data.sid != null');
  check('a supervisor sees their own workspace only', same(keys(query), [other.alice.sid, other.bob.sid]));
  await refused('there is no index of another name', () => elsewhere.liveQuery('tr-nothing', 'data.sid != null'), (e) => e.status === 404);
  await Promise.all([agent, nobody, elsewhere].map((c) => c.shutdown()));
}

// What happens to a query, in order.
function heard(query) {
  const log = [];
  query.on('itemUpdated', (item) => log.push(['updated', item.key, item.value]));
  query.on('itemRemoved', ({ key }) => log.push(['removed', key]));
  return log;
}

async function dashboard(client, there) {
  const { space, activities, alice, bob } = there;
  const at = (worker, name) => space().workers(worker.sid).update({ activitySid: activities[name] });
  const available = await client.liveQuery('tr-worker', 'data.activity_name == "Available"');
  const again = await client.liveQuery('tr-worker', 'data.activity_name == "Available"');
  const log = heard(available);
  check('nobody is available', keys(available).length === 0);
  check('the query is followed', await followed(available));
  await at(alice, 'Available');
  check('a worker who becomes available comes', await until(() => log.length === 1 && log[0][0] === 'updated' && log[0][1] === alice.sid), log);
  check('as they are now', available.getItems()[alice.sid].available === true && available.getItems()[alice.sid].activity_name === 'Available');
  await at(alice, 'Unavailable');
  check('and leaves when that is over', await until(() => log.length === 2 && log[1][0] === 'removed' && log[1][1] === alice.sid) && keys(available).length === 0, log);
  await at(alice, 'Available');
  check('and comes back', await until(() => log.length === 3 && same(keys(available), [alice.sid])), log);
  await space().activities(activities.Available).update({ friendlyName: 'Free' });
  check('a renamed activity is looked at', await until(() => keys(available).length === 0), log);
  await space().activities(activities.Available).update({ friendlyName: 'Available' });
  check('on both sides', await until(() => same(keys(available), [alice.sid]) && same(keys(again), [alice.sid])), log);
  available.close();
  await at(bob, 'Available');
  check('who still follows still hears', await until(() => same(keys(again), [alice.sid, bob.sid])), keys(again));
  await at(bob, 'Offline');
  await until(() => same(keys(again), [alice.sid]));
  again.close();
}

async function work(client, there) {
  const { space, alice, workflow, queue } = there;
  const tasks = await client.liveQuery('tr-task', 'data.attributes.case == 7');
  const offers = await client.liveQuery('tr-reservation', 'data.worker_name == "alice" AND data.task.attributes.case == 7');
  const queues = await client.liveQuery('tr-queue', 'data.friendly_name CONTAINS "VIP"');
  await Promise.all([tasks, offers, queues].map(followed));
  const seen = heard(tasks);
  const task = await space().tasks.create({ workflowSid: workflow.sid, attributes: '{"case":7,\n "amount":10.50}' });
  check('a task comes and is offered', await until(() => tasks.getItems()[task.sid]?.assignment_status === 'reserved'), tasks.getItems());
  check('its queue has a name, its age is counted', tasks.getItems()[task.sid].queue_name === 'Everyone' && tasks.getItems()[task.sid].age >= 0 && tasks.getItems()[task.sid].attributes.amount === 10.5);
  await until(() => keys(offers).length === 1);
  const [reservation] = keys(offers);
  check('the offer holds its task', offers.getItems()[reservation].task.sid === task.sid && offers.getItems()[reservation].reservation_status === 'pending');
  await space().workers(alice.sid).reservations(reservation).update({ reservationStatus: 'accepted' });
  check('accepted, both say so', await until(() => offers.getItems()[reservation]?.reservation_status === 'accepted' && offers.getItems()[reservation].task.assignment_status === 'assigned' && tasks.getItems()[task.sid].assignment_status === 'assigned'));
  await space().tasks(task.sid).update({ assignmentStatus: 'completed', reason: 'done' });
  check('what is over leaves', await until(() => keys(tasks).length === 0 && keys(offers).length === 0), seen.map(([what]) => what));
  await space().taskQueues(queue.sid).update({ friendlyName: 'VIP' });
  check('a renamed queue comes', await until(() => same(keys(queues), [queue.sid])));
  await space().taskQueues(queue.sid).update({ friendlyName: 'Everyone' });
  check('and leaves', await until(() => keys(queues).length === 0));
  [tasks, offers, queues].forEach((q) => q.close());
}

async function many(client, there) {
  const { space, workflow } = there;
  const made = [];
  for (let n = 0; n < 23; n += 1) made.push(...(await Promise.all(Array.from({ length: 10 }, () => space().tasks.create({ workflowSid: workflow.sid, attributes: '{"many":true}' })))));
  const query = await client.instantQuery('tr-task');
  await query.search('data.attributes.many == true');
  check('an answer holds 200 items', Object.keys(query.getItems()).length === 200);
  const live = await client.liveQuery('tr-task', 'data.attributes.many == true');
  check('who follows is told all', await until(() => same(keys(live), made.map((t) => t.sid))), keys(live).length);
  live.close();
}

async function rough(wire, client, there) {
  const { space, activities, alice, bob } = there;
  const at = (worker, name) => space().workers(worker.sid).update({ activitySid: activities[name] });
  const carol = await space().workers.create({ friendlyName: 'carol', attributes: '{}', activitySid: activities.Available });
  const query = await client.liveQuery('tr-worker', 'data.activity_name == "Available"');
  await followed(query);
  const log = heard(query);
  check('before the cut', same(keys(query), [alice.sid, carol.sid]));

  wire.cut();
  await at(alice, 'Offline');
  await at(bob, 'Available');
  wire.mend();
  check('what changed during a cut is told afterwards', await until(() => same(keys(query), [bob.sid, carol.sid])), log);
  check('each once', log.length === 2, log.map(([what, key]) => [what, key]));
  await connected(client);
  await followed(query);

  for (const [signal, now, then] of [['SIGTERM', alice, bob], ['SIGKILL', bob, alice]]) {
    wire.cut();
    await at(now, 'Available');
    await stop(signal);
    await start();
    wire.lead(server.base);
    await at(then, 'Offline');
    wire.mend();
    check(`what changed around a restart (${signal}) is told`, await until(() => same(keys(query), [now.sid, carol.sid]), 120_000), log.slice(-4));
    await connected(client);
    await followed(query);
    check('who did not change is no news', log.every(([, key]) => key !== carol.sid), log.map(([what, key]) => [what, key]));
    await at(then, 'Available');
    check('and what happens next', await until(() => same(keys(query), [alice.sid, bob.sid, carol.sid])), keys(query));
    await at(then, 'Offline');
    check('in both directions', await until(() => same(keys(query), [now.sid, carol.sid])), keys(query));
  }
  query.close();
}

main(async () => {
  await start();
  try {
    const wire = await line(server.base);
    const [there, other] = [await setUp('queried'), await setUp('other')];
    const client = open(wire, 'boss', there.sid, 'supervisor');
    await connected(client);
    await instant(client, there);
    await rights(wire, there, other);
    await dashboard(client, there);
    await work(client, there);
    await rough(wire, client, there);
    await many(client, there);
    await client.shutdown();
  } finally {
    server.child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
