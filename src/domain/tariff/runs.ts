// What a stay buys: units of time, each beginning where the one before ends (T2 in tariff.ts), as runs of units of one price.

import { assert } from '../assert.ts';
import { ZERO } from '../money.ts';
import { MINUTE_MS, type Millis, millis } from '../time.ts';
import { stretchAt } from './schedule.ts';
import type { Phase, Rule, TariffVersion } from './tariff.ts';
import type { Zone } from './zone.ts';

/** Units of one price that begin one after another, from `from` on and before `until`. */
export interface Run {
  /** Null in the phases that come first, and outside of all rules. */
  readonly rule: Rule | null;
  readonly phase: Phase;
  readonly from: number;
  readonly until: number;
  readonly unitMs: number;
}

/** Time that no rule prices. */
export const FREE: Phase = { amount: ZERO, perMinutes: null, forMinutes: null };

const OUTSIDE: readonly Phase[] = [FREE];

/** All that a stay buys if it lasts to the horizon, in order and without end or gap between. */
export function* runsOf(
  { first, rules }: TariffVersion,
  zone: Zone,
  from: Millis,
  horizon: number,
): Generator<Run, void> {
  let at: number = from;
  for (const phase of first) {
    if (at >= horizon) return;
    const run = runOf(null, phase, at, horizon);
    yield run;
    at = endOf(run);
  }
  while (at < horizon) {
    const { rule, until } = stretchAt(rules, zone, millis(at), horizon);
    assert(until > at, 'a stretch is over before it begins, and would be met for ever');
    for (const phase of rule?.phases ?? OUTSIDE) {
      if (at >= until) break;
      const run = runOf(rule, phase, at, until);
      yield run;
      at = endOf(run);
    }
  }
}

/** How many units begin from `from` on and before `before`. */
export function unitsBegun(from: number, before: number, unitMs: number): number {
  return before <= from ? 0 : Math.ceil((before - from) / unitMs);
}

function runOf(rule: Rule | null, phase: Phase, from: number, stretchUntil: number): Run {
  const { perMinutes, forMinutes } = phase;
  const until =
    forMinutes === null ? stretchUntil : Math.min(stretchUntil, from + forMinutes * MINUTE_MS);
  const unitMinutes = perMinutes ?? forMinutes;
  const unitMs = unitMinutes === null ? until - from : unitMinutes * MINUTE_MS;
  return { rule, phase, from, until, unitMs };
}

/** Where the last unit ends: a unit that was begun is used up, past the hours of its rule if need be. */
function endOf({ from, until, unitMs }: Run): number {
  return from + unitsBegun(from, until, unitMs) * unitMs;
}
