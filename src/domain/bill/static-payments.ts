// How a static bill is reserved and paid: once or many times, each payment within the range of its offer.

import { assert, must } from '../assert.ts';
import { above, type Minor, ZERO } from '../money.ts';
import type { Millis } from '../time.ts';
import { hasRoomForCredit } from './many-payments.ts';
import { heldExcept, isTooEarly, roomFor, unmetAmount } from './offer.ts';
import { paychannel, raiseForPayment, terminal } from './outbox.ts';
import { closedReason, reservationsMax } from './payable.ts';
import { type Asked, notPayable, type PayRules, paidInFull } from './paying.ts';
import { openUntil, policiesOf } from './policies.ts';
import type { PresentBill } from './state.ts';
import {
  type BillFact,
  type BillRejection,
  type Offer,
  type Payment,
  TOTAL_MAX,
} from './vocabulary.ts';

/** Paid once, the bill goes on as a dynamic one that is paid in full. */
export const SINGLE_PAYMENTS: PayRules = {
  hold: amountToHold,
  excess: excessAbove,
  refusal: refusalOfPayment,
  outcome: paidInFull,
};
/** Each payment goes its own way; the bill stays open for the next. */
export const MANY_PAYMENTS: PayRules = {
  hold: amountToHold,
  excess: (bill, amount) => (hasRoomForCredit(bill) ? excessAbove(bill, amount) : ZERO),
  refusal: refusalOfPayment,
  outcome: paidAmongMany,
};

function amountToHold(bill: PresentBill, asked: Minor | null, now: Millis): Minor | BillRejection {
  const offer = offerOf(bill);
  const closed = closedReason(bill);
  if (closed !== null) return notPayable(closed);
  if (isTooEarly(offer, now)) return notPayable('notYetValid');
  if (now >= openUntil(bill.terms)) return notPayable('expired');
  if (bill.sticker !== null) return notPayable('armed');
  const held = heldExcept(bill, () => false);
  const room = roomFor(bill, offer, held);
  if (typeof room === 'string') return notPayable(room);
  const amount = asked ?? room;
  const outside = outOfRange(offer, amount);
  if (outside !== null) return outside;
  const unmet = unmetAmount(bill, offer, amount, held);
  if (unmet !== null) return notPayable(unmet);
  if (bill.reservations.length >= reservationsMax(bill.terms)) return notPayable('limit');
  return amount;
}

/** A payer may bring what the offer asks for at the most: what is above that is too much. */
function excessAbove(bill: PresentBill, amount: Minor): Minor {
  if (policiesOf(bill.terms).excess === 'refuse') return ZERO;
  return above(amount, offerOf(bill).maxAmount);
}

function refusalOfPayment(
  bill: PresentBill,
  { command, kept, named }: Asked,
  now: Millis,
): BillRejection | null {
  const { currency } = bill.terms;
  const offer = offerOf(bill);
  if (command.currency !== currency) return { rejected: 'payment.currencyMismatch', currency };
  const closed = closedReason(bill);
  if (closed !== null) return notPayable(closed);
  if (isTooEarly(offer, now)) return notPayable('notYetValid');
  if (command.reservationNo !== null && named === null) return { rejected: 'reservation.expired' };
  if (now >= openUntil(bill.terms) && named === null) return notPayable('expired');
  if (bill.sticker !== null && named === null) return notPayable('armed');
  const outside = outOfRange(offer, kept);
  if (outside !== null) return outside;
  const held = heldExcept(bill, ({ no }) => no === named?.no);
  const unmet = unmetAmount(bill, offer, kept, held);
  if (unmet !== null) return notPayable(unmet);
  return bill.books.paid + command.amount > TOTAL_MAX ? notPayable('limit') : null;
}

function outOfRange({ minAmount, maxAmount }: Offer, amount: number): BillRejection | null {
  assert(amount > 0, 'an amount of nothing');
  if (amount >= minAmount && amount <= maxAmount) return null;
  return { rejected: 'payment.outOfRange', minAmount, maxAmount };
}

function paidAmongMany(bill: PresentBill, payment: Payment): BillFact[] {
  const { no, subscribed, paychannelId } = payment;
  const received = raiseForPayment(terminal(bill), 'payment.received', no);
  if (bill.terms.capture === 'manual') return [received];
  const facts: BillFact[] = [{ type: 'PaymentConfirmed', no }, received];
  if (subscribed) facts.push(raiseForPayment(paychannel(paychannelId), 'payment.confirmed', no));
  return facts;
}

/** What the terms of a static bill always hold. */
export function offerOf(bill: Pick<PresentBill, 'terms'>): Offer {
  return must(bill.terms.offer, 'the offer of a static bill');
}
