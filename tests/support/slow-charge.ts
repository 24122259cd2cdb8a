// A second way to charge a stay, slow and obvious: it looks at the clock every minute and buys the next unit where
// the last one is used up. It shares no code with the first, and no knowledge of time zones: when the clocks change
// stands here as it was published.

import type { Cap, Phase, Rule, TariffVersion } from '../../src/domain/tariff/tariff.ts';

/** Since when the local clock is how many minutes ahead of UTC; good for 2026 and some months on both sides. */
export const CLOCKS: Readonly<
  Record<string, readonly (readonly [since: string, minutes: number])[]>
> = {
  'Europe/Berlin': [
    ['2025-03-30T01:00Z', 120],
    ['2025-10-26T01:00Z', 60],
    ['2026-03-29T01:00Z', 120],
    ['2026-10-25T01:00Z', 60],
    ['2027-03-28T01:00Z', 120],
  ],
  'America/New_York': [
    ['2025-03-09T07:00Z', -240],
    ['2025-11-02T06:00Z', -300],
    ['2026-03-08T07:00Z', -240],
    ['2026-11-01T06:00Z', -300],
    ['2027-03-14T07:00Z', -240],
  ],
  // Half an hour, and a day earlier by UTC.
  'Australia/Lord_Howe': [
    ['2025-04-05T15:00Z', 630],
    ['2025-10-04T15:30Z', 660],
    ['2026-04-04T15:00Z', 630],
    ['2026-10-03T15:30Z', 660],
    ['2027-04-03T15:00Z', 630],
  ],
  // At midnight: one day begins at 01:00, and one day's last hour comes twice.
  'Africa/Cairo': [
    ['2025-04-24T22:00Z', 180],
    ['2025-10-30T21:00Z', 120],
    ['2026-04-23T22:00Z', 180],
    ['2026-10-29T21:00Z', 120],
    ['2027-04-29T22:00Z', 180],
  ],
  'Asia/Kolkata': [['1970-01-01T00:00Z', 330]],
};

export interface SlowCharge {
  /** The amount of a stay of so many minutes, by their number. */
  readonly amounts: readonly number[];
  /** The minutes at whose beginning something was charged, in order. */
  readonly charged: readonly number[];
}

const MINUTE = 60_000;
const WEEK = 10_080;
const DAY = 1_440;
/** 1970 began on a Thursday. */
const MONDAY = 4 * DAY;
const FREE: readonly Phase[] = [
  { amount: 0 as Phase['amount'], perMinutes: null, forMinutes: null },
];

/** Charges a stay for every length up to `minutes`. It starts, as the clocks change, at a whole minute. */
export function slowCharge(
  version: TariffVersion,
  timeZone: string,
  from: number,
  minutes: number,
): SlowCharge {
  const clock = clockOf(timeZone, from / MINUTE - DAY);
  const ruleAt = hoursOf(version.rules);
  const capped = capsOf(version.caps);
  const units = unitsInTurn(version.first);
  const amounts: number[] = [];
  const charged: number[] = [];
  let amount = 0;
  let opened: number | null = null;
  /** When the unit at hand is used up; null: with the hours of its rule. */
  let usedUpAt: number | null = 0;
  for (let minute = 0; minute <= minutes; minute++) {
    amounts.push(amount);
    const reads = clock(from / MINUTE + minute);
    const open = ruleAt(reads);
    if (open.opened !== opened) {
      opened = open.opened;
      usedUpAt ??= minute;
      units.anew();
    }
    if (usedUpAt === null || minute < usedUpAt) continue;
    const unit = units.next(open.rule);
    usedUpAt = unit.minutes === null ? null : minute + unit.minutes;
    const price = capped(unit.price, minute, reads);
    amount += price;
    if (price > 0) charged.push(minute);
  }
  return { amounts, charged };
}

interface Unit {
  readonly price: number;
  readonly minutes: number | null;
  readonly comesAgain: boolean;
}

/** What comes first goes on whatever the hour; then a rule's phases follow, anew in each of its windows. */
function unitsInTurn(first: readonly Phase[]): { anew(): void; next(rule: Rule | null): Unit } {
  let coming = first.flatMap(unitsOf);
  let isFirst = true;
  return {
    anew() {
      if (!isFirst) coming = [];
    },
    next(rule) {
      if (coming.length === 0) {
        isFirst = false;
        coming = (rule?.phases ?? FREE).flatMap(unitsOf);
      }
      const unit = coming[0] as Unit;
      if (!unit.comesAgain) coming.shift();
      return unit;
    },
  };
}

function unitsOf({ amount, perMinutes, forMinutes }: Phase): Unit[] {
  const minutes = perMinutes ?? forMinutes;
  if (forMinutes === null) return [{ price: amount, minutes, comesAgain: true }];
  const unit = { price: amount, minutes, comesAgain: false };
  return Array.from({ length: forMinutes / (minutes ?? forMinutes) }, () => unit);
}

/** What the clock has read at the furthest: one that is set back says nothing new until it has caught up. */
function clockOf(timeZone: string, begin: number): (minute: number) => number {
  const changes = (CLOCKS[timeZone] ?? []).map(([since, ahead]) => ({
    since: Date.parse(since) / MINUTE,
    ahead,
  }));
  let furthest = Number.NEGATIVE_INFINITY;
  let next = begin;
  return (minute) => {
    for (; next <= minute; next++) {
      const ahead = changes.findLast(({ since }) => since <= next)?.ahead;
      if (ahead === undefined) throw new Error(`no clock for ${timeZone} at ${next}`);
      furthest = Math.max(furthest, next + ahead);
    }
    return furthest;
  };
}

/** What is left of a price after the caps, each with a sum of its own for each of its windows. */
function capsOf(caps: readonly Cap[]): (price: number, minute: number, reads: number) => number {
  const spent = caps.map(() => new Map<number, number>());
  return (price, minute, reads) => {
    const windows = caps.map(({ per }) => {
      if (per === 'stay') return 0;
      return per === 'day' ? Math.floor(reads / DAY) : Math.floor(minute / per.minutes);
    });
    const spentOf = (cap: number): number => spent[cap]?.get(windows[cap] ?? 0) ?? 0;
    const left = Math.min(price, ...caps.map(({ max }, cap) => max - spentOf(cap)));
    windows.forEach((window, cap) => {
      spent[cap]?.set(window, spentOf(cap) + left);
    });
    return left;
  };
}

interface Open {
  readonly rule: Rule | null;
  /** What the clock read when the rule's hours began; -1 outside of all hours. */
  readonly opened: number;
}

/** Whose hours a reading of the clock lies in. */
function hoursOf(rules: readonly Rule[]): (reads: number) => Open {
  const between = { rule: rules.find(({ windows }) => windows === null) ?? null, opened: -1 };
  const windows = rules.flatMap((rule) => (rule.windows ?? []).map((each) => ({ ...each, rule })));
  return (reads) => {
    const minute = (reads - MONDAY) % WEEK;
    for (const { startMinute, endMinute, rule } of windows) {
      const since = (minute - startMinute + WEEK) % WEEK;
      if (since < endMinute - startMinute) return { rule, opened: reads - since };
    }
    return between;
  };
}
