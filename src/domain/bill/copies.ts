// Copies of a bill's nouns with something changed, written out member by member: V8 makes a spread with changes ten
// times as slowly, and each one made by leaving members out has a hidden class of its own.

import type { Counts, Ending } from './state.ts';
import type { Books, Payment } from './vocabulary.ts';

/** A noun while it is made: members that most do not have are added last. */
export type Writable<Noun> = { -readonly [Key in keyof Noun]: Noun[Key] };

/** The books, with the sums given. */
export function booksWith(books: Books, change: Partial<Books>): Books {
  const made: Writable<Books> = {
    paid: change.paid ?? books.paid,
    confirmed: change.confirmed ?? books.confirmed,
    reversed: change.reversed ?? books.reversed,
    refunded: change.refunded ?? books.refunded,
    unreturned: change.unreturned ?? books.unreturned,
  };
  const excess = change.excess ?? books.excess;
  if (excess !== undefined) made.excess = excess;
  const tips = change.tips ?? books.tips;
  if (tips !== undefined) made.tips = tips;
  return made;
}

/** The counts, with the numbers given. */
export function countsWith(counts: Counts, change: Partial<Counts>): Counts {
  return {
    payments: change.payments ?? counts.payments,
    credits: change.credits ?? counts.credits,
    events: change.events ?? counts.events,
    reservations: change.reservations ?? counts.reservations,
    accepted: change.accepted ?? counts.accepted,
  };
}

/** The ending, with what is given. A time or cause that is null changes nothing: none is ever taken back. */
export function endingWith(ending: Ending, change: Partial<Ending>): Ending {
  const { receipt = ending.receipt, replacedReceipt = ending.replacedReceipt } = change;
  return {
    paidAt: change.paidAt ?? ending.paidAt,
    confirmedAt: change.confirmedAt ?? ending.confirmedAt,
    closedAt: change.closedAt ?? ending.closedAt,
    cause: change.cause ?? ending.cause,
    receipt,
    replacedReceipt,
  };
}

/** The payment, with what became of it. */
export function paymentWith(
  payment: Payment,
  change: Partial<Pick<Payment, 'credited' | 'status' | 'notifiedAt' | 'isTipReturned'>>,
): Payment {
  const made: Writable<Payment> = {
    no: payment.no,
    paychannelId: payment.paychannelId,
    paymentRef: payment.paymentRef,
    amount: payment.amount,
    credited: change.credited ?? payment.credited,
    method: payment.method,
    payer: payment.payer,
    paidAt: payment.paidAt,
    status: change.status ?? payment.status,
    receivedAt: payment.receivedAt,
    notifiedAt: change.notifiedAt ?? payment.notifiedAt,
    subscribed: payment.subscribed,
  };
  if (payment.excess !== undefined) made.excess = payment.excess;
  if (payment.tip !== undefined) made.tip = payment.tip;
  if (change.isTipReturned ?? payment.isTipReturned) made.isTipReturned = true;
  if (payment.institutionId !== undefined) made.institutionId = payment.institutionId;
  return made;
}
