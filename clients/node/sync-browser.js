// The official Sync SDK in Chromium: two pages follow the same objects, a cut line, and what the browser keeps.
// Run: BASE=http://host:port ACCOUNT_SID= API_KEY= API_SECRET= CHROMIUM=path node sync-browser.js
'use strict';
const path = require('node:path');
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
  await new Promise((done) => setTimeout(done, 500));
  return client.connectionState;
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
      for (let n = 0; n < 100 && seen.length < count; n++) {
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
    check('bob reconnected', states.filter((s) => s === 'connected').length >= 2, states);
  } finally {
    await browser.close();
  }
});
