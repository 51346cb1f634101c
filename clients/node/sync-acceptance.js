// What people build on Sync, with the official Sync SDK on its socket: canned responses on many desks, messages for later
// claimed while they go, opening hours, queues on a wall, who is there; and permissions that are switched on meanwhile.
// Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= API_KEY= API_SECRET= node sync-acceptance.js
// (the server with --clock manual and --config sync-acceptance.toml)
'use strict';
const twilio = require('twilio');
const { SyncClient } = require('twilio-sync');
const { hourIn, isOpen } = require('./hours');
const { cfg, accessToken, check, refused, waitFor, until, followed, main } = require('./lib');
const { line } = require('./line');

const rest = twilio(cfg.accountSid, cfg.authToken);
rest.sync.baseUrl = `${cfg.BASE}/sync`;
const services = rest.sync.v1.services;

async function clock(advance_ms) {
  const authorization = `Basic ${Buffer.from(`${cfg.accountSid}:${cfg.authToken}`).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const reply = await fetch(`${cfg.BASE}/sinew/v1/Clock`, { method: 'POST', headers, body: JSON.stringify({ advance_ms }) });
  return new Date((await reply.json()).now);
}

// A client library of somebody, connected.
async function open(identity, service = 'default', base = cfg.BASE) {
  const uri = `${base.replace(/^http/, 'ws')}/v3/wsconnect`;
  const client = new SyncClient(accessToken(identity, { data_sync: { service_sid: service } }), { Twilsock: { uri }, logLevel: process.env.LOG || 'silent' });
  if (client.connectionState !== 'connected') await waitFor(client, 'connectionStateChanged', (state) => state === 'connected');
  return client;
}

const existing = (id) => ({ id, mode: 'open_existing' });
const shutdown = (clients) => Promise.all(clients.map((client) => client.shutdown()));
const failed = (call) => call.then(() => 0, (refusal) => refusal.status);

// Everything, page by page.
async function all(collection, args) {
  const items = [];
  for (let page = await collection.getItems(args); ; page = await page.nextPage()) {
    items.push(...page.items);
    if (!page.hasNextPage) return items;
  }
}

async function cannedResponses() {
  const supervisor = await open('supervisor');
  const desks = await Promise.all([...Array(8).keys()].map((n) => open(`desk-${n}`)));
  const list = await supervisor.list('canned responses');
  const [categories, languages] = [['greeting', 'billing', 'farewell'], ['en', 'de']];
  for (let n = 0; n < 130; n += 1) await list.push({ label: `L${n}`, text: `Grüße № ${n} 👋`, category: categories[n % 3], language: languages[n % 2] });
  const lists = await Promise.all(desks.map((desk) => desk.list(existing('canned responses'))));
  await Promise.all(lists.map(followed));
  const [first, whole] = [await lists[0].getItems(), await all(lists[0])];
  check('a desk sees a page of fifty, and all 130 page by page', first.items.length === 50 && whole.length === 130, [first.items.length, whole.length]);
  check('in the order in which they were made', whole.every((item, n) => item.data.label === `L${n}`));
  const german = whole.filter((item) => item.data.category === 'billing' && item.data.language === 'de');
  check('a desk filters them', german.length > 15 && german.every((item) => item.data.text.startsWith('Grüße')), german.length);
  const place = german[3].index;
  // Where the machine is kept from working by something else, a second says nothing of the server: the best of some counts.
  const took = [];
  while (took.length === 0 || (Math.min(...took) >= 1000 && took.length < 10)) {
    const text = `edited ${took.length}`;
    const seen = lists.map((own) => waitFor(own, 'itemUpdated', (e) => e.item.index === place && e.item.data.text === text));
    const begun = Date.now();
    await list.update(place, { text });
    await Promise.all(seen);
    took.push(Date.now() - begun);
  }
  check('what a supervisor edits is on every desk within a second', Math.min(...took) < 1000, `${took.join(', ')} ms`);
  check('and only that changed', (await lists[7].get(place)).data.label === german[3].data.label);
  await shutdown([supervisor, ...desks]);
}

// Goes through a zone's messages and claims each before it is sent: who finds it claimed leaves it alone.
async function worker(map, name, sent) {
  let page = await map.getItems({ pageSize: 7 });
  for (;;) {
    for (const item of page.items) {
      const claimed = await map
        .mutate(item.key, (now) => {
          if (!now || now.state !== 'waiting') throw new Error('claimed');
          return { ...now, state: 'claimed', by: name };
        })
        .catch((refusal) => {
          // Somebody else has claimed it, or has sent and removed it already.
          if (refusal.message === 'claimed' || refusal.status === 404) return null;
          throw refusal;
        });
      if (claimed) {
        sent.push(item.key);
        await map.remove(item.key);
      }
    }
    if (!page.hasNextPage) return;
    page = await page.nextPage();
  }
}

async function messagesForLater() {
  const clients = await Promise.all(['office', 'one', 'two', 'three'].map((name) => open(name)));
  const [office, ...workers] = clients;
  const zones = { 'Europe/Berlin': 60, 'America/New_York': 20, 'Asia/Kolkata': 15 };
  for (const [zone, count] of Object.entries(zones)) {
    const map = await office.map(zone);
    for (let n = 0; n < count; n += 1) await map.set(`M${String(n).padStart(3, '0')}`, { state: 'waiting', to: `+49${n}`, body: 'Hello' });
  }
  // Nine in Berlin, on the day on which the clocks are put forward.
  const now = new Date('2026-03-29T07:00:00Z');
  const open_now = Object.keys(zones).filter((zone) => hourIn(zone, now) >= 9 && hourIn(zone, now) < 17);
  check('zones are served in their own opening hours', JSON.stringify(open_now) === '["Europe/Berlin","Asia/Kolkata"]', open_now);
  for (const zone of open_now) {
    const sent = [];
    const maps = await Promise.all(workers.map((client) => client.map(existing(zone))));
    const late = (await office.map(zone)).set('M999', { state: 'waiting', to: '+1', body: 'late' });
    await Promise.all([...maps.map((map, n) => worker(map, `worker-${n}`, sent)), late]);
    await worker(maps[0], 'worker-0', sent);
    const wanted = [...Array(zones[zone]).keys()].map((n) => `M${String(n).padStart(3, '0')}`).concat('M999');
    check(`of three workers one sent each message for ${zone}`, JSON.stringify([...sent].sort()) === JSON.stringify(wanted), sent.length);
    const left = await services('default').syncMaps(encodeURIComponent(zone)).syncMapItems.list();
    check(`and none is left for ${zone}`, left.length === 0, left.map((item) => item.key));
  }
  check('a closed zone waits', (await all(await office.map('America/New_York'))).length === zones['America/New_York']);
  await shutdown(clients);
}

async function openingHours() {
  const [supervisor, menu] = [await open('supervisor'), await open('menu')];
  const week = Object.fromEntries(['Mon', 'Tue', 'Wed', 'Thu', 'Fri'].map((day) => [day, [9, 17]]));
  const hours = await supervisor.document({ id: 'opening hours', data: { timezone: 'Europe/Berlin', week, special: {} } });
  const seen = await menu.document(existing('opening hours'));
  await followed(seen);
  const [monday, sunday] = [new Date('2026-12-21T10:00:00Z'), new Date('2026-12-20T10:00:00Z')];
  check('open on a Monday, closed on a Sunday', isOpen(seen.data, monday) && !isOpen(seen.data, sunday));
  const changed = waitFor(seen, 'updated', (e) => !e.isLocal);
  await hours.mutate((now) => ({ ...now, special: { '2026-12-21': null, '2026-12-20': [10, 14] } }));
  await changed;
  check('a special day wins, without anybody asking again', !isOpen(seen.data, monday) && isOpen(seen.data, sunday));
  const read = await Promise.all([...Array(100)].map(() => services('default').documents('opening%20hours').fetch()));
  check('every call may ask over REST', read.every((one) => isOpen(one.data, sunday)));
  await shutdown([supervisor, menu]);
}

async function wall() {
  const [reporter, screen] = [await open('reporter'), await open('wall')];
  const named = (name) => `queue:${name}`;
  const made = await Promise.all(['alive', 'dead'].map((name) => reporter.document({ id: named(name), data: { waiting: 1 }, ttl: 60 })));
  const shown = await Promise.all(['alive', 'dead'].map((name) => screen.document(existing(named(name)))));
  await Promise.all(shown.map(followed));
  const next = waitFor(shown[0], 'updated', (e) => e.data.waiting === 2);
  await clock(50_000);
  await made[0].set({ waiting: 2 }, { ttl: 60 });
  await next;
  check('a queue on the wall changes as it is reported', shown[0].data.waiting === 2);
  const gone = waitFor(shown[1], 'removed');
  await clock(15_000);
  await gone;
  check('one that nobody reports on leaves the wall by itself', true);
  check('the other stays', (await screen.document(existing(named('alive')))).data.waiting === 2);

  const agent = await reporter.map('agent:ann');
  await agent.set('name', { name: 'Ann' });
  await agent.set('availability', { state: 'ready' }, { ttl: 30 });
  const presence = await screen.map(existing('agent:ann'));
  await followed(presence);
  const left = waitFor(presence, 'itemRemoved', (e) => e.key === 'availability');
  await clock(31_000);
  await left;
  check('who says nothing is not there any more, but has a name', (await all(presence)).map((item) => item.key).join() === 'name');
  await shutdown([reporter, screen]);
}

async function permissions() {
  const { sid } = await services.create({ friendlyName: 'with permissions' });
  const [maker, ann, bob] = await Promise.all(['maker', 'ann', 'bob'].map((name) => open(name, sid)));
  const [map, document] = [await maker.map('m'), await maker.document({ id: 'd', data: { n: 0 } })];
  const of = async (client) => [await client.map(existing('m')), await client.document(existing('d'))];
  const [anns, bobs] = [await of(ann), await of(bob)];
  await Promise.all([...anns, ...bobs].map(followed));
  const heard = { ann: [], bob: [] };
  for (const [name, [itsMap, itsDocument]] of [['ann', anns], ['bob', bobs]]) {
    itsMap.on('itemAdded', (e) => heard[name].push(e.item.data.n)).on('itemUpdated', (e) => heard[name].push(e.item.data.n));
    itsDocument.on('updated', (e) => heard[name].push(e.data.n));
  }
  await map.set('k', { n: 1 });
  await document.set({ n: 2 });
  check('without permissions everybody hears everything', await until(() => heard.ann.length === 2 && heard.bob.length === 2), heard);

  await services(sid).syncMaps('m').syncMapPermissions('ann').update({ read: true, write: false, manage: false });
  await services(sid).documents('d').documentPermissions('ann').update({ read: true, write: false, manage: false });
  const told = bobs.map((object) => waitFor(object, 'failure', (refusal) => refusal.status === 403));
  await services(sid).update({ aclEnabled: true });
  await map.set('k', { n: 3 });
  await document.set({ n: 4 });
  await Promise.all(told);
  check('once they are switched on, who may not read is told so', true);
  check('who may read hears the next event', await until(() => heard.ann.length === 4), heard.ann);
  check('who may not does not: not one event more', heard.bob.join() === '1,2', heard.bob);
  const codes = [await failed(bobs[0].set('k', { n: 9 })), await failed(anns[0].set('k', { n: 9 })), await failed(bobs[0].get('other')), await failed(bob.map(existing('m')).then((one) => one.get('k2')))];
  check('nor does he read or write, and who may read does not write', codes.every((code) => code === 403), codes);

  const lost = waitFor(anns[0], 'failure', (refusal) => refusal.status === 403);
  await services(sid).syncMaps('m').syncMapPermissions('ann').remove();
  await map.set('k', { n: 5 });
  await document.set({ n: 6 });
  await lost;
  check('a permission that is taken away counts from the next event on', await until(() => heard.ann.includes(6)) && !heard.ann.includes(5), heard.ann);

  await services(sid).update({ aclEnabled: false });
  const again = await open('bob', sid);
  const newest = await again.map(existing('m'));
  check('switched off again, everybody may read', (await newest.get('k')).data.n === 5);
  await shutdown([maker, ann, bob, again]);
}

// The log of events is kept so short here that it does not reach back to what a client knew.
async function awayForTooLong() {
  const wire = await line(cfg.BASE);
  const [reader, writer] = [await open('away', 'default', wire.base), await open('there')];
  const map = await writer.map('too long');
  for (const key of ['stays', 'goes']) await map.set(key, { n: 0 });
  const seen = await reader.map(existing('too long'));
  await followed(seen);
  check('a client knows what is there', (await seen.get('goes')).data.n === 0);
  wire.cut();
  await map.remove('goes');
  for (let n = 1; n <= 80; n += 1) await map.set('stays', { n });
  const late = [];
  seen.on('itemUpdated', (e) => late.push(e.item.data.n));
  const told = waitFor(seen, 'failure');
  wire.mend();
  const { status } = await told;
  check('a client that was away for longer than the log reaches is told so', status === 410, status);
  check('and is not led to believe that it missed nothing', late.length === 0, late.length);
  seen.close();
  const again = await reader.map(existing('too long'));
  await followed(again);
  check('opened again, it knows what is there', (await again.get('stays')).data.n === 80);
  check('and what is not', (await failed(again.get('goes'))) === 404);
  const next = waitFor(again, 'itemUpdated', (e) => e.item.data.n === 81);
  await map.set('stays', { n: 81 });
  await next;
  check('and hears what happens', true);
  await shutdown([reader, writer]);
}

main(async () => {
  await cannedResponses();
  await messagesForLater();
  await openingHours();
  await wall();
  await permissions();
  await awayForTooLong();
  await refused('nobody opens what is not there', async () => (await open('nobody')).document(existing('nothing')), (e) => e.status === 404);
});
