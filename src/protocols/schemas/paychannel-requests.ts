// What paychannels send.

import { Type } from '@sinclair/typebox';
import {
  amount,
  currency,
  explained,
  id,
  LIMITS,
  object,
  oneOf,
  reference,
  text,
  time,
} from './scalars.ts';
import { quoteId } from './stay-requests.ts';

const bill = { billId: id('The bill’s id.') };

export const paychannelRequests = {
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
    tip: Type.Optional(
      amount(0, 'What the customer was debited on top of it, where the bill allows a tip.'),
    ),
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
          pattern: '^(?!.*(?:[0-9][ ._/-]?){13}).*$',
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
} as const;

export type PaychannelRequest = keyof typeof paychannelRequests;
