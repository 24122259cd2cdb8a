// What a static bill offers to its payers: a fixed amount or a range, once or many times, up to its limits.
//
//   O1. No payment lies outside of the range, but for what was paid above it and went back at once.
//   O2. Payments and live reservations together never pass a limit, so that a payment within its reservation is taken.
//       What was given back later frees no place: a limit that once was reached stays so.

import { assert } from '../assert.ts';
import type { PaychannelId } from '../ids.ts';
import { type Minor, smaller, subtract } from '../money.ts';
import type { Millis } from '../time.ts';
import { keptOf, type PresentBill, reservedOf } from './state.ts';
import {
  type NotPayableReason,
  type Offer,
  type Reservation,
  TOTAL_MAX,
  UNCONFIRMED_MAX,
} from './vocabulary.ts';

/** What reservations hold of a bill: places and money. */
interface Held {
  readonly places: number;
  readonly amount: Minor;
}

/** What others hold, by their reservations. */
export function heldExcept(bill: PresentBill, isOwn: (reservation: Reservation) => boolean): Held {
  let places = 0;
  let amount = 0;
  for (const reservation of bill.reservations) {
    if (isOwn(reservation)) continue;
    places += 1;
    amount += reservation.amount;
  }
  return { places, amount: amount as Minor };
}

/** The most that one more payment can bring beside what others hold, or why there can be none. */
export function roomFor(bill: PresentBill, offer: Offer, held: Held): Minor | NotPayableReason {
  const places = placesLeft(bill, offer);
  const total = totalLeft(bill, offer);
  if (places <= 0 || total < offer.minAmount) return 'limit';
  if (places <= held.places) return hasWaiting(bill, offer) ? 'limit' : 'reserved';
  if (total - held.amount < offer.minAmount) return 'reserved';
  return smaller(offer.maxAmount, subtract(total, held.amount));
}

/** Why a payment of this amount cannot be taken beside what others hold; null where it can. */
export function unmetAmount(
  bill: PresentBill,
  offer: Offer,
  amount: Minor,
  held: Held,
): NotPayableReason | null {
  const room = roomFor(bill, offer, held);
  if (typeof room === 'string') return room;
  if (amount <= room) return null;
  return amount > totalLeft(bill, offer) ? 'limit' : 'reserved';
}

/** Why an open bill takes nothing from this channel now; null where it does. For views. */
export function unmetOffer(
  bill: PresentBill,
  offer: Offer,
  now: Millis,
  paychannelId: PaychannelId,
): NotPayableReason | null {
  if (isTooEarly(offer, now)) return 'notYetValid';
  const isOwn = (reservation: Reservation): boolean => reservation.paychannelId === paychannelId;
  const room = roomFor(bill, offer, heldExcept(bill, isOwn));
  return typeof room === 'string' ? room : null;
}

/** The most that this channel can bring now; 0 where it can bring nothing. */
export function mostFrom(bill: PresentBill, offer: Offer, paychannelId: PaychannelId): Minor {
  const isOwn = (reservation: Reservation): boolean => reservation.paychannelId === paychannelId;
  const room = roomFor(bill, offer, heldExcept(bill, isOwn));
  return typeof room === 'string' ? (0 as Minor) : room;
}

export function isTooEarly({ validFrom }: Offer, now: Millis): boolean {
  return validFrom !== null && now < validFrom;
}

function placesLeft(bill: PresentBill, offer: Offer): number {
  const { accepted } = bill.counts;
  if (offer.usage === 'single') return 1 - accepted;
  const left = (offer.maxPayments ?? Number.POSITIVE_INFINITY) - accepted;
  return bill.terms.capture === 'auto' ? left : Math.min(left, UNCONFIRMED_MAX - unconfirmed(bill));
}

/** Whether it is the payments that nobody has confirmed that leave no place. */
function hasWaiting(bill: PresentBill, offer: Offer): boolean {
  if (offer.usage === 'single' || bill.terms.capture === 'auto') return false;
  return unconfirmed(bill) >= UNCONFIRMED_MAX;
}

function unconfirmed(bill: PresentBill): number {
  let count = 0;
  for (const { status } of bill.payments) if (status === 'accepted') count += 1;
  return count;
}

function totalLeft(bill: PresentBill, offer: Offer): Minor {
  return subtract((offer.maxTotal ?? TOTAL_MAX) as Minor, keptOf(bill.books));
}

// -------------------------------------------------------------------------------------------------------- books --

/** What holds of the books after every transition, whatever happened. */
export function assertOffer(bill: PresentBill, offer: Offer): void {
  const { paid, confirmed, reversed, refunded, unreturned } = bill.books;
  const { accepted } = bill.counts;
  assert((bill.books.excess ?? 0) <= reversed, 'what was paid in excess was not given back');
  assert(refunded <= confirmed, 'more is refunded than was confirmed');
  assert(unreturned <= reversed + refunded, 'more came back rejected than was asked back');
  assert(confirmed + reversed <= paid, 'more has ended than was paid');
  if (offer.usage === 'single') {
    assertSingle(bill, offer);
    return;
  }
  assert(MANY_STATUSES.has(bill.status), 'a status that a bill for many payments never has');
  const { length } = bill.reservations;
  assert(length + accepted <= (offer.maxPayments ?? accepted + length), 'a limit is passed');
  const reserved = length === 0 ? 0 : reservedOf(bill);
  assert(
    keptOf(bill.books) + reserved <= (offer.maxTotal ?? TOTAL_MAX),
    'more is taken than the limit',
  );
}

const MANY_STATUSES: ReadonlySet<string> = new Set(['open', 'cancelled', 'expired']);

function assertSingle(bill: PresentBill, offer: Offer): void {
  const { status, books, counts, reservations } = bill;
  const { paid, confirmed, reversed, refunded } = books;
  assert(counts.accepted + reservations.length <= 1, 'a single-use bill is paid once');
  const kept = keptOf(books);
  const isInRange = kept >= offer.minAmount && kept <= offer.maxAmount;
  assert(paid === 0 || isInRange, 'a payment outside of the range');
  const isClosed = status === 'cancelled' || status === 'expired';
  assert(!isClosed || paid === reversed, 'closed, and not all was given back');
  assert(
    (status === 'open') === (paid === 0) || isClosed,
    'the books do not agree with the status',
  );
  const hasEnded = status === 'confirmed' || status === 'refunded';
  assert(hasEnded === confirmed > 0, 'confirmed without an amount');
  assert(!hasEnded || paid === confirmed + reversed, 'held after the confirm');
  assert((status === 'refunded') === (hasEnded && refunded === confirmed), 'refunded in part only');
}
