// When a delivery that failed is tried again, and when it is given up.

import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/time.ts';

/** Waits after the first, second, … failed attempt; the last one goes on being the wait. docs/webhooks.md shows them. */
export const RETRY_WAITS_MS: readonly number[] = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  8 * HOUR_MS,
  12 * HOUR_MS,
];

/** After this time since it occurred, an event that an endpoint has not taken is a dead letter of that endpoint. */
export const DELIVERY_LIFE_MS = 3 * DAY_MS;

/** What a receiver may ask to be spared by `Retry-After`. */
const RETRY_AFTER_MAX_MS = HOUR_MS;
/** Of each wait, this part at most is taken off or put on. */
const JITTER = 0.2;

/** A wait with its jitter; `chance` is a number from 0 up to 1. */
export function jittered(waitMs: number, chance: number): number {
  return waitMs * (1 - JITTER + 2 * JITTER * chance);
}

/** What a wait hangs on beside the attempts. */
export interface Waiting {
  /** 1: as published. All waits are multiplied by it. */
  readonly pace: number;
  /** From 0 up to 1. */
  readonly chance: number;
}

/** How long to wait after so many failed attempts (from 1). */
export function retryWait(
  attempts: number,
  retryAfterMs: number,
  { pace, chance }: Waiting,
): number {
  const step = Math.min(attempts, RETRY_WAITS_MS.length) - 1;
  const wait = jittered(RETRY_WAITS_MS[Math.max(0, step)] ?? 0, chance) * pace;
  return Math.max(wait, Math.min(retryAfterMs, RETRY_AFTER_MAX_MS));
}
