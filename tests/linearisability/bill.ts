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

/** As the wire calls it. */
export type PaymentState = 'accepted' | 'confirmed' | 'reversed' | 'refunded';

export interface PaymentLine {
  readonly no: number;
  readonly channel: string;
  readonly ref: string;
  readonly amount: number;
  /** What of it was above what was asked, and went back at once. */
  readonly excess: number;
  readonly credited: number;
  readonly state: PaymentState;
  /** When it came, where it waits for its own confirm. */
  readonly received: When | null;
  /** Brought on top. */
  readonly tip: number;
  readonly isTipReturned: boolean;
}

/** What a static bill offers to its payers. */
export interface Offer {
  readonly isForMany: boolean;
  /** Both are the amount where that is fixed. */
  readonly min: number;
  readonly max: number;
  /** Null: none. */
  readonly maxPayments: number | null;
  readonly maxTotal: number | null;
  readonly validFrom: number | null;
}

export interface CreditLine {
  readonly no: number;
  readonly kind: 'reversal' | 'refund';
  readonly paymentNo: number;
  readonly channel: string;
  readonly amount: number;
  readonly status: 'pending' | 'settled' | 'rejected';
  readonly settledAs: string;
  readonly isTip: boolean;
}

export interface Hold {
  readonly no: number;
  readonly channel: string;
  readonly amount: number;
  readonly made: When;
}

/** One sale of a sticker, of a terminal's order. */
export interface SaleLine {
  readonly terminal: string;
  readonly orderId: string;
  readonly digest: string;
  /** The sale's bill; of an arm under way, what tells it from others. */
  readonly billId: string;
  readonly since: When;
  /** The order may mean another sale by now. */
  readonly isOld: boolean;
}

/** What a reference came to, which is for ever. */
export interface Kept {
  readonly digest: string;
  readonly told: Told;
  readonly kind: 'accepted' | 'refused' | 'voided' | 'reserved' | 'done';
  readonly no: number;
}

/** All references of a bill, the latest first. */
export interface References {
  readonly key: string;
  readonly kept: Kept;
  readonly before: References | null;
}

export interface BillModel {
  /** 0 where the payer chooses. */
  readonly amount: number;
  /** Null: a dynamic bill. */
  readonly offer: Offer | null;
  readonly currency: string;
  readonly isAuto: boolean;
  readonly reversesUnconfirmed: boolean;
  readonly reversesExcess: boolean;
  readonly forbidsParts: boolean;
  /** What one payment may bring on top; 0: nothing. */
  readonly tipMax: number;
  readonly confirmWithinMs: number;
  readonly digest: string;
  readonly ends: When;
  readonly paidAt: When | null;
  readonly status: Status;
  readonly version: number;
  readonly paid: number;
  /** Of `paid` and of `reversed`: what went back at once. */
  readonly excess: number;
  readonly confirmed: number;
  readonly reversed: number;
  readonly refunded: number;
  readonly unreturned: number;
  /** Its time has not begun. */
  readonly isEarly: boolean;
  /** Its time is over; it stays open for as long as somebody holds a part of it. */
  readonly isLate: boolean;
  readonly cause: string | null;
  readonly holds: readonly Hold[];
  readonly holdsMade: number;
  readonly payments: readonly PaymentLine[];
  readonly paymentsSeen: number;
  readonly credits: readonly CreditLine[];
  /** Null: it takes payments itself. */
  readonly sticker: { readonly carried: SaleLine | null; readonly arming: SaleLine | null } | null;
  /** The sales that tills know to have been armed, by order; empty where they know no more than that. */
  readonly armed: { readonly [order: string]: string };
  readonly receipt: string;
  readonly replacedReceipt: string;
  readonly references: References | null;
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

export function isForMany({ offer }: BillModel): boolean {
  return offer?.isForMany === true;
}

/** Of a static bill: what one payment brings, at the least. */
export function dueOf(bill: BillModel): number {
  if (!isBeingPaid(bill)) return 0;
  return bill.offer === null ? bill.amount - heldOf(bill) : bill.offer.min;
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
  return { ...bill, references: { key, kept, before: bill.references } };
}

/** What a reference came to; undefined where it is new. */
export function recall({ references }: BillModel, key: string): Kept | undefined {
  for (let each = references; each !== null; each = each.before) {
    if (each.key === key) return each.kept;
  }
  return undefined;
}

/** The bill as its terminal sees it. */
export function shown(bill: BillModel): Told {
  return {
    status: 200,
    body: {
      status: bill.status,
      version: bill.version,
      amount: bill.amount === 0 ? null : bill.amount,
      due: dueOf(bill),
      paid: bill.paid,
      confirmed: bill.confirmed,
      reversed: bill.reversed,
      refunded: bill.refunded,
      unreturned: bill.unreturned,
      reserved: heldBy(bill),
      cause: bill.cause,
      paymentCount: bill.payments.length,
      ...saleOf(bill),
      payments: bill.payments.slice(-20).map(lineOf),
      credits: bill.credits.slice(-20).map(creditLineOf),
      ...tipsShown(bill),
    },
  };
}

function saleOf({ offer, sticker }: BillModel): Shown {
  const saleId = sticker?.carried?.billId;
  // A till may know that there is one, and not which.
  return offer === null || saleId === '' ? {} : { saleId: saleId ?? null };
}

/** One payment as its terminal sees it. */
export function shownPayment(bill: BillModel, payment: PaymentLine): Told {
  const { status, version, paid, confirmed, reversed, refunded } = bill;
  const credits = bill.credits.filter(({ paymentNo }) => paymentNo === payment.no);
  return {
    status: 200,
    body: {
      payment: lineOf(payment),
      credits: credits.slice(-20).map(creditLineOf),
      bill: { status, version, paid, confirmed, reversed, refunded, ...tipsShown(bill) },
    },
  };
}

export function lineOf({ no, amount, credited, state, tip, isTipReturned }: PaymentLine): Shown {
  const line = { no, amount, credited, status: state };
  return tip === 0 ? line : { ...line, tip, tipReturned: isTipReturned };
}

export function creditLineOf({ no, kind, amount, status, isTip }: CreditLine): Shown {
  const line = { no, kind, amount, status };
  return isTip ? { ...line, tip: true } : line;
}

/** The books of tips, as the bill shows them; nothing where it allows none. */
function tipsShown({ tipMax, payments, credits }: BillModel): Shown {
  if (tipMax === 0) return {};
  let [paid, returned, unreturned] = [0, 0, 0];
  for (const { tip, isTipReturned } of payments) {
    paid += tip;
    if (isTipReturned) returned += tip;
  }
  for (const { isTip, status, amount } of credits) {
    if (isTip && status === 'rejected') unreturned += amount;
  }
  return { tips: { paid, returned, unreturned } };
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
    const credited = payment.credited + part;
    const spent = kind === 'reversal' ? 'reversed' : 'refunded';
    payments[i] = {
      ...payment,
      credited,
      state: credited === payment.amount ? spent : payment.state,
    };
    const { no: paymentNo, channel } = payment;
    const no = credits.length + 1;
    const asked = { status: 'pending', settledAs: '', isTip: false } as const;
    credits.push({ ...asked, no, kind, paymentNo, channel, amount: part });
  }
  const counted = kind === 'reversal' ? 'reversed' : 'refunded';
  return { ...bill, payments, credits, [counted]: bill[counted] + amount };
}

/** Gives tips back, newest first, a credit each. */
export function giveTipsBack(
  bill: BillModel,
  kind: CreditLine['kind'],
  onlyPayment: number | null = null,
): BillModel {
  const credits = [...bill.credits];
  const payments = [...bill.payments];
  for (let i = payments.length - 1; i >= 0; i--) {
    const payment = payments[i];
    if (payment === undefined || payment.tip === 0 || payment.isTipReturned) continue;
    if (onlyPayment !== null && payment.no !== onlyPayment) continue;
    const { no: paymentNo, channel, tip: amount } = payment;
    payments[i] = { ...payment, isTipReturned: true };
    const no = credits.length + 1;
    const asked = { status: 'pending', settledAs: '', isTip: true } as const;
    credits.push({ ...asked, no, kind, paymentNo, channel, amount });
  }
  return { ...bill, credits, payments };
}

export function cancelled(bill: BillModel, cause: string): BillModel {
  const version = bill.version + 1;
  const ended: BillModel = { ...bill, status: 'cancelled', cause, holds: [], version };
  return giveTipsBack(giveBack(ended, 'reversal', heldOf(bill)), 'reversal');
}

export function confirmed(bill: BillModel, amount: number, cause: string | null): BillModel {
  const version = bill.version + 1;
  const ended: BillModel = {
    ...bill,
    status: 'confirmed',
    confirmed: amount,
    cause,
    holds: [],
    payments: bill.payments.map((payment) => ({ ...payment, state: 'confirmed' })),
    version,
  };
  return giveBack(ended, 'reversal', heldOf(bill) - amount);
}
