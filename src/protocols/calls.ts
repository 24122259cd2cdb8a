// Every HTTP call, in one table: the gateway routes by it and the OpenAPI document is generated from it.

import type { TSchema } from '@sinclair/typebox';
import { Type } from '@sinclair/typebox';
import type { ProblemCode } from './problems.ts';
import { queries, type RequestName } from './schemas/requests.ts';
import * as shown from './schemas/responses.ts';
import { oneOf } from './schemas/scalars.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
export type Api = 'terminal' | 'paychannel' | 'everyone';

export interface CallAnswer {
  readonly description: string;
  /** Null: no body. */
  readonly schema: TSchema | null;
  /** `application/json` where left out. */
  readonly contentType?: string;
}

export interface Call {
  readonly id: string;
  readonly method: Method;
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly api: Api;
  readonly summary: string;
  readonly description?: string;
  /** What validates it; its fields that are parameters or the key come from there, the rest from the body. */
  readonly request?: RequestName;
  /** Whether the body as a whole is this field of the request. */
  readonly bodyField?: string;
  readonly query?: Readonly<Record<string, TSchema>>;
  readonly key?: 'required' | 'withAmount';
  readonly answers: Readonly<Record<number, CallAnswer>>;
  readonly problems?: readonly ProblemCode[];
}

const BILL: CallAnswer = { description: 'The bill as it now is.', schema: shown.bill };
const qrQuery = {
  size: Type.Optional(
    Type.Integer({ minimum: 64, maximum: 1_024, default: 256, description: 'Pixels; of no effect on text.' }),
  ),
  margin: Type.Optional(Type.Integer({ minimum: 0, maximum: 16, default: 4, description: 'Quiet zone, in modules.' })),
  ecc: Type.Optional(oneOf(['L', 'M', 'Q', 'H'], { default: 'M', description: 'Error correction.' })),
};
const eventsQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 100 })),
  wait: queries.wait.wait,
  after: Type.Optional(
    Type.String({ maxLength: 128, description: 'Re-read what came after this event, acknowledged or not, to 30 days back.' }),
  ),
};

function qrCall(form: 'svg' | 'png' | 'txt', contentType: string): Call {
  return {
    id: `bill.qr.${form}`,
    method: 'GET',
    path: `/v1/terminal/bills/{billId}/qr.${form}`,
    api: 'terminal',
    summary: `The QR code as ${form.toUpperCase()}`,
    query: qrQuery,
    answers: { 200: { description: 'The code.', schema: Type.String(), contentType } },
    problems: ['bill.notFound'],
  };
}

function listCall(options: {
  id: string;
  path: string;
  api: Api;
  summary: string;
  statuses: readonly string[];
  schema: TSchema;
  problems?: readonly ProblemCode[];
}): Call {
  const { statuses, schema, ...rest } = options;
  return {
    ...rest,
    method: 'GET',
    description: 'Newest first; complete up to `asOf`, the time that every shard’s history has reached.',
    query: { status: Type.Optional(oneOf(statuses)), ...queries.list },
    answers: { 200: { description: 'A page.', schema } },
  };
}

function eventCalls(api: 'terminal' | 'paychannel'): Call[] {
  return [
    {
      id: `${api}.stream`,
      method: 'GET',
      path: `/v1/${api}/stream`,
      api,
      summary: 'WebSocket: the same operations, and events as they happen',
      description:
        'Subprotocol `qrswitch.json` (the default) or `qrswitch.msgpack`. The key comes in the `Authorization` header or in the first frame. Requests are `{ id, op, body }`, answers `{ id, status, body }`, events `{ event }`.',
      answers: { 101: { description: 'The connection is a WebSocket now.', schema: null } },
    },
    {
      id: `${api}.events`,
      method: 'GET',
      path: `/v1/${api}/events`,
      api,
      summary: 'Pending events, oldest first',
      description: 'Waits up to `wait` seconds for one. With `after`, re-reads instead.',
      query: eventsQuery,
      answers: { 200: { description: 'Events.', schema: shown.events } },
    },
    {
      id: `${api}.event.ack`,
      method: 'POST',
      path: `/v1/${api}/events/ack`,
      api,
      summary: 'Acknowledge events',
      request: 'event.ack',
      answers: { 200: { description: 'How many were still pending.', schema: shown.acknowledged } },
    },
  ];
}

const terminalCalls: readonly Call[] = [
  {
    id: 'bill.create',
    method: 'POST',
    path: '/v1/terminal/bills',
    api: 'terminal',
    summary: 'Create a bill',
    description: 'Safe to retry: the same `orderId` with the same body within 24 hours answers the bill as it now is.',
    request: 'bill.create',
    answers: {
      201: { description: 'The new bill.', schema: shown.bill },
      200: { description: 'The bill that the order already had, as it now is.', schema: shown.bill },
    },
    problems: ['order.reused', 'order.void', 'bill.amountZero', 'feature.notYet'],
  },
  {
    id: 'bill.list',
    method: 'GET',
    path: '/v1/terminal/bills',
    api: 'terminal',
    summary: 'List bills, or find the bill of an order',
    description:
      'With `orderId`, answers that order’s bill (and takes `wait` and `afterVersion`); without, a page of bills, newest first.',
    query: {
      orderId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._:-]{1,64}$' })),
      ...queries.wait,
      status: Type.Optional(oneOf(shown.statusesOf.bill)),
      ...queries.list,
    },
    answers: {
      200: {
        description: 'A page, or with `orderId` the bill.',
        schema: Type.Union([shown.billList, shown.bill]),
      },
    },
    problems: ['bill.notFound'],
  },
  {
    id: 'bill.get',
    method: 'GET',
    path: '/v1/terminal/bills/{billId}',
    api: 'terminal',
    summary: 'Read a bill, or wait for it to change',
    request: 'bill.get',
    query: queries.wait,
    answers: { 200: BILL },
    problems: ['bill.notFound'],
  },
  qrCall('svg', 'image/svg+xml'),
  qrCall('png', 'image/png'),
  qrCall('txt', 'text/plain; charset=utf-8'),
  listCall({
    id: 'bill.payments',
    path: '/v1/terminal/bills/{billId}/payments',
    api: 'terminal',
    summary: 'All payments of a bill, refused ones included',
    statuses: shown.statusesOf.payment,
    schema: shown.paymentList,
    problems: ['bill.notFound'],
  }),
  listCall({
    id: 'bill.credits',
    path: '/v1/terminal/bills/{billId}/credits',
    api: 'terminal',
    summary: 'All credits of a bill',
    statuses: shown.statusesOf.credit,
    schema: shown.creditList,
    problems: ['bill.notFound'],
  }),
  {
    id: 'bill.confirm',
    method: 'POST',
    path: '/v1/terminal/bills/{billId}/confirm',
    api: 'terminal',
    summary: 'Confirm the final amount',
    description: 'What was paid above it is reversed, newest payment first. 0 cancels.',
    request: 'bill.confirm',
    answers: { 200: BILL },
    problems: ['bill.notFound', 'bill.stillDue', 'bill.notPaid', 'bill.notConfirmable', 'confirm.exceedsPaid'],
  },
  {
    id: 'bill.cancel',
    method: 'POST',
    path: '/v1/terminal/bills/{billId}/cancel',
    api: 'terminal',
    summary: 'Cancel, or refund what was confirmed',
    request: 'bill.cancel',
    key: 'withAmount',
    answers: { 200: BILL },
    problems: [
      'bill.notFound',
      'bill.notCancellable',
      'cancel.amountBeforeConfirm',
      'refund.exceedsConfirmed',
      'request.keyMissing',
      'idempotency.reused',
    ],
  },
  {
    id: 'bill.refund',
    method: 'POST',
    path: '/v1/terminal/bills/{billId}/refund',
    api: 'terminal',
    summary: 'Refund a confirmed bill, whole or in part',
    request: 'bill.refund',
    key: 'required',
    answers: { 200: BILL },
    problems: [
      'bill.notFound',
      'bill.notRefundable',
      'bill.limitReached',
      'payment.notFound',
      'refund.exceedsConfirmed',
      'request.keyMissing',
      'idempotency.reused',
    ],
  },
  {
    id: 'bill.receipt',
    method: 'PUT',
    path: '/v1/terminal/bills/{billId}/receipt',
    api: 'terminal',
    summary: 'Attach the fiscal receipt',
    description: 'The body is the receipt: any object, to 8 KB of JSON.',
    request: 'bill.receipt',
    bodyField: 'receipt',
    answers: { 200: BILL },
    problems: ['bill.notFound'],
  },
  {
    id: 'order.resolve',
    method: 'POST',
    path: '/v1/terminal/orders/{orderId}/resolve',
    api: 'terminal',
    summary: 'What became of my call?',
    request: 'order.resolve',
    answers: {
      200: {
        description: 'The order’s bill; where there is none, the order is now void.',
        schema: Type.Union([shown.bill, shown.orderVoid]),
      },
    },
  },
  ...eventCalls('terminal'),
];

const paychannelCalls: readonly Call[] = [
  {
    id: 'bill.resolve',
    method: 'POST',
    path: '/v1/paychannel/resolve',
    api: 'paychannel',
    summary: 'From scanned text to the bill',
    request: 'bill.resolve',
    answers: { 200: { description: 'The view.', schema: shown.view } },
    problems: ['bill.notFound'],
  },
  {
    id: 'bill.view',
    method: 'GET',
    path: '/v1/paychannel/bills/{billId}',
    api: 'paychannel',
    summary: 'What is owed',
    request: 'bill.view',
    answers: { 200: { description: 'The view.', schema: shown.view } },
    problems: ['bill.notFound'],
  },
  {
    id: 'bill.reserve',
    method: 'POST',
    path: '/v1/paychannel/bills/{billId}/reservations',
    api: 'paychannel',
    summary: 'Hold what is due for a moment',
    description: 'Holds it against other payers for 120 seconds.',
    request: 'bill.reserve',
    answers: {
      201: { description: 'The new reservation.', schema: shown.reservation },
      200: { description: 'The reservation that the reference already had.', schema: shown.reservation },
    },
    problems: [
      'bill.notFound',
      'bill.notPayable',
      'reservation.exceedsDue',
      'reservation.refReused',
      'feature.notYet',
    ],
  },
  {
    id: 'bill.release',
    method: 'DELETE',
    path: '/v1/paychannel/bills/{billId}/reservations/{reservationId}',
    api: 'paychannel',
    summary: 'Let a reservation go',
    request: 'bill.release',
    answers: { 204: { description: 'It is gone.', schema: null } },
    problems: ['bill.notFound', 'reservation.notFound'],
  },
  {
    id: 'payment.create',
    method: 'POST',
    path: '/v1/paychannel/bills/{billId}/payments',
    api: 'paychannel',
    summary: 'Report a payment',
    description:
      'Safe to retry with the same `paymentRef`: the same answer. A refusal is final for its reference; the wallet returns the money itself.',
    request: 'payment.create',
    answers: {
      201: { description: 'Taken.', schema: shown.paymentAnswer },
      200: { description: 'It had been taken: the same answer again.', schema: shown.paymentAnswer },
    },
    problems: [
      'bill.notFound',
      'bill.notPayable',
      'payment.exceedsDue',
      'payment.currencyMismatch',
      'payment.refReused',
      'payment.void',
      'reservation.expired',
      'feature.notYet',
    ],
  },
  {
    id: 'payment.get',
    method: 'GET',
    path: '/v1/paychannel/bills/{billId}/payments/{paymentRef}',
    api: 'paychannel',
    summary: 'What became of a payment',
    request: 'payment.get',
    answers: { 200: { description: 'The payment, taken or refused.', schema: shown.payment } },
    problems: ['bill.notFound', 'payment.notFound'],
  },
  {
    id: 'payment.void',
    method: 'POST',
    path: '/v1/paychannel/bills/{billId}/payments/{paymentRef}/void',
    api: 'paychannel',
    summary: 'Give up a payment that may not have arrived',
    request: 'payment.void',
    answers: { 200: { description: 'What became of it: void, or what it already was.', schema: shown.payment } },
    problems: ['bill.notFound'],
  },
  listCall({
    id: 'paychannel.payments',
    path: '/v1/paychannel/payments',
    api: 'paychannel',
    summary: 'This channel’s payments, refused ones included',
    statuses: shown.statusesOf.payment,
    schema: shown.paychannelPaymentList,
  }),
  listCall({
    id: 'paychannel.credits',
    path: '/v1/paychannel/credits',
    api: 'paychannel',
    summary: 'This channel’s credits',
    statuses: shown.statusesOf.credit,
    schema: shown.paychannelCreditList,
  }),
  {
    id: 'credit.get',
    method: 'GET',
    path: '/v1/paychannel/credits/{creditId}',
    api: 'paychannel',
    summary: 'Read a credit',
    request: 'credit.get',
    answers: { 200: { description: 'The credit.', schema: shown.paychannelCredit } },
    problems: ['credit.notFound'],
  },
  {
    id: 'credit.settle',
    method: 'POST',
    path: '/v1/paychannel/credits/{creditId}/settle',
    api: 'paychannel',
    summary: 'Say whether the customer has the money',
    request: 'credit.settle',
    answers: { 200: { description: 'The credit.', schema: shown.paychannelCredit } },
    problems: ['credit.notFound', 'credit.settledOtherwise'],
  },
  ...eventCalls('paychannel'),
];

const page = (description: string): CallAnswer => ({
  description,
  schema: Type.String(),
  contentType: 'text/html; charset=utf-8',
});

function publicCall(id: string, path: string, summary: string, answers: Call['answers']): Call {
  return { id, method: 'GET', path, api: 'everyone', summary, answers };
}

const publicCalls: readonly Call[] = [
  publicCall('health', '/healthz', 'Is the process alive?', {
    200: { description: 'Yes.', schema: Type.Object({ status: Type.Literal('ok') }) },
  }),
  publicCall('ready', '/readyz', 'Does it serve?', {
    200: { description: 'Stores in reach, shards owned.', schema: shown.ready },
    503: { description: 'Not now, and why.', schema: shown.ready },
  }),
  publicCall('metrics', '/metrics', 'Metrics for Prometheus', {
    200: { description: 'Text format.', schema: Type.String(), contentType: 'text/plain; version=0.0.4; charset=utf-8' },
  }),
  publicCall('openapi', '/openapi.json', 'This document', {
    200: { description: 'OpenAPI 3.1.', schema: Type.Object({}) },
  }),
  publicCall('docs', '/docs', 'The calls as a page', { 200: page('The page.') }),
  publicCall('docs.errors', '/docs/errors', 'All problems as a table', { 200: page('The page.') }),
  publicCall('problem', '/problems/{code}', 'What a problem means and what to do', {
    200: page('The page.'),
    404: page('No such code.'),
  }),
  publicCall('bill.page', '/q/{billId}', 'What a plain camera opens: the bill’s page', {
    200: page('Merchant, amount and state.'),
    404: page('No such bill.'),
  }),
];

export const calls: readonly Call[] = [...terminalCalls, ...paychannelCalls, ...publicCalls];
