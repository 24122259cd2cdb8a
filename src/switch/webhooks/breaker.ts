// Whether an endpoint is tried at all: after some failures in a row it is left alone, then asked by one delivery at a
// time whether it is back.
//
//   closed ──failures in a row──▶ open ──after its wait──▶ probing ──success──▶ closed
//                                   ▲─────────failure────────┘ (and waits twice as long)

import { MINUTE_MS, SECOND_MS } from '../../domain/time.ts';
import { jittered, type Waiting } from './schedule.ts';

/** Failures in a row, of whatever deliveries, that open it. */
const FAILURES_MAX = 10;
export const OPEN_MS = 30 * SECOND_MS;
export const OPEN_MAX_MS = 10 * MINUTE_MS;

export type Breaker =
  | { readonly is: 'closed'; readonly failures: number }
  | { readonly is: 'open'; readonly until: number; readonly waitMs: number }
  /** One delivery is under way, or about to be. */
  | { readonly is: 'probing'; readonly waitMs: number };

export const CLOSED: Breaker = { is: 'closed', failures: 0 };

/** Whether a delivery may begin now, where `underWay` others are. */
export function mayBegin(breaker: Breaker, now: number, underWay: number): boolean {
  if (breaker.is === 'closed') return true;
  return underWay === 0 && (breaker.is === 'probing' || now >= breaker.until);
}

/** A delivery begins. */
export function begun(breaker: Breaker): Breaker {
  return breaker.is === 'open' ? { is: 'probing', waitMs: breaker.waitMs } : breaker;
}

/** A delivery was taken: whatever was before, the endpoint is there. */
export function succeeded(): Breaker {
  return CLOSED;
}

/** A delivery failed. */
export function failed(breaker: Breaker, now: number, waiting: Waiting): Breaker {
  switch (breaker.is) {
    case 'closed': {
      const failures = breaker.failures + 1;
      return failures < FAILURES_MAX ? { is: 'closed', failures } : opened(OPEN_MS, now, waiting);
    }
    case 'probing':
      return opened(Math.min(breaker.waitMs * 2, OPEN_MAX_MS), now, waiting);
    // One that began before it opened tells nothing new.
    case 'open':
      return breaker;
  }
}

function opened(waitMs: number, now: number, { pace, chance }: Waiting): Breaker {
  return { is: 'open', until: now + jittered(waitMs, chance) * pace, waitMs };
}
