// How much a static bill takes, beside what others hold of it: places and money.

import type { BillModel, Hold, Offer } from './bill.ts';

/** Whose holds do not count: a channel's, one hold, or nobody's. */
export type Own = string | Hold | null;

/** The most that one payment can bring now; 0 where none can come. */
export function mostFor(bill: BillModel, offer: Offer, own: Own): number {
  if (unmet(bill, offer, own) !== null) return 0;
  return Math.min(offer.max, totalLeft(bill, offer) - heldBeside(bill, own).money);
}

/** Why no payment, or none of this amount, has room; null where it has. */
export function unmet(
  bill: BillModel,
  offer: Offer,
  own: Own,
  amount: number = offer.min,
): 'limit' | 'reserved' | null {
  const held = heldBeside(bill, own);
  const places = placesLeft(bill, offer);
  const total = totalLeft(bill, offer);
  if (places <= 0 || total < offer.min) return 'limit';
  if (places <= held.places || total - held.money < offer.min) return 'reserved';
  if (amount > total) return 'limit';
  return amount > total - held.money ? 'reserved' : null;
}

function heldBeside({ holds }: BillModel, own: Own): { places: number; money: number } {
  const others = holds.filter((hold) => hold !== own && hold.channel !== own);
  return { places: others.length, money: others.reduce((sum, { amount }) => sum + amount, 0) };
}

function placesLeft(bill: BillModel, { isForMany, maxPayments }: Offer): number {
  const places = isForMany ? (maxPayments ?? Number.POSITIVE_INFINITY) : 1;
  return places - bill.payments.length;
}

function totalLeft(bill: BillModel, { maxTotal }: Offer): number {
  return (maxTotal ?? Number.POSITIVE_INFINITY) - (bill.paid - bill.excess);
}
