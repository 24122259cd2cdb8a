// The refunds of a bill that are asked of its acquirer, by their ids.

import { must } from '../assert.ts';
import type { Minor } from '../money.ts';
import type { AcquiredBill, RefundOrder } from './record.ts';

/** An id that the bill does not have is a Defect. */
export function refundOrderOf({ refunds }: AcquiredBill, id: string): RefundOrder {
  return must(
    refunds.find((order) => order.id === id),
    `refund ${id}`,
  );
}

/** An id that the bill does not have is a Defect. */
export function withRefund(
  bill: AcquiredBill,
  id: string,
  change: Partial<RefundOrder>,
): AcquiredBill {
  refundOrderOf(bill, id);
  const refunds = bill.refunds.map((order) => (order.id === id ? { ...order, ...change } : order));
  return { ...bill, refunds };
}

/** Asked for, and not sent yet. */
export function newRefund(id: string, amount: Minor): RefundOrder {
  return {
    id,
    amount,
    status: 'asked',
    returnedBefore: null,
    sentAt: null,
    attempts: 0,
    reason: null,
  };
}
