// Whether a bill takes money now, and from whom.

import type { PaychannelId } from '../ids.ts';
import type { Millis } from '../time.ts';
import { dueAt, type Owed } from './charging.ts';
import { unmetOffer } from './offer.ts';
import { openUntil } from './policies.ts';
import { isBeingPaid, isForMany, type PresentBill, reservedOf } from './state.ts';
import {
  type NotPayableReason,
  PAYMENTS_MAX,
  RESERVATIONS_MAX,
  RESERVATIONS_OF_MANY_MAX,
  type Terms,
} from './vocabulary.ts';

/** No paychannel has this id. */
const NOBODY = '' as PaychannelId;

/**
 * Why this paychannel cannot pay the bill now; null where it can. What others have reserved is not payable; a
 * channel that holds a live reservation can pay even after the bill's time. For views: a payment is judged by
 * its own ladder, which also knows the reservation it names.
 */
export function payableReason(
  bill: PresentBill,
  paychannelId: PaychannelId,
  now: Millis,
  owed?: Owed,
): NotPayableReason | null {
  const closed = closedReason(bill);
  if (closed !== null) return closed;
  for (const reservation of bill.reservations) {
    if (reservation.paychannelId === paychannelId && now < reservation.expiresAt) return null;
  }
  if (now >= openUntil(bill.terms)) return 'expired';
  const { offer } = bill.terms;
  if (bill.sticker !== null) return 'armed';
  if (offer !== undefined) return unmetOffer(bill, offer, now, paychannelId);
  const due = owed?.due ?? dueAt(bill, now);
  if (due === 0) return 'notYetValid';
  if (due <= reservedOf(bill, paychannelId)) return 'reserved';
  return hasRoomForPayment(bill) ? null : 'limit';
}

/** Whether anybody could pay it now, or once those who hold it now let go; at its acquirer, where it has one. */
export function isPayableBySome(bill: PresentBill, now: Millis, owed: Owed): boolean {
  if (bill.terms.acquirer !== undefined) {
    return isBeingPaid(bill) && owed.due > 0 && now < openUntil(bill.terms);
  }
  const reason = payableReason(bill, NOBODY, now, owed);
  return reason === null || reason === 'reserved';
}

/** Why a bill in this status takes no money; null where it is still being paid. */
export function closedReason(bill: PresentBill): NotPayableReason | null {
  switch (bill.status) {
    case 'pending':
    case 'failed':
      return 'acquirer';
    case 'open':
    case 'partiallyPaid':
      return bill.terms.acquirer === undefined ? null : 'acquirer';
    case 'cancelled':
      return isForMany(bill) ? 'withdrawn' : 'cancelled';
    case 'expired':
      return 'expired';
    default:
      return 'paid';
  }
}

/** Each live reservation keeps room for its payment, or PAYMENTS_MAX would break the promise that it makes (B3). */
export function hasRoomForPayment(bill: PresentBill): boolean {
  return bill.payments.length + bill.reservations.length < PAYMENTS_MAX;
}

/** How many live reservations a bill holds at a time. */
export function reservationsMax({ offer }: Terms): number {
  return offer?.usage === 'many' ? RESERVATIONS_OF_MANY_MAX : RESERVATIONS_MAX;
}
