// What a bill is, between two facts. One record for every type and status, since all carry the same
// nouns; what is not yet so is null, and the invariants (dynamic.ts, static.ts) say when.

import type { Acquiring } from '../acquiring/record.ts';
import type { Minor } from '../money.ts';
import type { Millis } from '../time.ts';
import type {
  BillEvent,
  BillStatus,
  Books,
  Cause,
  Charged,
  Credit,
  Json,
  KeptReference,
  Payment,
  Reservation,
  Sale,
  Terms,
} from './vocabulary.ts';

export interface AbsentBill {
  readonly status: 'absent';
}

export interface PresentBill {
  readonly status: BillStatus;
  /** +1 for each command or timer that changes the bill as shown. */
  readonly version: number;
  readonly terms: Terms;
  readonly books: Books;
  /** Accepted payments, oldest first. */
  readonly payments: readonly Payment[];
  /** All credits, oldest first. */
  readonly credits: readonly Credit[];
  /** Live reservations, oldest first. */
  readonly reservations: readonly Reservation[];
  /** Events that nobody has acknowledged yet, oldest first. */
  readonly outbox: readonly BillEvent[];
  /** The latest REFERENCES_KEPT references, oldest first. */
  readonly references: readonly KeptReference[];
  /** Whether a reference has been let go: an unknown one must be asked of Postgres. */
  readonly spilled: boolean;
  readonly counts: Counts;
  readonly ending: Ending;
  /** Of a static bill that has been armed, or is about to be; null: it takes payments itself. */
  readonly sticker: Sticker | null;
  /** Of timer bills only. */
  readonly charged?: Charged;
  /** Of bills at an acquirer only. */
  readonly acquiring?: Acquiring;
}

/** The sales of a static bill at a till. */
export interface Sticker {
  /** The sale that it carries: views of it show that bill. Null until the first has been armed. */
  readonly carried: Sale | null;
  /** The sale that is about to take its place; null where no arm is under way. */
  readonly arming: Sale | null;
  /** When the switch drives the arm on; NEVER where none is under way. */
  readonly repeatAt: Millis;
}

/** The last number given to each kind of part. */
export interface Counts {
  readonly payments: number;
  readonly credits: number;
  readonly events: number;
  readonly reservations: number;
  /** Accepted payments, however many of them have left memory; refused ones have numbers, and are not counted. */
  readonly accepted: number;
}

export interface Ending {
  readonly paidAt: Millis | null;
  readonly confirmedAt: Millis | null;
  readonly closedAt: Millis | null;
  readonly cause: Cause | null;
  readonly receipt: Json;
  /**
   * The receipt that stood when the bill was confirmed or closed, once another has taken its place: a confirm
   * repeated with its own receipt is known by it.
   */
  readonly replacedReceipt: Json;
}

export type Bill = AbsentBill | PresentBill;

export const ABSENT: AbsentBill = Object.freeze({ status: 'absent' });

export function isPresent(bill: Bill): bill is PresentBill {
  return bill.status !== 'absent';
}

/** Whether it waits for money. */
export function isBeingPaid({ status }: Pick<PresentBill, 'status'>): boolean {
  return status === 'open' || status === 'partiallyPaid';
}

/**
 * What a payer still owes: nothing once the bill is paid, confirmed or closed. Of an open static bill: what one payment
 * brings, at the least. Of a timer bill: as last decided; what has become due since, `charging.ts` knows.
 */
export function dueOf(bill: PresentBill): Minor {
  if (!isUnpaid(bill)) return 0 as Minor;
  const { offer } = bill.terms;
  return offer === undefined ? ((askedOf(bill) - keptOf(bill.books)) as Minor) : offer.minAmount;
}

/** Whether something of it is still to be paid, or will be once there is a code. */
function isUnpaid({ status }: PresentBill): boolean {
  return status === 'open' || status === 'partiallyPaid' || status === 'pending';
}

/** What a bill without an offer asks for, paid or not. */
export function askedOf(bill: Pick<PresentBill, 'terms' | 'charged'>): Minor {
  return bill.charged?.total ?? bill.terms.amount;
}

/** What was paid of what was due: all of it but what went back at once. */
export function keptOf(books: Books): Minor {
  return books.excess === undefined ? books.paid : ((books.paid - books.excess) as Minor);
}

/** What is neither confirmed nor given back. */
export function heldOf({ paid, confirmed, reversed }: Books): Minor {
  return (paid - confirmed - reversed) as Minor;
}

/** Whether the bill takes any number of payments, each of which ends by itself. */
export function isForMany(bill: PresentBill): boolean {
  return bill.terms.offer?.usage === 'many';
}

/** What live reservations hold; those of `except` left out. */
export function reservedOf(bill: PresentBill, except?: string): Minor {
  let sum = 0;
  for (const reservation of bill.reservations) {
    if (reservation.paychannelId !== except) sum += reservation.amount;
  }
  return sum as Minor;
}
