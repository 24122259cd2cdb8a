// Times on the wire: RFC 3339, UTC, milliseconds.

import { type Millis, TIME_MAX } from '../domain/time.ts';

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Reads an RFC 3339 time between 1970 and 2999, with any offset; what is finer than a millisecond is cut off. */
export function parseTime(text: string): Millis | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(part) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (hour > 23 || minute > 59 || second > 59 || part(9) > 23 || part(10) > 59) return undefined;
  const fraction = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const local = Date.UTC(year, month - 1, day, hour, minute, second, fraction);
  const read = new Date(local);
  // Date.UTC carries 30 February over into March; a time that does not come back as it was is none.
  if (read.getUTCMonth() !== month - 1 || read.getUTCDate() !== day) return undefined;
  const offsetMs = (part(9) * 60 + part(10)) * 60_000 * (match[8] === '-' ? -1 : 1);
  const at = local - offsetMs;
  return at >= 0 && at <= TIME_MAX ? (at as Millis) : undefined;
}

const SLOTS = 1_024;
const cachedMs = new Float64Array(SLOTS).fill(-1);
const cachedText = new Array<string>(SLOTS).fill('');

/** A time as the wire shows it. The bill's own times recur in every answer, so the latest are kept. */
export function formatTime(at: number): string {
  const slot = at % SLOTS;
  if (cachedMs[slot] === at) return cachedText[slot] ?? '';
  const text = new Date(at).toISOString();
  cachedMs[slot] = at;
  cachedText[slot] = text;
  return text;
}

export function formatTimeOrNull(at: number | null): string | null {
  return at === null ? null : formatTime(at);
}
