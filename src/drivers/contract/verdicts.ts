// What a sighting says of an intent that may have been sent before: the thinking of D2 (bill-driver.ts), for all.
//
// An acquirer that knows no id of a refund is asked how much it has given back. The refund was decided when that was
// `returnedBefore`; if it is more by its amount or beyond, it has been given. Somebody at the bank who gives back as much
// or more in the same moment is taken for it, and what is beyond it is external: the payer has the money once, not twice.

import type { Millis } from '../../domain/time.ts';
import {
  type Attempt,
  type Outcome,
  type Refund,
  type Sighting,
  unknown,
  unsent,
} from './bill-driver.ts';

/** A payment or a refund on its way is asked about again after so long. */
export const ON_ITS_WAY_MS = 3_000;
const UNSEEN_MS = 10_000;

export type RefundVerdict =
  | { readonly verdict: 'given' | 'underway' | 'notPaid' | 'exceeds' | 'moved' | 'send' }
  | { readonly verdict: 'tooEarly'; readonly afterMs: number };

export type CancelVerdict =
  | { readonly verdict: 'ended' | 'paid' | 'underway' | 'send' }
  | { readonly verdict: 'tooEarly'; readonly afterMs: number };

export interface Timing {
  readonly now: Millis;
  /** How long after it was sent a call can still take effect. */
  readonly settleMs: number;
}

export function judgeRefund(
  sighting: Sighting,
  refund: Refund,
  { lastSentAt }: Attempt,
  timing: Timing,
): RefundVerdict {
  const since = sighting.returned - refund.returnedBefore;
  // Whether or not it shows in the sum already: it may still fail.
  if (sighting.isReturning) return { verdict: 'underway' };
  if (lastSentAt !== null && since >= refund.amount) return { verdict: 'given' };
  if (lastSentAt !== null) {
    const afterMs = lastSentAt + timing.settleMs - timing.now;
    if (afterMs > 0) return { verdict: 'tooEarly', afterMs };
  }
  // Another has given back meanwhile: the refund is decided again, beside what is left.
  if (since !== 0) return { verdict: 'moved' };
  if (sighting.status !== 'paid') return { verdict: 'notPaid' };
  return { verdict: refund.amount > sighting.paid - sighting.returned ? 'exceeds' : 'send' };
}

export function judgeCancel(
  sighting: Sighting,
  { lastSentAt }: Attempt,
  timing: Timing,
): CancelVerdict {
  switch (sighting.status) {
    case 'cancelled':
    case 'expired':
    case 'failed':
      return { verdict: 'ended' };
    case 'paid':
      if (sighting.isReturning) return { verdict: 'underway' };
      // All of it went back: where ending and giving back are one call, this is what ours has done.
      if (sighting.returned === sighting.paid) return { verdict: 'ended' };
      if (lastSentAt !== null && lastSentAt + timing.settleMs > timing.now) {
        return { verdict: 'tooEarly', afterMs: lastSentAt + timing.settleMs - timing.now };
      }
      return { verdict: 'paid' };
    case 'paying':
      return { verdict: 'underway' };
    case 'open':
      return { verdict: 'send' };
  }
}

/**
 * Until when what was begun now may be sent. Whoever comes after a lost answer waits `settleMs` from the beginning, and
 * then makes up their own mind: what asking first has held up for half of that is begun anew, and not sent after all.
 */
export function sendByOf({ begunAt }: Attempt, { now, settleMs }: Timing): number {
  return (begunAt ?? now) + settleMs / 2;
}

/** A look that failed says nothing of what an earlier call has done. */
export function afterEarlier<Value>(
  seen: Exclude<Outcome<unknown>, { outcome: 'done' }>,
  { lastSentAt }: Attempt,
): Exclude<Outcome<Value>, { outcome: 'done' }> {
  if (seen.outcome === 'unknown' || lastSentAt === null) return seen;
  const afterMs = typeof seen.again === 'object' ? seen.again.afterMs : UNSEEN_MS;
  const { code, detail } = seen;
  return code === 'busy' ? unsent('busy', detail, afterMs) : unknown(detail, afterMs);
}
