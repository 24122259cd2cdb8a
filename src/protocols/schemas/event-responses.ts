// Events, as they are told.

import { Type } from '@sinclair/typebox';
import { BILL_STATUSES, credit, payment, tips } from './part-responses.ts';
import { amount, mode, text, time } from './response-scalars.ts';
import { CAUSES, owed, policies } from './responses.ts';
import { named, oneOf } from './scalars.ts';
import { stayed } from './stay-responses.ts';

export const EVENT_TYPES = [
  'bill.opened',
  'bill.failed',
  'bill.paid',
  'bill.due',
  'payment.received',
  'bill.confirmed',
  'bill.cancelled',
  'bill.expired',
  'credit.requested',
  'credit.settled',
  'credit.rejected',
  'payment.confirmed',
] as const;

export const event = named(
  'Event',
  Type.Object(
    {
      id: Type.String(),
      type: oneOf(EVENT_TYPES, {
        description: 'More may come: acknowledge those that you do not know.',
      }),
      billId: Type.String(),
      billVersion: Type.Integer({ minimum: 1 }),
      occurredAt: time('When it happened.'),
      requestId: text('Of the request that caused it.'),
      data: Type.Object({
        bill: Type.Object({
          id: Type.String(),
          status: oneOf(BILL_STATUSES),
          version: Type.Integer({ minimum: 1 }),
          orderId: Type.String(),
          amount: owed,
          currency: Type.String(),
          paid: amount('What had been paid.'),
          due: amount('What was still owed.'),
          policies,
          tips: Type.Optional(tips),
          mode,
        }),
        clearUntil: stayed.clearUntil,
        cause: Type.Optional(oneOf(CAUSES)),
        payment: Type.Optional(payment),
        credit: Type.Optional(credit),
        receipt: Type.Optional(Type.Object({})),
      }),
    },
    {
      description: 'A message, delivered at least once until acknowledged; in order within a bill.',
    },
  ),
);

export const events = named('Events', Type.Object({ events: Type.Array(event) }));
export const acknowledged = named(
  'Acknowledged',
  Type.Object({
    acknowledged: Type.Integer({ minimum: 0, description: 'How many were still pending.' }),
  }),
);
