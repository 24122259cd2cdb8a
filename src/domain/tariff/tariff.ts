// A tariff says what a stay costs. It is data, and time is what it sells: in units, one after another.
//
//   tariff ──▶ version (in force at the stay's start) ──▶ first: phases, from the start of the stay
//                                                    └──▶ rules: hours of the week ──▶ phases, anew in each window
//                                                    └──▶ caps: no more than so much in each stretch of time
//
//   T1. A stay is charged by the version in force at its start, to its end.
//   T2. A unit is charged once, when it begins, at the price of the rule in force then; the next begins where it ends.
//   T3. What a unit costs is cut to what its caps still leave in the windows that it begins in.
//   T4. Hours and days are read from the wall clock of the tariff's time zone; lengths are real minutes.
//   T5. An edge of hours is the first instant at which the clock reads that time or later: what a change of the
//       clocks skips is empty, and what it repeats does not begin again.

import type { Currency, Minor } from '../money.ts';
import { DAY_MS, type Millis, millis } from '../time.ts';

/** The longest stay that has a price. */
export const STAY_MAX_MS = 366 * DAY_MS;

export interface Tariff {
  readonly currency: Currency;
  /** IANA name. */
  readonly timeZone: string;
  /** In the order of `effectiveFrom`, at least one. */
  readonly versions: readonly TariffVersion[];
  /** Absent: nobody keeps it, it came with its bill. */
  readonly origin?: TariffOrigin;
}

/** Under which name operators keep it for the merchant, and which revision of it this is. */
export interface TariffOrigin {
  readonly name: string;
  readonly revision: number;
}

export interface TariffVersion {
  readonly effectiveFrom: Millis;
  /** Time to leave after paying, before more becomes due. */
  readonly graceSeconds: number;
  /** How long an amount that was told is good for. */
  readonly quoteSeconds: number;
  /** Each of a known length; the rules go on from where these end. */
  readonly first: readonly Phase[];
  /** Their windows never overlap. Where none applies, time is free. */
  readonly rules: readonly Rule[];
  readonly caps: readonly Cap[];
}

export interface Rule {
  readonly name: string;
  /** Null: whenever no other rule applies. */
  readonly windows: readonly WeekWindow[] | null;
  /** All but the last of a known length; the last goes on to the end of the window. */
  readonly phases: readonly Phase[];
}

/** Minutes of the week, from Monday 00:00. The end may lie in the next week; no window is longer than one. */
export interface WeekWindow {
  readonly startMinute: number;
  readonly endMinute: number;
}

/**
 * `amount` for each started unit of `perMinutes`; where that is null, the whole phase is one unit. Free time costs 0,
 * a flat charge is one unit, a price per hour is many.
 */
export interface Phase {
  readonly amount: Minor;
  readonly perMinutes: number | null;
  /** A whole number of units; null: as long as it can. */
  readonly forMinutes: number | null;
}

/** At most `max` for the units that begin in one window; windows of minutes count from the start of the stay. */
export interface Cap {
  readonly max: Minor;
  readonly per: 'stay' | 'day' | { readonly minutes: number };
}

/** The version in force at a time; undefined before the first. */
export function versionAt(tariff: Tariff, at: Millis): TariffVersion | undefined {
  return tariff.versions.findLast(({ effectiveFrom }) => effectiveFrom <= at);
}

/** The end of the longest stay that has a price. */
export function lastChargeable(from: Millis): Millis {
  return millis(from + STAY_MAX_MS);
}
