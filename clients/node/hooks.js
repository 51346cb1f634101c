// Callbacks and webhooks as an application with the official Node library meets them: the library's validator takes each.
// The server has to be allowed to reach 127.0.0.0/8.
// Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= node hooks.js
'use strict';
const http = require('node:http');
const twilio = require('twilio');
const { cfg, check, until, main } = require('./lib');

const client = twilio(cfg.accountSid, cfg.authToken);
client.taskrouter.baseUrl = `${cfg.BASE}/taskrouter`;

// Rejects the first offer and accepts the next; remembers what it heard.
const heard = [];
const application = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    const isAsked = request.url.startsWith('/assign');
    const before = heard.filter((one) => one.url.startsWith('/assign')).length;
    heard.push({ url: request.url, signature: request.headers['x-twilio-signature'], form });
    if (!isAsked) return response.writeHead(204).end();
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify({ instruction: before === 0 ? 'reject' : 'accept' }));
  });
});

main(async () => {
  await new Promise((listening) => application.listen(0, '127.0.0.1', listening));
  const here = `http://127.0.0.1:${application.address().port}`;
  const workspace = await client.taskrouter.v1.workspaces.create({ friendlyName: 'hooks', eventCallbackUrl: `${here}/events?a=1&b=%2B`, eventsFilter: 'task.created, reservation.rejected,reservation.accepted' });
  const at = client.taskrouter.v1.workspaces(workspace.sid);
  const available = (await at.activities.list()).find((one) => one.available);
  const queue = await at.taskQueues.create({ friendlyName: 'All', targetWorkers: '1==1' });
  await at.workflows.create({ friendlyName: 'Main', configuration: JSON.stringify({ task_routing: { default_filter: { queue: queue.sid } } }), assignmentCallbackUrl: `${here}/assign` });
  for (const friendlyName of ['Ann', 'Ben']) await at.workers.create({ friendlyName, activitySid: available.sid });
  const task = await at.tasks.create({ attributes: JSON.stringify({ text: 'ümlaut & = + 100%' }) });
  check('instructions are followed', await until(async () => (await at.tasks(task.sid).fetch()).assignmentStatus === 'assigned'));
  const reservations = await at.tasks(task.sid).reservations.list();
  check('the first was rejected', reservations.map((one) => one.reservationStatus).sort().join() === 'accepted,rejected');
  const kinds = () => heard.filter((one) => one.url.startsWith('/events')).map((one) => one.form.EventType);
  check('events are posted', await until(() => kinds().length === 3), kinds());
  check('in order and filtered', kinds().join() === 'task.created,reservation.rejected,reservation.accepted', kinds());
  const valid = (one, token = cfg.authToken) => twilio.validateRequest(token, one.signature, here + one.url, one.form);
  check('the official validator takes each request', heard.length === 5 && heard.every((one) => valid(one)), heard.length);
  check('and with no other token', !heard.some((one) => valid(one, 'another')));
  await at.remove();
  application.close();
});
