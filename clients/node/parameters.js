// Runs clients/cases/*.json through the official Node library: each published parameter, and what it does.
// The cases are those of clients/python/parameters.py, which also compares every reply with the published document.
// A case that says it shows a parameter must have sent it.
// Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= node parameters.js [part of a case's name …]
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const twilio = require('twilio');
const { cfg, check, main } = require('./lib');

const CASES = path.join(__dirname, '../cases');
const SPECS = path.join(__dirname, '../../../shared/specs');
const NAMES = { Page: 'pageNumber', 'If-Match': 'ifMatch' };

class Wrong extends Error {}

// The published operations of a product: which one a request is.
class Published {
  constructor(product) {
    this.operations = [];
    const spec = path.join(SPECS, `${product}_v1.json`);
    if (!fs.existsSync(spec)) return;
    for (const [template, item] of Object.entries(JSON.parse(fs.readFileSync(spec, 'utf8')).paths)) {
      const names = [...template.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
      const pattern = new RegExp(`^${template.replace(/\{\w+\}/g, '([^/]+)')}$`);
      for (const method of ['get', 'post', 'delete']) {
        if (item[method]) this.operations.push({ method, pattern, names, id: item[method].operationId });
      }
    }
    // A fixed part beats a parameter.
    this.operations.sort((one, other) => one.names.length - other.names.length);
  }

  find(method, at) {
    return this.operations.find((one) => one.method === method && one.pattern.test(at));
  }
}

// Sends requests to the server, and notes which parameters of which operation they carry.
class Recorder extends twilio.RequestClient {
  constructor(product) {
    super();
    Object.assign(this, { product, published: new Published(product), requests: 0, shown: new Set() });
  }

  request(opts) {
    const url = new URL(opts.uri.replace(`https://${this.product}.twilio.com`, `${cfg.BASE}/${this.product}`));
    const operation = this.published.find(opts.method.toLowerCase(), url.pathname.slice(1 + this.product.length));
    const given = [...url.searchParams.keys(), ...Object.keys(opts.params || {}), ...Object.keys(opts.data || {}), ...Object.keys(opts.headers || {})];
    if (/json/.test((opts.headers || {})['Content-Type'] || '') && opts.data) given.push('body');
    for (const name of operation ? [...operation.names, ...given] : []) this.shown.add(`${operation.id} ${name}`);
    this.requests += 1;
    return super.request({ ...opts, uri: url.href });
  }
}

async function clock(advance_ms = 0) {
  const authorization = `Basic ${Buffer.from(`${cfg.accountSid}:${cfg.authToken}`).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const reply = await fetch(`${cfg.BASE}/sinew/v1/Clock`, { method: 'POST', headers, body: JSON.stringify({ advance_ms }) });
  return new Date((await reply.json()).now);
}

const camel = (name) => NAMES[name] || name[0].toLowerCase() + name.slice(1);
const fromSnake = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
const iso = (date) => date.toISOString().replace(/\.\d+Z$/, 'Z');

// Objects may have more than is wanted.
function holds(got, wanted) {
  if (Array.isArray(wanted)) return Array.isArray(got) && got.length === wanted.length && wanted.every((one, at) => holds(got[at], one));
  if (wanted !== null && typeof wanted === 'object') return got !== null && typeof got === 'object' && Object.keys(wanted).every((key) => holds(got[key], wanted[key]));
  return got === wanted;
}

// Equal to the last key.
function equals(got, wanted) {
  if (wanted === null || typeof wanted !== 'object') return got === wanted;
  return holds(got, wanted) && Object.keys(got).length === Object.keys(wanted).length && Object.keys(wanted).every((key) => equals(got[key], wanted[key]));
}

// What names one of several: an item's place, else who it is about.
const place = (one) => one.key ?? one.index ?? one.identity;

class Case {
  static async start(client, recorder) {
    if (recorder.product === 'sync') return Case.startInService(client, recorder);
    const world = new Case();
    Object.assign(world, { root: client.taskrouter.v1, recorder });
    const { sid } = await world.root.workspaces.create({ friendlyName: 'Case' });
    world.space = world.root.workspaces(sid);
    world.sids = { space: sid };
    for (const one of await world.space.activities.list()) world.sids[one.friendlyName] = one.sid;
    return world;
  }

  static async startInService(client, recorder) {
    const world = new Case();
    Object.assign(world, { root: client.sync.v1, recorder });
    const { sid } = await world.root.services.create({ friendlyName: 'Case' });
    world.space = world.root.services(sid);
    world.sids = { space: sid };
    return world;
  }

  // With SIDs in place of @names, times in place of now-60, and so many characters in place of @x320.
  async value(value) {
    if (Array.isArray(value)) return Promise.all(value.map((one) => this.value(one)));
    if (value !== null && typeof value === 'object') {
      const entries = Object.entries(value).map(async ([key, inner]) => [key, await this.value(inner)]);
      return Object.fromEntries(await Promise.all(entries));
    }
    if (typeof value !== 'string') return value;
    const moment = /^now([+-]\d+)?$/.exec(value);
    if (moment) return iso(new Date(+(await clock()) + 1000 * Number(moment[1] || 0)));
    return value.replace(/@(\w+)/g, (text, name) => this.sids[name] || (/^x\d+$/.test(name) ? 'x'.repeat(name.slice(1)) : text));
  }

  async call(step) {
    let at = /^(workspaces|services)/.test(step.do) ? this.root : this.space;
    const parts = [...step.do.matchAll(/(\w+)(?:\((@?\w*)\))?/g)];
    const [, verb] = parts.pop();
    for (const [text, name, argument] of parts) {
      at = argument ? at[name](await this.value(argument)) : text.endsWith('()') ? at[name]() : at[name];
    }
    const fields = {};
    for (const [key, given] of Object.entries(step.with || {})) {
      const value = await this.value(given);
      const isJson = value !== null && typeof value === 'object' && !Array.isArray(value) && key !== 'body';
      fields[camel(key)] = isJson ? JSON.stringify(value) : value;
    }
    // What this library sends as JSON, it takes as it is.
    return step.with ? at[verb](fields.body || fields) : at[verb]();
  }

  async step(step) {
    if ('advance' in step) return void (await clock(step.advance * 1000));
    if ('let' in step) return void Object.assign(this.sids, step.let);
    const before = this.recorder.requests;
    let got;
    try {
      got = await this.call(step);
    } catch (refusal) {
      if (!holds([refusal.status, refusal.code], step.refused || [])) throw new Wrong(`${step.do} was refused: ${refusal.status} ${refusal.code} ${refusal.message}`);
      return;
    }
    if (step.refused) throw new Wrong(`${step.do} was not refused`);
    const pages = this.recorder.requests - before;
    if ('pages' in step && pages !== step.pages) throw new Wrong(`${step.do} took ${pages} pages`);
    await this.check(step, step.do.endsWith('.page') ? got.instances : got);
  }

  async check(step, got) {
    const one = Array.isArray(got) ? got[0] : got;
    if (step.as) this.sids[step.as] = one.sid;
    for (const [name, key] of Object.entries(step.keep || {})) this.sids[name] = one[fromSnake(key)];
    if (step.items && !holds(got.map(place), step.items)) throw new Wrong(`${step.do} found ${got.map(place)}`);
    if (step.list) {
      const names = Object.fromEntries(Object.entries(this.sids).map(([name, sid]) => [sid, name]));
      const found = got.map((each) => names[each.sid] || each.sid);
      if (!holds(found, step.list)) throw new Wrong(`${step.do} found ${found}`);
    }
    if ('count' in step && got.length !== step.count) throw new Wrong(`${step.do} found ${got.length}`);
    for (const [key, raw] of Object.entries(step.get || {})) {
      const wanted = await this.value(raw);
      let found = one[fromSnake(key)];
      if (found instanceof Date) found = iso(found);
      if (wanted !== null && typeof wanted === 'object' && typeof found === 'string') found = JSON.parse(found);
      const fits = (step.exact || []).includes(key) ? equals : holds;
      if (!fits(found, wanted)) throw new Wrong(`${step.do}: ${key} is ${JSON.stringify(found)}`);
    }
  }
}

async function run(one, worlds, client, recorder) {
  recorder.shown = new Set();
  try {
    const world = await Case.start(client, recorder);
    for (const step of [...(one.in ? worlds[one.in] : []), ...one.steps]) await world.step(step);
    await world.space.remove();
  } catch (error) {
    if (error instanceof Wrong || error.status) return error.message;
    throw error;
  }
  const claimed = Object.entries(one.shows).flatMap(([operation, names]) => names.map((name) => `${operation} ${name}`));
  const missing = recorder.published.operations.length ? claimed.filter((each) => !recorder.shown.has(each)) : [];
  return missing.length ? `never sent ${missing}` : null;
}

main(async () => {
  const wanted = process.argv.slice(2);
  for (const file of fs.readdirSync(CASES).sort()) {
    const book = JSON.parse(fs.readFileSync(path.join(CASES, file), 'utf8'));
    const recorder = new Recorder(book.product || 'taskrouter');
    const client = twilio(cfg.accountSid, cfg.authToken, { httpClient: recorder });
    for (const one of book.cases) {
      if (wanted.length && !wanted.some((part) => one.name.includes(part))) continue;
      const wrong = await run(one, book.worlds, client, recorder);
      check(one.name, wrong === null, wrong === null ? undefined : wrong);
    }
  }
  if (!fs.existsSync(SPECS)) console.log('note: ../shared is not here, so it was not checked which parameters were sent');
});
