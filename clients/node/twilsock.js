// The official transport of the Sync and Conversations SDKs: connect, denial, expiry and renewal, a cut line, and frames that are none.
// Run: BASE=http://host:port ACCOUNT_SID= API_KEY= API_SECRET= node twilsock.js
'use strict';
const WebSocket = require('ws');
const { TwilsockClient } = require('twilsock');
const { cfg, accessToken, check, waitFor, until, sleep, main } = require('./lib');
const { line } = require('./line');

const grants = { data_sync: { service_sid: 'default' } };
const token = (identity, ttl, given = grants) => accessToken(identity, given, ttl);
const types = ['twilio.sync.event'];
const registrations = (product) => [{ product, type: 'ers', notification_protocol_version: 0, message_types: types }];
function client(base, text, product = 'data_sync') {
  const uri = `${base.replace(/^http/, 'ws')}/v3/wsconnect`;
  const clientMetadata = { ver: '1', env: 'Node.js', type: 'test' };
  const made = new TwilsockClient(text, product, { twilsock: { uri }, clientMetadata, initRegistrations: registrations(product) });
  made.errors = [];
  made.on('connectionError', (e) => made.errors.push(e));
  return made;
}
const connected = (c) => (c.isConnected ? Promise.resolve() : waitFor(c, 'connected'));

async function plain() {
  const c = client(cfg.BASE, token('ann', 3600));
  const [init] = await Promise.all([new Promise((done) => c.on('initialized', done)), c.connect()]);
  check('connects', c.isConnected && c.state === 'connected', c.state);
  check('init confirms client_update', init.confirmedCapabilities.has('client_update'), [...init.confirmedCapabilities]);
  check('init names a storage', /^[0-9a-f]{32}$/.test(init.offlineStorage.data_sync.storage_id));
  check('init gives a continuation token', init.continuationToken.length > 20 && init.continuationTokenStatus.reissued === false);
  try {
    await c.get('https://cds.us1.twilio.com/v3/Nothing/at%20all', {}, 'data_sync');
    check('an unknown path is refused', false);
  } catch (e) {
    const body = e.body || {};
    check('an unknown path is 404 with a JSON body', e.reply?.status?.code === 404 || body.status === 404, { message: e.message, body });
  }
  const many = await Promise.allSettled(Array.from({ length: 200 }, (_, n) => c.get(`https://cds.us1.twilio.com/v3/Nothing/${n}`, {}, 'data_sync')));
  check('200 requests at once are all answered', many.every((one) => one.status === 'rejected' && /404|not found/i.test(JSON.stringify(one.reason.body ?? one.reason.message))));
  const same = await new Promise((done) => {
    const other = client(cfg.BASE, token('ann', 3600));
    other.on('initialized', (reply) => {
      done(reply.offlineStorage.data_sync.storage_id);
      other.disconnect();
    });
    other.connect();
  });
  check('the storage is the same for the same identity', same === init.offlineStorage.data_sync.storage_id);
  await c.updateToken(token('ann', 7200));
  check('a new token of the same identity is taken', c.isConnected);
  await c.disconnect();
  check('disconnects', !c.isConnected);
}

async function denied() {
  const cases = [
    ['an expired token', token('ann', -10), 'data_sync', 401, 20104],
    ['a forged token', `${token('ann', 60)}x`, 'data_sync', 401, 20101],
    ['a token that is none', 'hello', 'data_sync', 401, 20101],
    ['a token without a grant', token('ann', 60, {}), 'data_sync', 403, 20403],
    ['a product without its grant', token('ann', 60), 'ip_messaging', 403, 20403],
  ];
  for (const [name, text, product, status, code] of cases) {
    const c = client(cfg.BASE, text, product);
    c.connect();
    await until(() => c.errors.length > 0);
    const e = c.errors[0] || {};
    check(`${name} is denied: ${status}/${code}`, e.terminal === true && e.httpStatusCode === status && e.errorCode === code, e);
    check(`${name}: state`, c.state === 'denied', c.state);
    c.disconnect();
  }
}

async function stranger() {
  const c = client(cfg.BASE, token('ann', 3600));
  c.connect();
  await connected(c);
  await c.updateToken(token('bob', 3600)).catch(() => {});
  await until(() => c.errors.length > 0);
  check('a token of somebody else is refused', c.errors[0]?.httpStatusCode === 403, c.errors[0]);
  c.disconnect();
}

async function expiry() {
  const c = client(cfg.BASE, token('ann', 20));
  const started = Date.now();
  let warned = 0;
  c.on('tokenAboutToExpire', () => (warned = Date.now() - started));
  const over = waitFor(c, 'tokenExpired');
  await c.connect();
  await over;
  const after = Date.now() - started;
  check('warned at half of a short life', warned > 8500 && warned < 15_000, `${warned} ms`);
  check('closed when the token is over', after > 18_500 && after < 25_000, `${after} ms`);
  await sleep(4000);
  check('no reconnect without a new token', !c.isConnected, c.state);
  await c.updateToken(token('ann', 3600));
  await connected(c);
  check('a new token reconnects', c.isConnected, c.state);
  c.disconnect();

  const renewed = client(cfg.BASE, token('ann', 12));
  renewed.on('tokenAboutToExpire', () => renewed.updateToken(token('ann', 3600)));
  let expired = false;
  renewed.on('tokenExpired', () => (expired = true));
  renewed.connect();
  await sleep(14_000);
  check('a token renewed in time never expires', !expired && renewed.isConnected, renewed.state);
  renewed.disconnect();
}

async function cut() {
  const wire = await line(cfg.BASE);
  const c = client(wire.base, token('ann', 3600));
  const replies = [];
  c.on('initialized', (reply) => replies.push(reply));
  await c.connect();
  for (let n = 1; n <= 2; n++) {
    await until(() => replies.length === n);
    wire.drop();
    await until(() => replies.length > n);
  }
  check('reconnects after a cut', replies.length === 3, replies.length);
  const [first, ...later] = replies;
  check('the session goes on', later.every((r) => r.continuationToken === first.continuationToken && !r.continuationTokenStatus.reissued));
  c.disconnect();
}

// What no client of theirs does.
async function malformed() {
  const wrong = {
    'text frame': 'TWILSOCK V3.0 2\r\n{}\r\n',
    'other protocol': Buffer.from('hello'),
    'broken header': Buffer.from('TWILSOCK V3.0 5\r\n{"a":\r\n'),
    'wrong length': Buffer.from('TWILSOCK V3.0 99\r\n{}\r\n'),
  };
  const codes = { 'text frame': 406, 'other protocol': 406, 'broken header': 417, 'wrong length': 417 };
  for (const [name, bytes] of Object.entries(wrong)) {
    const socket = new WebSocket(`${cfg.WS}/v3/wsconnect`);
    const frames = [];
    socket.on('open', () => socket.send(bytes)).on('error', () => {});
    socket.on('message', (data) => frames.push(JSON.parse(data.toString().split('\r\n')[1])));
    const closed = new Promise((done) => socket.on('close', done));
    await closed;
    const [close] = frames;
    check(`${name}: close ${codes[name]}`, frames.length === 1 && close.method === 'close' && close.status.code === codes[name], frames);
  }
  const silent = new WebSocket(`${cfg.WS}/v3/wsconnect`);
  const started = Date.now();
  await new Promise((done) => silent.on('close', done).on('error', () => {}));
  check('whoever says nothing is let go', Date.now() - started < 30_000, `${Date.now() - started} ms`);
}

main(async () => {
  await plain();
  await Promise.all([denied(), stranger(), expiry(), cut(), malformed()]);
});
