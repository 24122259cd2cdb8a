// A dynamic bill asks for one amount, known at checkout; several payers may bring it in parts.
//
//   absent ──create──▶ open ──pay──▶ partiallyPaid ──pay──▶ paid ──confirm──▶ confirmed ──▶ refunded
//                        │                 │  └────────confirm─────────────────▲   (all of it)
//                        ├────cancel───────┼────────────────◀───┘ cancel
//                        │                 ▼
//                        │             cancelled
//                        └────clock──▶  expired  ◀──clock── partiallyPaid
//
//   B1. Money is conserved: before confirm paid = held + reversed, after it paid = confirmed + reversed.
//   B2. No credit exceeds its payment; credits, but for those in the place of others, add up to reversed + refunded.
//   B3. Live reservations never hold more than is due, nor more places than payments have left: a payment within
//       its reservation is accepted, unless the bill was cancelled or confirmed meanwhile.
//   B4. An answer given is never taken back: a reference keeps its first outcome, refusals and voids included.
//   B5. The version counts the transitions that change the bill as shown, and no others.
//   B6. All that a bill has taken can be returned, whatever was returned in parts before.
//   B7. A refunded, cancelled or expired bill stays so, and a confirmed amount never changes.
//   B8. Money is asked back once at a time: a credit takes the place of a rejected one, which then is done with.

import { assert, unreachable } from '../assert.ts';
import { type Millis, NEVER } from '../time.ts';
import { applyFact, CHANGES_WHAT_IS_SHOWN, dropDeadLetters } from './apply-fact.ts';
import { closeCredit, requestCreditAgain, settleCredit } from './credits.ts';
import { type Draft, draftOf, draftOfNew, finish } from './draft.ts';
import { cancel, confirm } from './dynamic-endings.ts';
import { DYNAMIC_PAYMENTS } from './dynamic-payments.ts';
import { limitOfRepeats, orderOf, refund } from './dynamic-refunds.ts';
import { earliestTimer, runTimer } from './dynamic-timers.ts';
import { acknowledge, resend } from './outbox.ts';
import { type PayRules, payBy, release, reserveBy, voidPayment } from './paying.ts';
import { attachReceipt } from './receipts.ts';
import { type Bill, isPresent, type PresentBill } from './state.ts';
import type {
  AcquiringCommand,
  BillCommand,
  BillDecision,
  BillFact,
  CommandOf,
  KeptReference,
  Moment,
  PresentCommand,
  StickerCommand,
} from './vocabulary.ts';

/**
 * What follows from a command. The caller has run all timers that are due by `now`, and gives the reference that
 * the command names where it stands in history alone.
 */
export function decideDynamic(
  bill: Bill,
  command: Exclude<BillCommand, AcquiringCommand>,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  if (command.type === 'CreateBill') return create(bill, command);
  if (!isPresent(bill)) return { rejected: 'bill.notFound' };
  return decideWhole(DYNAMIC_PAYMENTS, bill, command, now, recalled);
}

/** As `decideDynamic`, for any bill that ends as a whole. A sticker is armed before it comes here. */
export function decideWhole(
  rules: PayRules,
  bill: PresentBill,
  command: PresentCommand | StickerCommand,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  switch (command.type) {
    case 'ReserveBill':
      return reserveBy(rules, bill, command, now, recalled);
    case 'ReleaseReservation':
      return release(bill, command);
    case 'PayBill':
      return payBy(rules, bill, command, now, recalled);
    case 'VoidPayment':
      return voidPayment(bill, command, recalled);
    case 'ConfirmBill':
      return confirm(bill, command, now);
    case 'CancelBill':
      return cancel(bill, command, now, recalled);
    case 'RefundBill':
      return refund(bill, command, now, recalled);
    case 'ConfirmPayment':
      return refuseByPayment(bill, command, 'payment.notConfirmable');
    case 'CancelPayment':
      return command.amount === null
        ? refuseByPayment(bill, command, 'payment.notCancellable')
        : refund(bill, orderOf(command, command.paymentNo), now, recalled);
    case 'AttachReceipt':
      return attachReceipt(bill, command);
    case 'SettleCredit':
      return settleCredit(bill, command);
    case 'RequestCreditAgain':
      return requestCreditAgain(bill, command, now, limitOfRepeats(bill));
    case 'CloseCredit':
      return closeCredit(bill, command);
    case 'AcknowledgeEvents':
      return acknowledge(bill, command);
    case 'ResendEvents':
      return resend(bill, command, now);
    case 'RunTimer':
      return runTimer(bill, now);
    case 'ArmSticker':
    case 'EndArming':
      return { rejected: 'bill.notArmable', reason: 'notStatic' };
    default:
      return unreachable(command);
  }
}

/** The bill after one transition. The version counts first, so that events and answers show the new one. */
export function evolveDynamic(bill: Bill, facts: readonly BillFact[], moment: Moment): Bill {
  if (facts.length === 0) return bill;
  const [draft, rest] = isPresent(bill) ? [draftOf(bill), facts] : created(facts);
  if (facts.some(({ type }) => CHANGES_WHAT_IS_SHOWN[type])) draft.version += 1;
  for (const fact of rest) applyFact(draft, fact, moment);
  dropDeadLetters(draft, moment);
  return finish(draft);
}

/** When the bill's earliest timer is due; NEVER where it waits for nothing. */
export function nextDueOfDynamic(bill: PresentBill): Millis {
  return earliestTimer(bill)?.due ?? NEVER;
}

/** Orders are told apart before the bill is asked, so that a present bill is never created again. */
function create(bill: Bill, { terms }: CommandOf<'CreateBill'>): BillDecision {
  assert(!isPresent(bill), 'the bill exists already');
  assert(terms.amount > 0, 'a dynamic bill of nothing');

  return [{ type: 'BillCreated', terms }];
}

/** A dynamic bill is confirmed and cancelled whole; one payment of it may be refunded. */
function refuseByPayment(
  bill: PresentBill,
  { paymentNo }: { readonly paymentNo: number },
  rejected: 'payment.notConfirmable' | 'payment.notCancellable',
): BillDecision {
  const payment = bill.payments.find(({ no }) => no === paymentNo);
  return payment === undefined
    ? { rejected: 'payment.notFound' }
    : { rejected, status: payment.status };
}

/** The bill that the first fact makes, and the facts after it. Another first fact is a Defect. */
export function created(facts: readonly BillFact[]): [Draft, readonly BillFact[]] {
  const [first, ...rest] = facts;
  assert(first?.type === 'BillCreated', 'a bill begins with its creation');
  return [draftOfNew(first.terms), rest];
}
