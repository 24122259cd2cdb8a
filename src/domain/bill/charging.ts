// What a stay costs by now: by its tariff, by a quote that somebody was told, or by what a reservation freezes.
//
//   Q1. A quote is honoured to the cent until it ends: who pays what is left of its total has paid for the stay.
//   Q2. No price stands below what has been paid, and none falls as time passes.
//   Q3. A price is frozen by a quote alone, and a frozen price is not quoted again: nobody holds it for ever.

import { assert, must } from '../assert.ts';
import type { PaychannelId } from '../ids.ts';
import { type Minor, ZERO } from '../money.ts';
import { charge } from '../tariff/charge.ts';
import { lastChargeable, type TariffVersion, versionAt } from '../tariff/tariff.ts';
import { type Millis, millis, NEVER, plus, SECOND_MS } from '../time.ts';
import { askedOf, dueOf, isBeingPaid, keptOf, type PresentBill, reservedOf } from './state.ts';
import type { BillCommand, Charged, Quote, Stay } from './vocabulary.ts';

/** What is asked for a stay, and the last instant for which it is asked; NEVER: no more ever will be. */
export interface Price {
  readonly total: Minor;
  readonly coveredUntil: Millis;
}

/** What is owed of a bill of any type at one moment: worked out once for all that is told of it then. */
export interface Owed {
  /** What a bill without an offer asks for, paid or not. */
  readonly asked: Minor;
  /** What a payer still owes. */
  readonly due: Minor;
  /** Of a stay that is being paid: what it costs. */
  readonly price: Price | null;
}

/** Reading a tariff takes a while where the stay is long: whoever tells more than one thing of it asks once. */
export function owedAt(bill: PresentBill, now: Millis): Owed {
  if (bill.terms.stay === undefined || !isBeingPaid(bill)) {
    return { asked: askedOf(bill), due: dueOf(bill), price: null };
  }
  const price = priceAt(bill, now);
  return { asked: price.total, due: atLeastZero(price.total - keptOf(bill.books)), price };
}

/** What a payer still owes at this moment, of a bill of any type. */
export function dueAt(bill: PresentBill, now: Millis): Minor {
  return bill.terms.stay === undefined ? dueOf(bill) : owedAt(bill, now).due;
}

/** The price that a stay has now; a payer who has a quote may know a better one. */
function priceAt(bill: PresentBill, now: Millis): Price {
  const frozen = frozenAt(bill, now);
  if (frozen !== null) return asTold(frozen);
  const price = priceByTariff(stayOf(bill), now);
  const { total } = chargedOf(bill);
  // Q2: the clock of another node may be behind.
  return total > price.total ? { total, coveredUntil: price.coveredUntil } : price;
}

/** The price by which a command is judged. */
export function priceFor(bill: PresentBill, command: BillCommand, now: Millis): Price {
  const price = priceAt(bill, now);
  if (command.type !== 'PayBill' && command.type !== 'ReserveBill') return price;
  const { quote, amount } = command;
  if (quote === undefined || now >= quote.until) return price;
  const paid = keptOf(bill.books);
  if (command.type === 'ReserveBill') {
    const told = atLeast(asTold(quote), paid + reservedOf(bill));
    const isFrozen = frozenAt(bill, now) !== null;
    return isFrozen && price.total < told.total ? price : told;
  }
  const told = atLeast(asTold(quote), paid);
  const left = told.total - paid;
  // A part pays for no stay, so that nothing is frozen by it.
  if (amount !== null && amount < left) return price;
  if (amount === left) return told;
  return told.total < price.total ? told : price;
}

/** What a paychannel is told: what it could pay now, and the price that this rests on. Null: nothing is to be paid. */
export function quoteFor(
  bill: PresentBill,
  paychannelId: PaychannelId,
  now: Millis,
  { price }: Owed = owedAt(bill, now),
): { readonly amount: Minor; readonly quote: Quote } | null {
  const { stay, expiresAt } = bill.terms;
  if (stay === undefined || price === null || now >= expiresAt) return null;
  if (frozenAt(bill, now) !== null) return null;
  const { total, coveredUntil } = price;
  const amount = atLeastZero(total - keptOf(bill.books) - reservedOf(bill, paychannelId));
  const until = sooner(plus(now, versionOf(stay).quoteSeconds * SECOND_MS), expiresAt);
  if (amount === 0 || until <= now) return null;
  return { amount, quote: { total, coveredUntil, until } };
}

/** Until when one may leave who has paid this price in full now. */
export function clearUntil(bill: PresentBill, price: Price, now: Millis): Millis {
  const { graceSeconds } = versionOf(stayOf(bill));
  return later(plus(now, graceSeconds * SECOND_MS), price.coveredUntil);
}

/** What the tariff itself asks. */
export function priceByTariff({ tariff, startedAt }: Stay, now: Millis): Price {
  const last = lastChargeable(startedAt);
  const to = sooner(later(now, startedAt), last);
  const charged = charge(tariff, startedAt, to);
  assert(!('rejected' in charged), 'a stay without a price');
  const { amount, nextChangeAt } = charged;
  const isLast = nextChangeAt === null || nextChangeAt > last;
  return { total: amount, coveredUntil: isLast ? NEVER : millis(nextChangeAt - 1) };
}

/** When the first charge falls due of a stay for which nothing has been charged yet; null where none ever does. */
export function freeUntil({ price }: Owed): Millis | null {
  if (price === null || price.coveredUntil === NEVER) return null;
  return plus(price.coveredUntil, 1);
}

/** What the terms of a timer bill always hold. */
export function stayOf(bill: PresentBill): Stay {
  return must(bill.terms.stay, 'the stay of a timer bill');
}

/** What a timer bill always has; a Defect for any other. */
export function chargedOf(bill: PresentBill): Charged {
  return must(bill.charged, 'what a timer bill has charged');
}

/** The lowest price that a live reservation freezes: all that is reserved fits into it. */
function frozenAt(bill: PresentBill, now: Millis): Quote | null {
  let frozen: Quote | null = null;
  for (const { quote, expiresAt } of bill.reservations) {
    if (quote === undefined || now >= expiresAt) continue;
    if (frozen === null || quote.total < frozen.total) frozen = quote;
  }
  return frozen;
}

/** Who was told a price until some time is not asked for more before it. */
function asTold({ total, coveredUntil, until }: Quote): Price {
  return { total, coveredUntil: later(coveredUntil, until) };
}

function versionOf({ tariff, startedAt }: Stay): TariffVersion {
  return must(versionAt(tariff, startedAt), 'the version in force at the start');
}

/** Q2. What has been paid or promised since may be more than was told. */
function atLeast(price: Price, total: number): Price {
  return price.total < total ? { ...price, total: total as Minor } : price;
}

function atLeastZero(amount: number): Minor {
  return amount > 0 ? (amount as Minor) : ZERO;
}

function sooner(left: Millis, right: Millis): Millis {
  return left < right ? left : right;
}

function later(left: Millis, right: Millis): Millis {
  return left > right ? left : right;
}
