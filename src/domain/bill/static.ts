// A static bill is made ahead and printed: a fixed amount or a range, to be paid once or many times.
//
// Used once, it is paid in one payment and then goes the way of a dynamic bill (dynamic.ts: B1 to B7 hold of it); for many
// payments, each goes its own way (many.ts: M1 to M4).

import { assert } from '../assert.ts';
import { type Millis, millis, NEVER } from '../time.ts';
import { applyFact, CHANGES_WHAT_IS_SHOWN, dropDeadLetters } from './apply-fact.ts';
import { draftOf, finish } from './draft.ts';
import { created, decideWhole, nextDueOfDynamic } from './dynamic.ts';
import { decideMany, nextDueOfMany } from './many.ts';
import { applyToMany } from './many-evolve.ts';
import { type Bill, isForMany, isPresent, type PresentBill } from './state.ts';
import { offerOf, SINGLE_PAYMENTS } from './static-payments.ts';
import { arm, endArming, repeatArming } from './sticker.ts';
import type {
  AcquiringCommand,
  BillCommand,
  BillDecision,
  BillFact,
  CommandOf,
  KeptReference,
  Moment,
  Parts,
  PresentCommand,
  Sale,
} from './vocabulary.ts';

/**
 * What follows from a command. The caller has run all timers that are due by `now`, and gives the reference and the parts
 * that the command names where they stand in history alone.
 */
export function decideStatic(
  bill: Bill,
  command: Exclude<BillCommand, AcquiringCommand>,
  now: Millis,
  recalled: KeptReference | null,
  parts: Parts | null,
): BillDecision {
  if (command.type === 'CreateBill') return create(bill, command);
  if (!isPresent(bill)) return { rejected: 'bill.notFound' };
  if (command.type === 'ArmSticker') return arm(bill, command, now);
  if (command.type === 'EndArming') return endArming(bill, command);
  const arming = command.type === 'RunTimer' ? armingDue(bill, now) : null;
  if (arming !== null) return repeatArming(arming, now);
  if (isForMany(bill)) return decideMany(bill, command, now, recalled, parts);
  return decideWhole(SINGLE_PAYMENTS, bill, wholeOf(bill, command), now, recalled);
}

/** The bill after one transition. The version counts first, so that events and answers show the new one. */
export function evolveStatic(bill: Bill, facts: readonly BillFact[], moment: Moment): Bill {
  if (facts.length === 0) return bill;
  const [draft, rest] = isPresent(bill) ? ([draftOf(bill), facts] as const) : created(facts);
  const apply = draft.terms.offer?.usage === 'many' ? applyToMany : applyFact;
  if (facts.some(({ type }) => CHANGES_WHAT_IS_SHOWN[type])) draft.version += 1;
  for (const fact of rest) apply(draft, fact, moment);
  dropDeadLetters(draft, moment);
  return finish(draft);
}

/** When the bill's earliest timer is due; NEVER where it waits for nothing. */
export function nextDueOfStatic(bill: PresentBill): Millis {
  const due = nextDueOfPayments(bill);
  const repeatAt = bill.sticker?.repeatAt ?? NEVER;
  return millis(Math.min(due, repeatAt));
}

function nextDueOfPayments(bill: PresentBill): Millis {
  return isForMany(bill) ? nextDueOfMany(bill) : nextDueOfDynamic(bill);
}

/** The arm under way, where it is the first that is due. */
function armingDue(bill: PresentBill, now: Millis): Sale | null {
  if (bill.sticker === null || bill.sticker.repeatAt > now) return null;
  return bill.sticker.repeatAt < nextDueOfPayments(bill) ? bill.sticker.arming : null;
}

/** Orders are told apart before the bill is asked, so that a present bill is never created again. */
function create(bill: Bill, { terms }: CommandOf<'CreateBill'>): BillDecision {
  assert(!isPresent(bill), 'the bill exists already');
  const { minAmount, maxAmount, maxTotal } = offerOf({ terms });
  assert(minAmount > 0 && minAmount <= maxAmount, 'a range without an amount');
  assert(terms.amount === 0 || minAmount === maxAmount, 'a fixed amount and a range');
  assert(maxTotal === null || maxTotal >= minAmount, 'a limit that no payment can meet');

  return [{ type: 'BillCreated', terms }];
}

/** Where the bill has one payment, what ends the payment ends the bill. */
function wholeOf(bill: PresentBill, command: PresentCommand): PresentCommand {
  if (command.type !== 'ConfirmPayment' && command.type !== 'CancelPayment') return command;
  const isOnly = bill.payments[0]?.no === command.paymentNo;
  // Refused by its number or, with an amount, a refund that names it.
  if (!isOnly || (command.type === 'CancelPayment' && command.amount !== null)) return command;
  const { amount, by } = command;
  if (command.type === 'ConfirmPayment') return { type: 'ConfirmBill', by, amount, receipt: null };
  const { digest } = command;
  return { type: 'CancelBill', by, amount, key: null, digest, onlyIfUnpaid: false };
}
