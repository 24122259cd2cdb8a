// What terminals, merchants and operators ask: sales, and what becomes of their payments.

import type { Json } from '../../domain/bill/vocabulary.ts';
import {
  type BillId,
  type Reference,
  type ShardId,
  shardOfOrder,
  type TerminalId,
} from '../../domain/ids.ts';
import type { Minor } from '../../domain/money.ts';
import { millis, SECOND_MS } from '../../domain/time.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Operation, SwitchRejection } from '../../switch/requests.ts';
import { withAcquirer } from '../at-acquirer.ts';
import { digestOf } from '../digest.ts';
import { withCode } from '../issue-code.ts';
import { problemOfFormat } from '../known-formats.ts';
import { digestOfNew, problemOfNew, termsOf } from '../new-bill.ts';
import { tariffFor } from '../new-stay.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { proposedSale } from '../proposed-sale.ts';
import type { RequestBody } from '../schemas/requests.ts';
import type { TerminalRequest } from '../schemas/terminal-requests.ts';
import { asBody, receiptViolation } from '../schemas/validation.ts';
import {
  type Addressed,
  newBillId,
  onBill,
  onOrder,
  partNo,
  type Read,
  type ReadersOf,
  type ReadingContext,
} from './addressing.ts';

const KEYED_NAMES = ['billId', 'idempotencyKey'] as const;
const NOTHING_TO_REFUND = { path: 'amount', message: 'must be above 0, but with a tip' } as const;
const PAYMENT_NAMES = ['billId', 'paymentId', 'idempotencyKey'] as const;

export const terminalReaders: ReadersOf<TerminalRequest> = {
  'bill.create': readCreate,
  'bill.get': (body, _principal, context) => {
    const { billId, afterVersion, wait } = asBody('bill.get', body);
    const waitMs = afterVersion === undefined ? 0 : Math.round((wait ?? 0) * SECOND_MS);
    return onBill(billId, context, (id) => ({
      op: 'bill.get',
      billId: id,
      afterVersion: waitMs === 0 ? null : (afterVersion ?? null),
      waitMs,
    }));
  },
  'bill.confirm': (body, _principal, context) => {
    const { billId, amount, receipt } = asBody('bill.confirm', body);
    const unfit = receiptProblem(receipt);
    if (unfit !== undefined) return unfit;
    return onBill(billId, context, (id) => ({
      op: 'bill.confirm',
      billId: id,
      amount: (amount ?? null) as Minor | null,
      receipt: (receipt ?? null) as Json,
    }));
  },
  'bill.cancel': (body, _principal, context) => {
    const request = asBody('bill.cancel', body);
    const { billId, amount, idempotencyKey } = request;
    if (amount !== undefined && idempotencyKey === undefined) return { code: 'request.keyMissing' };
    return onBill(billId, context, (id) => ({
      op: 'bill.cancel',
      billId: id,
      amount: (amount ?? null) as Minor | null,
      // A full cancel is idempotent by nature: a key that comes with it says nothing more.
      key: amount === undefined ? null : (idempotencyKey as Reference),
      digest: digestOf({ ...request, call: 'bill.cancel' }, KEYED_NAMES),
    }));
  },
  'bill.refund': readRefund,
  'bill.receipt': (body, _principal, context) => {
    const { billId, receipt } = asBody('bill.receipt', body);
    const unfit = receiptProblem(receipt);
    if (unfit !== undefined) return unfit;
    return onBill(billId, context, (id) => ({
      op: 'bill.receipt',
      billId: id,
      receipt: receipt as Json,
    }));
  },
  'bill.arm': (body, principal, context) => {
    const request = asBody('bill.arm', body);
    return onBill(request.billId, context, (billId) => {
      const newId = (shard: ShardId): BillId => newBillId(shard, context);
      const sale = proposedSale(request, principal, context.shards, newId);
      return { op: 'bill.arm', billId, sale };
    });
  },
  'payment.confirm': (body, _principal, context) => {
    const { billId, paymentId, amount } = asBody('payment.confirm', body);
    return onBill(billId, context, (id) => ({
      op: 'payment.confirm',
      billId: id,
      paymentNo: partNo(paymentId, id, 'p'),
      amount: (amount ?? null) as Minor | null,
    }));
  },
  'payment.cancel': (body, _principal, context) => {
    const request = asBody('payment.cancel', body);
    const { billId, paymentId, amount, idempotencyKey } = request;
    if (amount !== undefined && idempotencyKey === undefined) return { code: 'request.keyMissing' };
    return onBill(billId, context, (id) => ({
      op: 'payment.cancel',
      billId: id,
      paymentNo: partNo(paymentId, id, 'p'),
      amount: (amount ?? null) as Minor | null,
      key: amount === undefined ? null : (idempotencyKey as Reference),
      digest: digestOfPayment('payment.cancel', paymentId, request),
    }));
  },
  'payment.refund': (body, _principal, context) => {
    const request = asBody('payment.refund', body);
    const { billId, paymentId, amount, reason, tip = false, idempotencyKey } = request;
    if (idempotencyKey === undefined) return { code: 'request.keyMissing' };
    if (amount === 0 && !tip) return invalid([NOTHING_TO_REFUND]);
    return onBill(billId, context, (id) => ({
      op: 'payment.refund',
      billId: id,
      paymentNo: partNo(paymentId, id, 'p'),
      amount: (amount ?? null) as Minor | null,
      returnsTip: tip,
      reason: reason ?? null,
      key: idempotencyKey as Reference,
      digest: digestOfPayment('payment.refund', paymentId, request),
    }));
  },
  'order.resolve': (body, principal, context) => {
    const { orderId, cancelIfUnpaid } = asBody('order.resolve', body);
    return onOrder(orderId, principal, context, (terminalId, order) => ({
      op: 'order.resolve',
      terminalId,
      orderId: order,
      cancelIfUnpaid: cancelIfUnpaid ?? false,
    }));
  },
};

function readCreate(
  body: unknown,
  principal: Principal,
  context: ReadingContext,
): Read | Promise<Read> {
  const request = asBody('bill.create', body);
  const now = millis(context.wall());
  const problem = problemOfNew(request, now);
  if (problem !== undefined) return problem;
  const terminalId = principal.id as TerminalId;
  const orderId = request.orderId as Reference;
  const shard = shardOfOrder(terminalId, orderId, context.shards);
  const unknown = problemOfFormat('qrFormat', request.qrFormat, context.hosted);
  if (unknown !== undefined) {
    const { detail = '', errors = [] } = unknown;
    const otherwise = { rejected: 'request.invalid', detail, errors } as const;
    return { shard, operation: unlessMade(request, terminalId, otherwise) };
  }
  const merchantId = principal.merchantId ?? '';
  const tariff = tariffFor(request, { merchantId, tariffs: context.tariffs, now });
  if (tariff !== null && 'rejected' in tariff) {
    return { shard, operation: unlessMade(request, terminalId, tariff) };
  }
  const id = newBillId(shard, context);
  const terms = withAcquirer(termsOf(request, principal, id, tariff), request, {
    principal,
    acquirers: context.acquirers,
  });
  if ('rejected' in terms) return { shard, operation: unlessMade(request, terminalId, terms) };
  const coded =
    terms.acquirer === undefined ? withCode(terms, request.qrFormat, principal.qr, context) : terms;
  const addressed = (done: typeof terms | SwitchRejection): Addressed => ({
    shard,
    operation:
      'rejected' in done
        ? unlessMade(request, terminalId, done)
        : { op: 'bill.create', terms: done },
  });
  return coded instanceof Promise ? coded.then(addressed) : addressed(coded);
}

/** Refused: but what operators have set or loaded may have been otherwise when an earlier attempt made the bill. */
function unlessMade(
  request: RequestBody<'bill.create'>,
  terminalId: TerminalId,
  otherwise: SwitchRejection,
): Operation {
  const orderId = request.orderId as Reference;
  return { op: 'order.check', terminalId, orderId, digest: digestOfNew(request), otherwise };
}

function readRefund(body: unknown, _principal: Principal, context: ReadingContext): Read {
  const request = asBody('bill.refund', body);
  const { idempotencyKey, amount, paymentId, reason, receipt, tip = false } = request;
  if (idempotencyKey === undefined) return { code: 'request.keyMissing' };
  if (amount === 0 && !tip) return invalid([NOTHING_TO_REFUND]);
  const unfit = receiptProblem(receipt);
  if (unfit !== undefined) return unfit;
  return onBill(request.billId, context, (id) => ({
    op: 'bill.refund',
    billId: id,
    amount: (amount ?? null) as Minor | null,
    returnsTip: tip,
    paymentNo: paymentId === undefined ? null : partNo(paymentId, id, 'p'),
    reason: reason ?? null,
    receipt: (receipt ?? null) as Json,
    key: idempotencyKey as Reference,
    digest: digestOf({ ...request, call: 'bill.refund' }, KEYED_NAMES),
  }));
}

/** The same key for another payment of the bill is another call, though over HTTP the payment stands in the path. */
function digestOfPayment(call: string, paymentId: string, request: object): string {
  return digestOf({ ...request, call: `${call} ${paymentId}` }, PAYMENT_NAMES);
}

function receiptProblem(receipt: object | undefined): Problem | undefined {
  if (receipt === undefined) return undefined;
  const violation = receiptViolation(receipt);
  return violation === undefined ? undefined : invalid([violation]);
}
