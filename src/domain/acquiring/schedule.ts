// How often a bill is looked at where the acquirer does not call back, or its call was lost. A payer pays in the first
// minutes or not at all, so the looks spread out with age: one in three seconds at first, one in ten where a bill is two
// minutes old, one in a minute where it is twelve.

import { DAY_MS, HOUR_MS, MINUTE_MS, type Millis, NEVER, plus, SECOND_MS } from '../time.ts';
import type { AcquiredBill } from './record.ts';

const OPEN_MIN_MS = 3 * SECOND_MS;
const OPEN_MAX_MS = 5 * MINUTE_MS;
const OPEN_SHARE = 1 / 12;
const PAID_MIN_MS = HOUR_MS;
const PAID_MAX_MS = DAY_MS;
/** Refunds made by hand at the bank are looked for so long. */
const WATCHED_MS = 30 * DAY_MS;
const BACKOFF_MIN_MS = SECOND_MS;
const BACKOFF_MAX_MS = 5 * MINUTE_MS;

/** When a bill that is open or paid is looked at again; never, where nothing can change any more. */
export function lookAgainAt(bill: AcquiredBill, now: Millis): Millis {
  const ageMs = Math.max(0, now - bill.createdAt);
  if (bill.status === 'paid') {
    const isGone = bill.seen !== null && bill.seen.returned === bill.paid && !bill.seen.isReturning;
    if (isGone || now >= bill.expiresAt + WATCHED_MS) return NEVER;
    if (bill.seen?.isReturning) return plus(now, MINUTE_MS);
    return plus(now, within(ageMs, PAID_MIN_MS, PAID_MAX_MS));
  }
  const next = plus(now, within(ageMs * OPEN_SHARE, OPEN_MIN_MS, OPEN_MAX_MS));
  // Not long after its end: what nobody paid in time is told so soon.
  const end = plus(bill.expiresAt, OPEN_MIN_MS);
  return now < end && next > end ? end : next;
}

/** How long to wait after so many calls in a row that brought nothing. */
export function backoffMs(failures: number): number {
  return Math.min(BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 20), BACKOFF_MAX_MS);
}

function within(value: number, low: number, high: number): number {
  return Math.min(Math.max(Math.round(value), low), high);
}
