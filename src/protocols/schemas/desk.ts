// What operators are shown of bills, beside what everybody is.

import { Type } from '@sinclair/typebox';
import { EVENT_TYPES, event } from './event-responses.ts';
import { credit, payment } from './part-responses.ts';
import { text, time } from './response-scalars.ts';
import { listOf } from './responses.ts';
import { named, nullable, oneOf } from './scalars.ts';

/** What of its bill a payment or credit is shown with. */
const ofBill = {
  billId: text('The bill that it belongs to.'),
  orderId: Type.String(),
  institutionId: text('Of the bill.'),
  merchantId: Type.String(),
  terminalId: Type.String(),
  currency: Type.String(),
};
const foundPayment = named('FoundPayment', Type.Object({ ...payment.properties, ...ofBill }));
const foundCredit = named(
  'FoundCredit',
  Type.Object({ ...credit.properties, paychannelId: Type.String(), ...ofBill }),
);

export const EVENT_FATES = ['pending', 'acknowledged', 'replaced', 'dead'] as const;

const foundEvent = named(
  'FoundEvent',
  Type.Object({
    id: Type.String(),
    billId: Type.String(),
    recipient: Type.Object({ kind: oneOf(['terminal', 'paychannel']), id: Type.String() }),
    type: oneOf(EVENT_TYPES),
    status: oneOf(EVENT_FATES, {
      description:
        'pending: sent until it is acknowledged. replaced: its repeat says the same, later. dead: pending for 30 days, and sent no more.',
    }),
    occurredAt: time('When it happened.'),
    acknowledgedAt: nullable(time('When its recipient acknowledged it.')),
    event,
  }),
);

const transition = named(
  'Transition',
  Type.Object({
    at: time('When, by the switch’s clock.'),
    call: text('What was asked: the operation, as over WebSocket; `timer`: its time had come.'),
    actor: Type.Object({
      kind: oneOf(['terminal', 'merchant', 'paychannel', 'operator', 'switch']),
      id: Type.String(),
    }),
    requestId: text('Of the call; `timer` where there was none.'),
    outcome: text('What it did first; of a refusal that was recorded, its problem code.'),
    version: Type.Integer({ minimum: 1, description: 'The bill’s after it.' }),
  }),
);

export const timeline = named(
  'Timeline',
  Type.Object({
    items: Type.Array(transition, { maxItems: 100, description: 'Oldest first.' }),
    nextCursor: nullable(text('For `?cursor=`; null on the last page.')),
    asOf: time('Complete up to this time.'),
  }),
);

export const foundPaymentList = listOf('FoundPaymentList', foundPayment);
export const foundCreditList = listOf('FoundCreditList', foundCredit);
export const foundEventList = listOf('FoundEventList', foundEvent);

const count = Type.Integer({ minimum: 0, description: 'How many went out again.' });
export const resent = named('Resent', Type.Object({ resent: count }));
export const resentPage = named(
  'ResentPage',
  Type.Object({
    resent: count,
    nextCursor: nullable(text('For `cursor`: there may be more; null: there are none.')),
    asOf: time('Dead letters are looked for up to this time.'),
  }),
);
