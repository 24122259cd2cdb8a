// What each fact makes of a bill for many payments, where it makes another thing of it than of other bills.

import { add, subtract } from '../money.ts';
import { tipRequested } from './apply-credit.ts';
import { applyFact, booksPaid } from './apply-fact.ts';
import { booksWith, countsWith, paymentWith } from './copies.ts';
import { type Draft, impossible, own, replace } from './draft.ts';
import { merged } from './parts.ts';
import { isTipFit } from './tips.ts';
import type { BillFact, FactOf, Moment, Payment } from './vocabulary.ts';

/** Applies one fact to the draft. The moment is that of the whole transition. */
export function applyToMany(draft: Draft, fact: BillFact, moment: Moment): void {
  switch (fact.type) {
    case 'PaymentAccepted':
      paymentAccepted(draft, fact);
      break;
    case 'PaymentConfirmed':
      paymentConfirmed(draft, fact);
      break;
    case 'BillConfirmed':
      impossible(draft, fact);
      break;
    case 'CreditRequested':
      creditRequested(draft, fact);
      break;
    case 'PartsRecalled':
      partsRecalled(draft, fact);
      break;
    case 'PartsLetGo':
      partsLetGo(draft, fact);
      break;
    default:
      applyFact(draft, fact, moment);
  }
}

function paymentAccepted(draft: Draft, fact: FactOf<'PaymentAccepted'>): void {
  const { payment } = fact;
  if (draft.status !== 'open' || payment.no !== draft.counts.payments + 1) impossible(draft, fact);
  if (payment.amount <= 0 || payment.credited !== 0) impossible(draft, fact);
  if (!isTipFit(draft.terms, payment)) impossible(draft, fact);
  const accepted = draft.counts.accepted + 1;
  draft.counts = countsWith(draft.counts, { payments: payment.no, accepted });
  draft.books = booksPaid(draft.books, payment);
  own(draft, 'payments').push(payment);
}

function paymentConfirmed(draft: Draft, fact: FactOf<'PaymentConfirmed'>): void {
  const [index, payment] = paymentOf(draft, fact, fact.no);
  const amount = subtract(payment.amount, payment.credited);
  if (payment.status !== 'accepted' || amount === 0) impossible(draft, fact);
  own(draft, 'payments')[index] = paymentWith(payment, { status: 'confirmed' });
  draft.books = booksWith(draft.books, { confirmed: add(draft.books.confirmed, amount) });
}

function creditRequested(draft: Draft, fact: FactOf<'CreditRequested'>): void {
  const { credit } = fact;
  if (credit.no !== draft.counts.credits + 1 || credit.amount <= 0) impossible(draft, fact);
  const [index, payment] = paymentOf(draft, fact, credit.paymentNo);
  if (credit.isTip) {
    if (payment.status === 'accepted') impossible(draft, fact);
    tipRequested(draft, fact, payment.status !== 'reversed');
    return;
  }
  const isReversal = credit.kind === 'reversal';
  if (payment.status !== (isReversal ? 'accepted' : 'confirmed')) impossible(draft, fact);
  const credited = add(payment.credited, credit.amount);
  if (credited > payment.amount) impossible(draft, fact);

  const spent = isReversal ? 'reversed' : 'refunded';
  const status = credited === payment.amount ? spent : payment.status;
  own(draft, 'payments')[index] = paymentWith(payment, { credited, status });
  own(draft, 'credits').push(credit);
  draft.counts = countsWith(draft.counts, { credits: credit.no });
  const { books } = draft;
  draft.books = isReversal
    ? booksWith(books, { reversed: add(books.reversed, credit.amount) })
    : booksWith(books, { refunded: add(books.refunded, credit.amount) });
}

function partsRecalled(draft: Draft, fact: FactOf<'PartsRecalled'>): void {
  const isHere = (nos: ReadonlySet<number>, parts: readonly { readonly no: number }[]): boolean =>
    parts.some(({ no }) => nos.has(no));
  const nosOf = (parts: readonly { readonly no: number }[]): Set<number> =>
    new Set(parts.map(({ no }) => no));
  const { payments, credits, events } = fact;
  if (isHere(nosOf(payments), draft.payments) || isHere(nosOf(credits), draft.credits)) {
    impossible(draft, fact);
  }
  if (isHere(nosOf(events), draft.outbox)) impossible(draft, fact);
  if (payments.length > 0) replace(draft, 'payments', [...merged(draft.payments, payments)]);
  if (credits.length > 0) replace(draft, 'credits', [...merged(draft.credits, credits)]);
  if (events.length > 0) replace(draft, 'outbox', [...merged(draft.outbox, events)]);
}

function partsLetGo(draft: Draft, fact: FactOf<'PartsLetGo'>): void {
  const payments = new Set(fact.payments);
  const events = new Set(fact.events);
  const isSettled = ({ no, status }: Payment): boolean =>
    !payments.has(no) || status !== 'accepted';
  if (!draft.payments.every(isSettled)) impossible(draft, fact);
  const stays = draft.payments.filter(({ no }) => !payments.has(no));
  if (stays.length + payments.size !== draft.payments.length) impossible(draft, fact);
  if (payments.size > 0) {
    replace(draft, 'payments', stays);
    const credits = draft.credits.filter(({ paymentNo }) => !payments.has(paymentNo));
    if (credits.length < draft.credits.length) replace(draft, 'credits', credits);
  }
  if (events.size > 0) {
    replace(
      draft,
      'outbox',
      draft.outbox.filter(({ no }) => !events.has(no)),
    );
  }
}

function paymentOf(draft: Draft, fact: BillFact, no: number): [index: number, payment: Payment] {
  const index = draft.payments.findLastIndex((payment) => payment.no === no);
  const payment = draft.payments[index];
  if (payment === undefined) return impossible(draft, fact);
  return [index, payment];
}
