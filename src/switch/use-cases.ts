// From what is asked to what the domain is told, and from what it decided to what is answered. Pure: the shard keeps
// the state and the time.

import { must, unreachable } from '../domain/assert.ts';
import { findReference } from '../domain/bill/references.ts';
import { type Bill, isPresent, type PresentBill } from '../domain/bill/state.ts';
import type {
  Actor,
  BillCommand,
  KeptReference,
  Outcome,
  Recipient,
  ReferenceKind,
} from '../domain/bill/vocabulary.ts';
import type { PaychannelId, Reference } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { Principal } from './ports.ts';
import type { Operation, Reply, SwitchRejection } from './requests.ts';
import { replyOfSticker, replyToLook, stickerCommand } from './sticker-operations.ts';
import { type Decision, isRefused } from './suspension.ts';

/** Operations that name a bill by its id. */
export type BillOperation = Exclude<
  Operation,
  { op: 'bill.create' | 'order.resolve' | 'order.get' | 'order.check' }
>;

/** A reference that an operation names: the shard looks it up before the domain decides (A9). */
export interface NamedReference {
  readonly kind: ReferenceKind;
  readonly scope: string;
  readonly ref: Reference;
}

export function actorOf(principal: Principal | null): Actor {
  return principal === null
    ? { kind: 'switch', id: 'timer' }
    : { kind: principal.kind, id: principal.id };
}

/** Whose events a principal reads. Undefined for those that have no stream. */
export function recipientOf(principal: Principal): Recipient | undefined {
  if (principal.kind === 'terminal') return `terminal:${principal.id}`;
  if (principal.kind === 'paychannel') return `paychannel:${principal.id}`;
  return undefined;
}

/** Whether the principal may see the bill; another's bill is as unknown as none at all. */
export function maySee(
  principal: Principal | null,
  bill: PresentBill,
  op: Operation['op'],
): boolean {
  if (principal === null) return op === 'bill.page' || op === 'sticker.get';
  const terms = bill.terms;
  if (principal.institutionId !== terms.institutionId) return false;
  switch (principal.kind) {
    case 'paychannel':
      return true;
    case 'operator':
      return principal.merchantId === null || principal.merchantId === terms.merchantId;
    case 'merchant':
      return principal.merchantId === terms.merchantId;
    case 'terminal':
      if (principal.restricted) return principal.id === terms.terminalId;
      return principal.merchantId === terms.merchantId;
    default:
      return unreachable(principal.kind);
  }
}

export function commandOf(
  operation: BillOperation,
  principal: Principal | null,
): BillCommand | null {
  switch (operation.op) {
    case 'bill.get':
    case 'bill.view':
    case 'bill.page':
    case 'payment.get':
    case 'credit.get':
    case 'sticker.get':
      return null;
    case 'bill.arm':
    case 'sticker.end':
      return stickerCommand(operation);
    case 'bill.confirm':
    case 'bill.cancel':
    case 'order.cancel':
    case 'bill.refund':
    case 'bill.receipt':
    case 'payment.confirm':
    case 'payment.cancel':
    case 'payment.refund':
      return sellerCommand(operation, actorOf(principal));
    case 'bill.reserve':
    case 'bill.release':
    case 'payment.create':
    case 'payment.void':
    case 'credit.settle':
      return payerCommand(operation, principal);
    case 'event.ack': {
      const { kind, id } = actorOf(principal);
      const recipient: Recipient = `${kind === 'paychannel' ? kind : 'terminal'}:${id}`;
      return { type: 'AcknowledgeEvents', recipient, nos: operation.nos };
    }
    default:
      return unreachable(operation);
  }
}

type SellerOperation = Extract<
  BillOperation,
  {
    op:
      | 'bill.confirm'
      | 'bill.cancel'
      | 'order.cancel'
      | 'bill.refund'
      | 'bill.receipt'
      | 'payment.confirm'
      | 'payment.cancel'
      | 'payment.refund';
  }
>;

/** What a terminal, merchant or operator may command. */
function sellerCommand(operation: SellerOperation, by: Actor): BillCommand {
  switch (operation.op) {
    case 'bill.confirm':
      return { type: 'ConfirmBill', by, amount: operation.amount, receipt: operation.receipt };
    case 'bill.cancel': {
      const { amount, key, digest } = operation;
      return { type: 'CancelBill', by, amount, key, digest, onlyIfUnpaid: false };
    }
    case 'order.cancel':
      return { type: 'CancelBill', by, amount: null, key: null, digest: '', onlyIfUnpaid: true };
    case 'bill.refund': {
      const { amount, paymentNo, reason, receipt, key, digest } = operation;
      return { type: 'RefundBill', by, amount, paymentNo, reason, receipt, key, digest };
    }
    case 'bill.receipt':
      return { type: 'AttachReceipt', receipt: operation.receipt };
    case 'payment.confirm': {
      const { paymentNo, amount } = operation;
      return { type: 'ConfirmPayment', by, paymentNo, amount };
    }
    case 'payment.cancel': {
      const { paymentNo, amount, key, digest } = operation;
      return { type: 'CancelPayment', by, paymentNo, amount, key, digest };
    }
    case 'payment.refund': {
      const { paymentNo, amount, reason, key, digest } = operation;
      return { type: 'RefundBill', by, amount, paymentNo, reason, receipt: null, key, digest };
    }
    default:
      return unreachable(operation);
  }
}

type PayerOperation = Extract<
  BillOperation,
  { op: 'bill.reserve' | 'bill.release' | 'payment.create' | 'payment.void' | 'credit.settle' }
>;

function payerCommand(operation: PayerOperation, principal: Principal | null): BillCommand {
  const paychannelId = (principal?.id ?? '') as PaychannelId;
  switch (operation.op) {
    case 'bill.reserve': {
      const { reservationRef, digest, amount, quote } = operation;
      const hold = { type: 'ReserveBill', paychannelId, reservationRef, digest, amount } as const;
      return quote === undefined ? hold : { ...hold, quote };
    }
    case 'bill.release':
      return { type: 'ReleaseReservation', paychannelId, reservationNo: operation.reservationNo };
    case 'payment.create': {
      const pay = {
        type: 'PayBill',
        paychannelId,
        paymentRef: operation.paymentRef,
        digest: operation.digest,
        amount: operation.amount,
        currency: operation.currency,
        reservationNo: operation.reservationNo,
        method: operation.method,
        payer: operation.payer,
        paidAt: operation.paidAt,
        subscribed: principal?.subscribed ?? false,
      } as const;
      return operation.quote === undefined ? pay : { ...pay, quote: operation.quote };
    }
    case 'payment.void':
      return { type: 'VoidPayment', paychannelId, paymentRef: operation.paymentRef };
    case 'credit.settle': {
      const { creditNo, status, reference, reason } = operation;
      return { type: 'SettleCredit', paychannelId, creditNo, status, reference, reason };
    }
    default:
      return unreachable(operation);
  }
}

/** The reference that an operation names, if it names one. */
export function referenceOf(
  operation: BillOperation,
  principal: Principal | null,
): NamedReference | null {
  const scope = principal?.id ?? '';
  switch (operation.op) {
    case 'payment.create':
    case 'payment.get':
    case 'payment.void':
      return { kind: 'payment', scope, ref: operation.paymentRef };
    case 'bill.reserve':
      return { kind: 'reservation', scope, ref: operation.reservationRef };
    case 'bill.refund':
    case 'payment.refund':
      return { kind: 'key', scope, ref: operation.key };
    case 'bill.cancel':
    case 'payment.cancel':
      return operation.key === null ? null : { kind: 'key', scope, ref: operation.key };
    default:
      return null;
  }
}

/** What a command came to: the bill after it, what was decided, and the reference known before it. */
export interface Settled {
  readonly bill: PresentBill;
  readonly decision: Decision;
  readonly recalled: KeptReference | null;
  readonly now: Millis;
}

/** The answer to an operation on a bill that the principal may see. */
export function replyTo(
  operation: BillOperation,
  principal: Principal | null,
  settled: Settled,
): Reply {
  const { bill, decision, now } = settled;
  if (isRefused(decision)) return rejection(decision);
  switch (operation.op) {
    case 'bill.get':
    case 'bill.confirm':
    case 'bill.receipt':
    case 'order.cancel':
      return { kind: 'bill', bill, created: false, now };
    case 'bill.refund':
    case 'bill.cancel':
      return replyToKeyed(operation, principal, settled);
    case 'payment.confirm':
    case 'payment.cancel':
    case 'payment.refund':
      return replyWithPayment(operation, principal, settled);
    case 'bill.view':
    case 'bill.page':
      return replyToLook(operation, bill, (principal?.id ?? '') as PaychannelId, now);
    case 'bill.arm':
    case 'sticker.end':
    case 'sticker.get':
      return replyOfSticker(operation, bill);
    case 'bill.release':
      return { kind: 'released' };
    case 'bill.reserve':
      return replyToReserve(operation, principal, settled);
    case 'payment.create':
      return replyToPay(operation, principal, settled);
    case 'payment.get':
    case 'payment.void':
      return replyWithFate(operation, principal, settled);
    case 'credit.get':
    case 'credit.settle':
      return replyWithCredit(operation, principal, settled);
    case 'event.ack': {
      const fact = decision[decision[0]?.type === 'PartsRecalled' ? 1 : 0];
      const count = fact?.type === 'EventsAcknowledged' ? fact.nos.length : 0;
      return { kind: 'acknowledged', count };
    }
    default:
      return unreachable(operation);
  }
}

export function rejection(of: SwitchRejection): Reply {
  return { kind: 'rejection', rejection: of };
}

function outcomeOf(
  operation: BillOperation,
  principal: Principal | null,
  settled: Settled,
): Outcome | null {
  const named = referenceOf(operation, principal);
  if (named === null) return null;
  const kept = findReference(settled.bill, named.kind, named.scope, named.ref);
  return (kept ?? settled.recalled)?.outcome ?? null;
}

function replyToKeyed(
  operation: BillOperation,
  principal: Principal | null,
  settled: Settled,
): Reply {
  const outcome = outcomeOf(operation, principal, settled);
  if (outcome?.type === 'rejected') return rejection(outcome.rejection);
  return { kind: 'bill', bill: settled.bill, created: false, now: settled.now };
}

function replyWithPayment(
  operation: Extract<BillOperation, { paymentNo: number }>,
  principal: Principal | null,
  settled: Settled,
): Reply {
  const { bill, now } = settled;
  const outcome = outcomeOf(operation, principal, settled);
  if (outcome?.type === 'rejected') return rejection(outcome.rejection);
  const payment = bill.payments.findLast(({ no }) => no === operation.paymentNo);
  if (payment === undefined) return rejection({ rejected: 'payment.notFound' });
  return { kind: 'paymentNow', bill, payment, now };
}

function replyToReserve(
  operation: BillOperation,
  principal: Principal | null,
  settled: Settled,
): Reply {
  const outcome = must(outcomeOf(operation, principal, settled), 'reservation just kept');
  if (outcome.type !== 'reserved') return rejection({ rejected: 'reservation.refReused' });
  return {
    kind: 'reservation',
    bill: settled.bill,
    reservation: outcome.reservation,
    created: wasDecided(settled),
  };
}

function replyToPay(
  operation: BillOperation,
  principal: Principal | null,
  settled: Settled,
): Reply {
  const outcome = must(outcomeOf(operation, principal, settled), 'payment just kept');
  if (outcome.type === 'refused') return rejection(outcome.payment.rejection);
  if (outcome.type !== 'accepted') return rejection({ rejected: 'payment.void' });
  return {
    kind: 'payment',
    bill: settled.bill,
    answer: outcome.answer,
    created: wasDecided(settled),
  };
}

function replyWithFate(
  operation: Extract<BillOperation, { paymentRef: Reference }>,
  principal: Principal | null,
  settled: Settled,
): Reply {
  const outcome = outcomeOf(operation, principal, settled);
  if (outcome?.type !== 'accepted' && outcome?.type !== 'refused' && outcome?.type !== 'voided') {
    return rejection({ rejected: 'payment.notFound' });
  }
  return {
    kind: 'paymentFate',
    bill: settled.bill,
    paychannelId: (principal?.id ?? '') as PaychannelId,
    paymentRef: operation.paymentRef,
    fate: outcome,
  };
}

function replyWithCredit(
  operation: Extract<BillOperation, { creditNo: number }>,
  principal: Principal | null,
  settled: Settled,
): Reply {
  const credit = settled.bill.credits.find((each) => each.no === operation.creditNo);
  const mine = principal?.kind !== 'paychannel' || credit?.paychannelId === principal.id;
  if (credit === undefined || !mine) return rejection({ rejected: 'credit.notFound' });
  return { kind: 'credit', bill: settled.bill, credit, now: settled.now };
}

function wasDecided(settled: Settled): boolean {
  return !isRefused(settled.decision) && settled.decision.length > 0;
}

/** What is said of a bill that is not there, or not for the principal to see: never which of the two. */
export function unseen(op: Operation['op']): SwitchRejection {
  const isOfCredit = op === 'credit.get' || op === 'credit.settle';
  return { rejected: isOfCredit ? 'credit.notFound' : 'bill.notFound' };
}

/** The bill if the principal may see it. */
export function visible(
  bill: Bill,
  principal: Principal | null,
  op: Operation['op'],
): PresentBill | null {
  return isPresent(bill) && maySee(principal, bill, op) ? bill : null;
}
