// What the request for a new bill says.

import { Type } from '@sinclair/typebox';
import { OWN_FORMATS, TOTAL_MAX } from '../../domain/bill/vocabulary.ts';
import {
  amount,
  billIdText,
  closed,
  currency,
  explained,
  httpUrl,
  LIMITS,
  oneOf,
  reference,
  text,
  time,
} from './scalars.ts';
import { timerFields } from './stay-requests.ts';

const line = Type.Object(
  {
    name: text(LIMITS.lineName, 'What was sold.'),
    quantity: explained(
      'must be a number above 0, to 10^9',
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1_000_000_000,
        description: 'How much of it; 1.5 is fine.',
      }),
    ),
    price: amount(0, 'Price of one, in minor units.'),
    amount: amount(0, 'Amount of the line, in minor units.'),
  },
  closed,
);

const metadata = explained(
  `must be an object of at most ${LIMITS.metadataEntries} strings: keys of 1 to ${LIMITS.metadataKey} characters, values to ${LIMITS.metadataValue}`,
  Type.Record(
    Type.String({ pattern: `^[^\\u0000]{1,${LIMITS.metadataKey}}$` }),
    explained(
      `must be a string of at most ${LIMITS.metadataValue} characters`,
      Type.String({ maxLength: LIMITS.metadataValue }),
    ),
    {
      maxProperties: LIMITS.metadataEntries,
      additionalProperties: false,
      description: 'Strings of the client’s own, carried and shown, never read.',
    },
  ),
);

/** What of it is left out is as the merchant has set it, else as its institution has, else as by default. */
export const policies = Type.Object(
  {
    late: Type.Optional(
      oneOf(['refuse', 'accept'], {
        description:
          'A payment after the bill’s end. `accept` is for static bills that are paid once: they never expire. Default: refuse.',
      }),
    ),
    excess: Type.Optional(
      oneOf(['refuse', 'reverse'], {
        description:
          'A payment above what is due. `reverse`: it is taken, and what is above is reversed at once. Default: refuse.',
      }),
    ),
    part: Type.Optional(
      oneOf(['allow', 'forbid'], {
        description:
          'A payment of a part of what is due. Default: allow; a static bill is never paid in parts.',
      }),
    ),
    unconfirmed: Type.Optional(
      oneOf(['confirm', 'reverse'], {
        description: 'What becomes of a paid bill that nobody confirms in time. Default: confirm.',
      }),
    ),
  },
  closed,
);

/** What each payment may bring on top, of bills of any type. */
const tip = Type.Object(
  {
    allowed: explained(
      'must be true or false',
      Type.Boolean({ description: 'Whether a payment may bring a tip, on top of its amount.' }),
    ),
    max: Type.Optional(
      amount(1, 'The most that one payment may bring as a tip. Left out: any amount.'),
    ),
  },
  closed,
);

/** Fields that only static bills have. */
export const staticFields = {
  minAmount: Type.Optional(
    amount(1, 'The least that a payment may bring, where the payer chooses.'),
  ),
  maxAmount: Type.Optional(
    amount(1, 'The most that a payment may bring, where the payer chooses.'),
  ),
  usage: Type.Optional(
    oneOf(['single', 'many'], {
      default: 'single',
      description: 'Whether it is paid once or any number of times.',
    }),
  ),
  maxPayments: Type.Optional(
    explained(
      `must be a whole number from 1 to ${LIMITS.payments}`,
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.payments,
        description: 'Payments that it takes, whatever becomes of them later.',
      }),
    ),
  ),
  maxTotal: Type.Optional(
    explained(
      'must be a whole number of minor units from 1 to 9·10^15',
      Type.Integer({
        minimum: 1,
        maximum: TOTAL_MAX,
        description: 'What all payments together may come to, whatever becomes of them later.',
      }),
    ),
  ),
  validFrom: Type.Optional(time('Not to be paid before.')),
  validUntil: Type.Optional(time('Not to be paid from then on. Left out: no end.')),
};

export const billCreate = Type.Object(
  {
    type: Type.Optional(
      oneOf(['dynamic', 'static', 'timer'], {
        description: 'static: made ahead and printed. timer: what it costs, a tariff says.',
        default: 'dynamic',
      }),
    ),
    orderId: reference(
      'The terminal’s own name for the sale; makes the call safe to retry for 24 hours.',
    ),
    amount: Type.Optional(
      amount(
        0,
        'What is owed, in minor units, above 0; of a static bill, what each payment brings. Left out only where a static bill has a range, and of timer bills.',
      ),
    ),
    currency,
    ...staticFields,
    ...timerFields,
    description: Type.Optional(
      explained(
        `must be text of at most ${LIMITS.description} characters`,
        Type.String({ maxLength: LIMITS.description, description: 'What the payer reads.' }),
      ),
    ),
    expiresIn: Type.Optional(
      explained(
        'must be a whole number of seconds from 1 to 2,592,000 (30 days)',
        Type.Integer({
          minimum: 1,
          maximum: LIMITS.expiresInS,
          default: 900,
          description:
            'Seconds until it expires. Without it, a static bill has no end, and a timer bill lasts for 366 days from its start.',
        }),
      ),
    ),
    purpose: Type.Optional(oneOf(['sale', 'prepayment'], { default: 'sale' })),
    relatedBillId: Type.Optional(
      billIdText('A bill that this one goes with (a prepayment’s, say).'),
    ),
    lines: Type.Optional(
      explained(
        `must be a list of at most ${LIMITS.lines} lines`,
        Type.Array(line, { maxItems: LIMITS.lines, description: 'What was sold.' }),
      ),
    ),
    metadata: Type.Optional(metadata),
    capture: Type.Optional(
      oneOf(['manual', 'auto'], {
        description:
          'auto: confirmed as soon as nothing is due; of a static bill for many, each payment at once. Default: manual, of static bills auto.',
      }),
    ),
    confirmWithin: Type.Optional(
      explained(
        'must be a whole number of seconds from 60 to 2,592,000 (30 days)',
        Type.Integer({
          minimum: LIMITS.confirmWithinMinS,
          maximum: LIMITS.confirmWithinS,
          default: 86_400,
          description:
            'Seconds after which a paid bill that nobody confirmed ends by `policies.unconfirmed`.',
        }),
      ),
    ),
    policies: Type.Optional(policies),
    tip: Type.Optional(tip),
    qrFormat: Type.Optional(
      explained(
        'must be the name of a format: url, emvco, sbp, or one that the operator has loaded',
        Type.String({
          pattern: '^[a-z0-9-]{1,32}$',
          examples: [...OWN_FORMATS],
          description:
            'What the QR code holds: `url`, the address of the bill’s page; `emvco`, an EMVCo merchant-presented code; `sbp`, a link of SBP; or the name of a format that the operator has loaded. Left out: the terminal’s format, else its institution’s, else `url`.',
        }),
      ),
    ),
    acquirer: Type.Optional(
      explained(
        'must be the name of an acquirer: 1 to 32 of a-z0-9-',
        Type.String({
          pattern: '^[a-z0-9-]{1,32}$',
          description:
            'The bank’s own QR system through which it is to be paid, by the name under which it is set up. The bill is `pending` until the bank has given the code.',
        }),
      ),
    ),
    returnUrl: Type.Optional(
      httpUrl('Where a wallet may send the payer back to: it stands in the wallet’s view.'),
    ),
  },
  closed,
);
