// A static bill for many payments: a code that stays open while payments come and go.
//
//   open ──withdraw──▶ cancelled        each payment:  accepted ──confirm──▶ confirmed ──refund──▶ refunded
//     └─────clock────▶ expired                             └──cancel──▶ reversed           (all of it)
//
//   M1. Money is conserved: paid = held + confirmed + reversed, and the books are sums over all payments ever made.
//   M2. A code that is withdrawn or over takes nothing; its payments go on by themselves.
//   M3. What is at hand and what has been let go are answered alike.
//   M4. No payment waits for ever: unconfirmed, it is confirmed or reversed; a credit is asked for again each day.

import { must, unreachable } from '../assert.ts';
import { type Millis, NEVER, plus } from '../time.ts';
import { closeCredit, requestCreditAgain, settleCredit } from './credits.ts';
import { BY_TIMEOUT } from './dynamic-endings.ts';
import {
  creditRepeated,
  earliestRepeat,
  earliestReservationEnd,
  type TimerOf,
} from './dynamic-timers.ts';
import {
  cancelPayment,
  confirmNothing,
  confirmPayment,
  limitOfRepeats,
  mostOf,
  paymentConfirmed,
  paymentReversed,
  refundPayment,
  withdraw,
} from './many-payments.ts';
import { acknowledge, raiseForBill, resend, terminal } from './outbox.ts';
import { isNone, partsLetGo, partsMissing, withParts } from './parts.ts';
import { payBy, release, reserveBy, voidPayment } from './paying.ts';
import { attachReceipt } from './receipts.ts';
import type { PresentBill } from './state.ts';
import { MANY_PAYMENTS } from './static-payments.ts';
import {
  type BillDecision,
  type BillFact,
  isRejection,
  type KeptReference,
  type Parts,
  type Payment,
  type PresentCommand,
} from './vocabulary.ts';

/** Decides on the bill with all parts at hand that the command names. */
export function decideMany(
  bill: PresentBill,
  command: PresentCommand,
  now: Millis,
  recalled: KeptReference | null,
  found: Parts | null,
): BillDecision {
  const parts = found === null ? null : partsMissing(bill, found, command);
  const whole = parts === null ? bill : withParts(bill, parts);
  const decision = decideOn(whole, command, now, recalled);
  if (isRejection(decision) || decision.length === 0 || command.type === 'RunTimer') {
    return decision;
  }
  const gone = partsLetGo(bill, command);
  if (gone === null && (parts === null || isNone(parts))) return decision;

  const facts: BillFact[] = [...decision];
  if (parts !== null && !isNone(parts)) facts.unshift({ type: 'PartsRecalled', ...parts });
  if (gone !== null) facts.push(gone);
  return facts;
}

function decideOn(
  bill: PresentBill,
  command: PresentCommand,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  switch (command.type) {
    case 'ReserveBill':
      return reserveBy(MANY_PAYMENTS, bill, command, now, recalled);
    case 'ReleaseReservation':
      return release(bill, command);
    case 'PayBill':
      return payBy(MANY_PAYMENTS, bill, command, now, recalled);
    case 'VoidPayment':
      return voidPayment(bill, command, recalled);
    case 'ConfirmBill':
      return confirmNothing(bill, command);
    case 'CancelBill':
      return withdraw(bill, command);
    case 'RefundBill':
      return refundPayment(bill, command, now, recalled);
    case 'ConfirmPayment':
      return confirmPayment(bill, command, now);
    case 'CancelPayment':
      return cancelPayment(bill, command, now, recalled);
    case 'AttachReceipt':
      return attachReceipt(bill, command);
    case 'SettleCredit':
      return settleCredit(bill, command);
    case 'RequestCreditAgain':
      return requestCreditAgain(bill, command, now, limitOfRepeats(bill, command.creditNo));
    case 'CloseCredit':
      return closeCredit(bill, command);
    case 'AcknowledgeEvents':
      return acknowledge(bill, command);
    case 'ResendEvents':
      return resend(bill, command, now);
    case 'RunTimer':
      return runTimer(bill, now);
    default:
      return unreachable(command);
  }
}

type Timer =
  | TimerOf<'reservation' | 'expiry' | 'repeat'>
  | { readonly kind: 'confirmWithin'; readonly due: Millis; readonly payment: Payment };

/** When the bill's earliest timer is due; NEVER where it waits for nothing. */
export function nextDueOfMany(bill: PresentBill): Millis {
  return earliestTimer(bill)?.due ?? NEVER;
}

function earliestTimer(bill: PresentBill): Timer | null {
  const timers: (Timer | null)[] = [earliestUnconfirmed(bill), earliestRepeat(bill)];
  if (bill.status === 'open') {
    // Expiry waits for live reservations, though its time may have come before theirs.
    timers.push(earliestReservationEnd(bill) ?? { kind: 'expiry', due: bill.terms.expiresAt });
  }
  let earliest: Timer | null = null;
  for (const timer of timers) {
    if (timer !== null && timer.due < (earliest?.due ?? NEVER)) earliest = timer;
  }
  return earliest;
}

/** Payments stand in the order in which they came, and all have the same time. */
function earliestUnconfirmed(bill: PresentBill): Timer | null {
  if (bill.terms.capture === 'auto') return null;
  const payment = bill.payments.find(({ status }) => status === 'accepted');
  if (payment === undefined) return null;
  const due = plus(payment.receivedAt, bill.terms.confirmWithinMs);
  return { kind: 'confirmWithin', due, payment };
}

function runTimer(bill: PresentBill, now: Millis): readonly BillFact[] {
  const timer = earliestTimer(bill);
  if (timer === null || now < timer.due) return [];
  switch (timer.kind) {
    case 'reservation':
      return [{ type: 'ReservationEnded', no: timer.reservation.no, how: 'lapsed' }];
    case 'expiry':
      return [
        { type: 'BillExpired' },
        raiseForBill(terminal(bill), 'bill.expired', BY_TIMEOUT.cause),
      ];
    case 'confirmWithin': {
      const payment = must(timer.payment, 'a payment that waits');
      return bill.terms.unconfirmed === 'reverse'
        ? paymentReversed(bill, payment, BY_TIMEOUT, now)
        : paymentConfirmed(bill, payment, mostOf(payment), BY_TIMEOUT, now);
    }
    case 'repeat':
      return creditRepeated(timer.credit);
    default:
      return unreachable(timer);
  }
}
