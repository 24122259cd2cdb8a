// What each process was asked and what it said, bill by bill, in the words of the wire: the histories that
// tests/linearisability explains or refutes. An answer counts from when it leaves its process.

import { mostFrom } from '../../src/domain/bill/offer.ts';
import { payableReason } from '../../src/domain/bill/payable.ts';
import { dueOf, type PresentBill, reservedOf } from '../../src/domain/bill/state.ts';
import type { Credit, Payment, Terms } from '../../src/domain/bill/vocabulary.ts';
import { partId } from '../../src/domain/ids.ts';
import { NEVER } from '../../src/domain/time.ts';
import type { Operation, ProposedTerms, Reply } from '../../src/switch/requests.ts';
import type { Answer, Body, Call, Op } from '../linearisability/calls.ts';
import { checkHistory, describe } from '../linearisability/check.ts';
import { historiesOf } from '../linearisability/histories.ts';
import { EPOCH_MS } from './life.ts';
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
/** More calls than this of a printed code are a crowd's: each state of its search is dear. */
const CROWD = 150;
const STATES_OF_CROWD_MAX = 500;
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
    const clocks = hasSkew ? {} : { skewMs: STEADY_MS };
    for (const history of historiesOf(calls)) {
      const wrong = explain(history, clocks, note);
      if (wrong !== null) return wrong;
    }
    return null;
  }

  /**
   * The plain model knows neither tariffs nor banks nor operators: what was asked of stays, of bills at a bank, of what an
   * operator dealt with, and of their orders, is left out.
   */
  #otherOrders(): Set<string> {
    const found = new Set<string>();
    const dealtWith = new Set<string>();
    for (const { client, operation } of this.#heard.values()) {
      if (client.startsWith('operator')) dealtWith.add(subjectOf(operation));
    }
    for (const billId of dealtWith) found.add(billId);
    for (const { operation, reply } of this.#heard.values()) {
      if (reply !== null && 'bill' in reply && dealtWith.has(reply.bill.terms.id)) {
        found.add(subjectOf(operation));
      }
      const isOther = operation.op === 'bill.create' && isUnmodelled(operation.terms);
      if (isOther) found.add(subjectOf(operation));
      if (reply !== null && 'bill' in reply && isUnmodelled(reply.bill.terms)) {
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

/** Null where some order of the calls explains the answers, or none was found in time. */
function explain(
  history: readonly Call[],
  clocks: { readonly skewMs?: number },
  note: (what: string) => void,
): string | null {
  const isOfCode = history.some(printsCode);
  const isCrowd = isOfCode && history.length > CROWD;
  const statesMax = isCrowd ? STATES_OF_CROWD_MAX : STATES_MAX;
  const verdict = checkHistory(history, { statesMax, ...clocks });
  if (verdict.ok === 'gaveUp') note(isCrowd ? 'crowd given up' : 'history given up');
  else note(isOfCode ? 'history of a code explained' : 'history explained');
  if (verdict.ok !== false) return null;
  const lines = verdict.prefix.map((call) => describe(call)).join('\n  ');
  return `no order explains\n  ${lines}\n  ${verdict.why}`;
}

function printsCode({ op, body }: Call): boolean {
  return op === 'bill.create' && body.type === 'static';
}

function isUnmodelled({ type, acquirer }: Pick<Terms, 'type' | 'acquirer'>): boolean {
  return type === 'timer' || acquirer !== undefined;
}

/** The bill or the order that is spoken of. */
function subjectOf(operation: Operation): string {
  return orderOf(operation) ?? ('billId' in operation ? operation.billId : '');
}

function callOf({ client, operation, invokedAt, returnedAt, reply }: Heard): Call | null {
  const asked = askedBy(operation);
  if (asked === null) return null;
  const answer = reply === null ? null : answerOf(reply);
  const call = { client, ...asked, answer, invokedAt, returnedAt };
  const digest = digestOf(operation);
  return digest === undefined ? call : { ...call, digest };
}

function digestOf(operation: Operation): string | undefined {
  if (operation.op === 'bill.create') return operation.terms.digest;
  if (operation.op === 'bill.arm') return operation.sale.digest;
  return 'digest' in operation && operation.digest !== '' ? operation.digest : undefined;
}

function askedBy(operation: Operation): { op: Op; body: Body } | null {
  switch (operation.op) {
    case 'bill.create':
      return { op: operation.op, body: createBody(operation.terms) };
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
    case 'payment.refund': {
      const { op, billId, paymentNo, amount } = operation;
      const idempotencyKey = op === 'payment.confirm' ? null : operation.key;
      const paymentId = partId(billId, 'p', paymentNo);
      return { op, body: { billId, paymentId, amount, idempotencyKey } };
    }
    case 'order.check':
      return { op: operation.op, body: { orderId: operation.orderId } };
    case 'bill.arm': {
      const { billId, sale } = operation;
      const body = { billId, orderId: sale.orderId, attempt: sale.billId };
      return { op: 'sticker.begin', body };
    }
    case 'credit.request':
    case 'credit.close':
    case 'event.resend':
    case 'event.ack':
    case 'bill.page':
    case 'sticker.get':
    case 'acquiring.begin':
    case 'acquiring.finish':
      return null;
    default: {
      const { op, ...body } = operation;
      return { op, body };
    }
  }
}

function createBody(terms: ProposedTerms): Body {
  const { orderId, amount, currency, capture, unconfirmed, offer } = terms;
  const { expiresInMs, confirmWithinMs, validUntil, tipMax } = terms;
  const confirmWithin = confirmWithinMs / 1_000;
  const policies = { unconfirmed, ...terms.policies };
  const tip = { allowed: tipMax !== undefined, max: tipMax };
  const common = { orderId, currency, capture, policies, tip, confirmWithin };
  if (offer === undefined) {
    const end =
      validUntil === undefined
        ? { expiresIn: expiresInMs / 1_000 }
        : { validUntil: momentOf(validUntil) };
    return { ...common, amount, ...end };
  }
  const { validFrom, ...limits } = offer;
  const fixed = amount === 0 ? {} : { amount };
  const times = { validFrom: momentOf(validFrom), validUntil: momentOf(validUntil ?? null) };
  return { ...common, ...fixed, ...limits, ...times, type: 'static' };
}

/** By the world's time, as the calls have it; null: never. */
function momentOf(at: number | null): number | null {
  return at === null || at === NEVER ? null : at - EPOCH_MS;
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
    case 'acquiring':
      return { status: 200, body: {} };
    case 'sticker':
      return { status: 200, body: stickerBody(reply) };
    case 'elsewhere':
      return { status: 200, body: { elsewhere: reply.billId } };
    default:
      return { status: 'created' in reply && reply.created ? 201 : 200, body: bodyOf(reply) };
  }
}

type Showing = Exclude<
  Reply,
  {
    kind:
      | 'fault'
      | 'rejection'
      | 'released'
      | 'acknowledged'
      | 'sticker'
      | 'elsewhere'
      | 'acquiring';
  }
>;

function bodyOf(reply: Showing): Body {
  switch (reply.kind) {
    case 'bill':
    case 'page':
      return billBody(reply.bill);
    case 'orderVoided':
      return { status: 'void' };
    case 'view':
      return viewBody(reply);
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
      return paymentNowBody(reply);
    case 'credit':
      return creditBody(reply.bill, reply.credit);
  }
}

function viewBody({ bill, paychannelId, now }: Extract<Reply, { kind: 'view' }>): Body {
  const reason = payableReason(bill, paychannelId, now);
  const { amount, currency, id, offer } = bill.terms;
  const seen = {
    id,
    status: bill.status,
    currency,
    payable: reason === null,
    reason,
    elsewhere: null,
  };
  if (offer === undefined) {
    const due = Math.max(0, dueOf(bill) - reservedOf(bill, paychannelId));
    return { ...seen, amount, due };
  }
  const due = mostFrom(bill, offer, paychannelId) === 0 ? 0 : dueOf(bill);
  return { ...seen, amount: amount === 0 ? null : amount, due };
}

function stickerBody({ bill, saleId }: Extract<Reply, { kind: 'sticker' }>): Body {
  const { carried, arming } = bill.sticker ?? {};
  const ids = { carriedId: carried?.billId ?? null, armingId: arming?.billId ?? null };
  return { version: bill.version, saleId, ...ids };
}

function billBody(bill: PresentBill): Body {
  const { terms, status, version, books, ending } = bill;
  const { id, amount } = terms;
  return {
    id,
    status,
    version,
    amount: amount === 0 ? null : amount,
    paymentCount: bill.counts.accepted,
    due: dueOf(bill),
    reserved: reservedOf(bill),
    ...books,
    cause: ending.cause,
    saleId: bill.sticker?.carried?.billId ?? null,
    payments: bill.payments.slice(-20).map((payment) => paymentBody(bill, payment)),
    credits: bill.credits.slice(-20).map((credit) => creditBody(bill, credit)),
  };
}

function paymentNowBody({ bill, payment }: Extract<Reply, { kind: 'paymentNow' }>): Body {
  const { status, version, books } = bill;
  const { paid, confirmed, reversed, refunded } = books;
  const credits = bill.credits.filter(({ paymentNo }) => paymentNo === payment.no);
  return {
    payment: paymentBody(bill, payment),
    credits: credits.slice(-20).map((credit) => creditBody(bill, credit)),
    bill: { status, version, paid, confirmed, reversed, refunded },
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

function paymentBody({ terms }: PresentBill, { no, amount, credited, status }: Payment): Body {
  return { id: partId(terms.id, 'p', no), amount, credited, status };
}

function creditBody({ terms }: PresentBill, { no, kind, amount, status }: Credit): Body {
  return { id: partId(terms.id, 'c', no), kind, amount, status };
}
