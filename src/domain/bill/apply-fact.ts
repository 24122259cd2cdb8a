// What each fact makes of a bill. A fact that cannot follow is a Defect: history is never argued with.

import { add, ZERO } from '../money.ts';
import { acquiringChanged } from './apply-acquiring.ts';
import { creditChanged } from './apply-credit.ts';
import { booksWith, countsWith, endingWith, paymentWith, type Writable } from './copies.ts';
import { indexOfCredit } from './credits.ts';
import { append, type Draft, impossible, own, replace } from './draft.ts';
import { isDead, isRepeatOf } from './outbox.ts';
import { reservationsMax } from './payable.ts';
import { askedOf, dueOf, heldOf, isBeingPaid, keptOf } from './state.ts';
import { type StickerFact, stickerAfter } from './sticker.ts';
import { isTipFit, tipsWith } from './tips.ts';
import {
  type BillEvent,
  type BillFact,
  type Books,
  type FactOf,
  type KeptReference,
  type Moment,
  type Payment,
  REFERENCES_KEPT,
} from './vocabulary.ts';

/** Whether the fact changes the bill as API.md shows it, so that its transition counts as a version (B5). */
export const CHANGES_WHAT_IS_SHOWN = {
  BillCreated: true,
  ReservationMade: true,
  ReservationEnded: true,
  PaymentAccepted: true,
  PaymentAnswered: false,
  PaymentRefused: false,
  PaymentVoided: false,
  BillConfirmed: true,
  BillCancelled: true,
  BillExpired: true,
  StayCharged: true,
  PaymentConfirmed: true,
  CreditRequested: true,
  CreditRepeated: false,
  CreditSettled: true,
  CreditRequestedAgain: true,
  CreditReturnedOtherwise: true,
  ReceiptAttached: true,
  KeyUsed: false,
  EventRaised: false,
  EventsAcknowledged: false,
  EventResent: false,
  ArmingBegun: false,
  ArmingRepeated: false,
  ArmingGivenUp: false,
  StickerArmed: true,
  PartsLetGo: false,
  PartsRecalled: false,
  BillOpened: true,
  BillFailed: true,
  AcquiringBegun: false,
  AcquiringKept: false,
} as const satisfies Record<BillFact['type'], boolean>;

/** Applies one fact to the draft. The moment is that of the whole transition. */
export function applyFact(draft: Draft, fact: BillFact, moment: Moment): void {
  switch (fact.type) {
    case 'BillCreated':
    case 'PaymentConfirmed':
    case 'PartsLetGo':
    case 'PartsRecalled':
      impossible(draft, fact);
      break;
    case 'ReservationMade':
      reservationMade(draft, fact);
      break;
    case 'ReservationEnded':
      reservationEnded(draft, fact);
      break;
    case 'PaymentAccepted':
      paymentAccepted(draft, fact, moment);
      break;
    case 'PaymentAnswered':
      paymentAnswered(draft, fact);
      break;
    case 'PaymentRefused':
    case 'PaymentVoided':
      paymentNotTaken(draft, fact, moment);
      break;
    case 'BillConfirmed':
      billConfirmed(draft, fact, moment);
      break;
    case 'BillCancelled':
    case 'BillExpired':
      billClosed(draft, fact, moment);
      break;
    case 'StayCharged':
      stayCharged(draft, fact);
      break;
    case 'CreditRequested':
    case 'CreditRepeated':
    case 'CreditSettled':
    case 'CreditRequestedAgain':
    case 'CreditReturnedOtherwise':
      creditChanged(draft, fact, moment);
      break;
    case 'ReceiptAttached':
      receiptAttached(draft, fact);
      break;
    case 'KeyUsed':
      keyUsed(draft, fact);
      break;
    case 'EventRaised':
    case 'EventsAcknowledged':
    case 'EventResent':
      outboxChanged(draft, fact, moment);
      break;
    case 'BillOpened':
    case 'BillFailed':
    case 'AcquiringBegun':
    case 'AcquiringKept':
      acquiringChanged(draft, fact, moment);
      break;
    default:
      stickerChanged(draft, fact);
  }
}

function paymentNotTaken(
  draft: Draft,
  fact: FactOf<'PaymentRefused' | 'PaymentVoided'>,
  moment: Moment,
): void {
  if (fact.type === 'PaymentRefused') paymentRefused(draft, fact);
  else paymentVoided(draft, fact, moment);
}

function outboxChanged(
  draft: Draft,
  fact: FactOf<'EventRaised' | 'EventsAcknowledged' | 'EventResent'>,
  moment: Moment,
): void {
  if (fact.type === 'EventRaised') eventRaised(draft, fact, moment);
  else if (fact.type === 'EventResent') eventResent(draft, fact);
  else eventsAcknowledged(draft, fact, moment);
}

/** Lets dead letters go: events that nobody has acknowledged within EVENT_LIFE_MS. */
export function dropDeadLetters(draft: Draft, { at }: Moment): void {
  const oldest = draft.outbox[0];
  if (oldest === undefined || !isDead(oldest, at)) return;
  const young = draft.outbox.filter((event) => !isDead(event, at));
  replace(draft, 'outbox', young);
}

function reservationMade(draft: Draft, fact: FactOf<'ReservationMade'>): void {
  const { reservation, digest } = fact;
  if (reservation.no !== draft.counts.reservations + 1) impossible(draft, fact);
  if (!isBeingPaid(draft) || draft.reservations.length >= reservationsMax(draft.terms)) {
    impossible(draft, fact);
  }
  if (reservation.amount <= 0) impossible(draft, fact);
  draft.counts = countsWith(draft.counts, { reservations: reservation.no });
  append(draft, 'reservations', reservation);
  keep(draft, {
    kind: 'reservation',
    scope: reservation.paychannelId,
    ref: reservation.reservationRef,
    digest,
    outcome: { type: 'reserved', reservation },
  });
}

function reservationEnded(draft: Draft, fact: FactOf<'ReservationEnded'>): void {
  const index = draft.reservations.findIndex(({ no }) => no === fact.no);
  if (index < 0) impossible(draft, fact);
  own(draft, 'reservations').splice(index, 1);
}

function paymentAccepted(draft: Draft, fact: FactOf<'PaymentAccepted'>, { at }: Moment): void {
  const { payment } = fact;
  const isLate = draft.acquiring !== undefined && hasEndedUnpaid(draft);
  if ((!isBeingPaid(draft) && !isLate) || payment.no !== draft.counts.payments + 1) {
    impossible(draft, fact);
  }
  if (payment.amount <= 0 || payment.credited !== 0) impossible(draft, fact);
  if (!isTipFit(draft.terms, payment)) impossible(draft, fact);
  const accepted = draft.counts.accepted + 1;
  draft.counts = countsWith(draft.counts, { payments: payment.no, accepted });
  draft.books = booksPaid(draft.books, payment);
  append(draft, 'payments', payment);
  // It goes back in the same transition.
  if (isLate) return;
  if (keptOf(draft.books) < askedOf(draft)) {
    draft.status = 'partiallyPaid';
  } else {
    draft.status = 'paid';
    draft.ending = endingWith(draft.ending, { paidAt: at });
  }
}

/** Whether money that an acquirer has taken comes too late for the bill. */
function hasEndedUnpaid({ status, books }: Draft): boolean {
  return (status === 'cancelled' || status === 'expired') && books.paid === 0;
}

/** The books once the payment was taken. */
export function booksPaid(books: Books, { amount, excess, tip }: Payment): Books {
  const change: Writable<Partial<Books>> = { paid: add(books.paid, amount) };
  if (excess !== undefined) change.excess = add(books.excess ?? ZERO, excess);
  if (tip !== undefined) change.tips = tipsWith(books.tips, { paid: tip });
  return booksWith(books, change);
}

function paymentAnswered(draft: Draft, fact: FactOf<'PaymentAnswered'>): void {
  const payment = draft.payments.at(-1);
  if (payment === undefined || payment.no !== fact.no) impossible(draft, fact);
  const { status, version } = draft;
  const told = { payment, status, version, paid: draft.books.paid, due: dueOf(draft) };
  const until = draft.charged?.clearUntil;
  const answer = until == null ? told : { ...told, clearUntil: until };
  keepPayment(draft, payment, fact.digest, { type: 'accepted', answer });
}

function paymentRefused(draft: Draft, fact: FactOf<'PaymentRefused'>): void {
  const { payment, digest } = fact;
  if (payment.no !== draft.counts.payments + 1) impossible(draft, fact);
  draft.counts = countsWith(draft.counts, { payments: payment.no });
  keepPayment(draft, payment, digest, { type: 'refused', payment });
}

function paymentVoided(draft: Draft, fact: FactOf<'PaymentVoided'>, { at }: Moment): void {
  keepPayment(draft, fact, '', { type: 'voided', at });
}

function billConfirmed(draft: Draft, fact: FactOf<'BillConfirmed'>, { at }: Moment): void {
  if (!isFree(draft)) {
    if (draft.status !== 'partiallyPaid' && draft.status !== 'paid') impossible(draft, fact);
    if (fact.amount <= 0) impossible(draft, fact);
  }
  if (fact.amount > heldOf(draft.books)) impossible(draft, fact);
  const { cause } = fact;
  draft.status = 'confirmed';
  draft.books = booksWith(draft.books, { confirmed: fact.amount });
  const receipt = fact.receipt ?? draft.ending.receipt;
  draft.ending = endingWith(draft.ending, { confirmedAt: at, cause, receipt });
  const payments = own(draft, 'payments');
  for (const [index, payment] of payments.entries()) {
    payments[index] = paymentWith(payment, { status: 'confirmed' });
  }
}

/** Whether it is a stay that has cost nothing so far. */
function isFree({ status, charged }: Draft): boolean {
  return status === 'open' && charged?.total === 0;
}

function stayCharged(draft: Draft, fact: FactOf<'StayCharged'>): void {
  const { total, clearUntil } = fact;
  const kept = keptOf(draft.books);
  if (draft.charged === undefined || total < kept) impossible(draft, fact);
  if (!isBeingPaid(draft) && draft.status !== 'paid') impossible(draft, fact);
  draft.charged = { total, clearUntil };
  if (draft.status === 'paid' && total > kept) draft.status = 'partiallyPaid';
}

function billClosed(
  draft: Draft,
  fact: FactOf<'BillCancelled'> | FactOf<'BillExpired'>,
  { at }: Moment,
): void {
  const isOpen = isBeingPaid(draft) || draft.status === 'pending';
  if (fact.type === 'BillExpired') {
    if (!isOpen || draft.reservations.length > 0) impossible(draft, fact);
    draft.status = 'expired';
    draft.ending = endingWith(draft.ending, { closedAt: at, cause: 'timeout' });
  } else {
    if (!isOpen && draft.status !== 'paid') impossible(draft, fact);
    draft.status = 'cancelled';
    draft.ending = endingWith(draft.ending, { closedAt: at, cause: fact.cause });
  }
}

function receiptAttached(draft: Draft, { receipt }: FactOf<'ReceiptAttached'>): void {
  const hasEnded = !isBeingPaid(draft) && draft.status !== 'paid';
  const replacedReceipt = draft.ending.replacedReceipt ?? (hasEnded ? draft.ending.receipt : null);
  draft.ending = endingWith(draft.ending, { receipt, replacedReceipt });
}

function stickerChanged(draft: Draft, fact: StickerFact): void {
  if (draft.terms.offer === undefined) impossible(draft, fact);
  const sticker = stickerAfter(draft.sticker, fact);
  if (sticker === undefined) impossible(draft, fact);
  draft.sticker = sticker;
}

function keyUsed(draft: Draft, { scope, key, digest, rejection }: FactOf<'KeyUsed'>): void {
  const outcome =
    rejection === null ? ({ type: 'done' } as const) : ({ type: 'rejected', rejection } as const);
  keep(draft, { kind: 'key', scope, ref: key, digest, outcome });
}

function eventRaised(draft: Draft, fact: FactOf<'EventRaised'>, moment: Moment): void {
  const credit =
    fact.creditNo === null ? null : draft.credits[indexOfCredit(draft.credits, fact.creditNo)];
  const payment =
    fact.paymentNo === null ? null : draft.payments.findLast(({ no }) => no === fact.paymentNo);
  if (credit === undefined || payment === undefined) impossible(draft, fact);
  const event: { -readonly [Key in keyof BillEvent]: BillEvent[Key] } = {
    no: draft.counts.events + 1,
    recipient: fact.to,
    type: fact.event,
    occurredAt: moment.at,
    requestId: moment.requestId,
    status: draft.status,
    version: draft.version,
    paid: draft.books.paid,
    due: dueOf(draft),
    cause: fact.cause,
    payment,
    credit,
    receipt: fact.event === 'payment.confirmed' ? draft.ending.receipt : null,
  };
  const until = draft.charged?.clearUntil;
  if (event.type === 'bill.paid' && until != null) event.clearUntil = until;
  if (draft.books.tips !== undefined) event.tips = draft.books.tips;
  draft.counts = countsWith(draft.counts, { events: event.no });
  if (credit !== null && credit.repeats > 0) {
    const index = draft.outbox.findIndex((earlier) => isRepeatOf(event, earlier));
    if (index >= 0) own(draft, 'outbox').splice(index, 1);
  }
  append(draft, 'outbox', event);
}

function eventResent(draft: Draft, fact: FactOf<'EventResent'>): void {
  const { event } = fact;
  if (event.no !== draft.counts.events + 1) impossible(draft, fact);
  const others = draft.outbox.filter(({ no }) => no !== event.resends);
  replace(draft, 'outbox', [...others, event]);
  draft.counts = countsWith(draft.counts, { events: event.no });
}

function eventsAcknowledged(
  draft: Draft,
  fact: FactOf<'EventsAcknowledged'>,
  { at }: Moment,
): void {
  const nos = new Set(fact.nos);
  const taken = draft.outbox.filter(({ no }) => nos.has(no));
  if (taken.length !== nos.size) impossible(draft, fact);
  const pending = draft.outbox.filter(({ no }) => !nos.has(no));
  replace(draft, 'outbox', pending);
  for (const event of taken) {
    if (event.type !== 'bill.paid' && event.type !== 'payment.received') continue;
    const index = draft.payments.findLastIndex(({ no }) => no === event.payment?.no);
    const payment = draft.payments[index];
    // What a bill for many has let go does not come back for an event that was dead.
    if (payment === undefined && event.resends !== undefined) continue;
    if (payment === undefined) impossible(draft, fact);
    own(draft, 'payments')[index] = paymentWith(payment, { notifiedAt: payment.notifiedAt ?? at });
  }
}

function keepPayment(
  draft: Draft,
  { paychannelId, paymentRef }: Pick<Payment, 'paychannelId' | 'paymentRef'>,
  digest: string,
  outcome: KeptReference['outcome'],
): void {
  keep(draft, { kind: 'payment', scope: paychannelId, ref: paymentRef, digest, outcome });
}

/** Keeps the reference with its outcome; the oldest is let go where the bill keeps too many. */
function keep(draft: Draft, reference: KeptReference): void {
  append(draft, 'references', reference);
  if (draft.references.length > REFERENCES_KEPT) {
    own(draft, 'references').shift();
    draft.spilled = true;
  }
}
