// How a bill's chain of calls stands: which call is due, when it is visited next, and when the shard itself asks after it.

import type { BillId } from '../ids.ts';
import type { Currency, Minor } from '../money.ts';
import { MINUTE_MS, type Millis, NEVER, plus, SECOND_MS } from '../time.ts';
import { acquire, isCancelRefundDue, isOver, nextStep, type Step, wake } from './acquired-bill.ts';
import type { AcquiredBill, Acquiring } from './record.ts';
import { lookAgainAt } from './schedule.ts';

/** Most calls have been answered by then; else whoever made it may be gone, and being asked once too often does no harm. */
export const ANSWER_MS = 5 * SECOND_MS;
const WAKE_MIN_MS = MINUTE_MS;
const WAKE_MAX_MS = 10 * MINUTE_MS;

interface Acquired {
  readonly id: BillId;
  readonly orderId: string;
  readonly amount: Minor;
  readonly currency: Currency;
  readonly description: string | null;
  readonly createdAt: Millis;
  readonly expiresAt: Millis;
}

/** Of a bill that has just been made: it is to be registered at once. */
export function newAcquiring(terms: Acquired): Acquiring {
  const { id: billId, orderId, amount, currency, createdAt, expiresAt } = terms;
  const description = terms.description ?? orderId;
  const record = acquire({ billId, amount, currency, description, createdAt, expiresAt });
  return { record, no: 0, wakeAt: plus(createdAt, ANSWER_MS) };
}

/** The call that may be made now. What is to be looked at may be at any time, what the acquirer put off not before its time. */
export function stepNow(
  record: AcquiredBill,
  now: Millis,
  can: { readonly closesByItself: boolean },
): Step | undefined {
  return nextStep(record.status === 'pending' ? record : wake(record, now), now, can);
}

/** When whoever makes the calls comes back to the bill. */
export function visitAt(
  record: AcquiredBill,
  now: Millis,
  can: { readonly closesByItself: boolean },
): Millis {
  if (isOver(record)) return NEVER;
  if (!awaitsCall(record, now, can)) return lookAgainAt(record, now);
  return beforeEnd(record, now, record.dueAt > now ? record.dueAt : now);
}

/**
 * Whether somebody waits for the next call: a till for its code, a payer for money, or for it not to be taken any more.
 * What is looked at, or ended because its time is over, can wait behind it.
 */
export function isAwaited(record: AcquiredBill): boolean {
  if (record.status === 'pending') return true;
  return record.status === 'open' ? record.isCancelWanted : isGivingBack(record);
}

/** When the shard wakes the chain, should nobody have come back: later each time where nobody does. */
export function wakeAtOf(
  record: AcquiredBill,
  now: Millis,
  can: { readonly closesByItself: boolean },
): Millis {
  if (isOver(record)) return NEVER;
  if (awaitsCall(record, now, can)) {
    const from = record.dueAt > now ? record.dueAt : now;
    const next = plus(from, within(now - record.dueAt, ANSWER_MS, WAKE_MAX_MS));
    return beforeEnd(record, now, next);
  }
  if (record.status === 'paid') return lookAgainAt(record, now);
  const next = plus(now, within((now - record.createdAt) / 4, WAKE_MIN_MS, WAKE_MAX_MS));
  const end = plus(record.expiresAt, ANSWER_MS);
  return now < end && next > end ? end : next;
}

/** What nobody could register ends in time, however long the acquirer wants to be left alone. */
function beforeEnd({ status, expiresAt }: AcquiredBill, now: Millis, next: Millis): Millis {
  return status === 'pending' && now < expiresAt && next > expiresAt ? expiresAt : next;
}

/** Whether the next step is more than one look among many. */
function awaitsCall(
  record: AcquiredBill,
  now: Millis,
  { closesByItself }: { readonly closesByItself: boolean },
): boolean {
  const { status, expiresAt } = record;
  return isAwaited(record) || (status === 'open' && !closesByItself && now >= expiresAt);
}

function isGivingBack(record: AcquiredBill): boolean {
  const isUnder = record.refunds.some(({ status }) => status === 'asked' || status === 'sent');
  return isUnder || isCancelRefundDue(record);
}

function within(value: number, low: number, high: number): number {
  return Math.min(Math.max(Math.round(value), low), high);
}
