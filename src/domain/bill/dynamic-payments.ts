// How a dynamic bill is reserved and paid.

import { assert } from '../assert.ts';
import { type Minor, subtract } from '../money.ts';
import type { Millis } from '../time.ts';
import { raiseForPayment, terminal } from './outbox.ts';
import { closedReason, hasRoomForPayment } from './payable.ts';
import { notPayable, type PayRules, paidInFull } from './paying.ts';
import { dueOf, type PresentBill, reservedOf } from './state.ts';
import {
  type BillRejection,
  type CommandOf,
  RESERVATIONS_MAX,
  type Reservation,
} from './vocabulary.ts';

/** What may be paid: all that is due, or any part of it that others have not reserved. */
export const DYNAMIC_PAYMENTS: PayRules = {
  hold: amountToHold,
  refusal: refusalOfPayment,
  outcome: (bill, payment) =>
    payment.amount < dueOf(bill)
      ? [raiseForPayment(terminal(bill), 'payment.received', payment.no)]
      : paidInFull(bill, payment),
};

function amountToHold(bill: PresentBill, asked: Minor | null, now: Millis): Minor | BillRejection {
  const closed = closedReason(bill);
  if (closed !== null) return notPayable(closed);
  if (now >= bill.terms.expiresAt) return notPayable('expired');
  const due = dueOf(bill);
  const available = subtract(due, reservedOf(bill));
  if (available === 0) return notPayable('reserved');
  const amount = asked ?? available;
  assert(amount > 0, 'a reservation of nothing');
  if (amount > due) return { rejected: 'reservation.exceedsDue', due };
  if (amount > available) return notPayable('reserved');
  if (bill.reservations.length >= RESERVATIONS_MAX) return notPayable('limit');
  if (!hasRoomForPayment(bill)) return notPayable('limit');
  return amount;
}

function refusalOfPayment(
  bill: PresentBill,
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
