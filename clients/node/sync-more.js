// The official Sync SDK where it gets rough: a reader that cannot keep up, removal while away, many objects, several endpoints of one identity.
// Run as sync.js, over a line (BASE) that CONTROL cuts and holds, with DIRECT past it (run-sync.js calls it)
'use strict';
const { SyncClient } = require('twilio-sync');
const { cfg, accessToken, check, refused, waitFor, until, followed, main } = require('./lib');

const { DIRECT, CONTROL } = process.env;
const control = (word) => fetch(`${CONTROL}/${word}`, { method: 'POST' });
const open = (id, base = cfg.BASE) => new SyncClient(accessToken(id, { data_sync: { service_sid: cfg.syncService } }), { Twilsock: { uri: `${base.replace(/^http/, 'ws')}/v3/wsconnect` }, logLevel: process.env.LOG || 'silent' });
const connected = (c) => (c.connectionState === 'connected' ? Promise.resolve() : waitFor(c, 'connectionStateChanged', (s) => s === 'connected'));
const interrupted = (c) => waitFor(c, 'connectionStateChanged', (s) => s !== 'connected');
const name = (what) => `more-${what}-${Date.now()}`;

// In order, and some at a time.
async function each(count, at_once, f) {
  let next = 0;
  await Promise.all(
    Array.from({ length: at_once }, async () => {
      while (next < count) await f(next++);
    }),
  );
}

// Far more than any queue holds, while the reader takes nothing.
async function slow() {
  const reader = open('slow');
  const writer = open('quick', DIRECT);
  await Promise.all([connected(reader), connected(writer)]);
  const id = name('slow');
  const mine = await writer.map(id);
  const theirs = await reader.map({ id, mode: 'open_existing' });
  await followed(theirs);
  const seen = new Map();
  const order = [];
  const note = (e) => {
    seen.set(e.item.key, e.item.data.n);
    order.push(e.item.data.n);
  };
  theirs.on('itemAdded', note);
  theirs.on('itemUpdated', note);
  const states = [];
  reader.on('connectionStateChanged', (s) => states.push(s));
  const asked = [];
  theirs.on('_subscriptionStateChanged', (s) => asked.push(s));
  await control('hold');
  const pad = 'x'.repeat(15_000);
  await each(1500, 1, (n) => mine.set(`k${n % 100}`, { n, pad }));
  check('nothing came while the reader was held', seen.size === 0, seen.size);
  await control('release');
  const done = await until(() => seen.size === 100 && [...seen.values()].every((n) => n >= 1400), 120_000);
  const late = [...seen.values()].filter((n) => n < 1400).length;
  check('a reader that could not keep up ends with the newest values', done, { keys: seen.size, late, states });
  check('it was told that it was interrupted, and asked again', asked.includes('request_in_flight'), { asked, states });
  check('events came in order', order.every((n, i) => i === 0 || n > order[i - 1]), { events: order.length });
  const next = waitFor(theirs, 'itemUpdated', (e) => e.item.data.n === -1);
  await mine.set('k0', { n: -1 });
  await next;
  check('and hears what happens next', true);
  await Promise.all([reader.shutdown(), writer.shutdown()]);
}

async function removedWhileAway() {
  const reader = open('away');
  const writer = open('there', DIRECT);
  await Promise.all([connected(reader), connected(writer)]);
  const id = name('away');
  const mine = await writer.document({ id, data: { n: 1 } });
  const theirs = await reader.document({ id, mode: 'open_existing' });
  await followed(theirs);
  const gone = waitFor(theirs, 'removed');
  await control('cut');
  await mine.removeDocument();
  await control('mend');
  await gone;
  check('an object that was removed while away is told as removed', true);
  const again = await writer.document({ id, data: { n: 2 } });
  check('the same name is another object', again.sid !== theirs.sid && again.data.n === 2);
  await Promise.all([reader.shutdown(), writer.shutdown()]);
}

async function many() {
  const client = open('many');
  await connected(client);
  const id = name('many');
  const documents = await Promise.all(Array.from({ length: 250 }, (_, n) => client.document({ id: `${id}-${n}`, data: { n } })));
  const other = open('other');
  await connected(other);
  const copies = await Promise.all(documents.map((d) => other.document({ id: d.sid, mode: 'open_existing' })));
  let count = 0;
  for (const d of copies) d.on('updated', (e) => (count += e.isLocal ? 0 : 1));
  await Promise.all(copies.map(followed));
  await Promise.all(documents.map((d) => d.set({ n: -1 })));
  check('250 objects are followed at once', await until(() => count === 250), count);
  const cut = Promise.all([interrupted(client), interrupted(other)]);
  await control('drop');
  await cut;
  await Promise.all([connected(client), connected(other)]);
  await Promise.all(documents.map((d) => d.set({ n: -2 })));
  check('and after a cut', await until(() => copies.every((d) => d.data.n === -2)), count);
  for (const d of copies) d.close();
  await Promise.all([client.shutdown(), other.shutdown()]);
}

async function endpoints() {
  const [one, two] = [open('same'), open('same')];
  await Promise.all([connected(one), connected(two)]);
  const id = name('stream');
  const [a, b] = [await one.stream(id), await two.stream(id)];
  await Promise.all([followed(a), followed(b)]);
  const heard = waitFor(b, 'messagePublished');
  await a.publishMessage({ hi: 1 });
  const e = await heard;
  check('another endpoint of the same identity hears a message', e.message.data.hi === 1);
  await Promise.all([one.shutdown(), two.shutdown()]);
}

async function context() {
  const client = open('context');
  await connected(client);
  const made = await client.list({ id: name('context'), context: { team: 'a', n: 1 } });
  const there = JSON.stringify(await made.getContext());
  check('a list has the context it was made with', there === '{"team":"a","n":1}', there);
  const bare = await client.list(name('bare'));
  check('or an empty one', JSON.stringify(await bare.getContext()) === '{}');
  await made.push({ n: 1 });
  const other = open('other');
  await connected(other);
  const same = await other.list({ id: made.sid, mode: 'open_existing' });
  check('everybody reads it', (await same.getContext()).team === 'a');
  await Promise.all([client.shutdown(), other.shutdown()]);
}

async function tooLong() {
  const client = open('long');
  await connected(client);
  const states = [];
  client.on('connectionStateChanged', (s) => states.push(s));
  const id = name('long');
  await refused('a value of 3 MB is refused', () => client.document({ id, data: { pad: 'x'.repeat(3 << 20) } }), (e) => e.status === 413 && e.code === 54006);
  const document = await client.document({ id, data: { n: 1 } });
  check('and the line goes on', document.data.n === 1 && states.length === 0, states);
  await client.shutdown();
}

main(async () => {
  await context();
  await tooLong();
  await endpoints();
  await many();
  await removedWhileAway();
  await slow();
});
