import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Violation } from '../problem-document.ts';
import { readTariff } from './tariff.ts';
import type { TariffDocument } from './tariff-schema.ts';

type Version = TariffDocument['versions'][number];
type Rule = Version['rules'][number];

const DAY: Rule = {
  name: 'Day',
  days: ['mon', 'sat'],
  from: '08:00',
  to: '20:00',
  phases: [
    { amount: 200, forMinutes: 60 },
    { amount: 100, perMinutes: 30 },
  ],
};

function document(version: Partial<Version> = {}): TariffDocument {
  return {
    currency: 'EUR',
    timeZone: 'Europe/Berlin',
    versions: [
      {
        effectiveFrom: '2026-01-01T00:00:00+01:00',
        graceSeconds: 900,
        quoteSeconds: 300,
        rules: [DAY],
        ...version,
      },
    ],
  };
}

describe('a tariff document', () => {
  test('is read into what the domain charges by', () => {
    const caps = [
      { max: 2_000, perMinutes: 1_440 },
      { max: 2_500, per: 'day' as const },
    ];
    const first = [{ amount: 0, forMinutes: 15 }];

    expect(readTariff(document({ first, caps }))).toEqual({
      tariff: {
        currency: 'EUR',
        timeZone: 'Europe/Berlin',
        versions: [
          {
            effectiveFrom: Date.parse('2025-12-31T23:00Z'),
            graceSeconds: 900,
            quoteSeconds: 300,
            first: [{ amount: 0, perMinutes: null, forMinutes: 15 }],
            rules: [
              {
                name: 'Day',
                windows: [
                  { startMinute: 480, endMinute: 1_200 },
                  { startMinute: 7_680, endMinute: 8_400 },
                ],
                phases: [
                  { amount: 200, perMinutes: null, forMinutes: 60 },
                  { amount: 100, perMinutes: 30, forMinutes: null },
                ],
              },
            ],
            caps: [
              { max: 2_000, per: { minutes: 1_440 } },
              { max: 2_500, per: 'day' },
            ],
          },
        ],
      },
    });
  });

  test.each<[string, Partial<Rule>, [number, number][] | null]>([
    ['no hours', {}, null],
    ['a day, whole', { days: ['sun'] }, [[8_640, 10_080]]],
    ['hours on a day', { days: ['tue'], from: '06:30', to: '24:00' }, [[1_830, 2_880]]],
    ['hours over midnight', { days: ['sun'], from: '22:00', to: '06:00' }, [[9_960, 10_440]]],
    ['hours of a day and a night', { days: ['mon'], from: '06:00', to: '06:00' }, [[360, 1_800]]],
    ['hours over days', { from: 'fri 18:00', to: 'mon 06:00' }, [[6_840, 10_440]]],
    ['hours within a day of the week', { from: 'mon 06:00', to: 'mon 09:00' }, [[360, 540]]],
    ['a week', { from: 'wed 12:00', to: 'wed 12:00' }, [[3_600, 13_680]]],
  ])('may give a rule %s', (_, hours, windows) => {
    const { days, from, to, ...bare } = DAY;
    const { tariff } = readTariff(document({ rules: [{ ...bare, ...hours }] }));

    expect(tariff?.versions[0]?.rules[0]?.windows).toEqual(
      windows?.map(([startMinute, endMinute]) => ({ startMinute, endMinute })) ?? null,
    );
  });

  test('may have caps for windows that only partly lie in each other, whatever they allow', () => {
    const caps = [
      { max: 2_500, perMinutes: 90 },
      { max: 2_000, perMinutes: 120 },
      { max: 2_500, per: 'day' as const },
    ];

    expect(readTariff(document({ caps })).violations).toBeUndefined();
  });

  test('gives a rule without days every day', () => {
    const { days, ...everyDay } = DAY;

    expect(
      readTariff(document({ rules: [everyDay] })).tariff?.versions[0]?.rules[0]?.windows,
    ).toHaveLength(7);
  });
});

describe('what is wrong with a tariff', () => {
  test.each<[string, unknown, Violation]>([
    ['no object', [], { path: '', message: 'Expected object' }],
    [
      'an unknown zone',
      { ...document(), timeZone: 'Europe/Nowhere' },
      { path: 'timeZone', message: 'is no time zone of the IANA database: Europe/Nowhere' },
    ],
    [
      'an unknown field',
      { ...document(), owner: 'me' },
      { path: 'owner', message: 'is not a field of this tariff' },
    ],
    [
      'no currency',
      { ...document(), currency: undefined },
      { path: 'currency', message: 'must be an active ISO 4217 alphabetic code' },
    ],
    [
      'half a cent',
      document({ rules: [{ ...DAY, phases: [{ amount: 0.5 }] }] }),
      {
        path: 'versions[0].rules[0].phases[0].amount',
        message: 'must be a whole number of minor units from 0 to 10^12',
      },
    ],
    [
      'a day that there is not',
      document({ rules: [{ ...DAY, days: ['moonday' as 'mon'] }] }),
      {
        path: 'versions[0].rules[0].days[0]',
        message: 'must be one of mon, tue, wed, thu, fri, sat, sun',
      },
    ],
    [
      'a time of day that there is not',
      document({ rules: [{ ...DAY, from: '25:00' }] }),
      {
        path: 'versions[0].rules[0].from',
        message: 'must be a time of day such as "08:00", or of the week such as "fri 18:00"',
      },
    ],
    [
      'hours without an end',
      document({ rules: [{ name: 'Day', from: '08:00', phases: [{ amount: 1 }] }] }),
      { path: 'versions[0].rules[0].to', message: 'is missing beside `from`' },
    ],
    [
      'hours without a beginning',
      document({ rules: [{ name: 'Day', to: '08:00', phases: [{ amount: 1 }] }] }),
      { path: 'versions[0].rules[0].from', message: 'is missing beside `to`' },
    ],
    [
      'hours that begin on a weekday and end at a time',
      document({ rules: [{ ...DAY, from: 'fri 18:00' }] }),
      {
        path: 'versions[0].rules[0].to',
        message: 'must name a weekday if `from` does, and only then',
      },
    ],
    [
      'hours of the week on some days',
      document({ rules: [{ ...DAY, from: 'fri 18:00', to: 'mon 06:00' }] }),
      {
        path: 'versions[0].rules[0].days',
        message: 'must be left out where `from` and `to` name weekdays',
      },
    ],
    [
      'a cap for no window',
      document({ caps: [{ max: 2_000 }] }),
      { path: 'versions[0].caps[0]', message: 'must have one of `per` and `perMinutes`' },
    ],
    [
      'a cap for two windows',
      document({ caps: [{ max: 2_000, per: 'day', perMinutes: 60 }] }),
      { path: 'versions[0].caps[0]', message: 'must have one of `per` and `perMinutes`' },
    ],
    [
      'a cap below a flat price',
      document({ caps: [{ max: 150, per: 'day' }] }),
      {
        path: 'versions[0].caps[0].max',
        message: 'is below the 200 that rules[0].phases[0] charges at once',
      },
    ],
    [
      'a cap below what comes first',
      document({ first: [{ amount: 700, forMinutes: 5 }], caps: [{ max: 600, per: 'day' }] }),
      {
        path: 'versions[0].caps[0].max',
        message: 'is below the 700 that first[0] charges at once',
      },
    ],
    [
      'two caps for the same windows',
      document({
        caps: [
          { max: 2_000, perMinutes: 1_440 },
          { max: 2_500, per: 'day' },
          { max: 3_000, perMinutes: 1_440 },
        ],
      }),
      { path: 'versions[0].caps[2]', message: 'is for the same windows as caps[0]' },
    ],
    [
      'a cap that another makes idle',
      document({
        caps: [
          { max: 2_000, per: 'stay' },
          { max: 2_500, perMinutes: 60 },
        ],
      }),
      {
        path: 'versions[0].caps[1].max',
        message: 'is never reached: caps[0] allows no more in a longer time',
      },
    ],
    [
      'a cap that makes another idle',
      document({
        caps: [
          { max: 2_500, perMinutes: 60 },
          { max: 2_000, perMinutes: 120 },
        ],
      }),
      {
        path: 'versions[0].caps[0].max',
        message: 'is never reached: caps[1] allows no more in a longer time',
      },
    ],
    [
      'a first phase without an end',
      document({ first: [{ amount: 0 }] }),
      {
        path: 'versions[0].first[0].forMinutes',
        message: 'is missing: without it, the rules would never come',
      },
    ],
    [
      'a phase without an end before another',
      document({ rules: [{ ...DAY, phases: [{ amount: 5 }, { amount: 6 }] }] }),
      {
        path: 'versions[0].rules[0].phases[0].forMinutes',
        message: 'is missing: without it, the next phase would never come',
      },
    ],
    [
      'a last phase with an end',
      document({ rules: [{ ...DAY, phases: [{ amount: 5, forMinutes: 60 }] }] }),
      {
        path: 'versions[0].rules[0].phases[0].forMinutes',
        message: 'must be left out in the last phase: it goes on as long as the rule applies',
      },
    ],
    [
      'a unit that the phase would cut',
      document({
        rules: [{ ...DAY, phases: [{ amount: 5, perMinutes: 30, forMinutes: 45 }, { amount: 0 }] }],
      }),
      {
        path: 'versions[0].rules[0].phases[0].forMinutes',
        message: 'must be a whole number of units, and 45 is no multiple of 30',
      },
    ],
    [
      'a phase that is never reached',
      document({ rules: [{ ...DAY, phases: [{ amount: 5, forMinutes: 720 }, { amount: 0 }] }] }),
      {
        path: 'versions[0].rules[0].phases[1]',
        message:
          'is never reached: the rule applies for 720 minutes at a time, and the phases before take 720',
      },
    ],
    [
      'two rules of one name',
      document({ rules: [DAY, { ...DAY, days: ['sun'] }] }),
      { path: 'versions[0].rules[1].name', message: 'is the name of rules[0] already' },
    ],
    [
      'two rules for all the rest',
      document({
        rules: [
          { name: 'A', phases: [{ amount: 1 }] },
          { name: 'B', phases: [{ amount: 1 }] },
        ],
      }),
      {
        path: 'versions[0].rules[1]',
        message: 'has no hours, and rules[0] has none: only one rule may apply to all the rest',
      },
    ],
    [
      'rules that overlap',
      document({
        rules: [DAY, { name: 'Eve', from: '19:30', to: '22:00', phases: [{ amount: 1 }] }],
      }),
      {
        path: 'versions[0].rules[1]',
        message: 'overlaps with rules[0] ("Day") from Monday 19:30',
      },
    ],
    [
      'rules that overlap over the end of the week',
      document({
        rules: [
          DAY,
          { name: 'Weekend', from: 'sat 20:00', to: 'mon 08:01', phases: [{ amount: 1 }] },
        ],
      }),
      {
        path: 'versions[0].rules[1]',
        message: 'overlaps with rules[0] ("Day") from Monday 08:00',
      },
    ],
    [
      'versions out of order',
      { ...document(), versions: [...document().versions, ...document().versions] },
      {
        path: 'versions[1].effectiveFrom',
        message: 'must be later than in the version before: each is in force until the next',
      },
    ],
  ])('is said by its place: %s', (_, wrong, violation) => {
    expect(readTariff(wrong).violations).toContainEqual(violation);
  });

  test('is said all at once, and each once', () => {
    const { violations } = readTariff(
      document({
        first: [{ amount: 0 }],
        rules: [DAY, { ...DAY, name: 'Twin' }],
        caps: [{ max: 50, per: 'day' }],
      }),
    );

    expect(violations?.map(({ path }) => path)).toEqual([
      'versions[0].first[0].forMinutes',
      'versions[0].rules[1]',
      'versions[0].caps[0].max',
    ]);
  });

  test('never makes the reader fail: anything at all is read or refused', () => {
    const anything = fc.oneof(fc.anything(), mangled());
    fc.assert(
      fc.property(anything, (value) => {
        const { tariff, violations } = readTariff(value) as Record<string, unknown>;
        return (tariff === undefined) !== (violations === undefined);
      }),
      { numRuns: 500 },
    );
  });
});

/** A document of which one value, somewhere, is another. */
function mangled(): fc.Arbitrary<unknown> {
  const whole = JSON.stringify(document({ caps: [{ max: 2_000, per: 'day' }] }));
  const places = [...whole.matchAll(/:("[^"]*"|\d+)/g)].map(({ index }) => index);
  const values = fc.constantFrom(
    'null',
    '-1',
    '0',
    '1e12',
    '1e999',
    '""',
    '"mon 24:00"',
    '[]',
    '{}',
  );
  return fc.tuple(fc.constantFrom(...places), values).map(([place, value]) => {
    const rest = whole.slice(place).replace(/^:("[^"]*"|\d+)/, `:${value}`);
    return JSON.parse(whole.slice(0, place) + rest);
  });
}
