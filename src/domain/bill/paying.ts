// How a bill of any type is paid, and how a payment is refused, for good. What a type asks of a payment, and what follows
// from one, is its own.

import { assert, must } from '../assert.ts';
import type { InstitutionId } from '../ids.ts';
import { add, type Minor, subtract } from '../money.ts';
import { type Millis, plus } from '../time.ts';
import type { Writable } from './copies.ts';
import { drawCredits, requestsOf } from './credits.ts';
import {
  raiseForBill,
  raiseForConfirmed,
  raiseForCredits,
  raiseForPayment,
  terminal,
} from './outbox.ts';
import { lookUpReference } from './references.ts';
import { heldOf, type PresentBill } from './state.ts';
import { tipRefusal } from './tips.ts';
import {
  type BillDecision,
  type BillFact,
  type BillRejection,
  type CommandOf,
  type Credit,
  type KeptReference,
  type NotPayableReason,
  type Payment,
  type Quote,
  RESERVATION_MS,
  type RefusedPayment,
  type Reservation,
} from './vocabulary.ts';

/** Holds money for a payer until RESERVATION_MS from now; the same reference, the same hold. */
export function reserveBy(
  rules: PayRules,
  bill: PresentBill,
  command: CommandOf<'ReserveBill'>,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  const { paychannelId, reservationRef, digest } = command;
  const kept = lookUpReference(bill, recalled, 'reservation', paychannelId, reservationRef);
  if (kept !== null) return kept.digest === digest ? [] : { rejected: 'reservation.refReused' };
  if (isWrongQuote(bill, command)) return { rejected: 'quote.expired' };
  const amount = rules.hold(bill, command.amount, now);
  if (typeof amount !== 'number') return amount;

  const no = bill.counts.reservations + 1;
  const expiresAt = plus(now, RESERVATION_MS);
  const reservation = { no, paychannelId, reservationRef, amount, expiresAt };
  return [{ type: 'ReservationMade', reservation, digest }];
}

/** Decides to end a reservation before its time. One that is gone: no facts. */
export function release(bill: PresentBill, command: CommandOf<'ReleaseReservation'>): BillDecision {
  const no = command.reservationNo;
  if (no < 1 || no > bill.counts.reservations) return { rejected: 'reservation.notFound' };
  const reservation = bill.reservations.find((live) => live.no === no);
  if (reservation === undefined) return [];
  if (reservation.paychannelId !== command.paychannelId) {
    return { rejected: 'reservation.notFound' };
  }

  return [{ type: 'ReservationEnded', no, how: 'released' }];
}

/** What a bill type asks of reservations and payments. */
export interface PayRules {
  /** The amount to hold for a payer who asks for so much, or for all there is (null); or why nothing can be held. */
  readonly hold: (bill: PresentBill, asked: Minor | null, now: Millis) => Minor | BillRejection;
  /** The part of a payment of this amount that is above what is due, and goes back at once. */
  readonly excess: (bill: PresentBill, amount: Minor) => Minor;
  /** Why the payment cannot be taken; null where it can. */
  readonly refusal: (bill: PresentBill, asked: Asked, now: Millis) => BillRejection | null;
  /** What follows from taking it. */
  readonly outcome: (bill: PresentBill, payment: Payment, kept: Minor) => readonly BillFact[];
}

/** A payment to be judged. */
export interface Asked {
  readonly command: CommandOf<'PayBill'>;
  /** What of it is to stay: its amount without the excess. */
  readonly kept: Minor;
  /** The live reservation that it names. */
  readonly named: Reservation | null;
}

/** A refusal is a fact too: it is final for its reference, whatever becomes of its reason (B4). */
export function payBy(
  rules: PayRules,
  bill: PresentBill,
  command: CommandOf<'PayBill'>,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  const { paychannelId, paymentRef, digest, amount } = command;
  const earlier = lookUpReference(bill, recalled, 'payment', paychannelId, paymentRef);
  if (earlier !== null) return repeatedPayment(earlier, digest);
  assert(amount > 0 && command.tip !== 0, 'a payment or a tip of nothing');
  const named = namedReservation(bill, command, now);
  const excess = rules.excess(bill, amount);
  const kept = subtract(amount, excess);
  const rejection = isWrongQuote(bill, command)
    ? ({ rejected: 'quote.expired' } as const)
    : (rules.refusal(bill, { command, kept, named }, now) ?? unfitTip(bill, command));
  if (rejection !== null) return refused(bill, command, now, rejection);

  const payment: Writable<Payment> = {
    no: bill.counts.payments + 1,
    paychannelId,
    paymentRef,
    amount,
    credited: 0 as Minor,
    method: command.method,
    payer: command.payer,
    paidAt: command.paidAt,
    status: 'accepted',
    receivedAt: now,
    notifiedAt: null,
    subscribed: command.subscribed,
  };
  if (excess > 0) payment.excess = excess;
  if (command.tip !== undefined) payment.tip = command.tip;
  const institutionId = foreignInstitution(bill, command);
  if (institutionId !== undefined) payment.institutionId = institutionId;
  const credits = excess > 0 ? [excessOf(bill, payment, excess)] : [];
  const facts: BillFact[] = [];
  if (named !== null) facts.push({ type: 'ReservationEnded', no: named.no, how: 'used' });
  facts.push({ type: 'PaymentAccepted', payment }, ...requestsOf(credits));
  facts.push(...rules.outcome(bill, payment, kept));
  facts.push(...raiseForCredits(bill, credits, true));
  facts.push({ type: 'PaymentAnswered', no: payment.no, digest });
  return facts;
}

function excessOf(bill: PresentBill, payment: Payment, amount: Minor): Credit {
  const draw = { kind: 'reversal', amount, reason: 'excess', payment } as const;
  const [credit] = drawCredits(bill, draw, payment.receivedAt);
  return must(credit, 'the credit of an excess');
}

/** Makes sure that a payment not seen yet never will be taken; what was seen stays as it was answered. */
export function voidPayment(
  bill: PresentBill,
  command: CommandOf<'VoidPayment'>,
  recalled: KeptReference | null,
): BillDecision {
  const { paychannelId, paymentRef } = command;
  const kept = lookUpReference(bill, recalled, 'payment', paychannelId, paymentRef);
  if (kept !== null) return [];

  return [{ type: 'PaymentVoided', paychannelId, paymentRef }];
}

function repeatedPayment(kept: KeptReference, digest: string): BillDecision {
  if (kept.outcome.type === 'voided') return { rejected: 'payment.void' };
  return kept.digest === digest ? [] : { rejected: 'payment.refReused' };
}

function refused(
  bill: PresentBill,
  command: CommandOf<'PayBill'>,
  now: Millis,
  rejection: BillRejection,
): BillDecision {
  const { paychannelId, paymentRef, amount, method, digest } = command;
  const no = bill.counts.payments + 1;
  const payment: Writable<RefusedPayment> = {
    no,
    paychannelId,
    paymentRef,
    amount,
    method,
    receivedAt: now,
    rejection,
  };
  if (command.tip !== undefined) payment.tip = command.tip;
  const institutionId = foreignInstitution(bill, command);
  if (institutionId !== undefined) payment.institutionId = institutionId;
  return [{ type: 'PaymentRefused', payment, digest }];
}

/** The institution of a paychannel that is not the bill's: most payments have none, and no place for it. */
function foreignInstitution(
  { terms }: PresentBill,
  { institutionId }: CommandOf<'PayBill'>,
): InstitutionId | undefined {
  return institutionId === terms.institutionId ? undefined : institutionId;
}

/** Reservations hold no more than is due (B3), so a bill that is paid in full has none left to end. */
export function paidInFull(bill: PresentBill, payment: Payment, kept: Minor): BillFact[] {
  const paid = raiseForPayment(terminal(bill), 'bill.paid', payment.no);
  if (bill.terms.capture === 'manual') return [paid];
  return [
    {
      type: 'BillConfirmed',
      amount: add(heldOf(bill.books), kept),
      cause: null,
      receipt: null,
    },
    paid,
    raiseForBill(terminal(bill), 'bill.confirmed', null),
    ...raiseForConfirmed([...bill.payments, payment], []),
  ];
}

function unfitTip(bill: PresentBill, { tip }: CommandOf<'PayBill'>): BillRejection | null {
  return tip === undefined ? null : tipRefusal(bill, tip);
}

/** Only what a tariff tells is quoted: on another bill, an id can be no quote of it. */
function isWrongQuote({ terms }: PresentBill, { quote }: { readonly quote?: Quote }): boolean {
  return quote !== undefined && terms.stay === undefined;
}

function namedReservation(
  bill: PresentBill,
  command: CommandOf<'PayBill'>,
  now: Millis,
): Reservation | null {
  for (const reservation of bill.reservations) {
    if (reservation.no !== command.reservationNo) continue;
    const isTheirs = reservation.paychannelId === command.paychannelId;
    return isTheirs && now < reservation.expiresAt ? reservation : null;
  }
  return null;
}

export function notPayable(reason: NotPayableReason): BillRejection {
  return { rejected: 'bill.notPayable', reason };
}
