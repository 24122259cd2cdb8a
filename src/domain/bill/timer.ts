// A timer bill starts at zero; a tariff says what is due whenever somebody wants to pay.
//
//                          ┌───────── stayed on ─────────┐
//   absent ──create──▶ open ──pay──▶ partiallyPaid ──pay──▶ paid ──confirm──▶ confirmed ──▶ refunded
//                        └──confirm, while nothing has become due: free──────────▲
//
// It ends the way of a dynamic bill (dynamic.ts: B1 to B7 hold of it), and asks what charging.ts says (Q1 to Q3). What has
// been asked is a fact (`StayCharged`), decided once: no tariff is read when the log is.

import { assert } from '../assert.ts';
import { type Millis, millis, NEVER, plus } from '../time.ts';
import { CHANGES_WHAT_IS_SHOWN } from './apply-fact.ts';
import { chargedOf, clearUntil, type Price, priceByTariff, priceFor, stayOf } from './charging.ts';
import { decideWhole } from './dynamic.ts';
import { BY_TIMEOUT, confirmed } from './dynamic-endings.ts';
import { DYNAMIC_PAYMENTS } from './dynamic-payments.ts';
import { earliestTimer, runTimer as runCommonTimer } from './dynamic-timers.ts';
import { raiseForBill, terminal } from './outbox.ts';
import { closedReason } from './payable.ts';
import { type Asked, notPayable, type PayRules } from './paying.ts';
import {
  type Bill,
  dueOf,
  heldOf,
  isBeingPaid,
  isPresent,
  keptOf,
  type PresentBill,
} from './state.ts';
import {
  type AcquiringCommand,
  type BillCommand,
  type BillDecision,
  type BillFact,
  type BillRejection,
  type Charged,
  type CommandOf,
  isRejection,
  type KeptReference,
  type Quote,
  type Reservation,
} from './vocabulary.ts';

/**
 * What follows from a command. The caller has run all timers that are due by `now`, and gives the reference that
 * the command names where it stands in history alone.
 */
export function decideTimer(
  bill: Bill,
  command: Exclude<BillCommand, AcquiringCommand>,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  if (command.type === 'CreateBill') return create(bill, command);
  if (!isPresent(bill)) return { rejected: 'bill.notFound' };
  if (command.type === 'RunTimer') return runTimer(bill, now);
  const quote = quoteOf(command);
  const rules = rulesOf(quote);
  if (!isBeingPaid(bill)) return decideWhole(rules, bill, command, now, recalled);

  const price = priceFor(bill, command, now);
  const asked: PresentBill = { ...bill, charged: { total: price.total, clearUntil: null } };
  const decision = decideWhole(rules, asked, command, now, recalled);
  if (isRejection(decision) || !decision.some(({ type }) => CHANGES_WHAT_IS_SHOWN[type])) {
    return decision;
  }
  const charged = chargedBy(bill, price, decision, now);
  const facts = quote === undefined ? decision : decision.map((fact) => frozen(fact, quote, price));
  return isSame(charged, chargedOf(bill)) ? facts : [{ type: 'StayCharged', ...charged }, ...facts];
}

/** When the bill's earliest timer is due; NEVER where it waits for nothing. */
export function nextDueOfTimer(bill: PresentBill): Millis {
  const common = earliestTimer(bill)?.due ?? NEVER;
  return millis(Math.min(stayedAt(bill), common));
}

/** Orders are told apart before the bill is asked, so that a present bill is never created again. */
function create(bill: Bill, { terms }: CommandOf<'CreateBill'>): BillDecision {
  assert(!isPresent(bill), 'the bill exists already');
  const { stay, amount, currency } = terms;
  assert(stay !== undefined && amount === 0, 'a timer bill with an amount, or without a stay');
  assert(stay.tariff.currency === currency, 'a tariff in another currency');
  priceByTariff(stay, stay.startedAt);

  return [{ type: 'BillCreated', terms }];
}

function quoteOf(command: BillCommand): Quote | undefined {
  return command.type === 'PayBill' || command.type === 'ReserveBill' ? command.quote : undefined;
}

/** A stay is paid like any dynamic bill, once the price is known. */
function rulesOf(quote: Quote | undefined): PayRules {
  const isOver = (now: Millis): boolean => quote !== undefined && now >= quote.until;
  return {
    hold: (bill, asked, now) => {
      if (closedReason(bill) !== null) return DYNAMIC_PAYMENTS.hold(bill, asked, now);
      if (isOver(now)) return { rejected: 'quote.expired' };
      return unreachedOf(bill) ?? DYNAMIC_PAYMENTS.hold(bill, asked, now);
    },
    excess: DYNAMIC_PAYMENTS.excess,
    refusal: (bill, asked, now) => {
      const { command, named } = asked;
      const { currency } = bill.terms;
      if (command.currency !== currency || closedReason(bill) !== null) {
        return DYNAMIC_PAYMENTS.refusal(bill, asked, now);
      }
      if (command.reservationNo !== null && named === null) {
        return { rejected: 'reservation.expired' };
      }
      if (isOver(now) && !freezes(named)) return { rejected: 'quote.expired' };
      return (
        unreachedOf(bill) ?? paidAlready(bill, asked) ?? DYNAMIC_PAYMENTS.refusal(bill, asked, now)
      );
    },
    outcome: DYNAMIC_PAYMENTS.outcome,
  };
}

/** A reservation with a quote outlives it. */
function freezes(named: Reservation | null): boolean {
  return named?.quote !== undefined;
}

/** Nothing has become due yet: a first free time, say. */
function unreachedOf(bill: PresentBill): BillRejection | null {
  return keptOf(bill.books) === 0 && dueOf(bill) === 0 ? notPayable('notYetValid') : null;
}

/** A quote of a price that has been paid: where what is above goes back, all of it would, and the stay would count as paid. */
function paidAlready(bill: PresentBill, { kept }: Asked): BillRejection | null {
  return kept === 0 ? { rejected: 'payment.exceedsDue', due: dueOf(bill) } : null;
}

/** What the decision charges: paid in full, it says until when one may leave. */
function chargedBy(
  bill: PresentBill,
  price: Price,
  decision: readonly BillFact[],
  now: Millis,
): Charged {
  const { total } = price;
  const accepted = decision.find((fact) => fact.type === 'PaymentAccepted');
  if (accepted === undefined) return { total, clearUntil: null };
  const { amount, excess = 0 } = accepted.payment;
  if (keptOf(bill.books) + amount - excess < total) return { total, clearUntil: null };
  return { total, clearUntil: clearUntil(bill, price, now) };
}

/** A reservation that was made with a quote freezes the price at which it was made. */
function frozen(fact: BillFact, { until }: Quote, { total, coveredUntil }: Price): BillFact {
  if (fact.type !== 'ReservationMade') return fact;
  const quote = { total, coveredUntil, until };
  return { ...fact, reservation: { ...fact.reservation, quote } };
}

function isSame(left: Charged, right: Charged): boolean {
  return left.total === right.total && left.clearUntil === right.clearUntil;
}

// ------------------------------------------------------------------------------------------------------- timers --

/** When more becomes due than was paid; NEVER where that cannot be. */
function stayedAt(bill: PresentBill): Millis {
  const until = bill.charged?.clearUntil ?? NEVER;
  return bill.status === 'paid' && until !== NEVER ? plus(until, 1) : NEVER;
}

function runTimer(bill: PresentBill, now: Millis): readonly BillFact[] {
  const common = earliestTimer(bill);
  if (stayedAt(bill) < (common?.due ?? NEVER)) return now < stayedAt(bill) ? [] : stayed(bill, now);
  // A bill that was paid does not expire, though something has become due since: what was paid pays for the time until then.
  const isOver = common?.kind === 'expiry' && now >= common.due;
  if (isOver && bill.ending.paidAt !== null && bill.terms.unconfirmed === 'confirm') {
    return confirmed(bill, heldOf(bill.books), null, BY_TIMEOUT, now);
  }
  return runCommonTimer(bill, now);
}

/** Somebody has stayed on beyond what was paid for. */
function stayed(bill: PresentBill, now: Millis): BillFact[] {
  const { total, coveredUntil } = priceByTariff(stayOf(bill), now);
  const charged = chargedOf(bill);
  if (total <= charged.total) {
    return [{ type: 'StayCharged', total: charged.total, clearUntil: coveredUntil }];
  }
  return [
    { type: 'StayCharged', total, clearUntil: null },
    raiseForBill(terminal(bill), 'bill.due', null),
  ];
}
