// A tariff as an operator writes it: its schema, and how it becomes the tariff that the domain charges by. What a
// schema cannot say is said in the same words: the place, and what is wrong there.

import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { must } from '../../domain/assert.ts';
import { type Currency, minor } from '../../domain/money.ts';
import { flawsOf } from '../../domain/tariff/flaws.ts';
import { WEEK_MINUTES } from '../../domain/tariff/schedule.ts';
import type { Cap, Phase, Rule, Tariff, WeekWindow } from '../../domain/tariff/tariff.ts';
import { isTimeZone } from '../../domain/tariff/zone.ts';
import type { Violation } from '../problem-document.ts';
import { parseTime } from '../wire-time.ts';
import { amount, closed, currency, explained, named, oneOf, text, time } from './scalars.ts';
import { collect, VIOLATIONS_MAX } from './validation.ts';

export const TARIFF_LIMITS = {
  versions: 50,
  rules: 12,
  phases: 12,
  caps: 4,
  name: 64,
  /** The longest stay that has a price: 366 days. */
  minutes: 527_040,
  /** A cap's shortest window: what a charge costs to work out grows with the windows in a stay. */
  capMinutesMin: 60,
  seconds: 86_400,
} as const;

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const DAY_MINUTES = 1_440;

const minutes = (minimum: number, description: string) =>
  explained(
    `must be a whole number of minutes from ${minimum} to ${TARIFF_LIMITS.minutes}`,
    Type.Integer({ minimum, maximum: TARIFF_LIMITS.minutes, description }),
  );

const seconds = (description: string) =>
  explained(
    `must be a whole number of seconds from 0 to ${TARIFF_LIMITS.seconds}`,
    Type.Integer({ minimum: 0, maximum: TARIFF_LIMITS.seconds, description }),
  );

const CLOCK = '([01][0-9]|2[0-3]):[0-5][0-9]';
const clock = (pattern: string, description: string) =>
  explained(
    'must be a time of day such as "08:00", or of the week such as "fri 18:00"',
    Type.String({
      pattern: `^((${WEEKDAYS.join('|')}) )?(${pattern})$`,
      maxLength: 9,
      description,
    }),
  );

const phase = Type.Object(
  {
    amount: amount(0, 'The price of each started unit, in minor units; 0 is free.'),
    perMinutes: Type.Optional(minutes(1, 'The unit. Without it, the whole phase is one unit.')),
    forMinutes: Type.Optional(
      minutes(1, 'How long the phase is, in whole units. The last phase of a rule has none.'),
    ),
  },
  closed,
);

const phases = (minItems: 0 | 1, description: string) =>
  explained(
    `must be a list of ${minItems} to ${TARIFF_LIMITS.phases} phases`,
    Type.Array(phase, { minItems, maxItems: TARIFF_LIMITS.phases, description }),
  );

const rule = Type.Object(
  {
    name: text(TARIFF_LIMITS.name, 'What the lines of a charge call it.'),
    days: Type.Optional(
      explained(
        `must be a list of 1 to 7 different days of ${WEEKDAYS.join(', ')}`,
        Type.Array(oneOf(WEEKDAYS), {
          minItems: 1,
          maxItems: 7,
          uniqueItems: true,
          description: 'The days on which a window opens. Without it, all.',
        }),
      ),
    ),
    from: Type.Optional(clock(CLOCK, 'When it opens, by the local clock.')),
    to: Type.Optional(
      clock(`${CLOCK}|24:00`, 'When it closes: on the next day where that is not after `from`.'),
    ),
    phases: phases(1, 'What time costs, from the opening of the window on.'),
  },
  closed,
);

const cap = Type.Object(
  {
    max: amount(0, 'The most that the units which begin in one window cost.'),
    per: Type.Optional(oneOf(['day', 'stay'], { description: 'A local day, or the whole stay.' })),
    perMinutes: Type.Optional(
      minutes(TARIFF_LIMITS.capMinutesMin, 'Windows of this length from the start of the stay.'),
    ),
  },
  closed,
);

const version = Type.Object(
  {
    effectiveFrom: time('Stays that start from then on are charged by it.'),
    graceSeconds: seconds('Time to leave after paying, before more becomes due.'),
    quoteSeconds: seconds('How long an amount that was told is good for.'),
    first: Type.Optional(phases(0, 'What comes first in every stay, whatever the hour.')),
    rules: explained(
      `must be a list of 1 to ${TARIFF_LIMITS.rules} rules`,
      Type.Array(rule, { minItems: 1, maxItems: TARIFF_LIMITS.rules }),
    ),
    caps: Type.Optional(
      explained(
        `must be a list of at most ${TARIFF_LIMITS.caps} caps`,
        Type.Array(cap, { maxItems: TARIFF_LIMITS.caps }),
      ),
    ),
  },
  closed,
);

export const tariffSchema = named(
  'Tariff',
  Type.Object(
    {
      currency,
      timeZone: explained(
        'must be a time zone of the IANA database, such as "Europe/Berlin"',
        Type.String({ minLength: 1, maxLength: 64, examples: ['Europe/Berlin'] }),
      ),
      versions: explained(
        `must be a list of 1 to ${TARIFF_LIMITS.versions} versions`,
        Type.Array(version, { minItems: 1, maxItems: TARIFF_LIMITS.versions }),
      ),
    },
    closed,
  ),
);

export type TariffDocument = Static<typeof tariffSchema>;
type RuleDocument = Static<typeof rule>;
type CapDocument = Static<typeof cap>;

export type TariffReading =
  | { readonly tariff: Tariff; readonly violations?: undefined }
  | { readonly tariff?: undefined; readonly violations: readonly Violation[] };

const check = TypeCompiler.Compile(tariffSchema);

/** Reads a tariff, or says what is wrong with it: every place that was found, up to a bound. */
export function readTariff(document: unknown): TariffReading {
  if (!check.Check(document)) return { violations: collect(check.Errors(document), 'tariff') };
  const shapeless = shapeViolations(document);
  if (shapeless.length > 0) return { violations: shapeless.slice(0, VIOLATIONS_MAX) };
  const tariff = tariffOf(document);
  const flaws = flawsOf(tariff);
  return flaws.length > 0 ? { violations: flaws.slice(0, VIOLATIONS_MAX) } : { tariff };
}

/** Fields that do not go together, so that they mean nothing. */
function shapeViolations({ timeZone, versions }: TariffDocument): Violation[] {
  const zone = isTimeZone(timeZone)
    ? []
    : [{ path: 'timeZone', message: `is no time zone of the IANA database: ${timeZone}` }];
  return versions.reduce<Violation[]>((found, { rules, caps = [] }, index) => {
    const at = `versions[${index}]`;
    rules.forEach((each, no) => {
      found.push(...hoursViolations(each, `${at}.rules[${no}]`));
    });
    caps.forEach((each, no) => {
      found.push(...capViolations(each, `${at}.caps[${no}]`));
    });
    return found;
  }, zone);
}

function hoursViolations({ days, from, to }: RuleDocument, path: string): Violation[] {
  if (from === undefined && to === undefined) return [];
  if (from === undefined) return [{ path: `${path}.from`, message: 'is missing beside `to`' }];
  if (to === undefined) return [{ path: `${path}.to`, message: 'is missing beside `from`' }];
  const [opens, closes] = [clockOf(from), clockOf(to)];
  if ((opens.weekday === null) !== (closes.weekday === null)) {
    return [{ path: `${path}.to`, message: 'must name a weekday if `from` does, and only then' }];
  }
  if (opens.weekday === null || days === undefined) return [];
  return [
    { path: `${path}.days`, message: 'must be left out where `from` and `to` name weekdays' },
  ];
}

function capViolations({ per, perMinutes }: CapDocument, path: string): Violation[] {
  if ((per === undefined) !== (perMinutes === undefined)) return [];
  return [{ path, message: 'must have one of `per` and `perMinutes`' }];
}

function tariffOf(document: TariffDocument): Tariff {
  return {
    currency: document.currency as Currency,
    timeZone: document.timeZone,
    versions: document.versions.map((each) => ({
      effectiveFrom: must(parseTime(each.effectiveFrom), 'a time that fits its schema'),
      graceSeconds: each.graceSeconds,
      quoteSeconds: each.quoteSeconds,
      first: (each.first ?? []).map(phaseOf),
      rules: each.rules.map(ruleOf),
      caps: (each.caps ?? []).map(capOf),
    })),
  };
}

function ruleOf(document: RuleDocument): Rule {
  return {
    name: document.name,
    windows: windowsOf(document),
    phases: document.phases.map(phaseOf),
  };
}

function phaseOf({ amount: each, perMinutes, forMinutes }: Static<typeof phase>): Phase {
  return { amount: minor(each), perMinutes: perMinutes ?? null, forMinutes: forMinutes ?? null };
}

function capOf({ max, per, perMinutes }: CapDocument): Cap {
  return { max: minor(max), per: per ?? { minutes: must(perMinutes, 'the length of a window') } };
}

function windowsOf({ days, from, to }: RuleDocument): readonly WeekWindow[] | null {
  if (days === undefined && from === undefined) return null;
  const [opens, closes] = [clockOf(from ?? '00:00'), clockOf(to ?? '24:00')];
  if (opens.weekday !== null) {
    return [window(minuteOfWeek(opens), minuteOfWeek(closes), WEEK_MINUTES)];
  }
  return WEEKDAYS.flatMap((day, weekday) => {
    if (days !== undefined && !days.includes(day)) return [];
    const start = minuteOfWeek({ ...opens, weekday });
    return [window(start, minuteOfWeek({ ...closes, weekday }), DAY_MINUTES)];
  });
}

/** What does not close after it opens closes a day or a week later. */
function window(startMinute: number, endMinute: number, later: number): WeekWindow {
  return { startMinute, endMinute: endMinute > startMinute ? endMinute : endMinute + later };
}

interface Clock {
  readonly weekday: number | null;
  readonly minute: number;
}

function clockOf(written: string): Clock {
  const [time = '', day] = written.split(' ').reverse();
  const [hour, minute] = time.split(':').map(Number);
  const weekday = (WEEKDAYS as readonly unknown[]).indexOf(day);
  return { weekday: weekday < 0 ? null : weekday, minute: Number(hour) * 60 + Number(minute) };
}

function minuteOfWeek({ weekday, minute }: Clock): number {
  return (weekday ?? 0) * DAY_MINUTES + minute;
}
