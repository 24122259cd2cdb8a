// What a suspended party does not begin any more, nor a paychannel with a suspended seller's bill, nor one whose
// institution's agreement has ended: bills, views, reservations, and payments that nobody waits for. What has begun comes to
// its end: payments under live reservations, repeats, questions, events, credits, confirm and refund.

import type { BillDecision } from '../domain/bill/vocabulary.ts';
import type { Operation, SwitchRejection } from './requests.ts';

/** What came of a command: facts, or a refusal of the domain's or of its surroundings. */
export type Decision = BillDecision | SwitchRejection;

export const SUSPENDED: SwitchRejection = { rejected: 'request.suspended' };
export const AGREEMENT_ENDED: SwitchRejection = { rejected: 'agreement.ended' };

/** Whether it is a refusal, by the domain or by its surroundings. */
export function isRefused(decision: Decision): decision is SwitchRejection {
  return 'rejected' in decision;
}

/**
 * The decision, or the bar where it would begin something. Nothing is recorded of such a payment: its wallet voids it and
 * knows that it is none.
 */
export function unlessBarred(
  operation: Operation,
  bar: SwitchRejection | null,
  decision: BillDecision,
): Decision {
  if (bar === null || isRefused(decision)) return decision;
  if (operation.op === 'bill.view') return bar;
  // A repeat has no facts, and a refusal may be recorded.
  const begins = decision.some(
    ({ type }) =>
      type === 'ReservationMade' || type === 'PaymentAccepted' || type === 'ArmingBegun',
  );
  if (!begins) return decision;
  const isReserved = operation.op === 'payment.create' && operation.reservationNo !== null;
  return isReserved ? decision : bar;
}
