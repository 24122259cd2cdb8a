// What each process was asked and what it said, bill by bill, in the words of the wire: the histories that
// tests/linearisability explains or refutes. An answer counts from when it leaves its process.

import { payableReason } from '../../src/domain/bill/payable.ts';
import { dueOf, type PresentBill, reservedOf } from '../../src/domain/bill/state.ts';
import type { Credit, Payment } from '../../src/domain/bill/vocabulary.ts';
import { partId } from '../../src/domain/ids.ts';
import type { Operation, Reply } from '../../src/switch/requests.ts';
import type { Answer, Body, Call, Op } from '../linearisability/calls.ts';
import { checkHistory, describe } from '../linearisability/check.ts';
import { historiesOf } from '../linearisability/histories.ts';
import { orderOf } from './promises.ts';

interface Heard {
  readonly client: string;
  readonly operation: Operation;
  readonly invokedAt: number;
  returnedAt: number;
  reply: Reply | null;
}

/** A bill with more calls than this is a flood's: its search may be long. */
const STATES_MAX = 20_000;
/** How far shard time may be from the world's where no clock has jumped. */
const STEADY_MS = 1_000;

export class Hearsay {
  readonly #heard = new Map<string, Heard>();
  #moments = 0;

  /** A request has reached a process. */
  arrived(requestId: string, client: string, operation: Operation, now: number): void {
    const invokedAt = this.#moment(now);
    this.#heard.set(requestId, {
      client,
      operation,
      invokedAt,
      returnedAt: Number.POSITIVE_INFINITY,
      reply: null,
    });
  }

  answered(requestId: string, reply: Reply, now: number): void {
    const heard = this.#heard.get(requestId);
    if (heard === undefined) return;
    heard.reply = reply;
    heard.returnedAt = this.#moment(now);
  }

  /** Explains each bill's history, or says of one that it cannot be. */
  check(hasSkew: boolean, note: (what: string) => void): string | null {
    const calls: Call[] = [];
    const ofOthers = this.#otherOrders();
    for (const heard of this.#heard.values()) {
      const call = ofOthers.has(subjectOf(heard.operation)) ? null : callOf(heard);
      if (call !== null) calls.push(call);
    }
    const bounds = { statesMax: STATES_MAX, ...(hasSkew ? {} : { skewMs: STEADY_MS }) };
    for (const history of historiesOf(calls)) {
      const verdict = checkHistory(history, bounds);
      note(verdict.ok === 'gaveUp' ? 'history given up' : 'history explained');
      if (verdict.ok === false) {
        const lines = verdict.prefix.map((call) => describe(call)).join('\n  ');
        return `no order explains\n  ${lines}\n  ${verdict.why}`;
      }
    }
    return null;
  }

  /** The plain model knows dynamic bills alone: what was asked of others, and of their orders, is left out. */
  #otherOrders(): Set<string> {
    const found = new Set<string>();
    for (const { operation, reply } of this.#heard.values()) {
      const isOther = operation.op === 'bill.create' && operation.terms.type !== 'dynamic';
      if (isOther) found.add(subjectOf(operation));
      if (reply !== null && 'bill' in reply && reply.bill.terms.type !== 'dynamic') {
        found.add(subjectOf(operation));
        found.add(reply.bill.terms.id);
      }
    }
    return found;
  }

  /** No two moments are the same: what happens within one ms happens one after the other. */
  #moment(now: number): number {
    this.#moments += 1;
    return now + this.#moments / 2 ** 20;
  }
}

/** The bill or the order that is spoken of. */
function subjectOf(operation: Operation): string {
  return orderOf(operation) ?? ('billId' in operation ? operation.billId : '');
}

function callOf({ client, operation, invokedAt, returnedAt, reply }: Heard): Call | null {
  const asked = askedBy(operation);
  if (asked === null) return null;
  const digest = 'digest' in operation && operation.digest !== '' ? operation.digest : undefined;
  const answer = reply === null ? null : answerOf(reply);
  const call = { client, ...asked, answer, invokedAt, returnedAt };
  if (operation.op === 'bill.create') return { ...call, digest: operation.terms.digest };
  return digest === undefined ? call : { ...call, digest };
}

function askedBy(operation: Operation): { op: Op; body: Body } | null {
  switch (operation.op) {
    case 'bill.create': {
      const { orderId, amount, currency, capture, unconfirmed } = operation.terms;
      const { expiresInMs, confirmWithinMs } = operation.terms;
      const times = { expiresIn: expiresInMs / 1_000, confirmWithin: confirmWithinMs / 1_000 };
      const policies = { unconfirmed, ...operation.terms.policies };
      const tip = { allowed: operation.terms.tipMax !== undefined, max: operation.terms.tipMax };
      const body = { orderId, amount, currency, capture, policies, tip, ...times };
      return { op: operation.op, body };
    }
    case 'bill.cancel':
    case 'bill.refund': {
      const { op, billId, amount, key } = operation;
      const no = op === 'bill.refund' ? operation.paymentNo : null;
      const paymentId = no === null ? null : partId(billId, 'p', no);
      const tip = op === 'bill.refund' && operation.returnsTip;
      return { op, body: { billId, amount, idempotencyKey: key, paymentId, tip } };
    }
    case 'bill.release': {
      const { op, billId, reservationNo } = operation;
      return { op, body: { billId, reservationId: partId(billId, 'r', reservationNo) } };
    }
    case 'payment.create': {
      const { op, billId, paymentRef, amount, currency, reservationNo: no, tip } = operation;
      const reservationId = no === null ? null : partId(billId, 'r', no);
      return { op, body: { billId, paymentRef, amount, currency, reservationId, tip } };
    }
    case 'credit.get':
    case 'credit.settle': {
      const { op, billId, creditNo, ...rest } = operation;
      return { op, body: { ...rest, billId, creditId: partId(billId, 'c', creditNo) } };
    }
    case 'payment.confirm':
    case 'payment.cancel':
    case 'payment.refund':
    case 'event.ack':
    case 'bill.page':
    case 'order.cancel':
    case 'order.check':
    case 'bill.arm':
    case 'sticker.end':
    case 'sticker.get':
      return null;
    default: {
      const { op, ...body } = operation;
      return { op, body };
    }
  }
}

function answerOf(reply: Reply): Answer | null {
  switch (reply.kind) {
    case 'fault':
      return reply.code === 'outcome.unknown' ? null : { status: 503, body: {} };
    case 'rejection': {
      const { rejected: code, ...members } = reply.rejection;
      // In a problem document `status` is the answer's own.
      return { status: 409, body: { ...members, status: 409, code } };
    }
    case 'released':
      return { status: 204, body: {} };
    case 'acknowledged':
    case 'sticker':
    case 'elsewhere':
      return { status: 200, body: {} };
    default:
      return { status: 'created' in reply && reply.created ? 201 : 200, body: bodyOf(reply) };
  }
}

type Showing = Exclude<
  Reply,
  { kind: 'fault' | 'rejection' | 'released' | 'acknowledged' | 'sticker' | 'elsewhere' }
>;

function bodyOf(reply: Showing): Body {
  switch (reply.kind) {
    case 'bill':
    case 'page':
      return billBody(reply.bill);
    case 'orderVoided':
      return { status: 'void' };
    case 'view': {
      const { bill, paychannelId, now } = reply;
      const reason = payableReason(bill, paychannelId, now);
      const due = Math.max(0, dueOf(bill) - reservedOf(bill, paychannelId));
      const { amount, currency, id } = bill.terms;
      return { id, status: bill.status, amount, currency, due, payable: reason === null, reason };
    }
    case 'reservation': {
      const { bill, reservation } = reply;
      return { id: partId(bill.terms.id, 'r', reservation.no), amount: reservation.amount };
    }
    case 'payment': {
      const { payment, status, version, paid, due } = reply.answer;
      return { payment: paymentBody(reply.bill, payment), bill: { status, version, paid, due } };
    }
    case 'paymentFate':
      return fateBody(reply);
    case 'paymentNow':
      return paymentBody(reply.bill, reply.payment);
    case 'credit':
      return creditBody(reply.bill, reply.credit);
  }
}

function billBody(bill: PresentBill): Body {
  const { terms, status, version, books, ending } = bill;
  const { id, amount } = terms;
  return {
    id,
    status,
    version,
    amount,
    due: dueOf(bill),
    reserved: reservedOf(bill),
    ...books,
    cause: ending.cause,
    payments: bill.payments.slice(-20).map((payment) => paymentBody(bill, payment)),
    credits: bill.credits.slice(-20).map((credit) => creditBody(bill, credit)),
  };
}

function fateBody({ bill, fate }: Extract<Reply, { kind: 'paymentFate' }>): Body {
  if (fate.type === 'voided') return { status: 'refused', code: 'payment.void' };
  if (fate.type === 'refused') {
    return { status: 'refused', code: fate.payment.rejection.rejected };
  }
  const { no } = fate.answer.payment;
  const payment = bill.payments.find((each) => each.no === no) ?? fate.answer.payment;
  return { ...paymentBody(bill, payment), code: null };
}

function paymentBody({ terms }: PresentBill, { no, amount, credited }: Payment): Body {
  return { id: partId(terms.id, 'p', no), amount, credited };
}

function creditBody({ terms }: PresentBill, { no, kind, amount, status }: Credit): Body {
  return { id: partId(terms.id, 'c', no), kind, amount, status };
}
