// The Terminal API.

import { Type } from '@sinclair/typebox';
import { type Call, type CallAnswer, eventCalls, listCall } from './call.ts';
import type { ProblemCode } from './problems.ts';
import * as parts from './schemas/part-responses.ts';
import { queries } from './schemas/requests.ts';
import * as shown from './schemas/responses.ts';
import { oneOf } from './schemas/scalars.ts';

const BILL: CallAnswer = { description: 'The bill as it now is.', schema: shown.bill };
const qrQuery = {
  size: Type.Optional(
    Type.Integer({
      minimum: 64,
      maximum: 1_024,
      default: 256,
      description: 'Pixels: so wide and high, quiet zone included; of no effect on text.',
    }),
  ),
  margin: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 16,
      default: 4,
      description: 'Quiet zone on each side, in modules, at least.',
    }),
  ),
  ecc: Type.Optional(
    oneOf(['L', 'M', 'Q', 'H'], {
      description: 'Error correction. Left out: M, or L where the code fits the size only so.',
    }),
  ),
};
const BATCH =
  'The body is NDJSON: a create a line, as for a single one, streamed or at once. Each line is done by itself, and answered as soon as it is, while others are still being read: an answer has the number of its line, the `orderId`, and the `status` with `bill` or `problem` that a single create would have had. What is wrong with one line concerns no other. To send all again, or what has not been answered, is safe. To 100,000 lines of 64 KB; 4 batches of a terminal at once. Blank lines have no answer. A client reads while it writes: one that does not finds its writing held up once about 1 MB of answers wait for it, and is cut off when it has taken nothing for 30 s; one that sends nothing for 10 s is cut off too. What it had sent whole by then is done.';

function qrCall(form: 'svg' | 'png' | 'txt', contentType: string): Call {
  return {
    id: `bill.qr.${form}`,
    method: 'GET',
    path: `/v1/terminal/bills/{billId}/qr.${form}`,
    api: 'terminal',
    summary: `The QR code as ${form.toUpperCase()}`,
    query: qrQuery,
    answers: { 200: { description: 'The code.', schema: Type.String(), contentType } },
    problems: ['bill.notFound', 'qr.notReady', 'qr.tooDense'],
  };
}

/** A call on one payment of a bill. */
function paymentCall(
  verb: 'confirm' | 'cancel' | 'refund',
  summary: string,
  rest: Pick<Call, 'description' | 'key'> & { readonly problems: readonly ProblemCode[] },
): Call {
  const { problems, ...more } = rest;
  return {
    id: `payment.${verb}`,
    method: 'POST',
    path: `/v1/terminal/bills/{billId}/payments/{paymentId}/${verb}`,
    api: 'terminal',
    summary,
    request: `payment.${verb}`,
    answers: {
      200: { description: 'The payment as it now is.', schema: shown.terminalPayment },
    },
    problems: ['bill.notFound', 'payment.notFound', ...problems],
    ...more,
  };
}

export const terminalCalls: readonly Call[] = [
  {
    id: 'bill.create',
    method: 'POST',
    path: '/v1/terminal/bills',
    api: 'terminal',
    summary: 'Create a bill',
    description:
      'Safe to retry: the same `orderId` with the same body within 24 hours answers the bill as it now is.',
    request: 'bill.create',
    answers: {
      201: { description: 'The new bill.', schema: shown.bill },
      200: {
        description: 'The bill that the order already had, as it now is.',
        schema: shown.bill,
      },
    },
    problems: [
      'order.reused',
      'order.void',
      'bill.amountZero',
      'tariff.unknown',
      'tariff.currencyMismatch',
      'tariff.notInForce',
      'qr.formatUnfit',
      'driver.away',
      'acquirer.unknown',
      'acquirer.unfit',
    ],
  },
  {
    id: 'bill.batch',
    method: 'POST',
    path: '/v1/terminal/bills/batch',
    api: 'terminal',
    summary: 'Create bills by the thousand',
    description: BATCH,
    lines: 'bill.create',
    answers: {
      200: {
        description: 'A line for each line of the body that is not blank, in order of completion.',
        schema: shown.batchLine,
        contentType: 'application/x-ndjson',
      },
    },
    problems: ['request.unsupportedType'],
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
      status: Type.Optional(oneOf(parts.statusesOf.bill)),
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
    statuses: parts.statusesOf.payment,
    schema: shown.paymentList,
    problems: ['bill.notFound'],
  }),
  listCall({
    id: 'bill.credits',
    path: '/v1/terminal/bills/{billId}/credits',
    api: 'terminal',
    summary: 'All credits of a bill',
    statuses: parts.statusesOf.credit,
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
    problems: [
      'bill.notFound',
      'bill.stillDue',
      'bill.notPaid',
      'bill.notConfirmable',
      'confirm.exceedsPaid',
      'refund.partForbidden',
    ],
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
      'bill.limitReached',
      'cancel.amountBeforeConfirm',
      'refund.exceedsConfirmed',
      'refund.partForbidden',
      'refund.paymentRequired',
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
      'payment.notRefundable',
      'refund.paymentRequired',
      'refund.exceedsConfirmed',
      'refund.partForbidden',
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
    id: 'bill.arm',
    method: 'POST',
    path: '/v1/terminal/bills/{billId}/arm',
    api: 'terminal',
    summary: 'Arm a sticker for one sale',
    description:
      'The sale is a dynamic bill of its own, which views of the static bill show from then on, and which payments name. The sale before it is cancelled if nothing has been paid of it; one that has been paid, and neither confirmed nor cancelled, refuses the call. Safe to retry: the same `orderId` with the same body answers its bill as it now is, and changes nothing.',
    request: 'bill.arm',
    answers: {
      201: { description: 'The sale’s bill.', schema: shown.bill },
      200: { description: 'It had been armed: the sale’s bill as it now is.', schema: shown.bill },
    },
    problems: ['bill.notFound', 'bill.notArmable', 'order.reused', 'order.void'],
  },
  paymentCall('confirm', 'Confirm one payment of a static bill for many', {
    description: 'What was paid above the amount is reversed. 0 cancels.',
    problems: ['payment.notConfirmable', 'confirm.exceedsPaid', 'bill.notConfirmable'],
  }),
  paymentCall('cancel', 'Cancel one payment, or refund what was confirmed of it', {
    key: 'withAmount',
    problems: [
      'payment.notCancellable',
      'cancel.amountBeforeConfirm',
      'refund.exceedsConfirmed',
      'bill.limitReached',
      'bill.notCancellable',
      'request.keyMissing',
      'idempotency.reused',
    ],
  }),
  paymentCall('refund', 'Refund one payment, whole or in part', {
    key: 'required',
    problems: [
      'payment.notRefundable',
      'refund.exceedsConfirmed',
      'bill.limitReached',
      'bill.notRefundable',
      'request.keyMissing',
      'idempotency.reused',
    ],
  }),
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
