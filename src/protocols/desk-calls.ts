// The calls of operators about bills: what a complaint needs.

import { type TSchema, Type } from '@sinclair/typebox';
import type { Call } from './call.ts';
import type { ProblemCode } from './problems.ts';
import * as found from './schemas/desk.ts';
import { EVENT_TYPES } from './schemas/event-responses.ts';
import { paychannelCredit, statusesOf } from './schemas/part-responses.ts';
import { queries } from './schemas/requests.ts';
import * as shown from './schemas/responses.ts';
import { amount, oneOf } from './schemas/scalars.ts';
import { terminalCalls } from './terminal-calls.ts';

const api = 'operator';
const { limit, cursor } = queries.list;
const BILLS = '/v1/operator/bills';
const ONE = `${BILLS}/{billId}`;
const CREDIT = '/v1/operator/credits/{creditId}';

const of = (what: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: `Of this ${what} only.` }));
const reference = (what: string) =>
  Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._:-]{1,64}$', description: what }));
const status = (words: readonly string[]) => Type.Optional(oneOf(words));
const exactly = Type.Optional(amount(0, 'Of exactly this amount.'));

const LISTED =
  'Newest first; complete up to `asOf`, the time that every shard’s history has reached.';
const SCOPE =
  'Shows what the operator’s role takes in: its institution’s, its merchant’s, or of a system operator all.';

function list(
  id: string,
  path: string,
  summary: string,
  query: Record<string, TSchema>,
  schema: TSchema,
): Call {
  const isOfBill = path.startsWith(ONE);
  return {
    id: `operator.${id}`,
    method: 'GET',
    path,
    api,
    summary,
    description: isOfBill ? LISTED : `${LISTED} ${SCOPE}`,
    query: { ...query, ...queries.list },
    answers: { 200: { description: 'A page.', schema } },
    ...(isOfBill ? { problems: ['bill.notFound'] } : {}),
  };
}

/** A call of the Terminal API as operators make it. */
function asOperator(id: string, path: string): Call[] {
  const prefix = '/v1/terminal/bills/{billId}';
  return terminalCalls
    .filter((call) => call.id === id)
    .map((call) => ({
      ...call,
      id: `operator.${id}`,
      api,
      path: call.path.replace(prefix, path),
      description: [
        call.description,
        'As by the terminal, which hears of it; `cause` is `operator`.',
      ]
        .filter(Boolean)
        .join(' '),
    }));
}

const partFilters = {
  merchantId: of('merchant'),
  paychannelId: of('paychannel'),
  paymentRef: reference('Of the payment that goes by this at its wallet.'),
  amount: exactly,
};
const eventFilters = {
  status: status(found.EVENT_FATES),
  type: Type.Optional(oneOf(EVENT_TYPES)),
};
const NOT_FOUND: readonly ProblemCode[] = ['bill.notFound'];

export const deskCalls: readonly Call[] = [
  list(
    'bill.list',
    BILLS,
    'Find bills',
    {
      orderId: reference('Of this order; several bills may have its number, one after the other.'),
      paymentRef: reference('With a payment, taken or refused, that goes by this at its wallet.'),
      merchantId: of('merchant'),
      terminalId: of('terminal'),
      status: status(statusesOf.bill),
      type: Type.Optional(oneOf(['dynamic', 'static', 'timer'])),
      amount: exactly,
    },
    shown.billList,
  ),
  {
    id: 'operator.bill.get',
    method: 'GET',
    path: ONE,
    api,
    summary: 'The whole bill',
    request: 'bill.get',
    query: queries.wait,
    answers: { 200: { description: 'The bill as it now is.', schema: shown.bill } },
    problems: NOT_FOUND,
  },
  list(
    'bill.payments',
    `${ONE}/payments`,
    'Payments of a bill',
    { status: status(statusesOf.payment) },
    shown.paymentList,
  ),
  list(
    'bill.credits',
    `${ONE}/credits`,
    'Credits of a bill',
    { status: status(statusesOf.credit) },
    shown.creditList,
  ),
  list(
    'bill.events',
    `${ONE}/events`,
    'Events of a bill, to its terminal and to paychannels',
    eventFilters,
    found.foundEventList,
  ),
  {
    id: 'operator.bill.timeline',
    method: 'GET',
    path: `${ONE}/timeline`,
    api,
    summary: 'All that has become of a bill',
    description: 'Oldest first; complete up to `asOf`, which is now but for what is under way.',
    query: { limit, cursor },
    answers: { 200: { description: 'A page.', schema: found.timeline } },
    problems: NOT_FOUND,
  },
  ...asOperator('bill.confirm', ONE),
  ...asOperator('bill.cancel', ONE),
  ...asOperator('bill.refund', ONE),
  ...asOperator('payment.confirm', ONE),
  ...asOperator('payment.cancel', ONE),
  ...asOperator('payment.refund', ONE),
  list(
    'payment.list',
    '/v1/operator/payments',
    'Find payments',
    { ...partFilters, status: status(statusesOf.payment) },
    found.foundPaymentList,
  ),
  list(
    'credit.list',
    '/v1/operator/credits',
    'Find credits',
    { ...partFilters, status: status(statusesOf.credit) },
    found.foundCreditList,
  ),
  {
    id: 'operator.credit.get',
    method: 'GET',
    path: CREDIT,
    api,
    summary: 'A credit',
    request: 'credit.get',
    answers: { 200: { description: 'The credit as it now is.', schema: paychannelCredit } },
    problems: ['credit.notFound'],
  },
  {
    id: 'operator.credit.request',
    method: 'POST',
    path: `${CREDIT}/request`,
    api,
    summary: 'Ask again for a credit that its wallet has rejected',
    description:
      'By another credit in its place, for the wallet to settle; the rejected one stays as the wallet said. `unreturned` falls until the wallet rejects this one too. Safe to retry.',
    request: 'credit.request',
    answers: {
      200: { description: 'The credit that is pending now.', schema: paychannelCredit },
    },
    problems: ['credit.notFound', 'credit.notRejected', 'bill.limitReached'],
  },
  {
    id: 'operator.credit.close',
    method: 'POST',
    path: `${CREDIT}/close`,
    api,
    summary: 'A rejected credit has been returned by another way',
    description:
      'Final: its status is `returnedOtherwise`, `unreturned` falls, and the terminal hears `credit.settled`. Safe to retry with the same `reference`.',
    request: 'credit.close',
    answers: { 200: { description: 'The credit as it now is.', schema: paychannelCredit } },
    problems: ['credit.notFound', 'credit.notRejected'],
  },
  list(
    'event.list',
    '/v1/operator/events',
    'Find events: pending, acknowledged, dead letters',
    { ...eventFilters, terminalId: of('terminal'), paychannelId: of('paychannel') },
    found.foundEventList,
  ),
  {
    id: 'operator.event.resend',
    method: 'POST',
    path: '/v1/operator/events/{eventId}/resend',
    api,
    summary: 'Send a dead letter again',
    description:
      'As an event with an id of its own, which says to the letter what the dead one said, and takes its place. Safe to retry: what is alive, or has been sent again, stays as it is.',
    request: 'operator.event.resend',
    answers: { 200: { description: 'Sent, or nothing to send.', schema: found.resent } },
    problems: ['event.notFound'],
  },
  {
    id: 'operator.event.resendAll',
    method: 'POST',
    path: '/v1/operator/events/resend',
    api,
    summary: 'Send dead letters again, up to 100 a call',
    description:
      'Those that the filter names, the newest first; without one, all that the operator sees. Call again with `nextCursor` until it is null. Safe to retry.',
    request: 'operator.event.resendAll',
    answers: { 200: { description: 'What was done.', schema: found.resentPage } },
  },
];
