/**
 * Times to live, as they are typed and as they are said: whole seconds, at most a year.
 */
import { t } from './strings.ts';

const TTL_MAX_S = 31_536_000;

/** Seconds, 0 for ever; `null` where the text is none of that. Nothing typed is for ever. */
export function ttlOf(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === '') return 0;
  if (!/^\d{1,9}$/.test(trimmed)) return null;
  const seconds = Number(trimmed);
  return seconds <= TTL_MAX_S ? seconds : null;
}

const UNITS = [
  ['days', 86_400],
  ['hours', 3_600],
  ['minutes', 60],
  ['secondsLong', 1],
] as const;

/** The same for people: at most two units, the largest first. */
export function spanText(seconds: number): string {
  const parts: string[] = [];
  let left = seconds;
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(t(unit, { count }));
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join(' ');
}
