// What terminals, merchants and operators send about bills.

import { Type } from '@sinclair/typebox';
import { billCreate } from './new-bill-request.ts';
import { amount, explained, id, LIMITS, object, reference, text } from './scalars.ts';

const receipt = explained(
  `must be an object of at most ${LIMITS.receiptBytes} bytes of JSON`,
  Type.Object(
    {},
    { description: 'The fiscal receipt: any object, to 8 KB of JSON.', additionalProperties: true },
  ),
);

const bill = { billId: id('The bill’s id.') };
const ofPayment = { ...bill, paymentId: id('The payment.') };
const returnsTip = Type.Optional(
  explained(
    'must be true or false',
    Type.Boolean({
      default: false,
      description: 'Returns the tip too: of the payment or, where none is named, of all.',
    }),
  ),
);
const idempotencyKey = Type.Optional(reference('The key that makes the call safe to retry.'));

export const terminalRequests = {
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
    amount: Type.Optional(
      amount(0, 'How much. Left out: all that is left. 0: nothing but the tip.'),
    ),
    tip: returnsTip,
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
    amount: Type.Optional(
      amount(0, 'How much. Left out: all that is left. 0: nothing but the tip.'),
    ),
    tip: returnsTip,
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
} as const;

export type TerminalRequest = keyof typeof terminalRequests;
