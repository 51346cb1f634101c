// The official Sync SDK: documents, maps, lists, streams, removal, tokens; two clients beside each other.
// Run: BASE=http://host:port ACCOUNT_SID= API_KEY= API_SECRET= SYNC_SERVICE_SID= node sync.js (run-sync.js calls it)
'use strict';
const { SyncClient } = require('twilio-sync');
const { cfg, accessToken, check, waitFor, followed, main } = require('./lib');

const token = (id, ttl) => accessToken(id, { data_sync: { service_sid: cfg.syncService } }, ttl);
// One override is enough: every Sync REST call is tunnelled through the twilsock WebSocket.
const open = (id, ttl) => new SyncClient(token(id, ttl), { Twilsock: { uri: `${cfg.WS}/v3/wsconnect` }, logLevel: process.env.LOG || 'silent' });
const connected = (c) => c.connectionState === 'connected' ? Promise.resolve() : waitFor(c, 'connectionStateChanged', (s) => s === 'connected');

main(async () => {
  const a = open('alice'), b = open('bob');
  await Promise.all([connected(a), connected(b)]);
  check('both clients connected', true);
  const uniq = 'smoke-' + Date.now();

  // document
  const da = await a.document({ id: uniq + '-doc', data: { n: 1 } });
  check('document created with initial data', da.data.n === 1, { sid: da.sid, revision: da.revision });
  const db = await b.document({ id: uniq + '-doc', mode: 'open_existing' });
  check('second client opened same document', db.sid === da.sid && db.data.n === 1);
  await followed(db);
  let p = waitFor(db, 'updated', (e) => !e.isLocal);
  await da.set({ n: 2 });
  let e = await p;
  check('remote document update', e.data.n === 2 && e.previousData.n === 1);
  const r = await da.mutate((d) => ({ ...d, m: d.n + 40 }));
  check('mutate with If-Match', r.m === 42);
  // force a 412: both mutate at once
  await Promise.all([da.mutate((d) => ({ ...d, x: (d.x || 0) + 1 })), db.mutate((d) => ({ ...d, x: (d.x || 0) + 1 }))]);
  const fresh = await (open('carol')).document({ id: uniq + '-doc', mode: 'open_existing' });
  check('concurrent mutate, both increments kept (412 + retry)', fresh.data.x === 2, fresh.data);
  await da.setTtl(3600); check('setTtl gives dateExpires', !!da.dateExpires, String(da.dateExpires));

  // open_existing of a missing object
  try { await a.document({ id: uniq + '-none', mode: 'open_existing' }); check('missing object refused', false); }
  catch (x) { check('missing object refused', x.status === 404, { status: x.status, code: x.code, message: x.message }); }
  try { await a.document({ id: uniq + '-doc', mode: 'create_new' }); check('create_new of existing refused', false); }
  catch (x) { check('create_new of existing refused', x.status === 409, { status: x.status, code: x.code }); }

  // map
  const ma = await a.map(uniq + '-map'), mb = await b.map(uniq + '-map');
  await followed(mb);
  p = waitFor(mb, 'itemAdded'); await ma.set('k1', { v: 1 }); e = await p;
  check('remote map itemAdded', e.item.key === 'k1' && e.item.data.v === 1 && e.isLocal === false);
  p = waitFor(mb, 'itemUpdated'); await ma.set('k1', { v: 2 }); e = await p;
  check('remote map itemUpdated', e.item.data.v === 2 && e.previousItemData.v === 1);
  await ma.mutate('k2', (d) => ({ ...d, z: 1 })); // PUT with If-Match: -1
  await ma.update('k2', { y: 2 });
  check('map mutate/update', (await ma.get('k2')).data.y === 2);
  const page = await (await (open('dave')).map({ id: uniq + '-map', mode: 'open_existing' })).getItems({ pageSize: 1 });
  check('map paging', page.items.length === 1 && page.hasNextPage);
  const page2 = await page.nextPage();
  check('map next page', page2.items[0].key === 'k2');
  p = waitFor(mb, 'itemRemoved'); await ma.remove('k1'); e = await p;
  check('remote map itemRemoved', e.key === 'k1' && e.previousItemData.v === 2);

  // list
  const la = await a.list(uniq + '-list'), lb = await b.list(uniq + '-list');
  await followed(lb);
  p = waitFor(lb, 'itemAdded'); const it = await la.push({ v: 'a' }); e = await p;
  check('remote list itemAdded', e.item.index === it.index && e.item.data.v === 'a', { index: it.index });
  await la.push({ v: 'b' });
  p = waitFor(lb, 'itemUpdated'); await la.set(it.index, { v: 'A' }); e = await p;
  check('remote list itemUpdated', e.item.data.v === 'A');
  p = waitFor(lb, 'itemRemoved'); await la.remove(it.index); e = await p;
  check('remote list itemRemoved', e.index === it.index);

  // stream
  const sa = await a.stream(uniq + '-stream'), sb = await b.stream(uniq + '-stream');
  await followed(sb);
  p = waitFor(sb, 'messagePublished', (m) => !m.isLocal); await sa.publishMessage({ hi: 1 }); e = await p;
  check('remote stream message', e.message.data.hi === 1 && /^TZ/.test(e.message.sid), e.message.sid);

  // removal is seen by the other client
  p = waitFor(db, 'removed'); await da.removeDocument(); await p;
  check('remote document removed', true);
  p = waitFor(mb, 'removed'); await ma.removeMap(); await p;
  check('remote map removed', true);

  // token update, expiry notice
  await a.updateToken(token('alice', 7200)); check('updateToken accepted', a.connectionState === 'connected');
  const s = open('shortlived', 10);
  const t = await waitFor(s, 'tokenAboutToExpire').then(() => true, () => false);
  check('tokenAboutToExpire (10 s token)', t);
  await s.shutdown();
  const bad = new SyncClient(token('x', -10), { Twilsock: { uri: `${cfg.WS}/v3/wsconnect` } });
  const ce = await waitFor(bad, 'connectionError'); check('expired token: terminal connectionError', ce.terminal === true && ce.httpStatusCode === 401, ce);
  check('state is denied', bad.connectionState === 'denied', bad.connectionState);
  await a.shutdown(); await b.shutdown(); check('shutdown', true);
});
