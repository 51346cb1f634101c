// The official Sync SDK in Chromium: two pages follow the same objects, a cut line, what the browser keeps, and a supervisor's live query.
// Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= API_KEY= API_SECRET= CHROMIUM=path node sync-browser.js
'use strict';
const path = require('node:path');
const twilio = require('twilio');
const { cfg, accessToken, check, main } = require('./lib');
const { line } = require('./line');
const { launch } = require('./chromium');

const token = (identity) => accessToken(identity, { data_sync: { service_sid: cfg.syncService } });

// In the page: a client, and everything that happened, by name.
async function start(uri, text, id) {
  const client = new window.Twilio.Sync.Client(text, { Twilsock: { uri } });
  const seen = [];
  const states = [];
  client.on('connectionStateChanged', (s) => states.push(s));
  const document = await client.document(`${id}-document`);
  const map = await client.map(`${id}-map`);
  const list = await client.list(`${id}-list`);
  const stream = await client.stream(`${id}-stream`);
  document.on('updated', (e) => seen.push(['document', e.data.n]));
  map.on('itemAdded', (e) => seen.push(['added', e.item.key, e.item.data.n]));
  map.on('itemUpdated', (e) => seen.push(['updated', e.item.key, e.item.data.n]));
  map.on('itemRemoved', (e) => seen.push(['removed', e.key]));
  list.on('itemAdded', (e) => seen.push(['pushed', e.item.index, e.item.data.n]));
  stream.on('messagePublished', (e) => seen.push(['message', e.message.data.n]));
  Object.assign(window, { client, seen, states, document_: document, map, list, stream });
  // Messages of a stream are only for those who follow it already.
  const isFollowed = (object) => Object.values(object).some((inner) => inner?.subscriptionState === 'established');
  for (let n = 0; n < 600 && ![document, map, list, stream].every(isFollowed); n++) await new Promise((done) => setTimeout(done, 100));
  return client.connectionState;
}

// In the page: a dashboard of who is available, with what it was told.
async function watch(uri, text) {
  const client = new window.Twilio.Sync.Client(text, { Twilsock: { uri } });
  const query = await client.liveQuery('tr-worker', 'data.available == true');
  const told = [];
  query.on('itemUpdated', (item) => told.push(['is', item.value.friendly_name]));
  query.on('itemRemoved', ({ key }) => told.push(['left', key]));
  Object.assign(window, { query, told });
  const instant = await client.instantQuery('tr-worker');
  await instant.search('data.attributes.team IN ["a"]');
  return { held: Object.keys(query.getItems()), found: Object.keys(instant.getItems()) };
}

async function queries(browser, wire, uri) {
  const client = twilio(cfg.accountSid, cfg.authToken);
  client.taskrouter.baseUrl = `${cfg.BASE}/taskrouter`;
  const workspace = await client.taskrouter.v1.workspaces.create({ friendlyName: 'watched' });
  const space = client.taskrouter.v1.workspaces(workspace.sid);
  const activities = Object.fromEntries((await space.activities.list()).map((a) => [a.friendlyName, a.sid]));
  const worker = (name, team) => space.workers.create({ friendlyName: name, attributes: JSON.stringify({ team }), activitySid: activities.Offline });
  const [ann, bea] = [await worker('ann', 'a'), await worker('bea', 'b')];
  const at = (one, activity) => space.workers(one.sid).update({ activitySid: activities[activity] });
  const text = accessToken('boss', { data_sync: { service_sid: cfg.syncService }, task_router: { workspace_sid: workspace.sid, role: 'supervisor' } });
  const boss = await browser.page();
  const sees = async (...wanted) => {
    let held;
    for (let n = 0; n < 600; n++) {
      held = await boss(() => Object.values(window.query.getItems()).map((item) => item.friendly_name).sort());
      if (held.join() === wanted.join()) return true;
      await new Promise((done) => setTimeout(done, 100));
    }
    return console.log('     held', held, await boss(() => window.told)), false;
  };
  const first = await boss(watch, uri(wire.base), text);
  check('a dashboard begins with nobody, an instant query finds one', first.held.length === 0 && first.found.join() === ann.sid, first);
  await at(ann, 'Available');
  check('who becomes available appears', await sees('ann'));
  wire.cut();
  await at(ann, 'Offline');
  await at(bea, 'Available');
  wire.mend();
  check('what changed while the line was cut is told', await sees('bea'));
  const told = await boss(() => window.told);
  check('each once', told.length === 3, told);
  // The browser kept how far the query was told; what is there now is right all the same.
  await at(ann, 'Available');
  const again = await boss(watch, uri(cfg.BASE), text);
  check('another client in the same page begins with what is there', [ann.sid, bea.sid].every((sid) => again.held.includes(sid)), again.held);
  await at(bea, 'Offline');
  check('and hears what happens next', await sees('ann'));
}

main(async () => {
  const build = path.join(path.dirname(require.resolve('twilio-sync/package.json')), 'builds/twilio-sync.min.js');
  const browser = await launch({ files: { '/sync.js': build }, html: '<!doctype html><script src="/sync.js"></script>' });
  try {
    const wire = await line(cfg.BASE);
    const uri = (base) => `${base.replace(/^http/, 'ws')}/v3/wsconnect`;
    const id = `browser-${Date.now()}`;
    const [ann, bob] = [await browser.page(), await browser.page()];
    check('ann connects', (await ann(start, uri(cfg.BASE), token('ann'), id)) === 'connected');
    check('bob connects', (await bob(start, uri(wire.base), token('bob'), id)) === 'connected');
    await ann(async () => {
      await window.document_.set({ n: 1 });
      await window.map.set('a/b c', { n: 2 });
      await window.map.set('a/b c', { n: 3 });
      await window.map.remove('a/b c');
      await window.list.push({ n: 4 });
      await window.stream.publishMessage({ n: 5 });
    });
    const wanted = [['document', 1], ['added', 'a/b c', 2], ['updated', 'a/b c', 3], ['removed', 'a/b c'], ['pushed', 0, 4], ['message', 5]];
    let seen = [];
    const sees = async (count) => {
      for (let n = 0; n < 600 && seen.length < count; n++) {
        seen = await bob(() => window.seen);
        await new Promise((done) => setTimeout(done, 100));
      }
    };
    await sees(wanted.length);
    check('bob sees everything once', wanted.length === seen.length && wanted.every((w) => seen.some((s) => JSON.stringify(s) === JSON.stringify(w))), seen);
    wire.cut();
    await ann(async () => {
      await window.document_.set({ n: 6 });
      await window.map.set('later', { n: 7 });
    });
    wire.mend();
    seen = [];
    await sees(wanted.length + 2);
    check('bob sees what happened while the line was cut', ['document,6', 'added,later,7'].every((w) => seen.some((s) => s.join() === w)), seen);
    const kept = await bob(() => Object.keys(window.sessionStorage).some((key) => /^[0-9a-f]{32}::/.test(key)));
    check('the browser keeps objects under the storage id', kept);
    const states = await bob(() => window.states);
    await queries(browser, wire, uri);
    check('bob reconnected', states.filter((s) => s === 'connected').length >= 2, states);
  } finally {
    await browser.close();
  }
});
