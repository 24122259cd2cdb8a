// Whether a bill takes money now, and from whom.

import type { PaychannelId } from '../ids.ts';
import type { Millis } from '../time.ts';
import { type DynamicBill, dueOf, reservedOf } from './state.ts';
import { type NotPayableReason, PAYMENTS_MAX } from './vocabulary.ts';

/**
 * Why this paychannel cannot pay the bill now; null where it can. What others have reserved is not payable; a
 * channel that holds a live reservation can pay even after the bill's time. For views: a payment is judged by
 * its own ladder, which also knows the reservation it names.
 */
export function payableReason(
  bill: DynamicBill,
  paychannelId: PaychannelId,
  now: Millis,
): NotPayableReason | null {
  const closed = closedReason(bill);
  if (closed !== null) return closed;
  for (const reservation of bill.reservations) {
    if (reservation.paychannelId === paychannelId && now < reservation.expiresAt) return null;
  }
  if (now >= bill.terms.expiresAt) return 'expired';
  if (dueOf(bill) === reservedOf(bill, paychannelId)) return 'reserved';
  return hasRoomForPayment(bill) ? null : 'limit';
}

/** Why a bill in this status takes no money; null where it is still being paid. */
export function closedReason(bill: DynamicBill): NotPayableReason | null {
  switch (bill.status) {
    case 'open':
    case 'partiallyPaid':
      return null;
    case 'cancelled':
      return 'cancelled';
    case 'expired':
      return 'expired';
    default:
      return 'paid';
  }
}

/** Each live reservation keeps room for its payment, or PAYMENTS_MAX would break the promise that it makes (B3). */
export function hasRoomForPayment(bill: DynamicBill): boolean {
  return bill.payments.length + bill.reservations.length < PAYMENTS_MAX;
}
