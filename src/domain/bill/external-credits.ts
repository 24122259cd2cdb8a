// Money that somebody gave back at the acquirer by hand: it first resolves credits that the acquirer has rejected, each whole
// and the oldest first, and what is left over becomes a settled credit whose origin is `external`, as soon as the bill's
// books have room for it. Before the confirm they have only for all of it, which ends the bill; a part waits for the
// end, or the confirm.
//
//   E1. Beside a rejected credit that it does not cover it waits: the next by hand may complete it, and an operator may
//       mean it by closing that credit. Counted apart, the same money would then count twice.
//   E2. A credit that an operator has closed counts for as much by hand, before or after: nobody else can tell whether
//       that is how it was returned.

import { leftOf } from '../acquiring/acquired-bill.ts';
import type { Claims } from '../acquiring/by-hand.ts';
import type { AcquiredBill } from '../acquiring/record.ts';
import { above, add, type Minor, smaller, subtract, ZERO } from '../money.ts';
import type { Millis } from '../time.ts';
import { BY_ACQUIRER } from './acquired-sightings.ts';
import { creditOf, isUnresolved } from './credits.ts';
import { closed } from './dynamic-endings.ts';
import { raiseForCredit, terminal } from './outbox.ts';
import type { PresentBill } from './state.ts';
import type {
  BillFact,
  Credit,
  CreditKind,
  CreditResolution,
  FactOf,
  Payment,
} from './vocabulary.ts';

/** The reference of a rejected credit whose money was seen to have been given back at the acquirer. */
export const SEEN_AT_ACQUIRER = 'seen-at-acquirer';

/** The facts, and those of what is found to have been given back by hand. */
export function withExternal(
  bill: PresentBill,
  record: AcquiredBill,
  decided: readonly BillFact[],
  now: Millis,
): BillFact[] {
  const { unresolved, booked } = accountOf(bill, decided);
  const unbooked = above(record.external, booked);
  const payment = paymentIn(bill, decided);
  if (unbooked === 0 || payment === null) return [...decided];
  const standing: Standing = { bill, payment, unbooked, no: bill.counts.credits };
  const returned = unresolved.filter((credit) => isCovered(standing, credit));
  const facts = divided(standing, record, decided, now);
  facts.push(...returned.flatMap((credit) => returnedByHand(bill, credit)));
  // E1.
  return returned.length < unresolved.length ? facts : appended(standing, facts, now);
}

/** What of the money that is found at the acquirer rejected credits stand for. */
export function claimsOf(bill: PresentBill, record: AcquiredBill): Claims {
  const { unresolved, booked } = accountOf(bill, []);
  return {
    returned: above(booked, record.external),
    unresolved: unresolved.map(({ amount }) => amount),
    waiting: above(record.external, booked),
  };
}

interface Standing {
  readonly bill: PresentBill;
  readonly payment: Payment;
  /** What no credit stands for yet. */
  unbooked: Minor;
  /** The last number given to a credit. */
  no: number;
}

/** Rejected credits that nobody has dealt with, and what is booked as given back by hand (E2), once the facts are. */
function accountOf(
  { credits }: PresentBill,
  facts: readonly BillFact[],
): { unresolved: Credit[]; booked: Minor } {
  const rejected = new Set<number>();
  const resolved = new Map<number, CreditResolution['how']>();
  for (const fact of facts) {
    if (fact.type === 'CreditSettled' && fact.status === 'rejected') rejected.add(fact.no);
    if (fact.type === 'CreditReturnedOtherwise') resolved.set(fact.no, 'returnedOtherwise');
    if (fact.type === 'CreditRequestedAgain') {
      resolved.set(fact.credit.replaces ?? 0, 'requestedAgain');
    }
  }
  const unresolved = credits.filter(
    (credit) => (isUnresolved(credit) || rejected.has(credit.no)) && !resolved.has(credit.no),
  );
  const booked = credits
    .filter(({ no, origin, resolution }) => {
      const how = resolved.get(no) ?? resolution?.how;
      return origin === 'external' || how === 'returnedOtherwise';
    })
    .reduce((sum, { amount }) => add(sum, amount), ZERO);
  return { unresolved, booked };
}

/** Whether there is as much that nothing stands for yet; from now on the credit does. */
function isCovered(standing: Standing, { amount }: Credit): boolean {
  if (amount > standing.unbooked) return false;
  standing.unbooked = subtract(standing.unbooked, amount);
  return true;
}

function returnedByHand(bill: PresentBill, credit: Credit): BillFact[] {
  return [
    { type: 'CreditReturnedOtherwise', no: credit.no, reference: SEEN_AT_ACQUIRER },
    raiseForCredit(terminal(bill), 'credit.settled', credit),
  ];
}

function paymentIn(bill: PresentBill, facts: readonly BillFact[]): Payment | null {
  for (const fact of facts) if (fact.type === 'PaymentAccepted') return fact.payment;
  return bill.payments[0] ?? null;
}

/** A credit that asks for more than is left asks for what is left; the rest has been given back. */
function divided(
  standing: Standing,
  record: AcquiredBill,
  decided: readonly BillFact[],
  now: Millis,
): BillFact[] {
  const isLate = decided.some(({ type }) => type === 'PaymentAccepted');
  const facts: BillFact[] = [];
  const tail: BillFact[] = [];
  let given: Credit | null = null;
  for (const fact of decided) {
    if ('credit' in fact) standing.no = fact.credit.no;
    const left = leftOf(record);
    if (fact.type !== 'CreditRequested' || isLate || fact.credit.amount <= left) {
      // Nobody is asked for what has been given.
      const isAsked = fact.type === 'EventRaised' && fact.event === 'credit.requested';
      if (!(isAsked && fact.creditNo === given?.no)) facts.push(fact);
      continue;
    }
    const { credit } = fact;
    const byHand = smaller(subtract(credit.amount, left), standing.unbooked);
    standing.unbooked = subtract(standing.unbooked, byHand);
    if (byHand === credit.amount) {
      given = { ...credit, origin: 'external' };
      facts.push(...external(standing.bill, given, tail));
    } else {
      facts.push({ ...fact, credit: { ...credit, amount: subtract(credit.amount, byHand) } });
      standing.no += 1;
      const { kind } = credit;
      facts.push(...external(standing.bill, externalOf(standing, kind, byHand, now), tail));
    }
  }
  return [...facts, ...tail];
}

/** What is unbooked yet, where there is room for it. */
function appended(standing: Standing, facts: readonly BillFact[], now: Millis): BillFact[] {
  const { bill, payment, unbooked } = standing;
  const credited = facts.reduce(
    (sum, fact) => (fact.type === 'CreditRequested' ? add(sum, fact.credit.amount) : sum),
    bill.payments[0]?.credited ?? ZERO,
  );
  const room = smaller(unbooked, subtract(payment.amount, credited));
  if (room === 0) return [...facts];
  const tail: BillFact[] = [];
  const has = (type: BillFact['type']): boolean => facts.some((fact) => fact.type === type);
  if (bill.status === 'confirmed' || has('BillConfirmed')) {
    standing.no += 1;
    const requested = external(bill, externalOf(standing, 'refund', room, now), tail);
    return [...facts, ...requested, ...tail];
  }
  const isClosed = has('BillCancelled') && has('PaymentAccepted');
  const isAll = room === payment.amount - credited && (bill.status === 'paid' || isClosed);
  if (!isAll || (has('BillCancelled') && !isClosed)) return [...facts];
  standing.no += 1;
  const ended = isClosed ? [] : closed(bill, BY_ACQUIRER, []);
  const requested = external(bill, externalOf(standing, 'reversal', room, now), tail);
  return [...facts, ...ended, ...requested, ...tail];
}

function externalOf(
  { payment, no }: Standing,
  kind: CreditKind,
  amount: Minor,
  now: Millis,
): Credit {
  return { ...creditOf(payment, { no, kind, amount, reason: null }, now), origin: 'external' };
}

/** The credit as it is asked for and settled in one; its event comes after all else. */
function external(
  bill: PresentBill,
  credit: Credit,
  tail: BillFact[],
): [FactOf<'CreditRequested'>, FactOf<'CreditSettled'>] {
  tail.push(raiseForCredit(terminal(bill), 'credit.settled', credit));
  const { no } = credit;
  return [
    { type: 'CreditRequested', credit },
    { type: 'CreditSettled', no, status: 'settled', reference: null, reason: null },
  ];
}
