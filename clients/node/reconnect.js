// The official TaskRouter SDK on a bad line: heartbeat, a cut socket, an expired token, a session's token.
// Run as taskrouter.js, with PERSON_WORKER_SID, USERNAME and PASSWORD besides (run.js makes these and calls it).
'use strict';
const net = require('node:net');
const WebSocket = require('ws');
const twilio = require('twilio');
const { Worker } = require('twilio-taskrouter');
const { cfg, accessToken, check, waitFor, until, sleep, main } = require('./lib');

const OTHER = process.env.PERSON_WORKER_SID;
const space = () => {
  const client = twilio(cfg.accountSid, cfg.authToken);
  client.taskrouter.baseUrl = `${cfg.BASE}/taskrouter`;
  return client.taskrouter.v1.workspaces(cfg.workspace);
};
const token = (worker, ttl) => accessToken('someone', { task_router: { workspace_sid: cfg.workspace, worker_sid: worker, role: 'worker' } }, ttl);
const options = (base) => ({ ebServer: `${base}/v1/wschannels`, wsServer: `${base.replace(/^http/, 'ws')}/v1/wschannels`, logLevel: process.env.LOG || 'silent' });
const taskFor = (worker, n) => space().tasks.create({ routingTarget: worker, attributes: JSON.stringify({ n }), workflowSid: process.env.WORKFLOW_SID, taskChannel: 'chat' });
const holds = (worker, task) => [...worker.reservations.values()].some((r) => r.task.sid === task.sid);

// A line to the server that can be cut and stay cut.
async function line() {
  const target = new URL(cfg.BASE);
  const sockets = new Set();
  let isOpen = true;
  const server = net.createServer((near) => {
    if (!isOpen) return near.destroy();
    const far = net.connect(+target.port, target.hostname);
    for (const [a, b] of [[near, far], [far, near]]) {
      sockets.add(a);
      a.on('error', () => b.destroy()).on('close', () => b.destroy()).pipe(b);
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    cut() {
      isOpen = false;
      for (const s of sockets) s.destroy();
      sockets.clear();
    },
    mend() {
      isOpen = true;
    },
  };
}

// The server shows a sign of life on an idle socket, well within the client's 30 s.
async function heartbeat() {
  const socket = new WebSocket(`${cfg.WS}/v1/wschannels?token=${token(cfg.worker)}&closeExistingSessions=false&clientVersion=2.1.1`);
  const frames = [];
  socket.on('message', (data) => frames.push(data.toString()));
  check('first frame is init', await until(() => frames.length > 0), frames[0]);
  const init = JSON.parse(frames[0]);
  check('init names the worker and the life of the token', init.event_type === 'init' && init.payload.channel_id === cfg.worker && init.payload.token_lifetime > 3_500_000 && init.payload.token_lifetime < 2 ** 31);
  const started = Date.now();
  const came = await until(() => frames.slice(1).some((f) => f.trim() === ''), 25_000);
  check('heartbeat: a frame of blanks within 25 s', came, `${Date.now() - started} ms`);
  socket.close();
}

async function cutSocket() {
  const wire = await line();
  const worker = new Worker(token(OTHER), options(wire.base));
  await waitFor(worker, 'ready');
  const before = waitFor(worker, 'reservationCreated');
  await taskFor(OTHER, 1);
  const held = await before;
  const gone = waitFor(worker, 'disconnected');
  wire.cut();
  await gone;
  check('disconnected when the socket is cut', true);
  const missed = await taskFor(OTHER, 2);
  const canceled = held.task.sid;
  await space().tasks(canceled).update({ assignmentStatus: 'canceled', reason: 'while away' });
  await sleep(500);
  const again = waitFor(worker, 'ready');
  wire.mend();
  await again;
  check('ready again after the line is back', true);
  check('an offer made while away is there', await until(() => holds(worker, missed)), missed.sid);
  check('an offer that ended while away is gone', await until(() => !holds(worker, { sid: canceled })));
  const next = waitFor(worker, 'reservationCreated');
  const task = await taskFor(OTHER, 3);
  check('events arrive again', (await next).task.sid === task.sid);
  for (const r of [...worker.reservations.values()]) {
    await r.accept();
    await r.complete();
  }
  check('work goes on after the reconnect', await until(() => worker.reservations.size === 0), worker.reservations.size);
  worker.disconnect();
}

async function expiry() {
  const worker = new Worker(token(OTHER, 15), options(cfg.BASE));
  // Until its socket is opened anew the SDK counts the first token's life for the new one too, and tells so again.
  worker.on('tokenExpired', () => worker.updateToken(token(OTHER)));
  const expired = waitFor(worker, 'tokenExpired');
  await waitFor(worker, 'ready');
  await expired;
  check('token renewed after tokenExpired', true);
  await sleep(12_000); // the first token is now over, and so are the seconds that its socket is left
  const task = await taskFor(OTHER, 4);
  check('offers arrive after the first token has ended', await until(() => holds(worker, task)), task.sid);
  const offer = [...worker.reservations.values()].find((r) => r.task.sid === task.sid);
  await offer.accept();
  await offer.complete();
  check('requests use the new token', offer.status === 'completed');
  worker.disconnect();

  const refusedAt = await new Promise((done) => {
    const socket = new WebSocket(`${cfg.WS}/v1/wschannels?token=${token(OTHER, -5)}`);
    socket.on('error', (e) => done(`error ${e.message}`)).on('close', (code) => done(`closed ${code}`));
    socket.on('message', (data) => data.toString().includes('"init"') && done('init'));
  });
  check('an expired token opens nothing', refusedAt !== 'init', refusedAt);
}

// What the desk does: sign in, ask for a token of one's own, connect.
async function session() {
  const signIn = await fetch(`${cfg.BASE}/sinew/v1/Session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username: process.env.USERNAME, password: process.env.PASSWORD }) });
  const cookie = (signIn.headers.get('set-cookie') || '').split(';')[0];
  check('sign-in sets a cookie', signIn.ok && cookie.includes('=') && /httponly/i.test(signIn.headers.get('set-cookie')));
  const answer = await fetch(`${cfg.BASE}/sinew/v1/Session/Token`, { method: 'POST', headers: { cookie, 'x-sinew-csrf': '1' } });
  const body = await answer.json();
  const worker = new Worker(body.token, options(cfg.BASE));
  await waitFor(worker, 'ready');
  check("the session's token opens the worker of that person", worker.sid === OTHER);
  worker.disconnect();
}

main(async () => {
  await session();
  await cutSocket();
  await Promise.all([heartbeat(), expiry()]);
});
