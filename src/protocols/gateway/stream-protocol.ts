// Words of the WebSocket protocol: its operations and its close codes.

import type { ProblemCode } from '../problems.ts';
import type { RequestName } from '../schemas/requests.ts';

export type StreamApi = 'terminal' | 'paychannel';

/** Close codes of RFC 6455 and our own (4000 and above). */
export const CLOSE = {
  goingAway: 1001,
  unsupported: 1003,
  malformed: 1007,
  internal: 1011,
  tooSlow: 1013,
  later: 1013,
  unauthenticated: 4401,
} as const;

/** How a stream ends whose key was not taken: for good, or because nobody could be asked about it now, or by our mistake. */
export function closeCodeOf(problem: ProblemCode): number {
  if (problem === 'internal') return CLOSE.internal;
  const isForLater =
    problem === 'history.unavailable' || problem === 'rate.limited' || problem === 'overloaded';
  return isForLater ? CLOSE.later : CLOSE.unauthenticated;
}

/** What a frame may ask for, beside `event.ack` and `ping`. */
export const OPERATIONS: Readonly<Record<StreamApi, ReadonlySet<string>>> = {
  terminal: new Set<RequestName>([
    'bill.create',
    'bill.get',
    'bill.confirm',
    'bill.cancel',
    'bill.refund',
    'bill.arm',
    'payment.confirm',
    'payment.cancel',
    'payment.refund',
    'order.resolve',
  ]),
  paychannel: new Set<RequestName>([
    'bill.resolve',
    'bill.view',
    'bill.reserve',
    'bill.release',
    'payment.create',
    'payment.get',
    'payment.void',
    'credit.settle',
  ]),
};
