// What somebody has given back at the acquirer by hand: whatever is gone there beyond what we know of.
//
//   H1. While a refund of ours is out, nobody can tell whose money it is; while one is on its way, whether it comes.
//   H2. It has been given for a refund that is put off, where it is as much: asked for again, that would be given twice.
//   H3. What refused refunds claim goes before: an operator may have returned them so.

import { add, type Minor, smaller, subtract, ZERO } from '../money.ts';
import { givenByUs } from './belief.ts';
import type { AcquiredBill, RefundOrder } from './record.ts';
import type { Sighting } from './words.ts';

/** H3. What of the money that is found has been given for refunds which the acquirer has refused. */
export interface Claims {
  /** Said to have been returned, and not found yet. */
  readonly returned: Minor;
  /** Those with which nobody has dealt, each whole. */
  readonly unresolved: readonly Minor[];
  /** Found before, and too little for any of those. */
  readonly waiting: Minor;
}

export const NO_CLAIMS: Claims = { returned: ZERO, unresolved: [], waiting: ZERO };

/** The bill with what is found to have been given by hand, and what has been done by it. */
export function withGivenByHand(
  bill: AcquiredBill,
  { returned, isReturning }: Sighting,
  claims: Claims,
): AcquiredBill {
  // H1.
  if (isReturning || bill.refunds.some(({ status }) => status === 'sent')) return bill;
  const known = add(givenByUs(bill), bill.external);
  if (returned <= known) return bill;
  const found = subtract(returned, known);
  let unclaimed = unclaimedOf(found, claims);
  let external = add(bill.external, found);
  const refunds = bill.refunds.map((order) => {
    if (!isPutOff(order) || order.amount > unclaimed) return order;
    unclaimed = subtract(unclaimed, order.amount);
    external = subtract(external, order.amount);
    return { ...order, status: 'done' } as const;
  });
  return { ...bill, refunds, external };
}

function unclaimedOf(found: Minor, { returned, unresolved, waiting }: Claims): Minor {
  const left = unresolved.reduce(
    (rest, amount) => (amount > rest ? rest : subtract(rest, amount)),
    add(subtract(found, smaller(found, returned)), waiting),
  );
  return smaller(left, found);
}

function isPutOff({ status, attempts }: RefundOrder): boolean {
  return status === 'asked' && attempts > 0;
}
