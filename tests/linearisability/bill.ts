// What the contract's nouns are, and what paying, ending and time do to them. It shares no code with the switch and knows
// nothing of shards, logs or batches.

import type { Call } from './calls.ts';

export type Status =
  | 'open'
  | 'partiallyPaid'
  | 'paid'
  | 'confirmed'
  | 'refunded'
  | 'cancelled'
  | 'expired';

/** Between which two moments something happened, by the clients' clock. */
export interface When {
  readonly from: number;
  readonly to: number;
}

export interface PaymentLine {
  readonly no: number;
  readonly channel: string;
  readonly ref: string;
  readonly amount: number;
  readonly credited: number;
}

export interface CreditLine {
  readonly no: number;
  readonly kind: 'reversal' | 'refund';
  readonly paymentNo: number;
  readonly channel: string;
  readonly amount: number;
  readonly status: 'pending' | 'settled' | 'rejected';
  readonly settledAs: string;
}

export interface Hold {
  readonly no: number;
  readonly channel: string;
  readonly amount: number;
  readonly made: When;
}

/** What a reference came to, which is for ever. */
export interface Kept {
  readonly digest: string;
  readonly told: Told;
  readonly kind: 'accepted' | 'refused' | 'voided' | 'reserved' | 'done';
  readonly no: number;
}

export interface BillModel {
  readonly amount: number;
  readonly currency: string;
  readonly isAuto: boolean;
  readonly reversesUnconfirmed: boolean;
  readonly reversesExcess: boolean;
  readonly forbidsParts: boolean;
  readonly lifeMs: number;
  readonly confirmWithinMs: number;
  readonly digest: string;
  readonly created: When;
  readonly paidAt: When | null;
  readonly status: Status;
  readonly version: number;
  readonly paid: number;
  readonly confirmed: number;
  readonly reversed: number;
  readonly refunded: number;
  readonly unreturned: number;
  /** Its time is over; it stays open for as long as somebody holds a part of it. */
  readonly isLate: boolean;
  readonly cause: string | null;
  readonly holds: readonly Hold[];
  readonly holdsMade: number;
  readonly payments: readonly PaymentLine[];
  readonly paymentsSeen: number;
  readonly credits: readonly CreditLine[];
  readonly receipt: string;
  readonly replacedReceipt: string;
  readonly references: { readonly [key: string]: Kept };
}

/** Nothing asked for yet, a tombstone, or a bill. */
export type Model =
  | { readonly is: 'nothing' }
  | { readonly is: 'void'; readonly since: When }
  | { readonly is: 'bill'; readonly bill: BillModel };

/** What an answer must say. Members that the answer at hand does not have are not compared. */
export type Told =
  | { readonly status: 200 | 201 | 204; readonly body: Shown }
  | { readonly status: 'refused'; readonly code: string; readonly body: Shown };

export interface Shown {
  readonly [name: string]: string | number | boolean | null | Shown | readonly Shown[];
}

export interface Turn {
  readonly model: Model;
  readonly told: Told;
}

export interface BillTurn {
  readonly bill: BillModel;
  readonly told: Told;
}

export const NOTHING: Model = { is: 'nothing' };
export const NO_RECEIPT = 'null';

export function whenOf({ invokedAt, returnedAt }: Call): When {
  return { from: invokedAt, to: returnedAt };
}

export function refused(code: string, body: Shown = {}): Told {
  return { status: 'refused', code, body };
}

export function isBeingPaid({ status }: BillModel): boolean {
  return status === 'open' || status === 'partiallyPaid';
}

export function dueOf(bill: BillModel): number {
  return isBeingPaid(bill) ? bill.amount - heldOf(bill) : 0;
}

/** What was paid and has not been given back, before the confirm. */
export function heldOf({ paid, reversed }: BillModel): number {
  return paid - reversed;
}

export function heldBy(bill: BillModel, except?: string): number {
  let sum = 0;
  for (const { channel, amount } of bill.holds) if (channel !== except) sum += amount;
  return sum;
}

export function keep(bill: BillModel, key: string, kept: Kept): BillModel {
  return { ...bill, references: { ...bill.references, [key]: kept } };
}

/** The bill as its terminal sees it. */
export function shown(bill: BillModel): Told {
  return {
    status: 200,
    body: {
      status: bill.status,
      version: bill.version,
      amount: bill.amount,
      due: dueOf(bill),
      paid: bill.paid,
      confirmed: bill.confirmed,
      reversed: bill.reversed,
      refunded: bill.refunded,
      unreturned: bill.unreturned,
      reserved: heldBy(bill),
      cause: bill.cause,
      payments: bill.payments
        .slice(-20)
        .map(({ no, amount, credited }) => ({ no, amount, credited })),
      credits: bill.credits
        .slice(-20)
        .map(({ no, kind, amount, status }) => ({ no, kind, amount, status })),
    },
  };
}

/** Draws an amount from the payments, newest first, a credit each. */
export function giveBack(
  bill: BillModel,
  kind: CreditLine['kind'],
  amount: number,
  onlyPayment: number | null = null,
): BillModel {
  const payments = [...bill.payments];
  const credits = [...bill.credits];
  let rest = amount;
  for (let i = payments.length - 1; i >= 0 && rest > 0; i--) {
    const payment = payments[i];
    if (payment === undefined || (onlyPayment !== null && payment.no !== onlyPayment)) continue;
    const part = Math.min(rest, payment.amount - payment.credited);
    if (part === 0) continue;
    rest -= part;
    payments[i] = { ...payment, credited: payment.credited + part };
    const { no: paymentNo, channel } = payment;
    const no = credits.length + 1;
    credits.push({ no, kind, paymentNo, channel, amount: part, status: 'pending', settledAs: '' });
  }
  const counted = kind === 'reversal' ? 'reversed' : 'refunded';
  return { ...bill, payments, credits, [counted]: bill[counted] + amount };
}

export function cancelled(bill: BillModel, cause: string): BillModel {
  const version = bill.version + 1;
  const ended: BillModel = { ...bill, status: 'cancelled', cause, holds: [], version };
  return giveBack(ended, 'reversal', heldOf(bill));
}

export function confirmed(bill: BillModel, amount: number, cause: string | null): BillModel {
  const version = bill.version + 1;
  const ended: BillModel = {
    ...bill,
    status: 'confirmed',
    confirmed: amount,
    cause,
    holds: [],
    version,
  };
  return giveBack(ended, 'reversal', heldOf(bill) - amount);
}

// ------------------------------------------------------------------------------------------- what time does --

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
    return [{ due: later(bill.paidAt, bill.confirmWithinMs), model: { is: 'bill', bill: ended } }];
  }
  if (!isBeingPaid(bill)) return [];
  const timers = bill.holds.map((hold) => ({
    due: later(hold.made, HOLD_MS),
    model: withoutHold(bill, hold.no),
  }));
  if (!bill.isLate) {
    const late: Model = { is: 'bill', bill: { ...bill, isLate: true } };
    timers.push({ due: later(bill.created, bill.lifeMs), model: late });
  }
  return timers;
}

/** By when the next of the timers has come, at the latest. */
export function overdueAt(model: Model): number {
  if (model.is !== 'bill') return NEVER;
  const { status, paidAt, confirmWithinMs, holds, isLate, created, lifeMs } = model.bill;
  if (status === 'paid') return (paidAt?.to ?? NEVER) + confirmWithinMs;
  if (!isBeingPaid(model.bill)) return NEVER;
  let at = isLate ? NEVER : created.to + lifeMs;
  for (const { made } of holds) at = Math.min(at, made.to + HOLD_MS);
  return at;
}

/** Whoever finds a bill whose time is over and that nobody holds finds it expired. */
export function found(model: Model): Model {
  if (model.is !== 'bill') return model;
  const { bill } = model;
  if (!bill.isLate || bill.holds.length > 0 || !isBeingPaid(bill)) return model;
  const version = bill.version + 1;
  const ended: BillModel = { ...bill, status: 'expired', cause: 'timeout', version };
  return { is: 'bill', bill: giveBack(ended, 'reversal', heldOf(bill)) };
}

function withoutHold(bill: BillModel, no: number): Model {
  const holds = bill.holds.filter((hold) => hold.no !== no);
  return { is: 'bill', bill: { ...bill, holds, version: bill.version + 1 } };
}

const NEVER = Number.POSITIVE_INFINITY;

function later({ from, to }: When, by: number): When {
  return { from: from + by, to: to + by };
}
