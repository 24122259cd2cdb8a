// A bill while one transition is applied to it. What the bill shares with earlier states is never written to: a list
// is copied when it is first changed, and nouns are replaced.

import { newAcquiring } from '../acquiring/standing.ts';
import { assert, Defect } from '../assert.ts';
import { ZERO } from '../money.ts';
import { assertOffer } from './offer.ts';
import { askedOf, dueOf, heldOf, keptOf, type PresentBill, reservedOf } from './state.ts';
import { assertTips } from './tips.ts';
import type { BillFact, Books, Charged, Terms } from './vocabulary.ts';

export type Draft = { -readonly [Key in keyof PresentBill]: PresentBill[Key] } & {
  /** One bit for each list that is the draft's own. */
  owned: number;
};

const LIST_BITS = { payments: 1, credits: 2, reservations: 4, outbox: 8, references: 16 } as const;

type ListName = keyof typeof LIST_BITS;
type Mutable<List> = List extends readonly (infer Item)[] ? Item[] : never;

const NONE: readonly never[] = Object.freeze([]);
const NO_BOOKS: Books = Object.freeze({
  paid: ZERO,
  confirmed: ZERO,
  reversed: ZERO,
  refunded: ZERO,
  unreturned: ZERO,
});
const NO_COUNTS = Object.freeze({
  payments: 0,
  credits: 0,
  events: 0,
  reservations: 0,
  accepted: 0,
});
const NOT_CHARGED: Charged = Object.freeze({ total: ZERO, clearUntil: null });
const NO_ENDING = Object.freeze({
  paidAt: null,
  confirmedAt: null,
  closedAt: null,
  cause: null,
  receipt: null,
  replacedReceipt: null,
});

/** The draft of a new bill: version 0, open, nothing paid. */
export function draftOfNew(terms: Terms): Draft {
  const isOfTime = terms.stay !== undefined;
  assert(terms.amount > 0 || isOfTime || terms.offer !== undefined, 'a dynamic bill of nothing');
  const draft: Draft = {
    status: 'open',
    version: 0,
    terms,
    books: NO_BOOKS,
    payments: NONE,
    credits: NONE,
    reservations: NONE,
    outbox: NONE,
    references: NONE,
    spilled: false,
    counts: NO_COUNTS,
    ending: NO_ENDING,
    sticker: null,
    owned: 0,
  };
  if (isOfTime) draft.charged = NOT_CHARGED;
  if (terms.acquirer !== undefined) {
    draft.status = 'pending';
    draft.acquiring = newAcquiring(terms);
  }
  return draft;
}

export function draftOf(bill: PresentBill): Draft {
  const draft: Draft = {
    status: bill.status,
    version: bill.version,
    terms: bill.terms,
    books: bill.books,
    payments: bill.payments,
    credits: bill.credits,
    reservations: bill.reservations,
    outbox: bill.outbox,
    references: bill.references,
    spilled: bill.spilled,
    counts: bill.counts,
    ending: bill.ending,
    sticker: bill.sticker,
    owned: 0,
  };
  if (bill.charged !== undefined) draft.charged = bill.charged;
  if (bill.acquiring !== undefined) draft.acquiring = bill.acquiring;
  return draft;
}

/** The list to write to: a copy, unless it is the draft's own already. */
export function own<Name extends ListName>(draft: Draft, name: Name): Mutable<Draft[Name]> {
  if ((draft.owned & LIST_BITS[name]) === 0) {
    replace(draft, name, draft[name].slice() as Mutable<Draft[Name]>);
  }
  return draft[name] as Mutable<Draft[Name]>;
}

/** Puts an item at the end of a list. Most lists of a bill have one: a push into an empty list makes room for seventeen. */
export function append<Name extends ListName>(
  draft: Draft,
  name: Name,
  item: Draft[Name][number],
): void {
  const list: readonly unknown[] = draft[name];
  if (list.length === 0) replace(draft, name, [item] as Mutable<Draft[Name]>);
  else (own(draft, name) as unknown[]).push(item);
}

/** Puts a list that nobody else holds in the place of the draft's. */
export function replace<Name extends ListName>(
  draft: Draft,
  name: Name,
  list: Mutable<Draft[Name]>,
): void {
  const lists: { [Each in ListName]: readonly unknown[] } = draft;
  lists[name] = list;
  draft.owned |= LIST_BITS[name];
}

/** The bill that the draft has become. A bill whose books do not add up is a Defect (B1 to B3). */
export function finish(draft: Draft): PresentBill {
  const bill: { -readonly [Key in keyof PresentBill]: PresentBill[Key] } = {
    status: draft.status,
    version: draft.version,
    terms: draft.terms,
    books: draft.books,
    payments: shared(draft.payments),
    credits: shared(draft.credits),
    reservations: shared(draft.reservations),
    outbox: shared(draft.outbox),
    references: shared(draft.references),
    spilled: draft.spilled,
    counts: draft.counts,
    ending: draft.ending,
    sticker: draft.sticker,
  };
  if (draft.charged !== undefined) bill.charged = draft.charged;
  if (draft.acquiring !== undefined) bill.acquiring = draft.acquiring;
  if (bill.books.tips !== undefined) assertTips(bill.books.tips, bill);
  if (bill.terms.offer === undefined) assertBooks(bill);
  else assertOffer(bill, bill.terms.offer);
  return bill;
}

/** All empty lists are one. */
function shared<Item>(list: readonly Item[]): readonly Item[] {
  return list.length === 0 ? NONE : list;
}

/** The sums that hold after every transition, whatever happened. */
function assertBooks(bill: PresentBill): void {
  const { confirmed, reversed, refunded, unreturned, excess = 0 } = bill.books;
  assert(keptOf(bill.books) <= askedOf(bill), 'more is paid than the bill asks for');
  assert(excess <= reversed, 'what was paid in excess was not given back');
  assert(refunded <= confirmed, 'more is refunded than was confirmed');
  assert(unreturned <= reversed + refunded, 'more came back rejected than was asked back');
  assert(isBalanced(bill), 'the books do not agree with the status');
  if (bill.reservations.length > 0) {
    assert(reservedOf(bill) <= dueOf(bill), 'more is reserved than is due');
  }
}

function isBalanced(bill: PresentBill): boolean {
  const { paid, confirmed, reversed, refunded } = bill.books;
  const amount = askedOf(bill);
  const held = heldOf(bill.books);
  const kept = keptOf(bill.books);
  switch (bill.status) {
    case 'pending':
    case 'open':
      return paid === 0 && confirmed === 0 && reversed === 0;
    case 'partiallyPaid':
      return paid > 0 && kept < amount && held === kept;
    case 'paid':
      return kept === amount && held === kept;
    case 'confirmed':
      // A stay that was free ends without a payment.
      if (amount === 0) return paid === 0 && confirmed === 0 && reversed === 0;
      return confirmed > 0 && held === 0 && refunded < confirmed;
    case 'refunded':
      return confirmed > 0 && held === 0 && refunded === confirmed;
    default:
      return confirmed === 0 && held === 0;
  }
}

/** History says what cannot be: our own code is wrong. */
export function impossible(draft: Draft, fact: BillFact): never {
  throw new Defect(`${fact.type} cannot follow in bill ${draft.terms.id}, ${draft.status}`);
}
