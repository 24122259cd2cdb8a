// What a suspended party does not begin any more: bills, views, reservations, and payments that nobody waits for. What
// has begun comes to its end: payments under live reservations, repeats, questions, events, credits, confirm and refund.

import type { BillDecision } from '../domain/bill/vocabulary.ts';
import type { Principal } from './principal.ts';
import type { Operation, SwitchRejection } from './requests.ts';

/** What came of a command: facts, or a refusal of the domain's or of its surroundings. */
export type Decision = BillDecision | SwitchRejection;

export const SUSPENDED: SwitchRejection = { rejected: 'request.suspended' };

export function isRefused(decision: Decision): decision is SwitchRejection {
  return 'rejected' in decision;
}

/**
 * The decision, or the refusal where it would begin something for a suspended party. Nothing is recorded of such a
 * payment: its wallet voids it and knows that it is none.
 */
export function unlessSuspended(
  operation: Operation,
  principal: Principal | null,
  decision: BillDecision,
): Decision {
  if (principal?.suspended !== true || isRefused(decision)) return decision;
  // A repeat has no facts, and a refusal may be recorded.
  const begins = decision.some(
    ({ type }) =>
      type === 'ReservationMade' || type === 'PaymentAccepted' || type === 'ArmingBegun',
  );
  if (!begins) return decision;
  const isReserved = operation.op === 'payment.create' && operation.reservationNo !== null;
  return isReserved ? decision : SUSPENDED;
}
