// The official Sync SDK on a line that is cut, and what it does about each reason to close.
// Run as sync.js, with DROP_URL (POST: cut all sockets) and CLOSE_URL (POST {status, body}: send this close) besides (run-sync.js calls it)
'use strict';
const { SyncClient } = require('twilio-sync');
const { cfg, accessToken, check, waitFor, until, followed, sleep, main } = require('./lib');
const open = (id) => new SyncClient(accessToken(id, { data_sync: { service_sid: cfg.syncService } }), { Twilsock: { uri: `${cfg.WS}/v3/wsconnect` }, logLevel: process.env.LOG || 'silent' });
const post = (u, b) => fetch(u, { method: 'POST', body: JSON.stringify(b || {}) });
const connected = (c) => c.connectionState === 'connected' ? Promise.resolve() : waitFor(c, 'connectionStateChanged', (s) => s === 'connected');
const interrupted = (c) => waitFor(c, 'connectionStateChanged', (s) => s !== 'connected');
main(async () => {
  const a = open('alice'); await connected(a); const states = []; a.on('connectionStateChanged', (s) => states.push(s)); const errs = []; a.on('connectionError', (e) => errs.push(e));
  const id = 'reconnect-' + Date.now();
  const doc = await a.document({ id: id + '-d', data: { n: 0 } }), map = await a.map(id + '-m'), list = await a.list(id + '-l'); await Promise.all([doc, map, list].map(followed));
  const seen = []; doc.on('updated', (e) => seen.push(['doc', e.data.n])); map.on('itemAdded', (e) => seen.push(['map+', e.item.key])); map.on('itemUpdated', (e) => seen.push(['map', e.item.data.n])); list.on('itemAdded', (e) => seen.push(['list+', e.item.index]));
  // cut alice's socket; while she is away (1-2 s of back-off) bob changes everything
  const cut = interrupted(a); await post(process.env.DROP_URL || `${cfg.BASE}/_test/drop`); await cut;
  const b = open('bob'); await connected(b);
  const bd = await b.document({ id: id + '-d', mode: 'open_existing' }), bm = await b.map({ id: id + '-m', mode: 'open_existing' }), bl = await b.list({ id: id + '-l', mode: 'open_existing' });
  await bd.set({ n: 1 }); await bd.set({ n: 2 }); await bm.set('k', { n: 1 }); await bm.set('k', { n: 2 }); await bl.push({ x: 1 });
  const missed = seen.length; await connected(a);
  const isReplayed = () => seen.some((x) => x[0] === 'doc' && x[1] === 2) && seen.some((x) => x[0] === 'map+') && seen.some((x) => x[0] === 'list+') && doc.data.n === 2;
  check('missed changes are replayed after a reconnect', await until(isReplayed), { states, seenWhileAway: missed, seen });
  check('current state is right', doc.data.n === 2 && (await map.get('k')).data.n === 2);
  if (process.env.CLOSE_URL || !process.env.DROP_URL) {
    const url = process.env.CLOSE_URL || `${cfg.BASE}/_test/close`; await b.shutdown();
    states.length = 0; const off = interrupted(a); await post(url, { status: { code: 308, status: 'OFFLOAD' }, body: { backoff_policy: { reconnect_min_ms: 500 } } });
    await off; await connected(a); check('close 308 (offload): reconnects', true, states);
    let p = waitFor(a, 'tokenExpired'); await post(url, { status: { code: 410, status: 'TOKEN_EXPIRED' } }); await p; await sleep(4000); check('close 410: tokenExpired event, no reconnect', a.connectionState === 'disconnected', a.connectionState); // the SDK needs 3 s to settle; updateToken() earlier than that never resolves
    await a.updateToken(accessToken('alice', { data_sync: { service_sid: cfg.syncService } }, 7000)); check('updateToken after expiry reconnects', a.connectionState === 'connected', a.connectionState);
    states.length = 0; errs.length = 0; await post(url, { status: { code: 406, status: 'NOT_ACCEPTABLE' } }); check('close 406: fatal', await until(() => a.connectionState !== 'connected'), { state: a.connectionState, errs });
  }
});
