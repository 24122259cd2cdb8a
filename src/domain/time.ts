import type { Brand } from './brand.ts';

/** Milliseconds since 1970-01-01T00:00:00Z, by the shard's clock. */
export type Millis = Brand<number, 'Millis'>;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** 2999-12-31T23:59:59.999Z, the last time that API.md admits. */
export const TIME_MAX = 32_503_679_999_999 as Millis;

/** Stands for “never” where a due time is compared. */
export const NEVER = Number.MAX_SAFE_INTEGER as Millis;

/** The caller vouches that the number is a time. */
export function millis(value: number): Millis {
  return value as Millis;
}

/** `at` moved by a number of milliseconds. */
export function plus(at: Millis, durationMs: number): Millis {
  return (at + durationMs) as Millis;
}
