// The official Node library against TaskRouter over REST.
// Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= API_KEY= API_SECRET= [REST_TEMPLATE='http://host:port/{product}'] node rest-node.js
'use strict';
const crypto = require('node:crypto');
const twilio = require('twilio');
const { cfg, check, refused, main } = require('./lib');

// Where each product lives. With virtual hosts use e.g. REST_TEMPLATE='https://{product}.example.test'.
const template = process.env.REST_TEMPLATE || `${cfg.BASE}/{product}`;
const at = (product) => template.replace('{product}', product);

// Way 1 (supported constructor option): an HTTP client which rewrites https://<product>[.<edge>.<region>].twilio.com/... for every product at once.
class SelfHosted extends twilio.RequestClient {
  request(opts) {
    const u = new URL(opts.uri);
    const m = /^([a-z0-9-]+)(\..+)?\.twilio\.com$/.exec(u.hostname);
    return super.request(m ? { ...opts, uri: at(m[1]) + u.pathname + u.search } : opts);
  }
}
const client = twilio(cfg.accountSid, cfg.authToken, { httpClient: new SelfHosted() });
const keyed = twilio(cfg.apiKey, cfg.apiSecret, { accountSid: cfg.accountSid, httpClient: new SelfHosted() });
// Way 2 (public property, no httpClient): set the base of the products you use. It may carry a path.
const direct = twilio(cfg.accountSid, cfg.authToken);
direct.taskrouter.baseUrl = at('taskrouter');

async function workspaces() {
  const all = client.taskrouter.v1.workspaces;
  const names = ['a', 'b', 'c'].map((x) => `smoke-${Date.now()}-${x}`);
  const spaces = [];
  for (const friendlyName of names) spaces.push(await all.create({ friendlyName }));
  check('create workspace', /^WS/.test(spaces[0].sid) && spaces[0].dateCreated instanceof Date && !Number.isNaN(+spaces[0].dateCreated));
  const seen = [];
  for await (const w of everyPage(await all.page({ pageSize: 2 }))) seen.push(w.sid);
  check('meta paging (next_page_url)', spaces.every((s) => seen.includes(s.sid)) && new Set(seen).size === seen.length, { seen: seen.length });
  check('same through .baseUrl', (await direct.taskrouter.v1.workspaces.list({ pageSize: 2 })).length >= 3);
  check('API key in place of the account', (await keyed.taskrouter.v1.workspaces(spaces[0].sid).fetch()).sid === spaces[0].sid);
  check('delete gives true (204)', (await all(spaces[0].sid).remove()) === true);
  await refused('404', () => all(spaces[0].sid).fetch(), (e) => e.status === 404 && e.code === 20404);
  await refused('RestException fields', () => all.create({ friendlyName: '' }), (e) => e.status === 400 && e.code > 0 && !!e.message && !!e.moreInfo);
  const stranger = twilio(cfg.accountSid, 'wrong', { httpClient: new SelfHosted() });
  await refused('bad credentials refused', () => stranger.taskrouter.v1.workspaces.list({ limit: 1 }), (e) => e.status === 401 && e.code === 20003);
  await all(spaces[2].sid).remove();
  return all(spaces[1].sid);
}

// What a workspace holds, each created, fetched, changed, listed and refused once.
async function resources(space) {
  const activity = await space.activities.create({ friendlyName: 'At work', available: true });
  check('activity', activity.available === true && (await space.activities(activity.sid).fetch()).friendlyName === 'At work');
  check('activity renamed', (await space.activities(activity.sid).update({ friendlyName: 'Working' })).friendlyName === 'Working');
  check('activities listed', (await space.activities.list()).some((a) => a.sid === activity.sid));

  const channel = await space.taskChannels.create({ friendlyName: 'Letters', uniqueName: 'letters' });
  check('task channel', (await space.taskChannels('letters').fetch()).sid === channel.sid);
  check('task channels listed', (await space.taskChannels.list()).length >= 6);

  const worker = await space.workers.create({ friendlyName: 'alice', activitySid: activity.sid, attributes: '{"skills": ["a"],  "name?":"é"}' });
  check('worker attributes are kept as text', worker.attributes === '{"skills": ["a"],  "name?":"é"}', worker.attributes);
  check('worker available', worker.available === true && worker.activityName === 'Working');
  await refused('worker name taken', () => space.workers.create({ friendlyName: 'ALICE' }), (e) => e.status === 400 && e.code === 20001);
  const capacity = await space.workers(worker.sid).workerChannels('letters').update({ capacity: 3 });
  check('worker channel capacity', capacity.configuredCapacity === 3 && capacity.taskChannelUniqueName === 'letters');
  check('worker channels listed', (await space.workers(worker.sid).workerChannels.list()).length >= 6);
  check('workers by expression', (await space.workers.list({ targetWorkersExpression: 'skills HAS "a"' })).length === 1);
  await refused('bad expression refused', () => space.workers.list({ targetWorkersExpression: 'skills HAS HAS' }), (e) => e.status === 400);

  const queue = await space.taskQueues.create({ friendlyName: 'A', targetWorkers: 'skills HAS "a"' });
  check('task queue', (await space.taskQueues(queue.sid).fetch()).targetWorkers === 'skills HAS "a"');
  check('task queues listed', (await space.taskQueues.list()).some((q) => q.sid === queue.sid));
  const configuration = JSON.stringify({ task_routing: { filters: [{ expression: 'kind == "x"', targets: [{ queue: queue.sid, timeout: 300 }] }], default_filter: { queue: queue.sid } } });
  const workflow = await space.workflows.create({ friendlyName: 'W', configuration, taskReservationTimeout: 60 });
  check('workflow', (await space.workflows(workflow.sid).fetch()).taskReservationTimeout === 60);
  check('workflow changed', (await space.workflows(workflow.sid).update({ friendlyName: 'W2' })).friendlyName === 'W2');
  await refused('bad configuration refused', () => space.workflows.create({ friendlyName: 'X', configuration: '{"task_routing":' }), (e) => e.status === 400 && e.code > 0);
  return { worker, workflow, queue };
}

async function life(space, { worker, workflow }) {
  const attributes = '{"kind":"x", "rdForm":"{a=b, c=}", "amount": 1.50, "n":null}';
  const created = await space.tasks.create({ attributes, workflowSid: workflow.sid, taskChannel: 'letters', priority: 5 });
  check('task created, attributes byte for byte', created.attributes === attributes && created.priority === 5);
  const task = () => space.tasks(created.sid);
  check('task fetched', (await task().fetch()).attributes === attributes);
  const offers = await task().reservations.list({ reservationStatus: 'pending' });
  check('offered to the worker', offers.length === 1 && offers[0].workerSid === worker.sid && offers[0].workerName === 'alice');
  const accepted = await task().reservations(offers[0].sid).update({ reservationStatus: 'accepted' });
  check('reservation accepted', accepted.reservationStatus === 'accepted' && (await task().fetch()).assignmentStatus === 'assigned');
  check('the same through the worker', (await space.workers(worker.sid).reservations(offers[0].sid).fetch()).reservationStatus === 'accepted');
  await refused('accepted once only', () => task().reservations(offers[0].sid).update({ reservationStatus: 'accepted' }), (e) => e.status >= 400 && e.status < 500);
  check('task wrapping', (await task().update({ assignmentStatus: 'wrapping', reason: 'writing notes' })).assignmentStatus === 'wrapping');
  const done = await task().update({ assignmentStatus: 'completed', reason: 'solved' });
  check('task completed', done.assignmentStatus === 'completed' && done.reason === 'solved' && done.attributes === attributes);

  const waiting = await space.tasks.create({ attributes: '{}', workflowSid: workflow.sid, taskChannel: 'letters' });
  const changed = await space.tasks(waiting.sid).update({ ifMatch: '0', attributes: '{"kind":"y"}' });
  check('If-Match of a new task', changed.attributes === '{"kind":"y"}');
  await refused('stale If-Match gives 412', () => space.tasks(waiting.sid).update({ ifMatch: '9999', attributes: '{}' }), (e) => e.status === 412);
  check('tasks listed by status', (await space.tasks.list({ assignmentStatus: ['completed'] })).some((t) => t.sid === created.sid));
  check('task canceled', (await space.tasks(waiting.sid).update({ assignmentStatus: 'canceled', reason: 'gone' })).assignmentStatus === 'canceled');
  check('task removed', (await space.tasks(waiting.sid).remove()) === true);
  await refused('unknown sid', () => space.tasks('WT00000000000000000000000000000000').fetch(), (e) => e.status === 404 && e.code === 20404);
}

async function events(space, { worker, workflow, queue }) {
  const events = await space.events.list();
  const created = events.find((e) => e.eventType === 'task.created');
  check('events of the last fifteen minutes', created && created.sid.startsWith('EV') && events[0].eventType === 'workspace.created');
  const task = created.eventData.task_sid;
  const of = async (filter) => (await space.events.list(filter)).map((e) => e.eventType);
  check('events of a task in order', (await of({ taskSid: task })).join().startsWith('task.created,workflow.entered,workflow.target-matched,task-queue.entered,reservation.created,reservation.accepted'), await of({ taskSid: task }));
  const accepted = await space.events.list({ eventType: 'reservation.accepted' });
  check('events of a type', accepted.length === 1 && accepted[0].eventData.worker_sid === worker.sid && accepted[0].resourceType === 'reservation');
  const reservation = accepted[0].resourceSid;
  check('events of a reservation', (await of({ reservationSid: reservation })).every((type) => type.startsWith('reservation.')));
  check('events of a worker', (await of({ workerSid: worker.sid }))[0] === 'worker.created');
  check('events of a queue', (await of({ taskQueueSid: queue.sid }))[0] === 'task-queue.created');
  check('events of a workflow', (await of({ workflowSid: workflow.sid }))[0] === 'workflow.created');
  check('events of a task channel', (await of({ taskChannel: 'letters' }))[0] === 'task-channel.created');
  check('event by its SID', (await of({ sid: created.sid })).join() === 'task.created' && (await space.events(created.sid).fetch()).eventData.task_sid === task);
  const before = new Date(Date.now() - 60 * 60000);
  check('events of a time', (await of({ startDate: before, endDate: new Date(Date.now() - 30 * 60000) })).length === 0 && (await of({ startDate: before })).length === events.length);
  check('events of some minutes', (await of({ minutes: 5 })).length === events.length);
  check('events page by page', (await space.events.list({ pageSize: 7 })).map((e) => e.sid).join() === events.map((e) => e.sid).join());
  await refused('an unknown type of event', () => space.events.list({ eventType: 'task.exploded' }), (e) => e.status === 400 && e.code === 20001);
}

function signatures() {
  const tok = '12345';
  const url = 'https://example.test/voice?foo=1&bar=2';
  const params = { CallSid: 'CA1', From: '+1', To: '+2', Digits: '1234' };
  const sig = twilio.getExpectedTwilioSignature(tok, url, params);
  check('form signature', twilio.validateRequest(tok, sig, url, params), sig);
  const body = JSON.stringify({ a: 1 });
  const hash = crypto.createHash('sha256').update(body).digest('hex');
  const ju = `https://example.test/hook?bodySHA256=${hash}`;
  check('JSON body signature', twilio.validateRequestWithBody(tok, twilio.getExpectedTwilioSignature(tok, ju, {}), ju, body));
}

main(async () => {
  const space = await workspaces();
  const made = await resources(space);
  await life(space, made);
  await events(space, made);
  check('workspace with everything in it deleted', (await space.remove()) === true);
  signatures();
});

async function* everyPage(page) {
  while (page) {
    yield* page.instances;
    page = await page.nextPage();
  }
}
