import { describe, expect, test } from 'vitest';
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
} from '../../../tests/support/tariffs.ts';
import { AMOUNT_MAX, minor } from '../money.ts';
import { DAY_MS, millis, plus } from '../time.ts';
import { charge } from './charge.ts';
import type { Cap, Rule, Tariff } from './tariff.ts';

const PER_HOUR = rule('Any time', null, per(60, 200));
const hourly = tariffOf('Europe/Berlin', { rules: [PER_HOUR] });

describe('a stay by the hour', () => {
  test.each([
    ['12:00:00.000Z', 0, '12:00:00.001Z'],
    ['12:00:00.001Z', 200, '13:00:00.001Z'],
    ['13:00:00.000Z', 200, '13:00:00.001Z'],
    ['13:00:00.001Z', 400, '14:00:00.001Z'],
    ['15:30:00.000Z', 800, '16:00:00.001Z'],
  ])('from 12:00 costs at %s what was started before', (to, amount, next) => {
    expect(charge(hourly, at('2026-05-04T12:00Z'), at(`2026-05-04T${to}`))).toMatchObject({
      amount,
      nextChangeAt: at(`2026-05-04T${next}`),
    });
  });

  test('is told in one line of as many units as were started', () => {
    const [from, to] = [at('2026-05-04T12:00Z'), at('2026-05-04T15:30Z')];

    expect(charge(hourly, from, to)).toEqual({
      amount: 800,
      breakdown: [
        { from, to, rule: PER_HOUR, phase: PER_HOUR.phases[0], units: 4, amount: 800, cap: null },
      ],
      nextChangeAt: at('2026-05-04T16:00:00.001Z'),
    });
  });

  test('costs the hours that pass, not those that the clock shows, when the clock changes', () => {
    // Two hours of the clock each: one has passed in spring, three in autumn.
    expect(amountOf(hourly, '2026-03-29T01:00+01:00', '2026-03-29T03:00+02:00')).toBe(200);
    expect(amountOf(hourly, '2026-10-25T01:00+02:00', '2026-10-25T03:00+01:00')).toBe(600);
  });
});

describe('phases', () => {
  const stepped = tariffOf('Europe/Berlin', {
    first: [free(15)],
    rules: [rule('Stay', null, flat(300, 60), per(30, 100, 60), flat(250))],
  });

  test.each([
    ['10:15', 0],
    ['10:16', 300],
    ['11:15', 300],
    ['11:16', 400],
    ['11:46', 500],
    ['12:15', 500],
    ['12:16', 750],
    ['23:00', 750],
  ])('follow one another: from 10:00 to %s', (to, amount) => {
    expect(amountOf(stepped, '2026-05-04T10:00Z', `2026-05-04T${to}Z`)).toBe(amount);
  });

  test('that end in a flat charge have a price that never changes again', () => {
    const paid = charge(stepped, at('2026-05-04T10:00Z'), at('2026-05-04T12:16Z'));

    expect(paid).toMatchObject({ amount: 750, nextChangeAt: null });
  });
});

describe('hours', () => {
  const street = tariffOf('Europe/Berlin', {
    rules: [rule('Day', daily([0, 1, 2, 3, 4, 5], '08:00', '20:00'), per(20, 100))],
  });

  test('leave the rest of the week free, and say when it ends', () => {
    // 18:00Z on Saturday is 20:00; Monday 08:00 is 06:00Z.
    expect(charge(street, at('2026-05-09T18:00Z'), at('2026-05-10T12:00Z'))).toMatchObject({
      amount: 0,
      breakdown: [{ rule: null, units: 1, amount: 0 }],
      nextChangeAt: at('2026-05-11T06:00:00.001Z'),
    });
  });

  test('do not cut a unit that was begun: it is used up after they end', () => {
    const night = tariffOf('Europe/Berlin', {
      rules: [
        rule('Day', daily(EVERY_DAY, '08:00', '20:00'), per(60, 300)),
        rule('Night', null, per(60, 100)),
      ],
    });

    expect(linesOf(night, '2026-05-04T17:30Z', '2026-05-04T20:00Z')).toEqual([
      ['Day', '17:30', '18:30', 300],
      ['Night', '18:30', '20:00', 200],
    ]);
  });

  test('begin their phases anew each time', () => {
    const flatNight = tariffOf('Europe/Berlin', {
      rules: [
        rule('Night', daily(EVERY_DAY, '20:00', '08:00'), flat(500)),
        rule('Day', null, flat(100, 60), per(60, 200)),
      ],
    });

    expect(linesOf(flatNight, '2026-05-04T05:00Z', '2026-05-05T07:30Z')).toEqual([
      ['Night', '05:00', '06:00', 500],
      ['Day', '06:00', '07:00', 100],
      ['Day', '07:00', '18:00', 2_200],
      ['Night', '18:00', '06:00', 500],
      ['Day', '06:00', '07:00', 100],
      ['Day', '07:00', '07:30', 200],
    ]);
  });

  test('that the clock skips do not happen, and what lies around them goes on', () => {
    const tariff = tariffOf('Europe/Berlin', {
      rules: [
        rule('Cleaning', daily(EVERY_DAY, '02:00', '03:00'), flat(900)),
        rule('Else', null, per(60, 100, 120), per(60, 10)),
      ],
    });

    expect(linesOf(tariff, '2026-03-28T23:00Z', '2026-03-29T04:00Z')).toEqual([
      ['Else', '23:00', '01:00', 200],
      ['Else', '01:00', '04:00', 30],
    ]);
    expect(linesOf(tariff, '2026-03-29T22:00Z', '2026-03-30T04:00Z')).toEqual([
      ['Else', '22:00', '00:00', 200],
      ['Cleaning', '00:00', '01:00', 900],
      ['Else', '01:00', '03:00', 200],
      ['Else', '03:00', '04:00', 10],
    ]);
  });

  test('that the clock repeats happen once, and last longer', () => {
    const tariff = tariffOf('Europe/Berlin', {
      rules: [rule('Small hours', daily(EVERY_DAY, '02:00', '03:00'), per(30, 100))],
    });

    expect(linesOf(tariff, '2026-10-24T23:00Z', '2026-10-25T05:00Z')).toEqual([
      [null, '23:00', '00:00', 0],
      ['Small hours', '00:00', '02:00', 400],
      [null, '02:00', '05:00', 0],
    ]);
  });

  test('that ended before the clock was set back do not begin again', () => {
    const tariff = tariffOf('Europe/Berlin', {
      rules: [rule('Late', daily(EVERY_DAY, '01:00', '02:30'), per(15, 100))],
    });

    // 02:00 for the second time, and 00:30Z was 02:30.
    expect(linesOf(tariff, '2026-10-25T01:00Z', '2026-10-25T03:00Z')).toEqual([
      [null, '01:00', '03:00', 0],
    ]);
    expect(amountOf(tariff, '2026-10-24T23:00Z', '2026-10-25T03:00Z')).toBe(600);
  });
});

describe('a cap', () => {
  const capped = (...caps: Cap[]): Tariff => tariffOf('Europe/Berlin', { rules: [PER_HOUR], caps });

  test('of any 24 hours starts with the stay, and again a day later', () => {
    const tariff = capped({ max: minor(1_500), per: { minutes: 1_440 } });
    const from = at('2026-05-04T10:00Z');
    const seventh = charge(tariff, from, at('2026-05-04T17:30Z'));

    expect(seventh).toMatchObject({ amount: 1_500, nextChangeAt: at('2026-05-05T10:00:00.001Z') });
    expect(seventh).toMatchObject({
      breakdown: [{ units: 8, amount: 1_500, cap: tariffCap(tariff) }],
    });
    expect(amountOf(tariff, '2026-05-04T10:00Z', '2026-05-05T10:00Z')).toBe(1_500);
    expect(amountOf(tariff, '2026-05-04T10:00Z', '2026-05-05T10:01Z')).toBe(1_700);
  });

  test('of a day goes by local midnight, which a change of the clocks moves', () => {
    const tariff = capped({ max: minor(500), per: 'day' });

    // Midnight is 23:00Z before the change in March and 22:00Z after it: a day of 23 hours.
    const from = at('2026-03-28T12:00Z');
    expect(charge(tariff, from, at('2026-03-28T22:59Z'))).toMatchObject({
      amount: 500,
      nextChangeAt: at('2026-03-28T23:00:00.001Z'),
    });
    expect(charge(tariff, from, at('2026-03-29T21:59Z'))).toMatchObject({
      amount: 1_000,
      nextChangeAt: at('2026-03-29T22:00:00.001Z'),
    });
  });

  test('of a day has one window for the day whose midnight comes twice', () => {
    // Goose Bay set its clocks back at 00:01, to 23:01 of the day before.
    const tariff = {
      ...capped({ max: minor(300), per: 'day' }),
      timeZone: 'America/Goose_Bay',
    };

    // Begun at 23:30 on the 6th; at 03:30Z it is 23:30 again, and the 7th has begun.
    expect(charge(tariff, at('2010-11-07T02:30Z'), at('2010-11-07T12:00Z'))).toMatchObject({
      breakdown: [
        { from: at('2010-11-07T02:30Z'), to: at('2010-11-07T03:30Z'), units: 1, amount: 200 },
        { from: at('2010-11-07T03:30Z'), to: at('2010-11-07T12:00Z'), units: 9, amount: 300 },
      ],
      nextChangeAt: at('2010-11-08T04:30:00.001Z'),
    });
  });

  test('of the stay ends it: the price never changes again', () => {
    const tariff = capped({ max: minor(900), per: 'stay' });

    expect(charge(tariff, at('2026-05-04T10:00Z'), at('2026-05-04T14:30Z'))).toMatchObject({
      amount: 900,
      nextChangeAt: null,
    });
  });

  test('leaves to others what it does not cut: the lowest room decides', () => {
    const tariff = capped(
      { max: minor(1_000), per: 'day' },
      { max: minor(2_500), per: { minutes: 4_320 } },
    );

    const amounts = [1, 2, 3, 4, 5].map((days) => {
      return amountOf(tariff, '2026-05-03T22:00Z', `2026-05-0${3 + days}T22:00Z`);
    });
    expect(amounts).toEqual([1_000, 2_000, 2_500, 3_500, 4_500]);
  });

  test('on what no bill may exceed is always there', () => {
    const dear = tariffOf('Europe/Berlin', { rules: [rule('Dear', null, per(1, AMOUNT_MAX))] });

    expect(charge(dear, at('2026-05-04T10:00Z'), at('2027-05-04T10:00Z'))).toMatchObject({
      amount: AMOUNT_MAX,
      nextChangeAt: null,
    });
  });
});

describe('the version', () => {
  const rising: Tariff = {
    ...hourly,
    versions: [
      versionOf({ effectiveFrom: at('2026-01-01T00:00Z'), rules: [PER_HOUR] }),
      versionOf({
        effectiveFrom: at('2026-06-01T00:00Z'),
        rules: [rule('New', null, per(60, 500))],
      }),
    ],
  };

  test('in force at the start charges the whole stay', () => {
    expect(amountOf(rising, '2026-05-31T23:59:59.999Z', '2026-06-01T05:00Z')).toBe(1_200);
    expect(amountOf(rising, '2026-06-01T00:00Z', '2026-06-01T05:00Z')).toBe(2_500);
  });

  test('is missing before the first', () => {
    expect(charge(rising, at('2025-12-31T23:59Z'), at('2026-01-02T00:00Z'))).toEqual({
      rejected: 'tariff.notInForce',
    });
  });
});

describe('a stay', () => {
  const from = at('2026-05-04T10:00Z');
  const longest = millis(from + 366 * DAY_MS);

  test('of no time costs nothing', () => {
    expect(charge(hourly, from, from)).toEqual({
      amount: 0,
      breakdown: [],
      nextChangeAt: plus(from, 1),
    });
  });

  test('cannot end before it starts', () => {
    expect(charge(hourly, from, plus(from, -1))).toEqual({ rejected: 'stay.endsBeforeStart' });
  });

  test('has a price for 366 days, and none beyond', () => {
    expect(charge(hourly, from, longest)).toMatchObject({
      amount: 366 * 24 * 200,
      nextChangeAt: null,
    });
    expect(charge(hourly, from, plus(longest, 1))).toEqual({
      rejected: 'stay.tooLong',
      until: longest,
    });
  });

  test('that no rule prices is free for ever', () => {
    const grass = tariffOf('Europe/Berlin', {
      rules: [rule('Nothing', daily(EVERY_DAY, '08:00', '20:00'), free())],
    });

    expect(charge(grass, from, plus(from, DAY_MS))).toMatchObject({
      amount: 0,
      nextChangeAt: null,
    });
  });
});

function amountOf(tariff: Tariff, from: string, to: string): number {
  const charged = charge(tariff, at(from), at(to));
  return 'rejected' in charged ? Number.NaN : charged.amount;
}

/** The lines of a charge: rule, times of day in UTC, amount. */
function linesOf(tariff: Tariff, from: string, to: string): unknown[][] {
  const charged = charge(tariff, at(from), at(to));
  if ('rejected' in charged) return [[charged.rejected]];
  const clock = (time: number): string => new Date(time).toISOString().slice(11, 16);
  return charged.breakdown.map((line) => {
    return [nameOf(line.rule), clock(line.from), clock(line.to), line.amount];
  });
}

function nameOf(rule: Rule | null): string | null {
  return rule === null ? null : rule.name;
}

function tariffCap(tariff: Tariff): Cap | undefined {
  return tariff.versions[0]?.caps[0];
}
