// What time does to a bill by itself: holds lapse, its time begins and ends, and what nobody confirms is ended.

import {
  type BillModel,
  cancelled,
  confirmed,
  giveBack,
  giveTipsBack,
  type Hold,
  heldOf,
  isBeingPaid,
  isForMany,
  type Model,
  NOTHING,
  type PaymentLine,
  type SaleLine,
  type When,
} from './bill.ts';
import { NEVER } from './calls.ts';
import { mostOf, paymentConfirmed, paymentReversed } from './one-payment.ts';

/** A thing that the clock brings about by itself. */
export interface Timer {
  readonly due: When;
  readonly model: Model;
}

/** How long a hold lasts, and how long an order or a tombstone means the same. */
const HOLD_MS = 120_000;
const ORDER_MS = 86_400_000;

/** All that may come by itself next, each with when. */
export function timersOf(model: Model): Timer[] {
  if (model.is === 'nothing') return [];
  if (model.is === 'void')
    return [{ due: { ...later(model.since, ORDER_MS), to: NEVER }, model: NOTHING }];
  const { bill } = model;
  if (bill.status === 'paid' && bill.paidAt !== null) {
    const ended = bill.reversesUnconfirmed
      ? cancelled(bill, 'timeout')
      : confirmed(bill, heldOf(bill), 'timeout');
    return [timer(later(bill.paidAt, bill.confirmWithinMs), ended)];
  }
  return [...whileBeingPaid(bill), ...ofUnconfirmed(bill), ...ofSticker(bill)];
}

function whileBeingPaid(bill: BillModel): Timer[] {
  if (!isBeingPaid(bill)) return [];
  const timers = bill.holds.map((hold) => timer(later(hold.made, HOLD_MS), without(bill, hold)));
  if (bill.isEarly) timers.push(timer(beginOf(bill), { ...bill, isEarly: false }));
  if (!bill.isLate) timers.push(timer(bill.ends, { ...bill, isLate: true }));
  return timers;
}

/** Payments of a bill for many wait each by itself; the first one that came is the first one due. */
function ofUnconfirmed(bill: BillModel): Timer[] {
  const payment = firstUnconfirmed(bill);
  if (payment === null) return [];
  const ended = bill.reversesUnconfirmed
    ? paymentReversed(bill, payment)
    : paymentConfirmed(bill, payment, mostOf(payment));
  return [timer(dueOfPayment(bill, payment), ended)];
}

/** The same order means another sale after a day, and an arm that nobody has ended by then is given up. */
function ofSticker(bill: BillModel): Timer[] {
  const { carried = null, arming = null } = bill.sticker ?? {};
  const aDayAfter = ({ since }: SaleLine): When => ({ ...later(since, ORDER_MS), to: NEVER });
  const timers: Timer[] = [];
  if (carried !== null && !carried.isOld) {
    const sticker = { carried: { ...carried, isOld: true }, arming };
    timers.push(timer(aDayAfter(carried), { ...bill, sticker }));
  }
  if (arming !== null) {
    const sticker = carried === null ? null : { carried, arming: null };
    timers.push(timer(aDayAfter(arming), { ...bill, sticker }));
  }
  return timers;
}

/** By when the next of the timers has come, at the latest. */
export function overdueAt(model: Model): number {
  if (model.is !== 'bill') return NEVER;
  const { bill } = model;
  if (bill.status === 'paid') return (bill.paidAt?.to ?? NEVER) + bill.confirmWithinMs;
  const unconfirmed = firstUnconfirmed(bill);
  let at = unconfirmed === null ? NEVER : dueOfPayment(bill, unconfirmed).to;
  if (!isBeingPaid(bill)) return at;
  if (bill.isEarly) at = Math.min(at, beginOf(bill).to);
  if (!bill.isLate) at = Math.min(at, bill.ends.to);
  for (const { made } of bill.holds) at = Math.min(at, made.to + HOLD_MS);
  return at;
}

/** Whoever finds a bill whose time is over and that nobody holds finds it expired. */
export function found(model: Model): Model {
  if (model.is !== 'bill') return model;
  const { bill } = model;
  if (!bill.isLate || bill.holds.length > 0 || !isBeingPaid(bill)) return model;
  const version = bill.version + 1;
  const ended: BillModel = { ...bill, status: 'expired', cause: 'timeout', version };
  // What many have paid for stays theirs.
  if (isForMany(bill)) return { is: 'bill', bill: ended };
  const returned = giveTipsBack(giveBack(ended, 'reversal', heldOf(bill)), 'reversal');
  return { is: 'bill', bill: returned };
}

function timer(due: When, bill: BillModel): Timer {
  return { due, model: { is: 'bill', bill } };
}

function without(bill: BillModel, { no }: Hold): BillModel {
  const holds = bill.holds.filter((hold) => hold.no !== no);
  return { ...bill, holds, version: bill.version + 1 };
}

function beginOf({ offer }: BillModel): When {
  const from = offer?.validFrom ?? 0;
  return { from, to: from };
}

function firstUnconfirmed(bill: BillModel): PaymentLine | null {
  if (!isForMany(bill)) return null;
  return bill.payments.find(({ state }) => state === 'accepted') ?? null;
}

function dueOfPayment(bill: BillModel, { received }: PaymentLine): When {
  return later(received ?? { from: NEVER, to: NEVER }, bill.confirmWithinMs);
}

function later({ from, to }: When, by: number): When {
  return { from: from + by, to: to + by };
}
