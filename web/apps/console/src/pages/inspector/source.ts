/**
 * What the inspector reads and writes: state synchronisation as the server has it.
 *
 * - What is ours alone (rates, subscribers, history) below `/sinew/v1/Sync`, the rest by the
 *   ordinary operations, so that the page can do what any program can.
 * - Values stay as they are stored: a page must not round a number it only meant to show.
 * - `LAST` in the place of an instant is an object that is gone, as it was to the last.
 */
import { callText, type Problem } from '@sinew/api';
import { type JsonNode, writeJson } from '@sinew/ui';
import { Shape } from './shape.ts';

export const KINDS = ['document', 'list', 'map', 'stream'] as const;
export type ObjectKind = (typeof KINDS)[number];

/** What can be set of a service. */
export interface ServiceSettings {
  name: string | null;
  aclEnabled: boolean;
  webhookUrl: string | null;
  webhooksFromRest: boolean;
  reachabilityWebhooks: boolean;
  debouncing: boolean;
  debouncingWindowMs: string;
}

export interface Service extends ServiceSettings {
  sid: string;
  /** The one every account has from its start. */
  isDefault: boolean;
  createdAt: string;
}

/** Something the heat view warns of, by name. */
export interface Finding {
  code: string;
  text: string | null;
}

export interface ObjectRow {
  sid: string;
  kind: ObjectKind;
  name: string | null;
  /** `null` for streams. */
  revision: string | null;
  updatedAt: string;
  /** Of lists and maps. */
  items: number | null;
  subscribers: number;
  readsPerSecond: number;
  writesPerSecond: number;
  eventsPerSecond: number;
  findings: readonly Finding[];
}

export interface ObjectDetail extends ObjectRow {
  /** Of documents. */
  data: JsonNode | null;
  expiresAt: string | null;
  /** The newest event in it, which following goes on from. */
  eventId: string | null;
}

export interface Item {
  /** A map's key, or a list's index in digits. */
  key: string;
  data: JsonNode;
  revision: string;
  /** `null` where the journal no longer knows. */
  updatedAt: string | null;
  expiresAt: string | null;
  /** As it was, and its value then is no longer known. */
  isForgotten: boolean;
}

export interface Page<T> {
  entries: T[];
  /** Where the next page goes on; `null` at the end. */
  next: string | null;
}

export interface Permission {
  identity: string;
  read: boolean;
  write: boolean;
  manage: boolean;
}

export interface Subscriber {
  /** `null` for somebody who looks on behalf of the account, as the inspector does. */
  identity: string | null;
  connection: string;
  since: string | null;
  lastEventId: string | null;
  waitingBytes: number;
}

export interface HistoryEntry {
  /** Tells entries apart. */
  id: string;
  at: string;
  /** As the client libraries name it: `map_item_updated`. */
  kind: string;
  key: string | null;
  revision: string | null;
  data: JsonNode | null;
  /** `null` where that is not kept. */
  by: string | null;
  /** Whose rights changed. */
  identity: string | null;
}

/** Where an object is. */
export interface Place {
  service: string;
  kind: ObjectKind;
  sid: string;
}

const OURS = '/sinew/v1/Sync/Services';
const PRODUCT = '/sync/v1/Services';

const PLURALS: Record<ObjectKind, string> = {
  document: 'Documents',
  list: 'Lists',
  map: 'Maps',
  stream: 'Streams',
};

const LETTERS: Record<string, ObjectKind> = { ET: 'document', ES: 'list', MP: 'map', TO: 'stream' };

/** What a SID is the SID of. */
export function kindOfSid(sid: string): ObjectKind | null {
  return /^[A-Z]{2}[0-9a-f]{32}$/.test(sid) ? (LETTERS[sid.slice(0, 2)] ?? null) : null;
}

type Query = Record<string, string | number | null | undefined>;

function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search}`;
}

async function read(path: string, query: Query = {}): Promise<Shape> {
  return Shape.of(await callText('GET', withQuery(path, query)));
}

function ours({ service, sid }: Omit<Place, 'kind'>, below = ''): string {
  return `${OURS}/${encodeURIComponent(service)}/Objects/${sid}${below}`;
}

function product({ service, kind, sid }: Place, ...below: string[]): string {
  const parts = [service, PLURALS[kind], sid, ...below].map(encodeURIComponent);
  return `${PRODUCT}/${parts.join('/')}`;
}

const DEFAULT = 'default';

export async function listServices(): Promise<Service[]> {
  const services: Service[] = [];
  const ofAccount = await defaultSid();
  let path: string | null = `${PRODUCT}?PageSize=100`;
  while (path !== null) {
    const page = await read(path);
    services.push(...page.list('services').map((one) => serviceOf(one, ofAccount)));
    const next = page.part('meta')?.textOrNull('next_page_url') ?? null;
    // The address may name another host that leads here; only what follows it matters.
    path = next === null ? null : next.slice(next.indexOf(PRODUCT));
  }
  return services;
}

export async function readService(service: string): Promise<Service> {
  const [found, ofAccount] = await Promise.all([
    read(`${PRODUCT}/${encodeURIComponent(service)}`),
    defaultSid(),
  ]);
  return serviceOf(found, ofAccount);
}

/** The account's own service has an alias; nothing in a service says that it is that one. */
async function defaultSid(): Promise<string> {
  return (await read(`${PRODUCT}/${DEFAULT}`)).text('sid');
}

/** Changes a service's settings, or makes one with them. */
export async function writeService(
  sid: string | null,
  settings: ServiceSettings,
): Promise<Service> {
  const form = {
    FriendlyName: settings.name ?? '',
    AclEnabled: word(settings.aclEnabled),
    WebhookUrl: settings.webhookUrl ?? '',
    WebhooksFromRestEnabled: word(settings.webhooksFromRest),
    ReachabilityWebhooksEnabled: word(settings.reachabilityWebhooks),
    ReachabilityDebouncingEnabled: word(settings.debouncing),
    ReachabilityDebouncingWindow: settings.debouncingWindowMs,
  };
  const path = sid === null ? PRODUCT : `${PRODUCT}/${sid}`;
  const written = Shape.of(await callText('POST', path, { form }));
  return serviceOf(written, await defaultSid());
}

/** Removes it with everything in it. */
export async function deleteService(sid: string): Promise<void> {
  await callText('DELETE', `${PRODUCT}/${sid}`);
}

function serviceOf(shape: Shape, ofAccount: string): Service {
  return {
    sid: shape.text('sid'),
    isDefault: shape.text('sid') === ofAccount,
    name: shape.textOrNull('friendly_name') || null,
    aclEnabled: shape.flag('acl_enabled'),
    webhookUrl: shape.textOrNull('webhook_url') || null,
    webhooksFromRest: shape.flag('webhooks_from_rest_enabled'),
    reachabilityWebhooks: shape.flag('reachability_webhooks_enabled'),
    debouncing: shape.flag('reachability_debouncing_enabled'),
    debouncingWindowMs: shape.text('reachability_debouncing_window'),
    createdAt: shape.text('date_created'),
  };
}

/** An object that is gone. */
export interface Removal {
  sid: string;
  kind: ObjectKind;
  name: string | null;
  createdAt: string;
  removedAt: string;
  /** An identity, or `system`. */
  by: string;
  because: 'deleted' | 'expired';
}

/** Stands for the last moment of what is gone. */
export const LAST = 'last';

/** What is gone, the newest first, as far as the journal tells of it. */
export async function listRemoved(service: string, query: ObjectQuery): Promise<Page<Removal>> {
  const page = await read(`${OURS}/${encodeURIComponent(service)}/Removed`, {
    Kind: query.kind,
    Filter: query.filter,
    PageSize: 50,
    PageToken: query.after,
  });
  return { entries: page.list('removed').map(removalOf), next: page.textOrNull('next_page_token') };
}

export async function readRemoval({ service, sid }: Omit<Place, 'kind'>): Promise<Removal> {
  return removalOf(await read(`${OURS}/${encodeURIComponent(service)}/Removed/${sid}`));
}

function removalOf(shape: Shape): Removal {
  const sid = shape.text('sid');
  return {
    sid,
    kind: kindOfSid(sid) ?? 'document',
    name: shape.textOrNull('unique_name'),
    createdAt: shape.text('date_created'),
    removedAt: shape.text('date_removed'),
    by: shape.text('removed_by'),
    because: shape.text('because') === 'expired' ? 'expired' : 'deleted',
  };
}

export interface ObjectQuery {
  kind: ObjectKind | null;
  filter: string;
  after: string | null;
}

export async function listObjects(service: string, query: ObjectQuery): Promise<Page<ObjectRow>> {
  const page = await read(`${OURS}/${encodeURIComponent(service)}/Objects`, {
    Kind: query.kind,
    Filter: query.filter,
    PageSize: 100,
    PageToken: query.after,
  });
  return { entries: page.list('objects').map(rowOf), next: page.textOrNull('next_page_token') };
}

function rowOf(shape: Shape): ObjectRow {
  const sid = shape.text('sid');
  return {
    sid,
    kind: kindOfSid(sid) ?? 'document',
    name: shape.textOrNull('unique_name'),
    revision: shape.textOrNull('revision'),
    updatedAt: shape.text('date_updated'),
    items: shape.numberOrNull('items'),
    subscribers: shape.number('subscribers'),
    readsPerSecond: shape.number('reads_per_second'),
    writesPerSecond: shape.number('writes_per_second'),
    eventsPerSecond: shape.number('events_per_second'),
    findings: shape.list('findings').map(findingOf),
  };
}

function findingOf(shape: Shape): Finding {
  const code = shape.textOrNull('code');
  return code === null ? { code: shape.own, text: null } : { code, text: shape.textOrNull('text') };
}

export interface Heat {
  /** What was used before is not counted. */
  countedSince: string;
  objects: ObjectRow[];
}

export async function readHeat(service: string, seconds: number): Promise<Heat> {
  const path = `${OURS}/${encodeURIComponent(service)}/Heat`;
  const heat = await read(path, { Seconds: seconds });
  return { countedSince: heat.text('counted_since'), objects: heat.list('objects').map(rowOf) };
}

export interface NewObject {
  /** Empty for none. */
  name: string;
  /** Of a document. */
  data: JsonNode | null;
  /** Seconds, 0 for ever. */
  ttl: number;
}

export async function createObject(
  service: string,
  kind: ObjectKind,
  { name, data, ttl }: NewObject,
): Promise<{ sid: string }> {
  const form = {
    ...(name !== '' && { UniqueName: name }),
    ...(data !== null && { Data: writeJson(data) }),
    Ttl: String(ttl),
  };
  const path = `${PRODUCT}/${encodeURIComponent(service)}/${PLURALS[kind]}`;
  return { sid: Shape.of(await callText('POST', path, { form })).text('sid') };
}

/** With everything in it. */
export async function deleteObject(place: Place): Promise<void> {
  await callText('DELETE', product(place));
}

/** Tells a message to whoever follows the stream. */
export async function publish(place: Place, data: JsonNode): Promise<void> {
  await callText('POST', product(place, 'Messages'), { form: { Data: writeJson(data) } });
}

/** How long it lives from now on: seconds, 0 for ever. */
export async function setObjectTtl(place: Place, ttl: number): Promise<void> {
  await callText('POST', product(place), { form: { Ttl: String(ttl) } });
}

export async function setItemTtl(place: Place, key: string, ttl: number): Promise<void> {
  await callText('POST', product(place, 'Items', key), { form: { ItemTtl: String(ttl) } });
}

export async function readObject(place: Omit<Place, 'kind'>): Promise<ObjectDetail> {
  return detailOf(await read(ours(place)));
}

function detailOf(shape: Shape): ObjectDetail {
  return {
    ...rowOf(shape),
    data: shape.value('data'),
    expiresAt: shape.textOrNull('date_expires'),
    eventId: shape.textOrNull('event_id'),
  };
}

export interface ItemsQuery {
  /** The first key that may come; the key after which to go on. At most one of both. */
  from?: string | null;
  after?: string | null;
  order: 'asc' | 'desc';
  filter?: string;
  /** As it was then, or to the `LAST`; now where there is none. */
  time?: string | null;
}

/** Large enough that the end of a long list is near, small enough that a page is there at once. */
export const ITEMS_PAGE_SIZE = 250;

export async function listItems(place: Place, query: ItemsQuery): Promise<Page<Item>> {
  const path = ours(place, query.time ? '/At' : '/Items');
  const page = await read(path, {
    Time: instantOf(query.time),
    From: query.after ? null : query.from,
    After: query.after,
    Order: query.order,
    Filter: query.filter,
    PageSize: ITEMS_PAGE_SIZE,
  });
  return { entries: page.list('items').map(itemOf), next: page.textOrNull('next') };
}

function itemOf(shape: Shape): Item {
  return {
    key: shape.textOrNull('key') ?? shape.text('index'),
    data: shape.value('data') ?? { kind: 'null' },
    revision: shape.text('revision'),
    updatedAt: shape.textOrNull('date_updated'),
    expiresAt: shape.textOrNull('date_expires'),
    isForgotten: shape.flag('forgotten'),
  };
}

/** Without a time the server tells of the last moment. */
const instantOf = (time: string | null | undefined) => (time === LAST ? null : time);

/** The object as it was then. */
export async function readObjectAt(place: Place, time: string): Promise<ObjectDetail> {
  const then = await read(ours(place, '/At'), { Time: instantOf(time), PageSize: 1 });
  return detailOf(then.part('object') ?? then);
}

/** The item now, or as it was then; `null` where it was not there. */
export async function readItem(
  place: Place,
  key: string,
  time: string | null,
): Promise<Item | null> {
  const path = ours(place, time === null ? '/Items' : '/At');
  const page = await read(path, { Time: instantOf(time), From: key, PageSize: 1 });
  const [first] = page.list('items').map(itemOf);
  return first?.key === key ? first : null;
}

/** Writes over the revision that was read, and nothing newer. Answers the new revision. */
export async function writeDocument(place: Place, data: JsonNode, over: string): Promise<string> {
  const form = { Data: writeJson(data) };
  const text = await callText('POST', product(place), { form, ifMatch: over });
  return Shape.of(text).text('revision');
}

export async function writeItem(
  place: Place,
  key: string,
  data: JsonNode,
  over: string,
): Promise<string> {
  const form = { Data: writeJson(data) };
  const text = await callText('POST', product(place, 'Items', key), { form, ifMatch: over });
  return Shape.of(text).text('revision');
}

/** `key` is a map's; a list gives its items an index. `ttl` in seconds, 0 for ever. */
export async function addItem(
  place: Place,
  key: string | null,
  data: JsonNode,
  ttl = 0,
): Promise<Item> {
  const form = { Data: writeJson(data), ItemTtl: String(ttl), ...(key !== null && { Key: key }) };
  return itemOf(Shape.of(await callText('POST', product(place, 'Items'), { form })));
}

export async function deleteItem(place: Place, key: string, over: string): Promise<void> {
  await callText('DELETE', product(place, 'Items', key), { ifMatch: over });
}

/** As many as a table can show, over as many pages as that takes. */
const ENTRIES_MAX = 2_000;

async function readAll(path: string, name: string): Promise<Shape[]> {
  const entries: Shape[] = [];
  let after: string | null = null;
  do {
    const page: Shape = await read(path, { After: after, PageSize: 500 });
    entries.push(...page.list(name));
    after = page.textOrNull('next');
  } while (after !== null && entries.length < ENTRIES_MAX);
  return entries;
}

export async function listPermissions(place: Place): Promise<Permission[]> {
  const entries = await readAll(ours(place, '/Permissions'), 'permissions');
  return entries.map((entry) => ({
    identity: entry.text('identity'),
    read: entry.flag('read'),
    write: entry.flag('write'),
    manage: entry.flag('manage'),
  }));
}

const word = (flag: boolean) => (flag ? 'true' : 'false');

export async function setPermission(place: Place, permission: Permission): Promise<void> {
  const { identity, read: mayRead, write, manage } = permission;
  const form = { Read: word(mayRead), Write: word(write), Manage: word(manage) };
  await callText('POST', product(place, 'Permissions', identity), { form });
}

export async function deletePermission(place: Place, identity: string): Promise<void> {
  await callText('DELETE', product(place, 'Permissions', identity));
}

export async function listSubscribers(place: Place): Promise<Subscriber[]> {
  const entries = await readAll(ours(place, '/Subscribers'), 'subscribers');
  return entries.map((entry) => ({
    identity: entry.textOrNull('identity'),
    connection: entry.text('connection'),
    since: entry.textOrNull('since'),
    lastEventId: entry.textOrNull('last_event_id'),
    waitingBytes: entry.number('waiting_bytes'),
  }));
}

export interface History extends Page<HistoryEntry> {
  /** The earliest instant that can be asked for. */
  reachesTo: string | null;
}

/** The journal is searched in portions; so many may hold nothing before somebody is asked. */
const EMPTY_PORTIONS_MAX = 20;

export async function readHistory(
  place: Place,
  { key, before, size }: { key?: string | null; before?: string | null; size?: number },
): Promise<History> {
  let next = before ?? null;
  for (let portion = 0; ; portion += 1) {
    const query = { Key: key, Before: next, PageSize: size ?? 50 };
    const page = await read(ours(place, '/History'), query);
    const entries = page.list('entries').map(historyEntryOf);
    next = page.textOrNull('next');
    if (entries.length > 0 || next === null || portion === EMPTY_PORTIONS_MAX) {
      return { entries, next, reachesTo: page.textOrNull('reaches_to') };
    }
  }
}

function historyEntryOf(entry: Shape): HistoryEntry {
  const [at, kind] = [entry.text('date'), entry.text('kind')];
  const key = entry.textOrNull('key') ?? entry.textOrNull('index');
  const identity = entry.textOrNull('identity');
  return {
    id: [entry.text('event_id'), at, kind, key, identity].join(' '),
    at,
    kind,
    key,
    revision: entry.textOrNull('revision'),
    data: entry.value('data'),
    by: entry.textOrNull('by'),
    identity,
  };
}

/** One change, as it is pushed. */
export interface Change {
  kind: string;
  key: string | null;
  revision: string | null;
  data: JsonNode | null;
}

/** What happens to an object; and, on the same line, which objects of the service change. */
export function eventsPath(place: Place, after: string | null): string {
  return withQuery(ours(place, '/Events'), { After: after, Service: 'true' });
}

export function serviceEventsPath(service: string): string {
  return `${OURS}/${encodeURIComponent(service)}/Events`;
}

export function readChange(text: string): Change {
  const change = Shape.of(text);
  return {
    kind: change.text('kind'),
    key: change.textOrNull('key') ?? change.textOrNull('index'),
    revision: change.textOrNull('revision'),
    data: change.value('data'),
  };
}

/** Whether somebody else was faster. */
export function isConflict(problem: Problem): boolean {
  return problem.status === 412;
}
