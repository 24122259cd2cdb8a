// What an institution's operators see of what its paychannels pay, of their own institution's bills and of others'.

import { Type } from '@sinclair/typebox';
import type { Call } from './call.ts';
import { statusesOf } from './schemas/part-responses.ts';
import * as shown from './schemas/paying.ts';
import { queries } from './schemas/requests.ts';
import { oneOf } from './schemas/scalars.ts';

const paychannelId = Type.Optional(
  Type.String({ minLength: 1, maxLength: 64, description: 'Through this paychannel only.' }),
);
const DESCRIPTION =
  'Of whoever’s bills; of the bill it tells what a view does. Newest first; complete up to `asOf`, the time that every shard’s history has reached.';

export const payingCalls: readonly Call[] = [
  {
    id: 'operator.paying.payments',
    method: 'GET',
    path: '/v1/operator/paying/payments',
    api: 'operator',
    summary: 'Payments through the institution’s paychannels',
    description: DESCRIPTION,
    query: { status: Type.Optional(oneOf(statusesOf.payment)), paychannelId, ...queries.list },
    answers: { 200: { description: 'A page.', schema: shown.payingPaymentList } },
  },
  {
    id: 'operator.paying.credits',
    method: 'GET',
    path: '/v1/operator/paying/credits',
    api: 'operator',
    summary: 'Credits that the institution’s paychannels were asked for',
    description: DESCRIPTION,
    query: { status: Type.Optional(oneOf(statusesOf.credit)), paychannelId, ...queries.list },
    answers: { 200: { description: 'A page.', schema: shown.payingCreditList } },
  },
];
