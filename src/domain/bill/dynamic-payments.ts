// How a dynamic bill is reserved and paid, and how a payment is refused, for good.

import { assert } from '../assert.ts';
import { type Minor, subtract } from '../money.ts';
import { type Millis, plus } from '../time.ts';
import { raiseForBill, raiseForConfirmed, raiseForPayment, terminal } from './outbox.ts';
import { closedReason, hasRoomForPayment } from './payable.ts';
import { lookUpReference } from './references.ts';
import { type DynamicBill, dueOf, reservedOf } from './state.ts';
import {
  type BillDecision,
  type BillFact,
  type BillRejection,
  type CommandOf,
  type KeptReference,
  type NotPayableReason,
  type Payment,
  RESERVATION_MS,
  RESERVATIONS_MAX,
  type Reservation,
} from './vocabulary.ts';

export function reserve(
  bill: DynamicBill,
  command: CommandOf<'ReserveBill'>,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  const { paychannelId, reservationRef, digest } = command;
  const kept = lookUpReference(bill, recalled, 'reservation', paychannelId, reservationRef);
  if (kept !== null) return kept.digest === digest ? [] : { rejected: 'reservation.refReused' };
  const closed = closedReason(bill);
  if (closed !== null) return notPayable(closed);
  if (now >= bill.terms.expiresAt) return notPayable('expired');
  const due = dueOf(bill);
  const available = subtract(due, reservedOf(bill));
  if (available === 0) return notPayable('reserved');
  const amount = command.amount ?? available;
  assert(amount > 0, 'a reservation of nothing');
  if (amount > due) return { rejected: 'reservation.exceedsDue', due };
  if (amount > available) return notPayable('reserved');
  if (bill.reservations.length >= RESERVATIONS_MAX) return notPayable('limit');
  if (!hasRoomForPayment(bill)) return notPayable('limit');

  const no = bill.counts.reservations + 1;
  const expiresAt = plus(now, RESERVATION_MS);
  const reservation = { no, paychannelId, reservationRef, amount, expiresAt };
  return [{ type: 'ReservationMade', reservation, digest }];
}

export function release(bill: DynamicBill, command: CommandOf<'ReleaseReservation'>): BillDecision {
  const no = command.reservationNo;
  if (no < 1 || no > bill.counts.reservations) return { rejected: 'reservation.notFound' };
  const reservation = bill.reservations.find((live) => live.no === no);
  if (reservation === undefined) return [];
  if (reservation.paychannelId !== command.paychannelId) {
    return { rejected: 'reservation.notFound' };
  }

  return [{ type: 'ReservationEnded', no, how: 'released' }];
}

/** A refusal is a fact too: it is final for its reference, whatever becomes of its reason (B4). */
export function pay(
  bill: DynamicBill,
  command: CommandOf<'PayBill'>,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  const { paychannelId, paymentRef, digest, amount } = command;
  const kept = lookUpReference(bill, recalled, 'payment', paychannelId, paymentRef);
  if (kept !== null) return repeatedPayment(kept, digest);
  assert(amount > 0, 'a payment of nothing');
  const named = namedReservation(bill, command, now);
  const rejection = refusalOfPayment(bill, command, now, named);
  if (rejection !== null) return refused(bill, command, now, rejection);

  const payment: Payment = {
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
  const facts: BillFact[] = [];
  if (named !== null) facts.push({ type: 'ReservationEnded', no: named.no, how: 'used' });
  facts.push({ type: 'PaymentAccepted', payment });
  if (amount < dueOf(bill)) {
    facts.push(raiseForPayment(terminal(bill), 'payment.received', payment.no));
  } else {
    facts.push(...paidInFull(bill, payment));
  }
  facts.push({ type: 'PaymentAnswered', no: payment.no, digest });
  return facts;
}

/** Makes sure that a payment not seen yet never will be taken; what was seen stays as it was answered. */
export function voidPayment(
  bill: DynamicBill,
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

function refusalOfPayment(
  bill: DynamicBill,
  command: CommandOf<'PayBill'>,
  now: Millis,
  named: Reservation | null,
): BillRejection | null {
  const { currency, expiresAt } = bill.terms;
  if (command.currency !== currency) return { rejected: 'payment.currencyMismatch', currency };
  const closed = closedReason(bill);
  if (closed !== null) return notPayable(closed);
  if (command.reservationNo !== null && named === null) return { rejected: 'reservation.expired' };
  if (now >= expiresAt && named === null) return notPayable('expired');
  const due = dueOf(bill);
  if (command.amount > due) return { rejected: 'payment.exceedsDue', due };
  const reservedByOthers = reservedOf(bill) - (named?.amount ?? 0);
  if (command.amount > due - reservedByOthers) return notPayable('reserved');
  if (named === null && !hasRoomForPayment(bill)) return notPayable('limit');
  return null;
}

function refused(
  bill: DynamicBill,
  command: CommandOf<'PayBill'>,
  now: Millis,
  rejection: BillRejection,
): BillDecision {
  const { paychannelId, paymentRef, amount, method, digest } = command;
  const no = bill.counts.payments + 1;
  const payment = { no, paychannelId, paymentRef, amount, method, receivedAt: now, rejection };
  return [{ type: 'PaymentRefused', payment, digest }];
}

/** Reservations hold no more than is due (B3), so a bill that is paid in full has none left to end. */
function paidInFull(bill: DynamicBill, payment: Payment): BillFact[] {
  const paid = raiseForPayment(terminal(bill), 'bill.paid', payment.no);
  if (bill.terms.capture === 'manual') return [paid];
  return [
    { type: 'BillConfirmed', amount: bill.terms.amount, cause: null, receipt: null },
    paid,
    raiseForBill(terminal(bill), 'bill.confirmed', null),
    ...raiseForConfirmed([...bill.payments, payment], []),
  ];
}

function namedReservation(
  bill: DynamicBill,
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

function notPayable(reason: NotPayableReason): BillRejection {
  return { rejected: 'bill.notPayable', reason };
}
