/**
 * Every address of the inspector, in one place; below the console's own.
 */
import { KINDS, type ObjectKind } from './source.ts';

export const TABS = ['value', 'history', 'subscribers', 'permissions'] as const;
export type Tab = (typeof TABS)[number];

export function tabOf(text: string | undefined): Tab | null {
  if (text === undefined) return 'value';
  return TABS.find((tab) => tab === text) ?? null;
}

export function kindOf(text: string | null): ObjectKind | null {
  return KINDS.find((kind) => kind === text) ?? null;
}

/** The parts of an address that are looked for, not gone to. */
export interface Look {
  /** Which objects are listed beside. */
  kind?: string | null;
  q?: string | null;
  /** Which items are listed: from a key on, or those that have a text in them; or what is gone. */
  from?: string | null;
  find?: string | null;
  /** The item that is open. */
  item?: string | null;
  /** An earlier instant. */
  at?: string | null;
  /** The history of one item. */
  key?: string | null;
}

const NAMES = ['kind', 'q', 'from', 'find', 'item', 'at', 'key'] as const;

export function lookOf(search: URLSearchParams): Look {
  return Object.fromEntries(NAMES.map((name) => [name, search.get(name)]));
}

export function withLook(path: string, look: Look): string {
  const search = new URLSearchParams();
  for (const name of NAMES) {
    const value = look[name];
    if (value !== null && value !== undefined && value !== '') search.set(name, value);
  }
  return search.size === 0 ? path : `${path}?${search}`;
}

export const servicesPath = '/sync';

export function servicePath(service: string, look: Look = {}): string {
  const { kind, q } = look;
  return withLook(`/sync/${encodeURIComponent(service)}`, { kind, q });
}

/** What is gone of a service. */
export function removedPath(service: string, look: Look = {}): string {
  const { kind, q, find } = look;
  return withLook(`/sync/${encodeURIComponent(service)}/removed`, { kind, q, find });
}

export function objectPath(
  service: string,
  object: string,
  tab: Tab = 'value',
  look: Look = {},
): string {
  const end = tab === 'value' ? '' : `/${tab}`;
  return withLook(`/sync/${encodeURIComponent(service)}/${object}${end}`, look);
}

interface Address {
  pathname: string;
  search: string;
}

/** Whether the same value is looked at, whatever is listed beside it. */
export function staysInPlace(from: Address, to: Address): boolean {
  const [one, other] = [from, to].map(({ search }) => lookOf(new URLSearchParams(search)));
  return from.pathname === to.pathname && one?.item === other?.item && one?.at === other?.at;
}
