// Cancelling and giving back for an acquirer that knows no id of either: look, judge, and only then send. What a driver
// adds is the looking and the sending.

import {
  type Attempt,
  notDone,
  type Outcome,
  type Refund,
  type Sighting,
  unsent,
} from './bill-driver.ts';
import { afterEarlier, judgeCancel, judgeRefund, ON_ITS_WAY_MS, type Timing } from './verdicts.ts';

type Send = (seen: Sighting) => Promise<Outcome<Sighting>>;

export interface CancelIntent {
  readonly attempt: Attempt;
  readonly timing: Timing;
}

export interface RefundIntent extends CancelIntent {
  readonly refund: Refund;
}

/** Sends where the sighting says that nothing has ended it yet. */
export async function cancelAfter(
  seen: Outcome<Sighting>,
  { attempt, timing }: CancelIntent,
  send: Send,
): Promise<Outcome<Sighting>> {
  if (seen.outcome !== 'done') return unseen(seen, attempt);
  const judged = judgeCancel(seen.value, attempt, timing);
  switch (judged.verdict) {
    case 'ended':
      return seen;
    case 'paid':
      return notDone('paid', 'it is paid', 'never');
    case 'underway':
      return unsent('unclear', 'a payment or refund is on its way', ON_ITS_WAY_MS);
    case 'tooEarly':
      return unsent('early', 'an earlier call may still arrive', judged.afterMs);
    case 'send':
      return send(seen.value);
  }
}

/** Sends where the sighting says that this refund has not been given, and no call of it can still arrive. */
export async function refundAfter(
  seen: Outcome<Sighting>,
  { refund, attempt, timing }: RefundIntent,
  send: Send,
): Promise<Outcome<Sighting>> {
  if (seen.outcome !== 'done') return unseen(seen, attempt);
  const judged = judgeRefund(seen.value, refund, attempt, timing);
  switch (judged.verdict) {
    case 'given':
      return seen;
    case 'underway':
      return unsent('unclear', 'a refund is on its way', ON_ITS_WAY_MS);
    case 'tooEarly':
      return unsent('early', 'an earlier call may still arrive', judged.afterMs);
    case 'moved':
      return notDone('moved', 'somebody has given back meanwhile', { afterMs: 0 });
    case 'notPaid':
      return notDone('notPaid', 'it is not paid', 'never');
    case 'exceeds':
      return notDone('exceeds', 'it is more than is left', 'never');
    case 'send':
      return send(seen.value);
  }
}

/** A look that failed before anything was sent. */
export function unseen<Value>(
  seen: Exclude<Outcome<unknown>, { outcome: 'done' }>,
  attempt: Attempt,
): Exclude<Outcome<Value>, { outcome: 'done' }> {
  const outcome = afterEarlier<Value>(seen, attempt);
  return outcome.outcome === 'unknown'
    ? unsent(outcome.unsent ?? 'unclear', outcome.detail, outcome.afterMs)
    : outcome;
}
