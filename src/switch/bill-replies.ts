// From what a command came to, to what is answered. Pure: the shard keeps the state and the time.

import { must, unreachable } from '../domain/assert.ts';
import { acquiringOf, isCallAwaited, lookAt, nextVisitTo } from '../domain/bill/acquired.ts';
import { findReference } from '../domain/bill/references.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import type { KeptReference, Outcome, ReferenceKind } from '../domain/bill/vocabulary.ts';
import type { PaychannelId, Reference } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { BillOperation } from './bill-commands.ts';
import type { Principal } from './principal.ts';
import type { Reply, SwitchRejection } from './requests.ts';
import { replyOfSticker, replyToLook } from './sticker-operations.ts';
import { type Decision, isRefused } from './suspension.ts';

/** A reference that an operation names: the shard looks it up before the domain decides (A9). */
export interface NamedReference {
  readonly kind: ReferenceKind;
  readonly scope: string;
  readonly ref: Reference;
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
    case 'credit.close':
      return replyWithCredit(operation, principal, settled);
    case 'credit.request':
      return replyWithRepeat(operation, settled);
    case 'acquiring.begin':
    case 'acquiring.finish':
      return replyToCaller(operation, settled);
    case 'event.resend': {
      const count = decision.filter(({ type }) => type === 'EventResent').length;
      return { kind: 'acknowledged', count };
    }
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
    institutionId: principal?.institutionId ?? settled.bill.terms.institutionId,
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

/** A step that changes something stands among the facts; a look is told whenever nothing else is due. */
function replyToCaller(
  { op }: Extract<BillOperation, { op: 'acquiring.begin' | 'acquiring.finish' }>,
  { bill, decision, now }: Settled,
): Reply {
  const facts = isRefused(decision) ? [] : decision;
  const begun = facts.find((fact) => fact.type === 'AcquiringBegun');
  const look = op === 'acquiring.begin' && facts.length === 0 ? lookAt(bill, now) : undefined;
  const step = begun?.step ?? look ?? null;
  const { no } = acquiringOf(bill);
  const [visitAt, isAwaited] = [nextVisitTo(bill, now), isCallAwaited(bill)];
  return { kind: 'acquiring', standing: { no, step, visitAt, isAwaited } };
}

/** The credit that is asked for in place of the one named. */
function replyWithRepeat(
  { creditNo }: Extract<BillOperation, { op: 'credit.request' }>,
  { bill, now }: Settled,
): Reply {
  const credit = bill.credits.find(({ replaces }) => replaces === creditNo);
  return { kind: 'credit', bill, credit: must(credit, 'the credit requested again'), now };
}

function wasDecided(settled: Settled): boolean {
  return !isRefused(settled.decision) && settled.decision.length > 0;
}
