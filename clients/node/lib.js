// Shared helpers of the client scripts (not run directly). Env: BASE=http://host:port, ACCOUNT_SID, AUTH_TOKEN, API_KEY, API_SECRET, …
'use strict';
const crypto = require('node:crypto');
const BASE = (process.env.BASE || 'http://127.0.0.1:8080').replace(/\/$/, '');
const WS = BASE.replace(/^http/, 'ws');
const env = (k, d) => process.env[k] || d;
const cfg = {
  BASE,
  WS,
  accountSid: env('ACCOUNT_SID'),
  authToken: env('AUTH_TOKEN'),
  apiKey: env('API_KEY'),
  apiSecret: env('API_SECRET'),
  workspace: env('WORKSPACE_SID'),
  worker: env('WORKER_SID'),
  syncService: env('SYNC_SERVICE_SID', 'default'),
};
const b64u = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url');

// An access token made by hand, so that a script does not depend on the helper library. Same layout as the helper library's.
function accessToken(identity, grants, ttl = 3600) {
  const now = Math.floor(Date.now() / 1000);
  const head = { cty: 'twilio-fpa;v=1', typ: 'JWT', alg: 'HS256' };
  const body = { jti: `${cfg.apiKey}-${now}`, grants: { identity, ...grants }, iat: now, exp: now + ttl, iss: cfg.apiKey, sub: cfg.accountSid };
  const s = `${b64u(head)}.${b64u(body)}`;
  return `${s}.${crypto.createHmac('sha256', cfg.apiSecret).update(s).digest('base64url')}`;
}

function check(name, ok, extra) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}${extra === undefined ? '' : ` ${typeof extra === 'string' ? extra : JSON.stringify(extra)}`}`);
  if (!ok) process.exitCode = 1;
}

// The check that a call fails, and how.
async function refused(name, call, is) {
  try {
    const got = await call();
    check(name, false, got);
  } catch (e) {
    check(name, is(e), { name: e.name, status: e.status, code: e.code, message: e.message });
  }
}

// So long may take what has to happen: a limit is only there to name what never does, however slow the machine.
const PATIENCE_MS = 60_000;

function waitFor(emitter, event, pred = () => true, ms = PATIENCE_MS) {
  return new Promise((res, rej) => {
    const t = setTimeout(() => {
      emitter.removeListener(event, f);
      rej(new Error(`timeout waiting for '${event}'`));
    }, ms);
    const f = (...a) => {
      if (pred(...a)) {
        clearTimeout(t);
        emitter.removeListener(event, f);
        res(a[0]);
      }
    };
    emitter.on(event, f);
  });
}
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

// Waits until the condition holds; false when it does not within the time.
async function until(condition, ms = PATIENCE_MS) {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) return false;
    await sleep(20);
  }
  return true;
}

// Whether the server tells a client of the Sync SDK what happens to an object, or a query; the state lies behind its face.
const isFollowed = (object) => Object.values(object).some((inner) => inner?.subscriptionState === 'established');
const followed = (object) => until(() => isFollowed(object));

function main(fn) {
  fn()
    .then(() => process.exit(process.exitCode || 0))
    .catch((e) => {
      console.error('FAIL', e);
      process.exit(1);
    });
  setTimeout(() => {
    console.error('FAIL overall timeout');
    process.exit(2);
  }, +env('TIMEOUT_MS', '600000')).unref();
}
module.exports = { cfg, accessToken, check, refused, waitFor, until, followed, sleep, main };
