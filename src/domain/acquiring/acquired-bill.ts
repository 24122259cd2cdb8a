// A bill at an acquirer, from the switch's side: what is wanted, what was begun, what the acquirer was last seen to say.
//
//   pending ──register──▶ open ──look──▶ paid ──refund──▶ paid, given back
//      │                    ├──cancel──▶ cancelled
//      └─▶ failed           └─▶ expired, failed
//
// Pure: `nextStep` says which call is due, `begin` what is durable before it is made, `finish` what its outcome means. So a
// crash between any two of these is a state like any other, and the next life goes on from the record (`drive.ts`).
//
//   Q1. A code is handed out only of a registration that is in the record: whoever pays, pays what we know of.
//   Q2. An intent stands in the record, with the time and what had been given back, before its call is made.
//   Q3. One refund at a time: what the acquirer says it has given back can then be told apart.
//   Q4. What was given back and is none of ours was given back by hand: `external`. It counts once (by-hand.ts).
//   Q5. What must wait until an earlier call can no longer arrive waits from that call on, however often it is taken up.
//   Q6. A refund is told apart by what is seen just before it is begun, not by a look of yesterday.
//   Q7. What is refused for a day is refused: people decide what becomes of it.

import { add, type Minor, minor, subtract, ZERO } from '../money.ts';
import { DAY_MS, MINUTE_MS, type Millis, NEVER, plus } from '../time.ts';
import { isOf, isPossible, saysLess } from './belief.ts';
import { type Claims, NO_CLAIMS, withGivenByHand } from './by-hand.ts';
import type { AcquiredBill, RefundOrder } from './record.ts';
import { newRefund, refundOrderOf, withRefund } from './refund-orders.ts';
import { backoffMs, lookAgainAt } from './schedule.ts';
import type {
  Attempt,
  NotDone,
  NotDoneCode,
  Outcome,
  Refund,
  Registration,
  Sighting,
  Tender,
  Unknown,
} from './words.ts';

export type Step =
  | { readonly call: 'register'; readonly tender: Tender; readonly attempt: Attempt }
  | { readonly call: 'look'; readonly registration: Registration }
  | { readonly call: 'cancel'; readonly registration: Registration; readonly attempt: Attempt }
  | {
      readonly call: 'refund';
      readonly registration: Registration;
      readonly refund: Refund;
      readonly attempt: Attempt;
    };

/** What `finish` need know of the step that was taken. */
export type StepTaken =
  | { readonly call: 'look' }
  | { readonly call: 'register' | 'cancel'; readonly attempt: Attempt }
  | { readonly call: 'refund'; readonly refund: Pick<Refund, 'id'>; readonly attempt: Attempt };

export type NewAcquiredBill = Pick<
  AcquiredBill,
  'billId' | 'amount' | 'currency' | 'description' | 'createdAt' | 'expiresAt'
>;

/** `attempts`: how often the acquirer has said no to the same before. */
type WantedRefund = Pick<RefundOrder, 'id' | 'amount'> & Partial<Pick<RefundOrder, 'attempts'>>;

/** The refund that a cancel turns into when the money has come. */
export const CANCEL_REFUND = 'cancel';
const ROUNDS_MAX = 99;
const DENIED_MAX_MS = DAY_MS;
/** What a driver says that makes no sense. */
const IMPOSSIBLE: Unknown = { outcome: 'unknown', detail: 'it cannot be', afterMs: MINUTE_MS };
/** Who says so may have been asked nothing: neither what is so, nor for what was wanted. */
const NOT_LET_IN: ReadonlySet<NotDoneCode> = new Set(['unreachable', 'busy', 'unauthorised']);

/** A bill that is to be registered, at once; nothing has been asked of the acquirer yet. */
export function acquire(facts: NewAcquiredBill): AcquiredBill {
  return {
    ...facts,
    status: 'pending',
    reason: null,
    round: 1,
    registration: null,
    isCancelWanted: false,
    sentAt: null,
    seen: null,
    paid: ZERO,
    refunds: [],
    external: ZERO,
    failures: 0,
    dueAt: facts.createdAt,
  };
}

/** The terminal wants it ended; what was paid goes back. Again: no change. */
export function wantCancel(bill: AcquiredBill, now: Millis): AcquiredBill {
  if (bill.isCancelWanted || isOver(bill)) return bill;
  // Q1: nobody has a code of it, so nobody can pay it.
  if (bill.status === 'pending') return ended({ ...bill, isCancelWanted: true }, 'cancelled');
  const seen = bill.status === 'paid' ? seenFor(bill) : bill.seen;
  return { ...bill, isCancelWanted: true, seen, dueAt: now };
}

/** Asks for a refund; undefined where there is not so much left. The same id again: no change. */
export function wantRefund(
  bill: AcquiredBill,
  { id, amount, attempts = 0 }: WantedRefund,
  now: Millis,
): AcquiredBill | undefined {
  if (bill.refunds.some((order) => order.id === id)) return bill;
  if (bill.status !== 'paid' || amount === 0 || amount > leftOf(bill)) return undefined;
  const refunds = [...bill.refunds, { ...newRefund(id, amount), attempts }];
  // One after the other (Q3): an attempt before its time would be one more that fails.
  const dueAt = isPutOff(bill, now) ? bill.dueAt : now;
  return { ...bill, refunds, seen: seenFor(bill), dueAt };
}

/** Q6: behind another refund, what became of that one says it. */
function seenFor({ refunds, seen }: AcquiredBill): Sighting | null {
  return refunds.some(({ status }) => status === 'asked' || status === 'sent') ? seen : null;
}

/** What was paid, less what was given back or is to be. */
export function leftOf(bill: AcquiredBill): Minor {
  const taken = bill.refunds
    .filter(({ status }) => status !== 'refused')
    .reduce((sum, { amount }) => add(sum, amount), bill.external);
  return taken >= bill.paid ? ZERO : subtract(bill.paid, taken);
}

/** Whether its chain has ended: nothing more is asked of the acquirer. */
export function isOver({ status }: AcquiredBill): boolean {
  return status === 'cancelled' || status === 'expired' || status === 'failed';
}

/** The call that is due; undefined: none before `dueAt`. */
export function nextStep(
  bill: AcquiredBill,
  now: Millis,
  { closesByItself }: { readonly closesByItself: boolean },
): Step | undefined {
  if (now < bill.dueAt || isOver(bill)) return undefined;
  const { registration, seen, sentAt } = bill;
  const attempt = { lastSentAt: sentAt };
  if (registration === null) return { call: 'register', tender: tenderOf(bill), attempt };
  if (seen === null) return { call: 'look', registration };
  const order = bill.refunds.find(({ status }) => status === 'asked' || status === 'sent');
  if (bill.status === 'paid' && order !== undefined) {
    if (saysLess(bill, seen)) return { call: 'look', registration };
    const refund = {
      id: order.id,
      amount: order.amount,
      returnedBefore: order.returnedBefore ?? seen.returned,
    };
    return { call: 'refund', registration, refund, attempt: { lastSentAt: order.sentAt } };
  }
  const isTooLate = !closesByItself && now >= bill.expiresAt;
  if (bill.status === 'open' && (bill.isCancelWanted || isTooLate)) {
    return { call: 'cancel', registration, attempt };
  }
  return { call: 'look', registration };
}

/** What must be durable before the call is made (Q2). */
export function begin(bill: AcquiredBill, step: Step, now: Millis): AcquiredBill {
  switch (step.call) {
    case 'register':
    case 'cancel':
      return { ...bill, sentAt: now };
    case 'look':
      return bill;
    case 'refund': {
      const { id, returnedBefore } = step.refund;
      return withRefund(bill, id, { status: 'sent', returnedBefore, sentAt: now });
    }
  }
}

/** What the outcome of a step means for the bill, which may have been told more since the step began. */
export function finish(
  bill: AcquiredBill,
  step: StepTaken,
  outcome: Outcome<Registration> | Outcome<Sighting>,
  now: Millis,
  claims: Claims = NO_CLAIMS,
): AcquiredBill {
  if (isOver(bill)) return bill;
  if (outcome.outcome === 'unknown') return notKnown(bill, step, outcome, now);
  if (outcome.outcome === 'notDone') return notDoneOf(bill, step, outcome, now);
  if (step.call === 'register') {
    const registration = outcome.value as Registration;
    if (!isOf(tenderOf(bill), registration)) return notKnown(bill, step, IMPOSSIBLE, now);
    return registered(bill, registration, now);
  }
  const sighting = outcome.value as Sighting;
  if (!isPossible(sighting)) return notKnown(bill, step, IMPOSSIBLE, now);
  switch (step.call) {
    case 'look':
      return sighted(bill, sighting, now, claims);
    case 'cancel':
      // What it has begun to give back may yet fail, and what can still be paid has not ended: it is asked again.
      if (sighting.isReturning || sighting.status === 'open') return later(bill, now, 0);
      return sighted(withGivenByCancel(bill, sighting), sighting, now, claims);
    case 'refund': {
      const given = withRefund(bill, step.refund.id, { status: 'done' });
      return sighted(given, sighting, now, claims);
    }
  }
}

/** A bill that nobody could register in time has ended: nobody has a code of it (Q1). */
export function pastExpiry(bill: AcquiredBill, now: Millis): AcquiredBill {
  return bill.status === 'pending' && now >= bill.expiresAt ? ended(bill, 'expired') : bill;
}

/** It is worth a look at once, says a notification. */
export function wake(bill: AcquiredBill, now: Millis): AcquiredBill {
  return isOver(bill) || isPutOff(bill, now) ? bill : { ...bill, dueAt: now };
}

/** What waits for a refund to be allowed again goes on waiting. */
function isPutOff({ refunds, dueAt }: AcquiredBill, now: Millis): boolean {
  return dueAt > now && refunds.some(({ status }) => status === 'asked');
}

function registered(bill: AcquiredBill, registration: Registration, now: Millis): AcquiredBill {
  const open = { ...bill, status: 'open', registration, sentAt: null, failures: 0 } as const;
  return { ...open, dueAt: lookAgainAt(open, now) };
}

/** Q5. */
function notKnown(
  bill: AcquiredBill,
  step: StepTaken,
  { unsent, afterMs }: Unknown,
  now: Millis,
): AcquiredBill {
  if (unsent === undefined || step.call === 'look') return later(bill, now, afterMs);
  const { lastSentAt: sentAt } = step.attempt;
  const before =
    step.call === 'refund' ? withRefund(bill, step.refund.id, { sentAt }) : { ...bill, sentAt };
  // It has not failed: when it may be made is known.
  if (unsent === 'early') return { ...before, dueAt: plus(now, Math.max(afterMs, backoffMs(1))) };
  return later(before, now, afterMs);
}

function notDoneOf(bill: AcquiredBill, step: StepTaken, no: NotDone, now: Millis): AcquiredBill {
  switch (step.call) {
    case 'register':
      return notRegistered(bill, no, now);
    case 'look':
      return later(bill, now, afterMsOf(no));
    case 'cancel': {
      // It is paid, or the acquirer will not end it as it stands: what is so is looked at first.
      const unseen = { ...bill, seen: null };
      return no.code === 'paid' ? { ...unseen, dueAt: now } : later(unseen, now, afterMsOf(no));
    }
    case 'refund': {
      const { lastSentAt: sentAt } = step.attempt;
      if (sentAt === null || !NOT_LET_IN.has(no.code)) {
        return notRefunded(bill, step.refund.id, no, now);
      }
      // Q5. That it was not let in this time says nothing of the call before, and a call before is never forgotten for it.
      return later(withRefund(bill, step.refund.id, { sentAt }), now, afterMsOf(no));
    }
  }
}

function notRegistered(bill: AcquiredBill, no: NotDone, now: Millis): AcquiredBill {
  if (no.again === 'never' || (no.again === 'anew' && bill.round === ROUNDS_MAX)) {
    return { ...ended(bill, 'failed'), reason: `${no.code}: ${no.detail}` };
  }
  if (no.again === 'anew') return { ...bill, round: bill.round + 1, sentAt: null, dueAt: now };
  return later(bill, now, no.again.afterMs);
}

function notRefunded(bill: AcquiredBill, id: string, no: NotDone, now: Millis): AcquiredBill {
  if (id === CANCEL_REFUND && (no.code === 'moved' || no.code === 'exceeds')) {
    // It is for all that is left, which is less now: the next look asks for it anew.
    const refunds = bill.refunds.filter((order) => order.id !== id);
    return { ...bill, refunds, seen: null, dueAt: now };
  }
  const order = refundOrderOf(bill, id);
  const reason = `${no.code}: ${no.detail}`;
  const unseen = { ...bill, seen: null };
  if (typeof no.again !== 'object' || isGivenUp(order, no, now)) {
    return { ...withRefund(unseen, id, { status: 'refused', reason }), dueAt: now };
  }
  const asked = { status: 'asked', returnedBefore: null, sentAt: null, reason } as const;
  const { afterMs } = no.again;
  // That somebody else was faster is no refusal.
  if (no.code === 'moved') return { ...withRefund(unseen, id, asked), dueAt: plus(now, afterMs) };
  const attempts = order.attempts + 1;
  const denied = NOT_LET_IN.has(no.code) ? {} : { deniedAt: order.deniedAt ?? now };
  const dueAt = plus(now, Math.max(afterMs, backoffMs(attempts)));
  return { ...withRefund(unseen, id, { ...asked, ...denied, attempts }), dueAt };
}

/** Q7. A bank that is away has refused nothing, for however long. */
function isGivenUp({ deniedAt }: RefundOrder, { code }: NotDone, now: Millis): boolean {
  if (deniedAt === undefined || code === 'moved' || NOT_LET_IN.has(code)) return false;
  return now >= plus(deniedAt, DENIED_MAX_MS);
}

function sighted(bill: AcquiredBill, seen: Sighting, now: Millis, claims: Claims): AcquiredBill {
  const known = { ...bill, seen, failures: 0 };
  switch (seen.status) {
    case 'open':
    case 'paying':
      // It was paid: an acquirer that says otherwise now is asked again, and believed never.
      if (bill.status === 'paid') return later({ ...bill, seen: null }, now, 0);
      if (known.isCancelWanted && seen.status === 'open') return { ...known, dueAt: now };
      return { ...known, dueAt: lookAgainAt(known, now) };
    case 'cancelled':
    case 'expired':
    case 'failed':
      if (bill.status === 'paid') return later({ ...bill, seen: null }, now, 0);
      return ended(known, seen.status);
    case 'paid': {
      const come = { ...known, status: 'paid', paid: seen.paid } as const;
      const paid = withGivenByHand(come, seen, claims);
      const wanted = withCancelRefund(paid);
      const isBusy = wanted.refunds.some(({ status }) => status === 'asked' || status === 'sent');
      if (isBusy && saysLess(bill, seen)) {
        return later({ ...wanted, failures: bill.failures, seen: null }, now, 0);
      }
      return { ...wanted, dueAt: isBusy ? now : lookAgainAt(wanted, now) };
    }
  }
}

/** What came though it was to be cancelled goes back, all that is left of it. */
function withCancelRefund(bill: AcquiredBill): AcquiredBill {
  if (!isCancelRefundDue(bill)) return bill;
  return { ...bill, refunds: [...bill.refunds, newRefund(CANCEL_REFUND, leftOf(bill))] };
}

/** Whether what came though it was to be cancelled is still to be asked back: the next look says how much of it is left. */
export function isCancelRefundDue(bill: AcquiredBill): boolean {
  if (!bill.isCancelWanted || bill.status !== 'paid') return false;
  return leftOf(bill) > 0 && !bill.refunds.some(({ id }) => id === CANCEL_REFUND);
}

/** An acquirer whose cancel of something just paid gave all of it back has made that refund already. */
function withGivenByCancel(bill: AcquiredBill, { status, returned }: Sighting): AcquiredBill {
  const isThere = bill.refunds.some(({ id }) => id === CANCEL_REFUND);
  if (status !== 'paid' || returned <= bill.external || isThere) return bill;
  const given = {
    ...newRefund(CANCEL_REFUND, subtract(returned, bill.external)),
    status: 'done',
  } as const;
  return { ...bill, refunds: [...bill.refunds, given] };
}

function tenderOf({
  billId,
  round,
  amount,
  currency,
  description,
  expiresAt,
}: AcquiredBill): Tender {
  return { id: `${billId}-${round}`, amount: minor(amount), currency, description, expiresAt };
}

function ended(bill: AcquiredBill, status: 'cancelled' | 'expired' | 'failed'): AcquiredBill {
  return { ...bill, status, dueAt: NEVER };
}

function later(bill: AcquiredBill, now: Millis, afterMs: number): AcquiredBill {
  const failures = bill.failures + 1;
  return { ...bill, failures, dueAt: plus(now, Math.max(afterMs, backoffMs(failures))) };
}

function afterMsOf({ again }: NotDone): number {
  return typeof again === 'object' ? again.afterMs : 0;
}
