// From what a client sent to what a shard is asked. The body has been read (JSON or msgpack) and carries the names that
// stand in the path over HTTP; out comes a valid operation with its shard, or a problem that names the field.

import { randomFillSync } from 'node:crypto';
import type { Json } from '../domain/bill/vocabulary.ts';
import {
  BILL_ID_RANDOM_LENGTH,
  type BillId,
  makeBillId,
  parseBillId,
  parsePartId,
  type Reference,
  type ShardId,
  shardOfBill,
  shardOfOrder,
  type TerminalId,
} from '../domain/ids.ts';
import type { Currency, Minor } from '../domain/money.ts';
import { millis, SECOND_MS } from '../domain/time.ts';
import type { Principal } from '../switch/ports.ts';
import type { QrCodes } from '../switch/qr.ts';
import type { Operation } from '../switch/requests.ts';
import { digestOf } from './digest.ts';
import { featureProblem } from './feature-problem.ts';
import { withCode } from './issue-code.ts';
import { problemOfNew, termsOf, withMissingAmount } from './new-bill.ts';
import { invalid, type Problem } from './problem-document.ts';
import { proposedSale } from './proposed-sale.ts';
import { withQuote } from './quote-ids.ts';
import type { RequestName } from './schemas/requests.ts';
import { asBody, receiptViolation, violationsOf } from './schemas/validation.ts';
import { parseTime } from './wire-time.ts';

/** An operation with the shard that it goes to. */
export interface Addressed {
  readonly shard: ShardId;
  readonly operation: Operation;
}

/** Operations that are one request to one shard. */
export type SingleOperation = Exclude<RequestName, 'event.ack' | 'ping'>;

/** What reading needs beside the body. */
export interface ReadingContext {
  readonly shards: number;
  readonly codes: QrCodes;
  /** Wall clock, ms. */
  wall(): number;
}

type Readers = {
  readonly [Name in SingleOperation]: (
    body: unknown,
    principal: Principal,
    context: ReadingContext,
  ) => Addressed | Problem;
};

export function isProblem(result: object): result is Problem {
  return 'code' in result;
}

/** Reads one operation. Problems are values; nothing here throws for what a client may send. */
export function readOperation(
  name: SingleOperation,
  body: unknown,
  principal: Principal,
  context: ReadingContext,
): Addressed | Problem {
  const violations = violationsOf(name, body);
  if (violations !== undefined) {
    const all = name === 'bill.create' ? withMissingAmount(body, violations) : violations;
    return featureProblem(name, body) ?? invalid(all);
  }
  return readers[name](body, principal, context);
}

const readers: Readers = {
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
    const { billId, paymentId, amount, reason, idempotencyKey } = request;
    if (idempotencyKey === undefined) return { code: 'request.keyMissing' };
    return onBill(billId, context, (id) => ({
      op: 'payment.refund',
      billId: id,
      paymentNo: partNo(paymentId, id, 'p'),
      amount: (amount ?? null) as Minor | null,
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
  'bill.resolve': (body, principal, context) => {
    if (principal.suspended) return { code: 'request.suspended' };
    const { qr } = asBody('bill.resolve', body);
    const reading = context.codes.read(qr);
    if (reading === 'foreign') return { code: 'bill.notFound' };
    if (reading === 'tampered') return { code: 'qr.tampered' };
    return onBill(reading.billId, context, (billId) => ({ op: 'bill.view', billId }));
  },
  'bill.view': (body, principal, context) => {
    if (principal.suspended) return { code: 'request.suspended' };
    const { billId } = asBody('bill.view', body);
    return onBill(billId, context, (id) => ({ op: 'bill.view', billId: id }));
  },
  'bill.reserve': (body, _principal, context) => {
    const request = asBody('bill.reserve', body);
    return onBill(request.billId, context, (id) => {
      const operation = {
        op: 'bill.reserve',
        billId: id,
        reservationRef: request.reservationRef as Reference,
        digest: digestOf(request, BILL_NAMES),
        amount: (request.amount ?? null) as Minor | null,
      } as const;
      return withQuote(operation, request, context);
    });
  },
  'bill.release': (body, _principal, context) => {
    const { billId, reservationId } = asBody('bill.release', body);
    return onBill(billId, context, (id) => ({
      op: 'bill.release',
      billId: id,
      reservationNo: partNo(reservationId, id, 'r'),
    }));
  },
  'payment.create': readPay,
  'payment.get': (body, _principal, context) => {
    const { billId, paymentRef } = asBody('payment.get', body);
    return onBill(billId, context, (id) => ({
      op: 'payment.get',
      billId: id,
      paymentRef: paymentRef as Reference,
    }));
  },
  'payment.void': (body, _principal, context) => {
    const { billId, paymentRef } = asBody('payment.void', body);
    return onBill(billId, context, (id) => ({
      op: 'payment.void',
      billId: id,
      paymentRef: paymentRef as Reference,
    }));
  },
  'credit.get': (body, _principal, context) => {
    const { creditId } = asBody('credit.get', body);
    return onCredit(creditId, context, (billId, creditNo) => ({
      op: 'credit.get',
      billId,
      creditNo,
    }));
  },
  'credit.settle': (body, _principal, context) => {
    const { creditId, status, reference, reason } = asBody('credit.settle', body);
    return onCredit(creditId, context, (billId, creditNo) => ({
      op: 'credit.settle',
      billId,
      creditNo,
      status,
      reference: reference ?? null,
      reason: reason ?? null,
    }));
  },
};

const BILL_NAMES = ['billId'] as const;
const KEYED_NAMES = ['billId', 'idempotencyKey'] as const;
const PAYMENT_NAMES = ['billId', 'paymentId', 'idempotencyKey'] as const;

function readCreate(
  body: unknown,
  principal: Principal,
  context: ReadingContext,
): Addressed | Problem {
  const request = asBody('bill.create', body);
  const now = millis(context.wall());
  const problem = problemOfNew(request, now);
  if (problem !== undefined) return problem;
  const terminalId = principal.id as TerminalId;
  const orderId = request.orderId as Reference;
  const shard = shardOfOrder(terminalId, orderId, context.shards);
  const id = newBillId(shard, context);
  const terms = termsOf(request, principal, id);
  const coded = withCode(terms, request.qrFormat, principal.qr, context.codes);
  return isProblem(coded) ? coded : { shard, operation: { op: 'bill.create', terms: coded } };
}

function newBillId(shard: ShardId, context: ReadingContext): BillId {
  return makeBillId(millis(context.wall()), shard, randomBytes());
}

function readRefund(
  body: unknown,
  _principal: Principal,
  context: ReadingContext,
): Addressed | Problem {
  const request = asBody('bill.refund', body);
  const { idempotencyKey, amount, paymentId, reason, receipt } = request;
  if (idempotencyKey === undefined) return { code: 'request.keyMissing' };
  const unfit = receiptProblem(receipt);
  if (unfit !== undefined) return unfit;
  return onBill(request.billId, context, (id) => ({
    op: 'bill.refund',
    billId: id,
    amount: (amount ?? null) as Minor | null,
    paymentNo: paymentId === undefined ? null : partNo(paymentId, id, 'p'),
    reason: reason ?? null,
    receipt: (receipt ?? null) as Json,
    key: idempotencyKey as Reference,
    digest: digestOf({ ...request, call: 'bill.refund' }, KEYED_NAMES),
  }));
}

function readPay(
  body: unknown,
  _principal: Principal,
  context: ReadingContext,
): Addressed | Problem {
  const request = asBody('payment.create', body);
  const { reservationId, paidAt } = request;
  return onBill(request.billId, context, (id) => {
    const operation = {
      op: 'payment.create',
      billId: id,
      paymentRef: request.paymentRef as Reference,
      digest: digestOf(request, BILL_NAMES),
      amount: request.amount as Minor,
      currency: request.currency as Currency,
      reservationNo: reservationId === undefined ? null : partNo(reservationId, id, 'r'),
      method: request.method ?? null,
      payer: request.payer ?? null,
      paidAt: paidAt === undefined ? null : (parseTime(paidAt) ?? null),
    } as const;
    return withQuote(operation, request, context);
  });
}

/** The same key for another payment of the bill is another call, though over HTTP the payment stands in the path. */
function digestOfPayment(call: string, paymentId: string, request: object): string {
  return digestOf({ ...request, call: `${call} ${paymentId}` }, PAYMENT_NAMES);
}

/** Ids of events, by bill; what is no event's id is left out. */
export function eventsByBill(ids: readonly string[], shards: number): Map<BillId, number[]> {
  const numbersByBill = new Map<BillId, number[]>();
  for (const id of ids) {
    const part = parsePartId(id, 'e');
    if (part === undefined || shardOfBill(part.billId) >= shards) continue;
    const numbers = numbersByBill.get(part.billId);
    if (numbers === undefined) numbersByBill.set(part.billId, [part.no]);
    else numbers.push(part.no);
  }
  return numbersByBill;
}

function onBill(
  text: string,
  context: ReadingContext,
  operationOf: (id: BillId) => Operation,
): Addressed | Problem {
  const id = parseBillId(text);
  if (id === undefined) return { code: 'bill.notFound' };
  const shard = shardOfBill(id);
  return shard < context.shards ? { shard, operation: operationOf(id) } : { code: 'bill.notFound' };
}

function onCredit(
  text: string,
  context: ReadingContext,
  operationOf: (billId: BillId, creditNo: number) => Operation,
): Addressed | Problem {
  const part = parsePartId(text, 'c');
  if (part === undefined) return { code: 'credit.notFound' };
  const shard = shardOfBill(part.billId);
  if (shard >= context.shards) return { code: 'credit.notFound' };
  return { shard, operation: operationOf(part.billId, part.no) };
}

function onOrder(
  orderId: string,
  principal: Principal,
  context: ReadingContext,
  operationOf: (terminalId: TerminalId, orderId: Reference) => Operation,
): Addressed {
  const terminalId = principal.id as TerminalId;
  const order = orderId as Reference;
  return {
    shard: shardOfOrder(terminalId, order, context.shards),
    operation: operationOf(terminalId, order),
  };
}

/** The number of a part of this bill; 0, which no part has, where the id names none. */
function partNo(id: string, billId: BillId, kind: 'p' | 'r'): number {
  const part = parsePartId(id, kind);
  return part !== undefined && part.billId === billId ? part.no : 0;
}

function receiptProblem(receipt: object | undefined): Problem | undefined {
  if (receipt === undefined) return undefined;
  const violation = receiptViolation(receipt);
  return violation === undefined ? undefined : invalid([violation]);
}

const pool = Buffer.alloc(4_096);
let poolAt = pool.length;

function randomBytes(): Uint8Array {
  if (poolAt + BILL_ID_RANDOM_LENGTH > pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  const bytes = pool.subarray(poolAt, poolAt + BILL_ID_RANDOM_LENGTH);
  poolAt += BILL_ID_RANDOM_LENGTH;
  return bytes;
}
