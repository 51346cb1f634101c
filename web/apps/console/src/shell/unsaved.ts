/**
 * What was typed and not saved yet, for as long as this window is open.
 *
 * - It outlives the session: whoever signs in again finds it where it was. Somebody else does not.
 * - It is in memory alone: what customers wrote is never left behind in a browser.
 */
const kept = new Map<string, unknown>();
let owner: string | null = null;

/** Whose it is from now on; what somebody else typed is forgotten. */
export function unsavedOf(username: string): void {
  if (owner !== username) kept.clear();
  owner = username;
}

export function keepUnsaved(name: string, value: unknown): void {
  kept.set(name, value);
}

export function forgetUnsaved(name: string): void {
  kept.delete(name);
}

export function forgetAllUnsaved(): void {
  kept.clear();
}

/** What was kept under a name by the same kind of caller. */
export function readUnsaved<T>(name: string): T | null {
  return (kept.get(name) as T | undefined) ?? null;
}

export function hasUnsaved(): boolean {
  return kept.size > 0;
}
