/**
 * Instants as people read them, in their own time zone.
 */

const CLOCK: Intl.DateTimeFormatOptions = {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
};
const clock = new Intl.DateTimeFormat(undefined, CLOCK);
const dated = new Intl.DateTimeFormat(undefined, {
  ...CLOCK,
  year: 'numeric',
  month: 'short',
  day: 'numeric',
});

/** The time; with its day where that is not today. */
export function instantText(iso: string, now = Date.now()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const isToday = at.toDateString() === new Date(now).toDateString();
  return (isToday ? clock : dated).format(at);
}

/** What a field for date and time holds: local, to the second. */
export function fieldText(ms: number): string {
  const at = new Date(ms);
  const local = new Date(ms - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

/** The instant in such a field; `null` while it is half filled in. */
export function fieldMs(text: string): number | null {
  const ms = new Date(text).getTime();
  return Number.isNaN(ms) ? null : ms;
}

/** That second as a whole, as the server understands a time without fractions. */
export function secondIso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
