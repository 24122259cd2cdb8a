// What clients send. One schema an operation, whichever way it comes: over WebSocket the names that stand in the path
// or a header over HTTP stand in the body, so the HTTP side puts them there before it validates.

import { type Static, type TObject, type TProperties, Type } from '@sinclair/typebox';
import { TOTAL_MAX } from '../../domain/bill/vocabulary.ts';
import {
  amount,
  billIdText,
  closed,
  currency,
  explained,
  httpUrl,
  id,
  LIMITS,
  nullable,
  oneOf,
  reference,
  text,
  time,
} from './scalars.ts';
import { quoteId, timerFields } from './stay-requests.ts';

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

const receipt = explained(
  `must be an object of at most ${LIMITS.receiptBytes} bytes of JSON`,
  Type.Object(
    {},
    { description: 'The fiscal receipt: any object, to 8 KB of JSON.', additionalProperties: true },
  ),
);

/** Fields that API.md announces for later bill types and policies: refused by name, not as unknown. */
export const LATER_FIELDS = {
  'bill.create': ['tip', 'acquirer'],
} as const;

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
    qrFormat: Type.Optional(
      oneOf(['url', 'emvco', 'sbp'], {
        description:
          'What the QR code holds: the address of the bill’s page, an EMVCo merchant-presented code, or a link of SBP. Left out: the terminal’s format, else its institution’s, else `url`.',
      }),
    ),
    returnUrl: Type.Optional(httpUrl('Where a wallet may send the payer back to.')),
  },
  closed,
);

const bill = { billId: id('The bill’s id.') };
const ofPayment = { ...bill, paymentId: id('The payment.') };
const idempotencyKey = Type.Optional(reference('The key that makes the call safe to retry.'));

export const requests = {
  'bill.create': billCreate,
  'bill.get': object({
    ...bill,
    afterVersion: Type.Optional(
      explained(
        'must be a whole number from 0',
        Type.Integer({
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description: 'Wait for a later version than this.',
        }),
      ),
    ),
    wait: Type.Optional(
      explained(
        `must be a number of seconds from 0 to ${LIMITS.waitS}`,
        Type.Number({
          minimum: 0,
          maximum: LIMITS.waitS,
          description: 'How many seconds to wait for it.',
        }),
      ),
    ),
  }),
  'bill.confirm': object({
    ...bill,
    amount: Type.Optional(
      amount(0, 'The final amount. Left out: all, and nothing may be due. 0: cancel.'),
    ),
    receipt: Type.Optional(receipt),
  }),
  'bill.cancel': object({
    ...bill,
    amount: Type.Optional(
      amount(1, 'Of a confirmed bill: how much to refund. Left out: all that is left.'),
    ),
    idempotencyKey,
  }),
  'bill.refund': object({
    ...bill,
    amount: Type.Optional(amount(1, 'How much. Left out: all that is left.')),
    paymentId: Type.Optional(
      id('The payment to refund. Left out: newest first; a static bill for many needs it.'),
    ),
    reason: Type.Optional(text(LIMITS.reason, 'Why; shown in the credit.')),
    receipt: Type.Optional(receipt),
    idempotencyKey,
  }),
  'bill.receipt': object({ ...bill, receipt }),
  'bill.arm': object({
    ...bill,
    orderId: reference('The terminal’s own name for the sale; makes the call safe to retry.'),
    amount: amount(1, 'What the sale comes to, in minor units, in the static bill’s currency.'),
    ttl: Type.Optional(
      explained(
        'must be a whole number of seconds from 1 to 2,592,000 (30 days)',
        Type.Integer({
          minimum: 1,
          maximum: LIMITS.expiresInS,
          default: 900,
          description: 'Seconds until the sale expires, from the first call on.',
        }),
      ),
    ),
  }),
  'payment.confirm': object({
    ...ofPayment,
    amount: Type.Optional(
      amount(0, 'The final amount: the rest is reversed. Left out: all of it. 0: cancel.'),
    ),
  }),
  'payment.cancel': object({
    ...ofPayment,
    amount: Type.Optional(
      amount(1, 'Of a confirmed payment: how much to refund. Left out: all that is left.'),
    ),
    idempotencyKey,
  }),
  'payment.refund': object({
    ...ofPayment,
    amount: Type.Optional(amount(1, 'How much. Left out: all that is left.')),
    reason: Type.Optional(text(LIMITS.reason, 'Why; shown in the credit.')),
    idempotencyKey,
  }),
  'order.resolve': object({
    orderId: reference('The order that the terminal asks about.'),
    cancelIfUnpaid: Type.Optional(
      explained(
        'must be true or false',
        Type.Boolean({ default: false, description: 'Cancel the bill if nothing has been paid.' }),
      ),
    ),
  }),
  'bill.resolve': object({ qr: text(LIMITS.qrText, 'The text that was scanned.') }),
  'bill.view': object(bill),
  'bill.reserve': object({
    ...bill,
    reservationRef: reference(
      'The channel’s own name for the reservation; makes the call safe to retry.',
    ),
    amount: Type.Optional(
      amount(1, 'How much to hold. Left out: all that is due and not reserved.'),
    ),
    quoteId,
  }),
  'bill.release': object({ ...bill, reservationId: id('The reservation to let go.') }),
  'payment.create': object({
    ...bill,
    paymentRef: reference('The channel’s own name for the payment; final once answered.'),
    amount: amount(1, 'What the customer was debited for the bill, in minor units.'),
    currency,
    reservationId: Type.Optional(id('The reservation that this payment uses.')),
    quoteId,
    method: Type.Optional(text(LIMITS.method, 'How it was paid: account, loan, instalments, …')),
    payer: Type.Optional(
      explained(
        `must be one masked label of at most ${LIMITS.payer} characters, with no card number in it`,
        Type.String({
          minLength: 1,
          maxLength: LIMITS.payer,
          // A run of 13 or more digits is an account or card number that nobody has masked.
          pattern: '^(?!.*(?:[0-9][ -]?){13}).*$',
          description: 'One masked label of who paid.',
        }),
      ),
    ),
    paidAt: Type.Optional(time('When the customer was debited, by the wallet’s clock.')),
  }),
  'payment.get': object({ ...bill, paymentRef: reference('The payment’s reference.') }),
  'payment.void': object({ ...bill, paymentRef: reference('The payment’s reference.') }),
  'credit.get': object({ creditId: id('The credit’s id.') }),
  'credit.settle': object({
    creditId: id('The credit’s id.'),
    status: oneOf(['settled', 'rejected'], {
      description: 'Whether the customer has the money, or cannot get it.',
    }),
    reference: Type.Optional(text(LIMITS.reference, 'The wallet’s own reference of it.')),
    reason: Type.Optional(text(LIMITS.reason, 'Why it was rejected.')),
  }),
  'event.ack': object({
    ids: explained(
      `must be a list of at most ${LIMITS.acknowledgedIds} ids`,
      Type.Array(explained('must be an id', Type.String({ maxLength: 128 })), {
        maxItems: LIMITS.acknowledgedIds,
        description: 'Ids of events; unknown ones are ignored.',
      }),
    ),
  }),
  ping: object({}),
} as const;

export type RequestName = keyof typeof requests;
export type RequestBody<Name extends RequestName> = Static<(typeof requests)[Name]>;

/** Query parameters, as validated after numbers have been read. */
export const queries = {
  wait: {
    wait: Type.Optional(
      Type.Number({ minimum: 0, maximum: LIMITS.waitS, description: 'Seconds to wait, to 30.' }),
    ),
    afterVersion: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Answer once the bill’s version is above this.' }),
    ),
  },
  list: {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.page, default: LIMITS.page })),
    cursor: Type.Optional(
      Type.String({ maxLength: 512, description: 'The `nextCursor` of the page before.' }),
    ),
    from: Type.Optional(time('Not before.')),
    to: Type.Optional(time('Before.')),
  },
} as const;

export { nullable };

function object<T extends TProperties>(properties: T): TObject<T> {
  return Type.Object(properties, closed);
}
