// A tariff as an operator writes it: the schema of the document. tariff.ts reads it.

import { type Static, Type } from '@sinclair/typebox';
import { amount, closed, currency, explained, named, oneOf, text, time } from './scalars.ts';

const TARIFF_LIMITS = {
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

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

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
export type RuleDocument = Static<typeof rule>;
export type CapDocument = Static<typeof cap>;
export type PhaseDocument = Static<typeof phase>;
