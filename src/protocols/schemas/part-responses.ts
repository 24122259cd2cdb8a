// What the switch answers about payments and credits.

import { Type } from '@sinclair/typebox';
import { amount, mode, text, time } from './response-scalars.ts';
import { named, nullable, oneOf } from './scalars.ts';

export const BILL_STATUSES = [
  'pending',
  'open',
  'partiallyPaid',
  'paid',
  'confirmed',
  'refunded',
  'cancelled',
  'expired',
  'failed',
] as const;
const PAYMENT_STATUSES = ['accepted', 'confirmed', 'reversed', 'refunded', 'refused'] as const;
const CREDIT_STATUSES = ['pending', 'settled', 'rejected', 'returnedOtherwise'] as const;
export const statusesOf = {
  bill: BILL_STATUSES,
  payment: PAYMENT_STATUSES,
  credit: CREDIT_STATUSES,
};

const paymentFields = {
  id: nullable(
    text(
      'Begins with the bill’s id. Null for a reference that was voided before any payment came.',
    ),
  ),
  paychannelId: Type.String(),
  payingInstitutionId: text('The paychannel’s.'),
  billingInstitutionId: text(
    'The bill’s: another than the paychannel’s where both have an agreement.',
  ),
  paymentRef: Type.String(),
  amount: nullable(amount('What was reported as debited. Null for a voided reference.')),
  credited: amount('How much of it has been requested back.'),
  method: nullable(text('How it was paid, as the wallet says.')),
  status: oneOf(PAYMENT_STATUSES),
  code: nullable(text('Of a refused payment: why, by its problem code.')),
  receivedAt: time('When it arrived; of a voided reference, when it was voided.'),
  merchantNotifiedAt: nullable(time('When the terminal acknowledged the event that told of it.')),
  tip: Type.Optional(amount('What it brought on top of its amount, where it did.')),
  tipReturned: Type.Optional(
    Type.Boolean({ description: 'With `tip`: whether that was requested back.' }),
  ),
};
export const payment = named('Payment', Type.Object(paymentFields));

const creditFields = {
  id: text('Begins with the bill’s id.'),
  kind: oneOf(['reversal', 'refund'], {
    description: 'reversal: before the bill is confirmed; refund: after.',
  }),
  paymentId: Type.String(),
  paymentRef: Type.String(),
  amount: Type.Integer({ minimum: 1 }),
  purpose: nullable(oneOf(['sale', 'prepayment'])),
  status: oneOf(CREDIT_STATUSES, {
    description:
      'returnedOtherwise: it was rejected, and the money was given back by another way: an operator has seen it, or the switch at the acquirer.',
  }),
  reason: nullable(text('Of the request; once rejected with one, of the rejection.')),
  reference: nullable(
    text('The wallet’s own reference; returned otherwise, the operator’s, or seen-at-acquirer.'),
  ),
  requestedAt: time('When it was requested.'),
  settledAt: nullable(time('When it was settled, rejected or returned otherwise.')),
  overdue: Type.Boolean({ description: 'Pending for more than 24 hours.' }),
  tip: Type.Optional(
    Type.Literal(true, { description: 'It returns the payment’s tip, and nothing of its amount.' }),
  ),
  replaces: Type.Optional(text('The rejected credit that this one is requested in place of.')),
  origin: Type.Optional(
    oneOf(['external'], {
      description: 'It was given back at the acquirer by hand: nobody asked for it here.',
    }),
  ),
  replacedBy: Type.Optional(text('Of a rejected credit: the one requested in its place.')),
};
export const credit = named('Credit', Type.Object(creditFields));

export const tip = Type.Object(
  {
    allowed: Type.Literal(true),
    max: nullable(amount('The most that one payment may bring as a tip; null: any amount.')),
  },
  { description: 'Only where the bill allows a tip.' },
);

export const tips = Type.Object(
  {
    paid: amount('What payments brought on top of their amounts.'),
    returned: amount('The part of it that was requested back.'),
    unreturned: amount('The part of that which a wallet rejected.'),
  },
  { description: 'Only where the bill allows a tip; outside of all other sums.' },
);

const ofBill = { billId: text('The bill it belongs to.'), currency: Type.String(), mode };
export const paychannelPayment = named(
  'PaychannelPayment',
  Type.Object({ ...paymentFields, ...ofBill }),
);
export const paychannelCredit = named(
  'PaychannelCredit',
  Type.Object({ ...creditFields, ...ofBill }),
);
