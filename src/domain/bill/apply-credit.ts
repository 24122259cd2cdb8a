// What the facts of credits make of a bill: money that is asked back, and what the wallets make of it.

import { unreachable } from '../assert.ts';
import { add, subtract, ZERO } from '../money.ts';
import { booksWith, countsWith, endingWith, paymentWith } from './copies.ts';
import { indexOfCredit, isUnresolved } from './credits.ts';
import { type Draft, impossible, own } from './draft.ts';
import { repeatsBy } from './dynamic-timers.ts';
import { isBeingPaid } from './state.ts';
import { NO_TIPS, tipsWith } from './tips.ts';
import { type BillFact, CREDITS_MAX, type Credit, type FactOf, type Moment } from './vocabulary.ts';

type CreditFact = FactOf<
  | 'CreditRequested'
  | 'CreditRepeated'
  | 'CreditSettled'
  | 'CreditRequestedAgain'
  | 'CreditReturnedOtherwise'
>;

/** Applies one fact about a credit to the draft. */
export function creditChanged(draft: Draft, fact: CreditFact, moment: Moment): void {
  switch (fact.type) {
    case 'CreditRequested':
      creditRequested(draft, fact, moment);
      break;
    case 'CreditRepeated':
      creditRepeated(draft, fact, moment);
      break;
    case 'CreditSettled':
      creditSettled(draft, fact, moment);
      break;
    case 'CreditRequestedAgain':
      creditRequestedAgain(draft, fact);
      break;
    case 'CreditReturnedOtherwise':
      creditReturnedOtherwise(draft, fact, moment);
      break;
    default:
      unreachable(fact);
  }
}

function creditRequested(draft: Draft, fact: FactOf<'CreditRequested'>, { at }: Moment): void {
  const { credit } = fact;
  if (credit.no !== draft.counts.credits + 1 || credit.no > CREDITS_MAX) impossible(draft, fact);
  if (credit.amount <= 0) impossible(draft, fact);
  if (credit.isTip) {
    tipRequested(draft, fact, draft.status === 'confirmed' || draft.status === 'refunded');
    return;
  }
  const index = draft.payments.findLastIndex(({ no }) => no === credit.paymentNo);
  const payment = draft.payments[index];
  if (payment === undefined) impossible(draft, fact);
  const credited = add(payment.credited, credit.amount);
  // Before the bill's end, only what was above what was due goes back.
  const most = isBeingPaid(draft) || draft.status === 'paid' ? payment.excess : payment.amount;
  if (credited > (most ?? ZERO)) impossible(draft, fact);

  const isReversal = credit.kind === 'reversal';
  const spent = isReversal ? 'reversed' : 'refunded';
  const status = credited === payment.amount ? spent : payment.status;
  own(draft, 'payments')[index] = paymentWith(payment, { credited, status });
  own(draft, 'credits').push(credit);
  draft.counts = countsWith(draft.counts, { credits: credit.no });
  const { books } = draft;
  if (isReversal) {
    draft.books = booksWith(books, { reversed: add(books.reversed, credit.amount) });
    return;
  }
  if (draft.status !== 'confirmed') impossible(draft, fact);
  draft.books = booksWith(books, { refunded: add(books.refunded, credit.amount) });
  if (draft.books.refunded === books.confirmed) {
    draft.status = 'refunded';
    draft.ending = endingWith(draft.ending, { closedAt: at });
  }
}

/** A tip goes back whole, once; nothing else of its payment or bill changes (T1, T2 in tips.ts). */
export function tipRequested(
  draft: Draft,
  fact: FactOf<'CreditRequested'>,
  isConfirmed: boolean,
): void {
  const { credit } = fact;
  const index = draft.payments.findLastIndex(({ no }) => no === credit.paymentNo);
  const payment = draft.payments[index];
  if (payment?.tip !== credit.amount || payment.isTipReturned) impossible(draft, fact);
  if ((credit.kind === 'refund') !== isConfirmed) impossible(draft, fact);
  own(draft, 'payments')[index] = paymentWith(payment, { isTipReturned: true });
  own(draft, 'credits').push(credit);
  draft.counts = countsWith(draft.counts, { credits: credit.no });
  const tips = tipsWith(draft.books.tips, { returned: credit.amount });
  draft.books = booksWith(draft.books, { tips });
}

function creditRepeated(draft: Draft, fact: FactOf<'CreditRepeated'>, { at }: Moment): void {
  const [index, credit] = pendingCredit(draft, fact);
  own(draft, 'credits')[index] = { ...credit, repeats: repeatsBy(credit, at) };
}

function creditSettled(draft: Draft, fact: FactOf<'CreditSettled'>, { at }: Moment): void {
  const [index, credit] = pendingCredit(draft, fact);
  own(draft, 'credits')[index] = {
    ...credit,
    status: fact.status,
    reason: fact.reason ?? credit.reason,
    settledReason: fact.reason,
    reference: fact.reference,
    settledAt: at,
  };
  if (fact.status !== 'rejected') return;
  if (credit.isTip) {
    const tips = tipsWith(draft.books.tips, { unreturned: credit.amount });
    draft.books = booksWith(draft.books, { tips });
  } else {
    const unreturned = add(draft.books.unreturned, credit.amount);
    draft.books = booksWith(draft.books, { unreturned });
  }
}

/** What it asks for was drawn from its payment, and is in the books, since the one that it replaces. */
function creditRequestedAgain(draft: Draft, fact: FactOf<'CreditRequestedAgain'>): void {
  const { credit } = fact;
  const [index, rejected] = unresolvedCredit(draft, fact, credit.replaces ?? 0);
  if (credit.no !== draft.counts.credits + 1 || credit.status !== 'pending') {
    impossible(draft, fact);
  }
  const { kind, paymentNo, amount, isTip } = rejected;
  const isOfSame = credit.kind === kind && credit.paymentNo === paymentNo;
  if (!isOfSame || credit.amount !== amount || credit.isTip !== isTip) impossible(draft, fact);
  const resolution = { how: 'requestedAgain', creditNo: credit.no } as const;
  own(draft, 'credits')[index] = { ...rejected, resolution };
  own(draft, 'credits').push(credit);
  draft.counts = countsWith(draft.counts, { credits: credit.no });
  resolved(draft, rejected);
}

function creditReturnedOtherwise(
  draft: Draft,
  fact: FactOf<'CreditReturnedOtherwise'>,
  { at }: Moment,
): void {
  const [index, rejected] = unresolvedCredit(draft, fact, fact.no);
  const resolution = { how: 'returnedOtherwise', reference: fact.reference, at } as const;
  own(draft, 'credits')[index] = { ...rejected, resolution };
  resolved(draft, rejected);
}

/** What was unreturned is asked for again, or has been given back. */
function resolved(draft: Draft, { amount, isTip }: Credit): void {
  const { books } = draft;
  if (isTip) {
    const tips = books.tips ?? NO_TIPS;
    const unreturned = subtract(tips.unreturned, amount);
    draft.books = booksWith(books, { tips: { ...tips, unreturned } });
  } else {
    draft.books = booksWith(books, { unreturned: subtract(books.unreturned, amount) });
  }
}

function unresolvedCredit(
  draft: Draft,
  fact: BillFact,
  no: number,
): [index: number, credit: Credit] {
  const index = indexOfCredit(draft.credits, no);
  const credit = draft.credits[index];
  if (credit === undefined || !isUnresolved(credit)) return impossible(draft, fact);
  return [index, credit];
}

function pendingCredit(
  draft: Draft,
  fact: FactOf<'CreditRepeated'> | FactOf<'CreditSettled'>,
): [index: number, credit: Credit] {
  const index = indexOfCredit(draft.credits, fact.no);
  const credit = draft.credits[index];
  if (credit === undefined || credit.status !== 'pending') return impossible(draft, fact);
  return [index, credit];
}
