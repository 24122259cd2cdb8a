// The parts of a bill as tuples: payments, credits, reservations, events, references. Their places are for ever (K1 in
// bill-codec.ts).

import { Defect } from '../../domain/assert.ts';
import type {
  BillEvent,
  BillRejection,
  BillStatus,
  Cause,
  Json,
  KeptReference,
  Outcome,
  Payment,
  PaymentAnswer,
  Quote,
  RefusedPayment,
  Reservation,
  Tips,
} from '../../domain/bill/vocabulary.ts';
import type { Minor } from '../../domain/money.ts';
import { restoreCredit, storeCredit } from './credit-tuples.ts';
import { words } from './words.ts';

// -------------------------------------------------------------------------------------------------------- words --

export const STATUSES = words<BillStatus>(
  'open',
  'partiallyPaid',
  'paid',
  'confirmed',
  'refunded',
  'cancelled',
  'expired',
  'pending',
  'failed',
);
export const CAUSES = words<Cause>('terminal', 'operator', 'timeout', 'acquirer');
const PAYMENT_STATUSES = words<Payment['status']>('accepted', 'confirmed', 'reversed', 'refunded');
const REFERENCE_KINDS = words<KeptReference['kind']>('payment', 'reservation', 'key');
const EVENT_TYPES = words<BillEvent['type']>(
  'bill.paid',
  'payment.received',
  'bill.confirmed',
  'bill.cancelled',
  'bill.expired',
  'credit.requested',
  'credit.settled',
  'credit.rejected',
  'payment.confirmed',
  'bill.due',
  'bill.opened',
  'bill.failed',
);

export function optional<T, U>(value: T | null, change: (value: T) => U): U | null {
  return value === null ? null : change(value);
}

export const asText = (value: Json): string | null =>
  value === null ? null : JSON.stringify(value);
export const fromText = (text: string | null): Json => (text === null ? null : JSON.parse(text));

// -------------------------------------------------------------------------------------------------------- parts --

export type StoredTips = ReturnType<typeof storeTips>;

export function storeTips({ paid, returned, unreturned }: Tips) {
  return [paid, returned, unreturned] as const;
}

export function restoreTips([paid, returned, unreturned]: StoredTips): Tips {
  return { paid, returned, unreturned };
}

type StoredPayment = readonly [
  ...ReturnType<typeof storeUsualPayment>,
  excess?: Payment['excess'] | null,
  tip?: readonly [amount: Minor, isReturned: boolean] | null,
  institutionId?: Payment['institutionId'],
];

/** Most payments have no tip, nothing that went back at once, come from the bill's own institution, and have no places for it. */
export function storePayment(payment: Payment): StoredPayment {
  const { excess, tip, isTipReturned = false, institutionId } = payment;
  const usual = storeUsualPayment(payment);
  const tipped = tip === undefined ? null : ([tip, isTipReturned] as const);
  if (institutionId !== undefined) return [...usual, excess ?? null, tipped, institutionId];
  if (tipped !== null) return [...usual, excess ?? null, tipped];
  return excess === undefined ? usual : [...usual, excess];
}

function storeUsualPayment(payment: Payment) {
  return [
    payment.no,
    payment.paychannelId,
    payment.paymentRef,
    payment.amount,
    payment.credited,
    payment.method,
    // Labels of payers stand in their row alone, where they can be erased.
    null,
    payment.paidAt,
    PAYMENT_STATUSES.place(payment.status),
    payment.receivedAt,
    payment.notifiedAt,
    payment.subscribed,
  ] as const;
}

export function restorePayment(stored: StoredPayment): Payment {
  const payment: { -readonly [Key in keyof Payment]: Payment[Key] } = {
    no: stored[0],
    paychannelId: stored[1],
    paymentRef: stored[2],
    amount: stored[3],
    credited: stored[4],
    method: stored[5],
    payer: null,
    paidAt: stored[7],
    status: PAYMENT_STATUSES.word(stored[8]),
    receivedAt: stored[9],
    notifiedAt: stored[10],
    subscribed: stored[11],
  };
  const excess = stored[12] ?? null;
  const tip = stored[13] ?? null;
  const institutionId = stored[14];
  if (excess !== null) payment.excess = excess;
  if (institutionId !== undefined) payment.institutionId = institutionId;
  if (tip === null) return payment;
  payment.tip = tip[0];
  if (tip[1]) payment.isTipReturned = true;
  return payment;
}

type StoredReservation = readonly [
  ...ReturnType<typeof storeCommonReservation>,
  quote?: StoredQuote,
];
type StoredQuote = readonly [Quote['total'], Quote['coveredUntil'], Quote['until']];

/** Only what freezes a price has a place for it. */
export function storeReservation(reservation: Reservation): StoredReservation {
  const common = storeCommonReservation(reservation);
  const { quote } = reservation;
  if (quote === undefined) return common;
  return [...common, [quote.total, quote.coveredUntil, quote.until]];
}

function storeCommonReservation(reservation: Reservation) {
  const { no, paychannelId, reservationRef, amount, expiresAt } = reservation;
  return [no, paychannelId, reservationRef, amount, expiresAt] as const;
}

export function restoreReservation(stored: StoredReservation): Reservation {
  const [no, paychannelId, reservationRef, amount, expiresAt, quote] = stored;
  const common = { no, paychannelId, reservationRef, amount, expiresAt };
  if (quote === undefined) return common;
  const [total, coveredUntil, until] = quote;
  return { ...common, quote: { total, coveredUntil, until } };
}

export type StoredEvent = readonly [
  ...ReturnType<typeof storeCommonEvent>,
  clearUntil?: BillEvent['occurredAt'] | null,
  tips?: StoredTips | null,
  resent?: readonly [at: NonNullable<BillEvent['resentAt']>, of: number],
];

/** Only what tells until when one may leave, of tips, or again what a dead letter said, has a place for it. */
export function storeEvent(event: BillEvent): StoredEvent {
  const common = storeCommonEvent(event);
  const { clearUntil, tips, resentAt, resends } = event;
  if (resentAt !== undefined && resends !== undefined) {
    const told = tips === undefined ? null : storeTips(tips);
    return [...common, clearUntil ?? null, told, [resentAt, resends]];
  }
  if (tips !== undefined) return [...common, clearUntil ?? null, storeTips(tips)];
  return clearUntil === undefined ? common : [...common, clearUntil];
}

function storeCommonEvent(event: BillEvent) {
  return [
    event.no,
    event.recipient,
    EVENT_TYPES.place(event.type),
    event.occurredAt,
    event.requestId,
    STATUSES.place(event.status),
    event.version,
    event.paid,
    event.due,
    optional(event.cause, CAUSES.place),
    optional(event.payment, storePayment),
    optional(event.credit, storeCredit),
    asText(event.receipt),
  ] as const;
}

export function restoreEvent(stored: StoredEvent): BillEvent {
  const event: { -readonly [Key in keyof BillEvent]: BillEvent[Key] } = {
    no: stored[0],
    recipient: stored[1],
    type: EVENT_TYPES.word(stored[2]),
    occurredAt: stored[3],
    requestId: stored[4],
    status: STATUSES.word(stored[5]),
    version: stored[6],
    paid: stored[7],
    due: stored[8],
    cause: optional(stored[9], CAUSES.word),
    payment: optional(stored[10], restorePayment),
    credit: optional(stored[11], restoreCredit),
    receipt: fromText(stored[12]),
  };
  const clearUntil = stored[13] ?? null;
  const tips = stored[14] ?? null;
  const resent = stored[15];
  if (clearUntil !== null) event.clearUntil = clearUntil;
  if (tips !== null) event.tips = restoreTips(tips);
  if (resent !== undefined) [event.resentAt, event.resends] = resent;
  return event;
}

// --------------------------------------------------------------------------------------------------- references --

type StoredReference = ReturnType<typeof storeReference>;

export function storeReference(reference: KeptReference) {
  const { kind, scope, ref, digest, outcome } = reference;
  return [REFERENCE_KINDS.place(kind), scope, ref, digest, storeOutcome(outcome)] as const;
}

export function restoreReference(stored: StoredReference): KeptReference {
  const [kind, scope, ref, digest, outcome] = stored;
  return { kind: REFERENCE_KINDS.word(kind), scope, ref, digest, outcome: restoreOutcome(outcome) };
}

const ACCEPTED = 0;
const REFUSED = 1;
const VOIDED = 2;
const RESERVED = 3;
const DONE = 4;
const REJECTED = 5;

export type StoredOutcome =
  | readonly [typeof ACCEPTED, StoredAnswer]
  | readonly [typeof REFUSED, StoredRefusal]
  | readonly [typeof VOIDED, Extract<Outcome, { type: 'voided' }>['at']]
  | readonly [typeof RESERVED, StoredReservation]
  | readonly [typeof DONE]
  | readonly [typeof REJECTED, string];

export function storeOutcome(outcome: Outcome): StoredOutcome {
  switch (outcome.type) {
    case 'accepted':
      return [ACCEPTED, storeAnswer(outcome.answer)];
    case 'refused':
      return [REFUSED, storeRefusal(outcome.payment)];
    case 'voided':
      return [VOIDED, outcome.at];
    case 'reserved':
      return [RESERVED, storeReservation(outcome.reservation)];
    case 'done':
      return [DONE];
    case 'rejected':
      return [REJECTED, JSON.stringify(outcome.rejection)];
  }
}

export function restoreOutcome(stored: StoredOutcome): Outcome {
  switch (stored[0]) {
    case ACCEPTED:
      return { type: 'accepted', answer: restoreAnswer(stored[1]) };
    case REFUSED:
      return { type: 'refused', payment: restoreRefusal(stored[1]) };
    case VOIDED:
      return { type: 'voided', at: stored[1] };
    case RESERVED:
      return { type: 'reserved', reservation: restoreReservation(stored[1]) };
    case DONE:
      return { type: 'done' };
    case REJECTED:
      return { type: 'rejected', rejection: restoreRejection(stored[1]) };
    default:
      throw new Defect(`an outcome of an unknown kind: ${JSON.stringify(stored)}`);
  }
}

type StoredAnswer = readonly [
  ...ReturnType<typeof storeCommonAnswer>,
  clearUntil?: BillEvent['occurredAt'],
];

function storeAnswer(answer: PaymentAnswer): StoredAnswer {
  const common = storeCommonAnswer(answer);
  return answer.clearUntil === undefined ? common : [...common, answer.clearUntil];
}

function storeCommonAnswer({ payment, status, version, paid, due }: PaymentAnswer) {
  return [storePayment(payment), STATUSES.place(status), version, paid, due] as const;
}

function restoreAnswer(stored: StoredAnswer): PaymentAnswer {
  const [payment, status, version, paid, due, clearUntil] = stored;
  const common = {
    payment: restorePayment(payment),
    status: STATUSES.word(status),
    version,
    paid,
    due,
  };
  return clearUntil === undefined ? common : { ...common, clearUntil };
}

type StoredRefusal = readonly [
  ...ReturnType<typeof storeUsualRefusal>,
  tip?: Minor | null,
  institutionId?: RefusedPayment['institutionId'],
];

function storeRefusal(payment: RefusedPayment): StoredRefusal {
  const usual = storeUsualRefusal(payment);
  const { tip, institutionId } = payment;
  if (institutionId !== undefined) return [...usual, tip ?? null, institutionId];
  return tip === undefined ? usual : [...usual, tip];
}

function storeUsualRefusal(payment: RefusedPayment) {
  const { no, paychannelId, paymentRef, amount, method, receivedAt, rejection } = payment;
  const why = JSON.stringify(rejection);
  return [no, paychannelId, paymentRef, amount, method, receivedAt, why] as const;
}

function restoreRefusal(stored: StoredRefusal): RefusedPayment {
  const [no, paychannelId, paymentRef, amount, method, receivedAt, why] = stored;
  const [, , , , , , , tip = null, institutionId] = stored;
  const rejection = restoreRejection(why);
  const usual = { no, paychannelId, paymentRef, amount, method, receivedAt, rejection };
  return {
    ...usual,
    ...(tip === null ? {} : { tip }),
    ...(institutionId === undefined ? {} : { institutionId }),
  };
}

/** Rejections have members of their own, and are rare: their JSON says it all. */
export function restoreRejection(text: string): BillRejection {
  return JSON.parse(text) as BillRejection;
}
