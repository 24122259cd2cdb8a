// How a dynamic bill is reserved and paid.

import { assert } from '../assert.ts';
import { above, type Minor, subtract, ZERO } from '../money.ts';
import type { Millis } from '../time.ts';
import { raiseForPayment, terminal } from './outbox.ts';
import { closedReason, hasRoomForPayment } from './payable.ts';
import { type Asked, notPayable, type PayRules, paidInFull } from './paying.ts';
import { openUntil, policiesOf } from './policies.ts';
import { dueOf, type PresentBill, reservedOf } from './state.ts';
import { type BillRejection, RESERVATIONS_MAX } from './vocabulary.ts';

/** What may be paid: all that is due, or any part of it that others have not reserved. */
export const DYNAMIC_PAYMENTS: PayRules = {
  hold: amountToHold,
  excess: (bill, amount) =>
    policiesOf(bill.terms).excess === 'reverse' ? above(amount, dueOf(bill)) : ZERO,
  refusal: refusalOfPayment,
  outcome: (bill, payment, kept) =>
    kept < dueOf(bill)
      ? [raiseForPayment(terminal(bill), 'payment.received', payment.no)]
      : paidInFull(bill, payment, kept),
};

function amountToHold(bill: PresentBill, asked: Minor | null, now: Millis): Minor | BillRejection {
  const closed = closedReason(bill);
  if (closed !== null) return notPayable(closed);
  if (now >= openUntil(bill.terms)) return notPayable('expired');
  const due = dueOf(bill);
  const available = subtract(due, reservedOf(bill));
  if (available === 0) return notPayable('reserved');
  const amount = asked ?? available;
  assert(amount > 0, 'a reservation of nothing');
  if (amount > due) return { rejected: 'reservation.exceedsDue', due };
  if (isForbiddenPart(bill, amount)) return { rejected: 'payment.partForbidden', due };
  if (amount > available) return notPayable('reserved');
  if (bill.reservations.length >= RESERVATIONS_MAX) return notPayable('limit');
  if (!hasRoomForPayment(bill)) return notPayable('limit');
  return amount;
}

function refusalOfPayment(
  bill: PresentBill,
  { command, kept, named }: Asked,
  now: Millis,
): BillRejection | null {
  const { currency } = bill.terms;
  if (command.currency !== currency) return { rejected: 'payment.currencyMismatch', currency };
  const closed = closedReason(bill);
  if (closed !== null) return notPayable(closed);
  if (command.reservationNo !== null && named === null) return { rejected: 'reservation.expired' };
  if (now >= openUntil(bill.terms) && named === null) return notPayable('expired');
  const due = dueOf(bill);
  if (kept > due) return { rejected: 'payment.exceedsDue', due };
  if (isForbiddenPart(bill, kept)) return { rejected: 'payment.partForbidden', due };
  const reservedByOthers = reservedOf(bill) - (named?.amount ?? 0);
  if (kept > due - reservedByOthers) return notPayable('reserved');
  if (named === null && !hasRoomForPayment(bill)) return notPayable('limit');
  return null;
}

function isForbiddenPart(bill: PresentBill, amount: Minor): boolean {
  return amount < dueOf(bill) && policiesOf(bill.terms).part === 'forbid';
}
