// What people build on Sync with the official Node library alone: canned responses, messages for later, opening hours,
// codes of a team, queues on a wall, who is there. On a clock that stands still until it is moved.
// Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= node sync-scenarios.js   (the server with --clock manual)
'use strict';
const twilio = require('twilio');
const { hourIn, isOpen } = require('./hours');
const { cfg, check, main } = require('./lib');

async function clock(advance_ms = 0) {
  const authorization = `Basic ${Buffer.from(`${cfg.accountSid}:${cfg.authToken}`).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const reply = await fetch(`${cfg.BASE}/sinew/v1/Clock`, { method: 'POST', headers, body: JSON.stringify({ advance_ms }) });
  return new Date((await reply.json()).now);
}

// Two programs, each with a client of its own.
function programs() {
  return [0, 1].map(() => {
    const client = twilio(cfg.accountSid, cfg.authToken);
    client.sync.baseUrl = `${cfg.BASE}/sync`;
    return client.sync.v1.services;
  });
}

const status = (call) => call.then(() => 200, (refusal) => refusal.status);
const sorted = (values) => [...values].sort();

async function cannedResponses([supervisors, desks]) {
  const [mine, theirs] = [supervisors('default').syncLists, desks('default').syncLists];
  const { sid } = await mine.create({ uniqueName: 'canned responses' });
  const [categories, languages] = [['greeting', 'billing', 'farewell'], ['en', 'de']];
  for (let n = 0; n < 130; n += 1) {
    const entry = { label: `L${n}`, text: `Grüße № ${n} 👋`, category: categories[n % 3], language: languages[n % 2] };
    await mine(sid).syncListItems.create({ data: entry });
  }
  const first = await theirs(sid).syncListItems.page();
  const all = await theirs(sid).syncListItems.list();
  check('a page has fifty canned responses, a loop over pages all of them', first.instances.length === 50 && all.length === 130, [first.instances.length, all.length]);
  check('in the order in which they were made', all.every((item, n) => item.index === n && item.data.label === `L${n}`));
  const german = all.filter((item) => item.data.category === 'billing' && item.data.language === 'de');
  check('a desk filters them', german.length > 15 && german.every((item) => item.data.text.startsWith('Grüße')), german.length);
  await mine(sid).syncListItems(german[0].index).update({ data: { ...german[0].data, text: 'edited' }, ifMatch: german[0].revision });
  check('a desk reads what a supervisor edited', (await theirs(sid).syncListItems(german[0].index).fetch()).data.text === 'edited');
  const late = await status(theirs(sid).syncListItems(german[0].index).update({ data: { text: 'too late' }, ifMatch: german[0].revision }));
  check('and who edits what was edited meanwhile is told', late === 412, late);
}

// Goes through a zone's messages page by page, and takes each before it is sent; who takes it may send it.
async function worker(services, zone, sent) {
  const items = services('default').syncMaps(zone).syncMapItems;
  let page = await items.page({ pageSize: 7 });
  for (;;) {
    for (const item of page.instances) {
      const taken = await status(items(item.key).remove({ ifMatch: item.revision }));
      if (taken === 200) sent.push(item.key);
      else if (taken !== 404 && taken !== 412) throw new Error(`${item.key}: ${taken}`);
    }
    if (!page.nextPageUrl) return;
    page = await page.nextPage();
  }
}

async function messagesForLater([one, other]) {
  const zones = { 'Europe/Berlin': 60, 'America/New_York': 45, 'Asia/Kolkata': 15 };
  const map = (zone) => one('default').syncMaps(encodeURIComponent(zone));
  for (const [zone, count] of Object.entries(zones)) {
    await one('default').syncMaps.create({ uniqueName: zone });
    for (let n = 0; n < count; n += 1) await map(zone).syncMapItems.create({ key: `M${String(n).padStart(3, '0')}`, data: { to: `+49${n}`, body: 'Hello' } });
  }
  // Nine in Berlin is another hour in Greenwich once the clocks were changed.
  const opening = [new Date('2026-03-28T08:00:00Z'), new Date('2026-03-29T07:00:00Z'), new Date('2026-03-29T08:00:00Z')];
  check('opening hours follow summer time', JSON.stringify(opening.map((now) => hourIn('Europe/Berlin', now))) === '[9,9,10]');
  const open = Object.keys(zones).filter((zone) => hourIn(zone, opening[1]) >= 9 && hourIn(zone, opening[1]) < 17);
  check('only zones that are open are served', JSON.stringify(open) === '["Europe/Berlin","Asia/Kolkata"]', open);
  for (const zone of open) {
    const [sent, name] = [[], encodeURIComponent(zone)];
    // Two workers on the same map at once, while another message comes in behind.
    const late = map(zone).syncMapItems.create({ key: 'M999', data: { to: '+1', body: 'late' } });
    await Promise.all([worker(one, name, sent), worker(other, name, sent), late]);
    await worker(other, name, sent);
    const wanted = [...Array(zones[zone]).keys()].map((n) => `M${String(n).padStart(3, '0')}`).concat('M999');
    check(`each message for ${zone} was sent exactly once`, JSON.stringify(sorted(sent)) === JSON.stringify(wanted), sent.length);
    check(`and none is left for ${zone}`, (await map(zone).syncMapItems.list()).length === 0);
  }
  check('those of a zone that is closed wait', (await map('America/New_York').syncMapItems.list()).length === zones['America/New_York']);
}

// A claim by a conditional update: who is refused leaves it alone.
async function claims([one, other]) {
  await one('default').syncMaps.create({ uniqueName: 'claims' });
  const items = [one, other].map((services) => services('default').syncMaps('claims').syncMapItems);
  let [twice, nobody] = [0, 0];
  for (let n = 0; n < 20; n += 1) {
    const { revision } = await items[0].create({ key: `k${n}`, data: { state: 'waiting' } });
    const claimed = await Promise.all(items.map((own, by) => status(own(`k${n}`).update({ data: { state: 'claimed', by }, ifMatch: revision }))));
    const count = claimed.filter((code) => code === 200).length;
    if (count > 1) twice += 1;
    if (count < 1) nobody += 1;
  }
  check('of two claims one succeeds', twice === 0 && nobody === 0, { twice, nobody });
}

async function openingHours([one, other]) {
  const week = Object.fromEntries(['Mon', 'Tue', 'Wed', 'Thu', 'Fri'].map((day) => [day, [9, 17]]));
  const hours = { timezone: 'Europe/Berlin', week, special: {} };
  await one('default').documents.create({ uniqueName: 'opening hours', data: hours });
  const document = (services) => services('default').documents('opening%20hours');
  const read = async () => (await document(other).fetch()).data;
  const [monday, sunday] = [new Date('2026-12-21T10:00:00Z'), new Date('2026-12-20T10:00:00Z')];
  check('open on a Monday, closed on a Sunday', isOpen(await read(), monday) && !isOpen(await read(), sunday));
  await document(one).update({ data: { ...hours, special: { '2026-12-21': null, '2026-12-20': [10, 14] } } });
  check('a special day wins', !isOpen(await read(), monday) && isOpen(await read(), sunday));
  const calls = await Promise.all([...Array(100)].map(() => status(document(other).fetch())));
  check('every call may ask', calls.every((code) => code === 200));
}

async function teamsAndWalls([one, other]) {
  await one('default').syncMaps.create({ uniqueName: 'codes:sales' });
  const codes = one('default').syncMaps('codes%3Asales').syncMapItems;
  for (const key of ['sold', 'callback', 'lost']) await codes.create({ key, data: { label: key.toUpperCase() } });
  check('codes of a team are in the order of their keys', JSON.stringify((await codes.list()).map((item) => item.key)) === '["callback","lost","sold"]');
  // A queue that nobody reports on any more leaves the wall by itself.
  const queues = other('default').documents;
  for (const name of ['alive', 'dead']) await queues.create({ uniqueName: `queue:${name}`, data: { waiting: 1 }, ttl: 60 });
  await clock(59_000);
  await queues('queue%3Aalive').update({ data: { waiting: 2 }, ttl: 60 });
  await clock(1_000);
  const seen = await Promise.all(['alive', 'dead'].map((name) => status(queues(`queue%3A${name}`).fetch())));
  check('a dead queue leaves the wall, a live one stays', JSON.stringify(seen) === '[200,404]', seen);
  const there = one('default').syncMaps;
  for (const agent of ['ann', 'bob']) {
    await there.create({ uniqueName: `agent:${agent}` });
    await there(`agent%3A${agent}`).syncMapItems.create({ key: 'availability', data: { state: 'ready' }, itemTtl: 30 });
    await there(`agent%3A${agent}`).syncMapItems.create({ key: 'name', data: { name: agent } });
  }
  await clock(30_000);
  const left = await there('agent%3Aann').syncMapItems.list();
  check('who says nothing is not there any more, but still has a name', left.length === 1 && left[0].key === 'name', left.length);
}

main(async () => {
  const both = programs();
  await cannedResponses(both);
  await messagesForLater(both);
  await claims(both);
  await openingHours(both);
  await teamsAndWalls(both);
});
