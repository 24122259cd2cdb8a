// Replies and events as bytes for the wire. Runs where the shards are, so that each answer is encoded once; the gateway
// only puts it into its frame.

import { unreachable } from '../domain/assert.ts';
import type { BillId } from '../domain/ids.ts';
import type { QrCodes } from '../switch/qr.ts';
import type { Encoding, Presenter, ProposedTerms, Reply } from '../switch/requests.ts';
import { saleTerms } from '../switch/sale-terms.ts';
import { pack } from './msgpack.ts';
import { type Problem, problemBody, problemOfRejection } from './problem-document.ts';
import { problems } from './problems.ts';
import type { Shape } from './shape-parts.ts';
import { JSON_NUMBERS, MSGPACK_NUMBERS, Shapes } from './shapes.ts';
import { formatTime } from './wire-time.ts';

export interface Presented {
  readonly status: number;
  readonly body: Uint8Array;
}

const EMPTY = new Uint8Array(0);
/** For the gateway alone: the answer is that of the bill whose id is the body. */
export const ELSEWHERE = 303;

/** Writes replies as API.md shows them. `publicBaseUrl` (no slash at its end) is where links lead. */
export function makePresenter(options: {
  readonly publicBaseUrl: string;
  readonly codes: QrCodes;
}): Presenter {
  const shapes: Record<Encoding, Shapes> = {
    json: new Shapes(options, JSON_NUMBERS),
    msgpack: new Shapes(options, MSGPACK_NUMBERS),
  };
  return {
    present: (reply, encoding, requestId) => present(shapes[encoding], reply, encoding, requestId),
    presentEvent: (event, encoding) => encodeBody(shapes[encoding].event(event), encoding),
  };
}

/** How a sticker stands, for the gateway that arms it. */
export interface Standing {
  /** The sale of the order asked about, where the sticker carries it. */
  readonly saleId: BillId | null;
  /** The sale that views show. */
  readonly carriedId: BillId | null;
  /** The bill that is to take its place. */
  readonly arming: ProposedTerms | null;
  /** Whether it takes arms, and ends them as armed: neither withdrawn nor over. */
  readonly isOpen: boolean;
}

function standingOf({ bill, saleId }: Extract<Reply, { kind: 'sticker' }>): Standing {
  const { sticker } = bill;
  const arming =
    sticker === null || sticker.arming === null ? null : saleTerms(bill, sticker.arming);
  const carriedId = sticker?.carried?.billId ?? null;
  return { saleId, carriedId, arming, isOpen: bill.status === 'open' };
}

/** A value as its encoding's bytes. For msgpack, amounts in it have been made wide. */
export function encodeBody(value: unknown, encoding: Encoding): Uint8Array {
  return encoding === 'json' ? Buffer.from(JSON.stringify(value)) : pack(value);
}

/** A refusal with its status. */
export function presentProblem(problem: Problem, encoding: Encoding, requestId: string): Presented {
  const { status } = problems[problem.code];
  const document = problemBody(problem, requestId);
  return { status, body: encodeBody(encoding === 'json' ? document : widened(document), encoding) };
}

function present(shapes: Shapes, reply: Reply, encoding: Encoding, requestId: string): Presented {
  switch (reply.kind) {
    case 'rejection':
      return presentProblem(problemOfRejection(reply.rejection), encoding, requestId);
    case 'fault': {
      const members = { retryAfter: reply.retryAfterS };
      return presentProblem(
        { code: reply.code, detail: reply.detail, members },
        encoding,
        requestId,
      );
    }
    case 'released':
      return { status: 204, body: EMPTY };
    case 'elsewhere':
      return { status: ELSEWHERE, body: Buffer.from(reply.billId) };
    case 'acquiring':
      return { status: 200, body: Buffer.from(JSON.stringify(reply.standing)) };
    case 'sticker':
      return { status: 200, body: Buffer.from(JSON.stringify(standingOf(reply))) };
    default:
      return { status: statusOf(reply), body: encodeBody(shapeOf(shapes, reply), encoding) };
  }
}

type Shown = Exclude<
  Reply,
  { kind: 'rejection' | 'fault' | 'released' | 'elsewhere' | 'sticker' | 'acquiring' }
>;

function statusOf(reply: Shown): number {
  return 'created' in reply && reply.created ? 201 : 200;
}

function shapeOf(shapes: Shapes, reply: Shown): Shape {
  switch (reply.kind) {
    case 'bill':
      return shapes.bill(reply.bill, reply.now);
    case 'orderVoided':
      return { orderId: reply.orderId, status: 'void', voidedAt: formatTime(reply.at) };
    case 'view':
      return shapes.view(reply.bill, reply.paychannelId, reply.now);
    case 'page':
      return shapes.page(reply.bill, reply.now);
    case 'reservation':
      return shapes.reservation(reply.bill.terms.id, reply.reservation);
    case 'payment':
      return shapes.paymentAnswer(reply.bill, reply.answer);
    case 'paymentFate':
      return fateOf(shapes, reply);
    case 'paymentNow':
      return shapes.terminalPayment(reply.bill, reply.payment, reply.now);
    case 'credit':
      return shapes.paychannelCredit(reply.bill, reply.credit, reply.now);
    case 'acknowledged':
      return { acknowledged: reply.count };
    default:
      return unreachable(reply);
  }
}

function fateOf(shapes: Shapes, reply: Extract<Reply, { kind: 'paymentFate' }>): Shape {
  const { bill, fate } = reply;
  switch (fate.type) {
    case 'accepted': {
      // As it is now: confirmed, reversed or refunded meanwhile, perhaps.
      const { no } = fate.answer.payment;
      const current = bill.payments.find((payment) => payment.no === no);
      return shapes.payment(bill.terms, current ?? fate.answer.payment);
    }
    case 'refused':
      return shapes.payment(bill.terms, fate.payment);
    case 'voided':
      return shapes.voidedPayment(bill.terms, reply, reply.paymentRef, fate.at);
    default:
      return unreachable(fate);
  }
}

/** The members of a problem are amounts and words of one level. */
function widened(document: Shape): Shape {
  return Object.fromEntries(
    Object.entries(document).map(([key, value]) => [
      key,
      typeof value === 'number' ? MSGPACK_NUMBERS.amount(value) : value,
    ]),
  );
}
