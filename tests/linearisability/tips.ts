// What the contract says of tips: outside of all other sums, kept by a confirm, given back whole and by credits of their own.

import { type BillModel, refused, type Told } from './bill.ts';
import type { Body, Call } from './calls.ts';

/** The most that one payment may bring on top; 0: nothing. */
export function tipMaxIn(body: Body): number {
  const tip = body.tip as { readonly allowed?: boolean; readonly max?: number } | undefined;
  return tip?.allowed === true ? (tip.max ?? Number.MAX_SAFE_INTEGER) : 0;
}

/** What a payment brings on top. */
export function tipIn({ body }: Call): number {
  return Number(body.tip ?? 0);
}

export function tipRefusal({ tipMax: max }: BillModel, call: Call): Told | null {
  const tip = tipIn(call);
  if (tip === 0 || tip <= max) return null;
  return max === 0 ? refused('payment.tipForbidden') : refused('payment.tipExceedsMax', { max });
}

/** Whether a refund has a tip to return. */
export function returnsTip(bill: BillModel, { body }: Call, paymentNo: number | null): boolean {
  if (body.tip !== true) return false;
  return bill.payments.some(
    ({ no, tip, isTipReturned }) =>
      tip > 0 && !isTipReturned && (paymentNo === null || no === paymentNo),
  );
}
