// What a stay costs, line by line, and when that changes.
//
// The runs of a stay are cut into parts whose units begin in the same windows of all caps. What a part costs is then a
// multiplication, cut to what the caps leave: the work grows with runs and windows, not with units.
//
//   C1. The amount never falls as the stay grows.
//   C2. The lines lie end to end from `from` to `to`, and add up to the amount.
//   C3. `nextChangeAt` is the first millisecond at which the amount is another. A unit is charged once some of it has
//       been used, so a stay of exactly one hour costs one hour, and the next hour is due a millisecond later.

import { assert } from '../assert.ts';
import { add, type Minor, minor, ZERO } from '../money.ts';
import { type Millis, millis } from '../time.ts';
import { Allowance } from './allowance.ts';
import { type Run, runsOf, unitsBegun } from './runs.ts';
import {
  type Cap,
  lastChargeable,
  type Phase,
  type Rule,
  type Tariff,
  type TariffVersion,
  versionAt,
} from './tariff.ts';
import { zoneOf } from './zone.ts';

export interface Charge {
  readonly amount: Minor;
  readonly breakdown: readonly ChargeLine[];
  /** Null: never, for as long as a stay has a price. */
  readonly nextChangeAt: Millis | null;
}

/** Units of one price that lie end to end. */
export interface ChargeLine {
  readonly from: Millis;
  /** The end of the last unit, or of the stay. */
  readonly to: Millis;
  /** Null in the phases that come first, and outside of all rules. */
  readonly rule: Rule | null;
  readonly phase: Phase;
  /** Started units. */
  readonly units: number;
  /** Their price, or what the caps left of it. */
  readonly amount: Minor;
  /** The cap that cut the amount. */
  readonly cap: Cap | null;
}

export type ChargeRejection =
  /** The stay began before the tariff's first version. */
  | { readonly rejected: 'tariff.notInForce' }
  | { readonly rejected: 'stay.endsBeforeStart' }
  /** There is no price beyond `until`. */
  | { readonly rejected: 'stay.tooLong'; readonly until: Millis };

/** The price of a stay that has lasted from `from` to `to`. */
export function charge(tariff: Tariff, from: Millis, to: Millis): Charge | ChargeRejection {
  const version = versionAt(tariff, from);
  if (version === undefined) return { rejected: 'tariff.notInForce' };
  if (to < from) return { rejected: 'stay.endsBeforeStart' };
  if (to > lastChargeable(from)) return { rejected: 'stay.tooLong', until: lastChargeable(from) };

  const zone = zoneOf(tariff.timeZone);
  const allowance = new Allowance(version.caps, from, zone);
  const horizon = hasPrice(version) ? lastChargeable(from) : to;
  return total(partsOf(runsOf(version, zone, from, horizon), allowance), allowance, to);
}

/** Units of one run that begin in the same windows of all caps. */
interface Part {
  readonly run: Run;
  readonly from: number;
  readonly units: number;
}

/** The allowance is turned to a part's windows before the part is given out. */
function* partsOf(runs: Iterable<Run>, allowance: Allowance): Generator<Part, void> {
  for (const run of runs) {
    for (let from = run.from; from < run.until; ) {
      const windowsEnd = allowance.turnTo(from);
      // What costs nothing needs no window.
      const before = run.phase.amount === 0 ? run.until : Math.min(run.until, windowsEnd);
      const units = unitsBegun(from, before, run.unitMs);
      assert(units > 0, 'a window is over before it begins, and would be met for ever');
      yield { run, from, units };
      from += units * run.unitMs;
    }
  }
}

/** Adds up what has begun before `to`, and looks on for the first unit that will cost something. */
function total(parts: Iterable<Part>, allowance: Allowance, to: Millis): Charge {
  const breakdown: ChargeLine[] = [];
  let amount = ZERO;
  for (const { run, from, units } of parts) {
    const { rule, phase, unitMs } = run;
    const begun = Math.min(units, unitsBegun(from, to, unitMs));
    if (begun === 0 && allowance.isSpent()) break;
    const { cap, room } = allowance.tightest();
    const price = begun * phase.amount;
    const due = minor(Math.min(price, room));
    const next = millis(from + begun * unitMs);
    if (begun > 0) {
      // Each field by its name: made by a spread, a line costs more than all the rest of a charge.
      breakdown.push({
        from: millis(from),
        to: next < to ? next : to,
        rule,
        phase,
        units: begun,
        amount: due,
        cap: due < price ? cap : null,
      });
    }
    amount = add(amount, due);
    if (begun < units && phase.amount > 0 && due < room) {
      return { amount, breakdown, nextChangeAt: millis(next + 1) };
    }
    allowance.spend(due);
  }
  return { amount, breakdown, nextChangeAt: null };
}

function hasPrice({ first, rules }: TariffVersion): boolean {
  return [first, ...rules.map(({ phases }) => phases)].some((phases) =>
    phases.some(({ amount }) => amount > 0),
  );
}
