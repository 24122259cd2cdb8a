// Tariffs for tests: the parts in short, and all sorts of tariffs to choose from.

import fc from 'fast-check';
import { type Currency, minor } from '../../src/domain/money.ts';
import type {
  Cap,
  Phase,
  Rule,
  Tariff,
  TariffVersion,
  WeekWindow,
} from '../../src/domain/tariff/tariff.ts';
import { type Millis, millis } from '../../src/domain/time.ts';
import type { Tariffs } from '../../src/switch/tariffs.ts';

/** Of merchants for whom none are kept. */
export const noTariffs: Tariffs = { find: () => undefined };

const WEEK_MINUTES = 10_080;

export function at(time: string): Millis {
  return millis(Date.parse(time));
}

export function free(forMinutes: number | null = null): Phase {
  return flat(0, forMinutes);
}

export function flat(amount: number, forMinutes: number | null = null): Phase {
  return { amount: minor(amount), perMinutes: null, forMinutes };
}

export function per(perMinutes: number, amount: number, forMinutes: number | null = null): Phase {
  return { amount: minor(amount), perMinutes, forMinutes };
}

/** The same hours on each of the days, Monday being 0; what does not close later closes on the next day. */
export function daily(days: readonly number[], opens: string, closes: string): WeekWindow[] {
  const [start, end] = [minuteOf(opens), minuteOf(closes)];
  return days.map((day) => ({
    startMinute: day * 1_440 + start,
    endMinute: day * 1_440 + (end > start ? end : end + 1_440),
  }));
}

export const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];

/** A rule for its hours; without any, for all other time. */
export function rule(
  name: string,
  windows: readonly WeekWindow[] | null,
  ...phases: Phase[]
): Rule {
  return { name, windows, phases };
}

export function tariffOf(timeZone: string, parts: Partial<TariffVersion>): Tariff {
  return { currency: 'EUR' as Currency, timeZone, versions: [versionOf(parts)] };
}

export function versionOf(parts: Partial<TariffVersion>): TariffVersion {
  return {
    effectiveFrom: millis(0),
    graceSeconds: 900,
    quoteSeconds: 300,
    first: [],
    rules: [],
    caps: [],
    ...parts,
  };
}

/** Any version that has no flaw. */
export function versions(): fc.Arbitrary<TariffVersion> {
  return fc
    .record({ first: fc.array(endingPhases(), { maxLength: 2 }), rules: rules(), caps: caps() })
    .map(versionOf);
}

function rules(): fc.Arbitrary<Rule[]> {
  // Edges on quarters of an hour, so that they also fall into hours that a clock skips or repeats.
  const edges = fc.uniqueArray(fc.integer({ min: 0, max: WEEK_MINUTES / 15 - 1 }), {
    minLength: 2,
    maxLength: 12,
  });
  return fc
    .record({
      edges: fc.oneof(edges, fc.constant([])),
      isClosed: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      lists: fc.array(phases(), { minLength: 3, maxLength: 3 }),
      otherwise: fc.option(phases()),
    })
    .map(({ edges: chosen, isClosed, lists, otherwise }) => {
      const sorted = chosen.toSorted((left, right) => left - right).map((quarter) => quarter * 15);
      const windows = sorted.flatMap((startMinute, index) => {
        const endMinute = sorted[index + 1] ?? (sorted[0] ?? 0) + WEEK_MINUTES;
        return isClosed[index] ? [] : [{ startMinute, endMinute }];
      });
      const open = lists.flatMap((list, index) => {
        const own = windows.filter((_, no) => no % lists.length === index);
        return own.length === 0 ? [] : [rule(`Rule ${index}`, own, ...list)];
      });
      return otherwise === null ? open : [...open, rule('Otherwise', null, ...otherwise)];
    });
}

function phases(): fc.Arbitrary<Phase[]> {
  return fc
    .tuple(fc.array(endingPhases(), { maxLength: 2 }), lastPhases())
    .map(([before, last]) => [...before, last]);
}

function endingPhases(): fc.Arbitrary<Phase> {
  return fc.oneof(
    fc.record({ amount: prices(), minutes: fc.integer({ min: 1, max: 180 }) }).map((phase) => {
      return flat(phase.amount, phase.minutes);
    }),
    fc
      .record({ amount: prices(), unit: units(), count: fc.integer({ min: 1, max: 5 }) })
      .map(({ amount, unit, count }) => per(unit, amount, unit * count)),
  );
}

function lastPhases(): fc.Arbitrary<Phase> {
  return fc.oneof(
    prices().map((amount) => flat(amount)),
    fc.record({ amount: prices(), unit: units() }).map(({ amount, unit }) => per(unit, amount)),
  );
}

function prices(): fc.Arbitrary<number> {
  return fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 500 }));
}

function units(): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(1, 15, 20, 30, 60, 1_440), fc.integer({ min: 1, max: 200 }));
}

function caps(): fc.Arbitrary<Cap[]> {
  const window = fc.oneof(
    fc.constantFrom('day' as const, 'stay' as const),
    fc.integer({ min: 60, max: 3_000 }).map((minutes) => ({ minutes })),
  );
  const cap = fc.record({ max: fc.integer({ min: 0, max: 3_000 }).map(minor), per: window });
  return fc.array(cap, { maxLength: 3 });
}

function minuteOf(time: string): number {
  const [hour, minute] = time.split(':').map(Number);
  return Number(hour) * 60 + Number(minute);
}
