// The promises of charge.ts: for all sorts of tariffs around the changes of the clocks, and for a whole year of stays,
// minute by minute, against a second implementation that is slow and obvious.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLOCKS, slowCharge } from '../../../tests/support/slow-charge.ts';
import {
  at,
  daily,
  EVERY_DAY,
  flat,
  free,
  per,
  rule,
  tariffOf,
  versionOf,
  versions,
} from '../../../tests/support/tariffs.ts';
import { minor } from '../money.ts';
import { DAY_MS, MINUTE_MS, type Millis, millis } from '../time.ts';
import { type Charge, charge } from './charge.ts';
import type { Phase, Tariff, TariffVersion } from './tariff.ts';

const WORKDAYS = [0, 1, 2, 3, 4];

/**
 * Hours over midnight, hours that begin or end where clocks change, and time that no rule prices. Two zones are asked at
 * every minute; two at every seventh, which meets every minute of a unit in turn.
 */
const YEAR: readonly (readonly [timeZone: string, step: number, version: TariffVersion])[] = [
  [
    'Europe/Berlin',
    1,
    versionOf({
      first: [free(15)],
      rules: [
        rule('Day', daily(EVERY_DAY, '08:00', '19:00'), flat(200, 60), per(30, 120)),
        rule('Night', daily(EVERY_DAY, '19:00', '02:30'), flat(500)),
        rule('Small hours', null, per(20, 10)),
      ],
      caps: [{ max: minor(2_000), per: { minutes: 1_440 } }],
    }),
  ],
  [
    'America/New_York',
    7,
    versionOf({
      rules: [
        rule('Workdays', daily(WORKDAYS, '01:30', '18:00'), per(20, 75, 120), per(60, 300)),
        rule('Weekend', [{ startMinute: 5 * 1_440, endMinute: 7 * 1_440 }], flat(900)),
      ],
      caps: [{ max: minor(1_500), per: 'day' }],
    }),
  ],
  [
    'Australia/Lord_Howe',
    1,
    versionOf({
      rules: [
        rule('Early', daily(EVERY_DAY, '01:45', '02:15'), flat(70)),
        rule('Day', daily(EVERY_DAY, '02:15', '22:00'), per(45, 100)),
      ],
      caps: [
        { max: minor(1_000), per: 'day' },
        { max: minor(2_500), per: { minutes: 4_320 } },
      ],
    }),
  ],
  [
    'Asia/Kolkata',
    7,
    versionOf({
      first: [flat(50, 10)],
      rules: [rule('Any day', daily(EVERY_DAY, '00:00', '00:00'), per(1, 2, 240), flat(0))],
      caps: [{ max: minor(6_000), per: { minutes: 10_080 } }],
    }),
  ],
];

/** Stays of these lengths in hours, one beginning where the last ends, fill the year. */
const STAYS_HOURS = [1, 26, 7, 3, 12];

describe('a year of stays, minute by minute', () => {
  for (const [timeZone, step, version] of YEAR) {
    test(`costs in ${timeZone} what a slow and obvious walk over its minutes makes it`, () => {
      const tariff = tariffOf(timeZone, version);
      const differences: Difference[] = [];
      let minutes = 0;
      let from = Date.parse('2026-01-01T00:07Z');
      for (let no = 0; from < Date.parse('2027-01-01T00:00Z'); no++) {
        const length = (STAYS_HOURS[no % STAYS_HOURS.length] ?? 1) * 60;
        differences.push(...differencesOf(tariff, version, { from, minutes: length, step }));
        minutes += length;
        from += length * MINUTE_MS;
      }

      expect(differences.slice(0, 5)).toEqual([]);
      expect(minutes).toBeGreaterThan(365 * 1_440);
    });
  }

  test('is one stay, too: hopping from change to change meets every charge of the walk', () => {
    const version = versionOf({
      rules: [
        rule('Day', daily(EVERY_DAY, '02:15', '18:00'), flat(300, 60), free(240), per(1_440, 200)),
        rule('Night', null, flat(100)),
      ],
      caps: [{ max: minor(2_900), per: { minutes: 10_080 } }],
    });
    for (const timeZone of ['Europe/Berlin', 'Australia/Lord_Howe']) {
      const tariff = tariffOf(timeZone, version);
      const from = at('2026-01-01T00:07Z');
      const until = from + 364 * DAY_MS;
      const met: [number, number][] = [];
      for (let to: Millis | null = from; to !== null && to < until; ) {
        const { amount, nextChangeAt }: Charge = chargeOf(tariff, from, to);
        met.push([to, amount]);
        // One that did not lie ahead would be met for ever.
        to = nextChangeAt !== null && nextChangeAt > to ? nextChangeAt : null;
      }
      const { amounts, charged } = slowCharge(version, timeZone, from, 364 * 1_440);
      const walked = charged.map((minute) => [from + minute * MINUTE_MS + 1, amounts[minute + 1]]);

      expect(met).toEqual([[from, 0], ...walked.filter(([, amount]) => amount !== undefined)]);
      expect(met.length).toBeGreaterThan(600);
    }
  });
});

describe('a charge', () => {
  test('is what the slow walk makes it, for all sorts of tariffs, around the changes of the clocks', () => {
    fc.assert(
      fc.property(versions(), stays(), (version, { timeZone, from, minutes }) => {
        const tariff = tariffOf(timeZone, version);
        expect(differencesOf(tariff, version, { from, minutes, step: 1 }).slice(0, 3)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test('C1: never falls as time passes', () => {
    forAllCharges((tariff, from, to, { amount }) => {
      const later = millis(to + 7 * MINUTE_MS + 1);
      expect(chargeOf(tariff, from, later).amount).toBeGreaterThanOrEqual(amount);
    });
  });

  test('C2: has lines that lie end to end over the stay and add up to the amount', () => {
    forAllCharges((_, from, to, { amount, breakdown }) => {
      let end: number = from;
      for (const line of breakdown) {
        expect(line.from).toBe(end);
        expect(line.to).toBeGreaterThan(line.from);
        end = line.to;
      }
      expect(end).toBe(to);
      expect(breakdown.reduce((sum, line) => sum + line.amount, 0)).toBe(amount);
    });
  });

  test('C2: is the sum of its pieces: a stay that ends between two lines costs the lines before', () => {
    forAllCharges((tariff, from, _, { breakdown }) => {
      let sum = 0;
      for (const [index, line] of breakdown.entries()) {
        const piece = chargeOf(tariff, from, line.from);
        expect(piece.amount).toBe(sum);
        expect(piece.breakdown).toEqual(breakdown.slice(0, index));
        sum += line.amount;
      }
    });
  });

  test('T2: charges no unit twice: each line has the units that its time holds, and only its last is cut', () => {
    forAllCharges((_, __, to, { breakdown }) => {
      for (const { phase, units, from, to: end, amount, cap } of breakdown) {
        const unitMs = ((phase.perMinutes ?? phase.forMinutes) || 366 * 1_440) * MINUTE_MS;
        expect(units).toBe(Math.ceil((end - from) / unitMs));
        expect(end === to || isOpenEnded(phase) || end - from === units * unitMs).toBe(true);
        expect(amount).toBe(cap === null ? units * phase.amount : Math.min(amount, cap.max));
        expect(amount).toBeLessThanOrEqual(units * phase.amount);
      }
    });
  });

  test('C3: changes at nextChangeAt and not a millisecond before', () => {
    let changes = 0;
    forAllCharges((tariff, from, to, { amount, nextChangeAt }) => {
      if (nextChangeAt === null) {
        expect(chargeOf(tariff, from, millis(from + 366 * DAY_MS)).amount).toBe(amount);
      } else {
        changes++;
        expect(nextChangeAt).toBeGreaterThan(to);
        expect(chargeOf(tariff, from, millis(nextChangeAt - 1)).amount).toBe(amount);
        expect(chargeOf(tariff, from, nextChangeAt).amount).toBeGreaterThan(amount);
      }
    });
    expect(changes).toBeGreaterThan(20);
  });
});

/** One unit, for as long as its rule applies. */
function isOpenEnded({ perMinutes, forMinutes }: Phase): boolean {
  return perMinutes === null && forMinutes === null;
}

interface Difference {
  readonly from: string;
  readonly to: string;
  readonly charged: readonly [amount: number, nextChangeAt: string];
  readonly walked: readonly [amount: number, nextChangeAt: string];
}

/** Where charge and walk disagree about a stay, asked at each step of its minutes. */
function differencesOf(
  tariff: Tariff,
  version: TariffVersion,
  { from, minutes, step }: { from: number; minutes: number; step: number },
): Difference[] {
  // The walk goes on a while, to know what is charged next.
  const { amounts, charged } = slowCharge(version, tariff.timeZone, from, minutes + LOOK_AHEAD);
  const differences: Difference[] = [];
  let next = 0;
  for (let minute = 0; minute <= minutes; minute += step) {
    while ((charged[next] ?? Number.POSITIVE_INFINITY) < minute) next++;
    const to = from + minute * MINUTE_MS;
    const { amount, nextChangeAt } = chargeOf(tariff, millis(from), millis(to));
    const upcoming = charged[next];
    const change = upcoming === undefined ? null : from + upcoming * MINUTE_MS + 1;
    const isSame = amount === amounts[minute];
    if (isSame && (change === nextChangeAt || (change === null && isBeyond(nextChangeAt))))
      continue;
    differences.push({
      from: shown(from),
      to: shown(to),
      charged: [amount, shown(nextChangeAt)],
      walked: [Number(amounts[minute]), shown(change)],
    });
  }
  return differences;

  function isBeyond(time: number | null): boolean {
    return time === null || time > from + (minutes + LOOK_AHEAD) * MINUTE_MS;
  }
}

const LOOK_AHEAD = 600;

/** Stays of up to a day and a half, begun within two days before the clocks change or some hours after. */
function stays(): fc.Arbitrary<{ timeZone: string; from: number; minutes: number }> {
  const changes = Object.entries(CLOCKS).flatMap(([timeZone, clock]) => {
    const inYear = clock.map(([since]) => since).filter((since) => since.startsWith('2026'));
    return [...inYear, '2026-06-01T00:00Z'].map((change) => ({ timeZone, change: at(change) }));
  });
  return fc
    .record({
      near: fc.constantFrom(...changes),
      before: fc.integer({ min: -300, max: 2 * 1_440 }),
      minutes: fc.integer({ min: 1, max: 2_160 }),
    })
    .map(({ near: { timeZone, change }, before, minutes }) => {
      return { timeZone, from: change - before * MINUTE_MS, minutes };
    });
}

/** Checks charges of stays that begin and end at any millisecond. */
function forAllCharges(
  check: (tariff: Tariff, from: Millis, to: Millis, charge: Charge) => void,
): void {
  const odd = fc.integer({ min: 0, max: MINUTE_MS - 1 });
  fc.assert(
    fc.property(versions(), stays(), odd, odd, (version, stay, sooner, later) => {
      const tariff = tariffOf(stay.timeZone, version);
      const from = millis(stay.from + sooner);
      const to = millis(from + stay.minutes * MINUTE_MS + later);
      check(tariff, from, to, chargeOf(tariff, from, to));
    }),
    { numRuns: 200 },
  );
}

function chargeOf(tariff: Tariff, from: Millis, to: Millis): Charge {
  const charged = charge(tariff, from, to);
  if ('rejected' in charged) throw new Error(charged.rejected);
  return charged;
}

function shown(time: number | null): string {
  return time === null ? 'never' : new Date(time).toISOString();
}
