// What a dynamic bill waits for. While it is being paid: the end of a reservation or, where none is live, its own
// expiry. When paid: a confirm. Later: the settlement of its credits, asked for again each day.

import { must, unreachable } from '../assert.ts';
import { DAY_MS, type Millis, plus } from '../time.ts';
import { BY_TIMEOUT, cancelled, confirmed, expired } from './dynamic-endings.ts';
import { paychannel, raiseForCredit } from './outbox.ts';
import { openUntil } from './policies.ts';
import { heldOf, type PresentBill } from './state.ts';
import { type BillFact, CREDIT_REPEATS_MAX, type Credit, type Reservation } from './vocabulary.ts';

/** What a bill that ends as a whole waits for. */
export type Timer =
  | { readonly kind: 'reservation'; readonly due: Millis; readonly reservation: Reservation }
  | { readonly kind: 'expiry'; readonly due: Millis }
  | { readonly kind: 'confirmWithin'; readonly due: Millis }
  | { readonly kind: 'repeat'; readonly due: Millis; readonly credit: Credit };

export type TimerOf<Kind extends Timer['kind']> = Extract<Timer, { readonly kind: Kind }>;

/** The bill's earliest timer; null where it waits for nothing. */
export function earliestTimer(bill: PresentBill): Timer | null {
  switch (bill.status) {
    case 'open':
    case 'partiallyPaid':
      // Expiry waits for live reservations, though its time may have come before theirs.
      return earliestReservationEnd(bill) ?? { kind: 'expiry', due: openUntil(bill.terms) };
    case 'paid': {
      const paidAt = must(bill.ending.paidAt, 'the time at which a paid bill was paid');
      return { kind: 'confirmWithin', due: plus(paidAt, bill.terms.confirmWithinMs) };
    }
    default:
      return earliestRepeat(bill);
  }
}

/** What the earliest timer brings about, if it is due. */
export function runTimer(bill: PresentBill, now: Millis): readonly BillFact[] {
  const timer = earliestTimer(bill);
  if (timer === null || now < timer.due) return [];
  switch (timer.kind) {
    case 'reservation':
      return [{ type: 'ReservationEnded', no: timer.reservation.no, how: 'lapsed' }];
    case 'expiry':
      return expired(bill, now);
    case 'confirmWithin':
      return bill.terms.unconfirmed === 'reverse'
        ? cancelled(bill, BY_TIMEOUT, now)
        : confirmed(bill, heldOf(bill.books), null, BY_TIMEOUT, now);
    case 'repeat':
      return creditRepeated(timer.credit);
    default:
      return unreachable(timer);
  }
}

/** The credit is asked for again. */
export function creditRepeated(credit: Credit): BillFact[] {
  return [
    { type: 'CreditRepeated', no: credit.no },
    raiseForCredit(paychannel(credit.paychannelId), 'credit.requested', credit),
  ];
}

/** How many days of repeats have been reached, those missed included: one repeat stands for them all. */
export function repeatsBy(credit: Credit, now: Millis): number {
  const days = Math.floor((now - credit.requestedAt) / DAY_MS);
  return Math.min(Math.max(days, credit.repeats + 1), CREDIT_REPEATS_MAX);
}

/** Null: it has no reservation. */
export function earliestReservationEnd(bill: PresentBill): TimerOf<'reservation'> | null {
  let earliest: Reservation | null = null;
  for (const reservation of bill.reservations) {
    if (earliest === null || reservation.expiresAt < earliest.expiresAt) earliest = reservation;
  }
  if (earliest === null) return null;
  return { kind: 'reservation', due: earliest.expiresAt, reservation: earliest };
}

/** Null: no credit is pending that may be asked for once more. */
export function earliestRepeat(bill: PresentBill): TimerOf<'repeat'> | null {
  let earliest: Credit | null = null;
  for (const credit of bill.credits) {
    if (credit.status !== 'pending' || credit.repeats >= CREDIT_REPEATS_MAX) continue;
    if (earliest === null || repeatDue(credit) < repeatDue(earliest)) earliest = credit;
  }
  return earliest === null ? null : { kind: 'repeat', due: repeatDue(earliest), credit: earliest };
}

function repeatDue(credit: Credit): Millis {
  return plus(credit.requestedAt, (credit.repeats + 1) * DAY_MS);
}
