// The bytes of a bill, an event and a reference's outcome in history: msgpack of nested tuples, headed by a version.
//
//   K1. What was written can be read for ever. Lists of words (`STATUSES`, …) only grow at their end; any other change
//       of a tuple is a new version, with an upcaster from the one before it.
//   K2. Amounts and times are whole numbers and stay exact: msgpack holds those of 2^32 and more as float64.
//   K3. Free JSON of clients is kept as text: msgpack would rename a key called `__proto__`.

import { Packr } from 'msgpackr';
import type { Acquiring } from '../../domain/acquiring/record.ts';
import { assert, must } from '../../domain/assert.ts';
import type { PresentBill, Sticker } from '../../domain/bill/state.ts';
import type { BillEvent, Books, Charged, Outcome, Sale } from '../../domain/bill/vocabulary.ts';
import type { Minor } from '../../domain/money.ts';
import type { Millis } from '../../domain/time.ts';
import { restoreCredit, storeCredit } from './credit-tuples.ts';
import {
  asText,
  CAUSES,
  fromText,
  optional,
  restoreEvent,
  restoreOutcome,
  restorePayment,
  restoreReference,
  restoreReservation,
  restoreTips,
  STATUSES,
  type StoredEvent,
  type StoredOutcome,
  type StoredTips,
  storeEvent,
  storeOutcome,
  storePayment,
  storeReference,
  storeReservation,
  storeTips,
} from './part-tuples.ts';
import {
  ACQUIRER_PLACE,
  restorePolicies,
  restoreTerms,
  storePolicies,
  storeTerms,
  TYPES,
} from './terms-tuples.ts';

/** The version that today's code writes. */
export const CODEC_VERSION = 9;

/** Turns the content of one version into that of the next. */
type Upcaster = (content: unknown) => unknown;

/** By the version that they read. */
interface Upcasters {
  readonly bill: { readonly [version: number]: Upcaster };
  readonly event: { readonly [version: number]: Upcaster };
  readonly outcome: { readonly [version: number]: Upcaster };
}

export interface BillCodec {
  encodeBill(bill: PresentBill): Uint8Array;
  decodeBill(bytes: Uint8Array): PresentBill;
  encodeEvent(event: BillEvent): Uint8Array;
  decodeEvent(bytes: Uint8Array): BillEvent;
  encodeOutcome(outcome: Outcome): Uint8Array;
  decodeOutcome(bytes: Uint8Array): Outcome;
}

const same: Upcaster = (content) => content;

/**
 * Version 2 brought static bills: a bill counts what it accepted, and its terms may end in an offer. Version 3 brought
 * policies, after the offer, and what they may leave at the end of books and payments. Version 4 brought timer bills:
 * what only they have stands at the ends of tuples, or in the offer's place. Version 5 brought tips: after the policies,
 * and at the ends of books, payments, refusals, credits and events. Version 6 brought institutions that pay each other's
 * bills, and the mode of each: at the ends of payments, refusals and terms. Version 7 brought what operators do with
 * rejected credits, at the ends of these. Version 8 brought dead letters that are sent again, at the ends of events.
 * Version 9 brought acquirers: at the ends of terms and credits, and a chain of calls in the place of what a type adds.
 */
const UPCASTERS: Upcasters = {
  bill: { 1: withAccepted, 2: same, 3: same, 4: same, 5: same, 6: same, 7: same, 8: same },
  event: { 1: same, 2: same, 3: same, 4: same, 5: same, 6: same, 7: same, 8: same },
  outcome: { 1: same, 2: same, 3: same, 4: same, 5: same, 6: same, 7: same, 8: same },
};

function withAccepted(content: unknown): unknown {
  const bill = [...(content as unknown[])];
  const [payments, counts] = [bill[4] as unknown[], bill[10] as number[]];
  bill[10] = [...counts, payments.length];
  return bill;
}

/** One a thread is enough: it keeps working buffers. */
export function makeBillCodec(version = CODEC_VERSION, upcasters = UPCASTERS): BillCodec {
  const packr = new Packr({ useRecords: false, int64AsType: 'number' });
  const read = (bytes: Uint8Array, steps: { readonly [version: number]: Upcaster }): unknown => {
    const [written, stored] = packr.unpack(bytes) as [number, unknown];
    let content = stored;
    for (let at = written; at < version; at++) {
      content = must(steps[at], `an upcaster from version ${at}`)(content);
    }
    assert(written <= version, `written by a later switch: version ${written}`);
    return content;
  };
  return {
    encodeBill: (bill) => packr.pack([version, storeBill(bill)]),
    decodeBill: (bytes) => restoreBill(read(bytes, upcasters.bill) as StoredBill),
    encodeEvent: (event) => packr.pack([version, storeEvent(event)]),
    decodeEvent: (bytes) => restoreEvent(read(bytes, upcasters.event) as StoredEvent),
    encodeOutcome: (outcome) => packr.pack([version, storeOutcome(outcome)]),
    decodeOutcome: (bytes) => restoreOutcome(read(bytes, upcasters.outcome) as StoredOutcome),
  };
}

// --------------------------------------------------------------------------------------------------------- bill --

type StoredBill = readonly [
  ...ReturnType<typeof storeCommonBill>,
  ofType?: StoredSticker | StoredCharged | StoredAcquiring,
];
/** The record is JSON as it is: a driver’s own notes are in it (K3). */
type StoredAcquiring = readonly [record: string, no: number, wakeAt: Millis];
type StoredCharged = readonly [Charged['total'], Charged['clearUntil']];

/** What its kind adds, a sticker, what was charged or a chain of calls, stands last: most have none, and no place for it. */
function storeBill(bill: PresentBill): StoredBill {
  const common = storeCommonBill(bill);
  const { charged, acquiring } = bill;
  if (acquiring !== undefined) {
    const { record, no, wakeAt } = acquiring;
    return [...common, [JSON.stringify(record), no, wakeAt]];
  }
  if (charged !== undefined) return [...common, [charged.total, charged.clearUntil]];
  return bill.sticker === null ? common : [...common, storeSticker(bill.sticker)];
}

const OF_BILL_PLACE = 12;

type StoredSticker = ReturnType<typeof storeSticker>;

function storeSticker({ carried, arming, repeatAt }: Sticker) {
  return [optional(carried, storeSale), optional(arming, storeSale), repeatAt] as const;
}

function restoreSticker([carried, arming, repeatAt]: StoredSticker): Sticker {
  return {
    carried: optional(carried, restoreSale),
    arming: optional(arming, restoreSale),
    repeatAt,
  };
}

function storeSale(sale: Sale) {
  const { billId, terminalId, orderId, digest, amount, policies, armedAt, expiresAt } = sale;
  const own = optional(policies, storePolicies);
  return [billId, terminalId, orderId, digest, amount, own, armedAt, expiresAt] as const;
}

function restoreSale(stored: ReturnType<typeof storeSale>): Sale {
  const [billId, terminalId, orderId, digest, amount, own, armedAt, expiresAt] = stored;
  const policies = optional(own, restorePolicies);
  return { billId, terminalId, orderId, digest, amount, policies, armedAt, expiresAt };
}

function storeCommonBill(bill: PresentBill) {
  const { books, counts, ending } = bill;
  return [
    STATUSES.place(bill.status),
    bill.version,
    storeTerms(bill.terms),
    storeBooks(books),
    bill.payments.map(storePayment),
    bill.credits.map(storeCredit),
    bill.reservations.map(storeReservation),
    bill.outbox.map(storeEvent),
    bill.references.map(storeReference),
    bill.spilled,
    [counts.payments, counts.credits, counts.events, counts.reservations, counts.accepted],
    [
      ending.paidAt,
      ending.confirmedAt,
      ending.closedAt,
      optional(ending.cause, CAUSES.place),
      asText(ending.receipt),
      asText(ending.replacedReceipt),
    ],
  ] as const;
}

function restoreBill(stored: StoredBill): PresentBill {
  const [status, version, terms, books, payments, credits, reservations, outbox] = stored;
  const [, , , , , , , , references, spilled, counts, ending] = stored;
  const ofType = stored[OF_BILL_PLACE];
  const isTimer = TYPES.word(terms[1]) === 'timer';
  const hasAcquirer = terms[ACQUIRER_PLACE] !== undefined;
  const isPlain = !isTimer && !hasAcquirer;
  const sticker = isPlain ? (ofType as StoredSticker | undefined) : undefined;
  const charged = isTimer ? (ofType as StoredCharged | undefined) : undefined;
  const [paidAt, confirmedAt, closedAt, cause, receipt, replacedReceipt] = ending;
  const bill: PresentBill = {
    status: STATUSES.word(status),
    version,
    terms: restoreTerms(terms),
    books: restoreBooks(books),
    payments: payments.map(restorePayment),
    credits: credits.map(restoreCredit),
    reservations: reservations.map(restoreReservation),
    outbox: outbox.map(restoreEvent),
    references: references.map(restoreReference),
    spilled,
    counts: {
      payments: counts[0] as number,
      credits: counts[1] as number,
      events: counts[2] as number,
      reservations: counts[3] as number,
      accepted: counts[4] as number,
    },
    ending: {
      paidAt,
      confirmedAt,
      closedAt,
      cause: optional(cause, CAUSES.word),
      receipt: fromText(receipt),
      replacedReceipt: fromText(replacedReceipt),
    },
    sticker: sticker === undefined ? null : restoreSticker(sticker),
  };
  if (hasAcquirer) return { ...bill, acquiring: restoreAcquiring(ofType as StoredAcquiring) };
  if (charged === undefined) return bill;
  return { ...bill, charged: { total: charged[0], clearUntil: charged[1] } };
}

function restoreAcquiring([record, no, wakeAt]: StoredAcquiring): Acquiring {
  return { record: JSON.parse(record) as Acquiring['record'], no, wakeAt };
}

type StoredBooks = readonly [
  ...ReturnType<typeof storeUsualBooks>,
  excess?: Minor | null,
  tips?: StoredTips,
];

function storeBooks(books: Books): StoredBooks {
  const { excess, tips } = books;
  const usual = storeUsualBooks(books);
  if (tips !== undefined) return [...usual, excess ?? null, storeTips(tips)];
  return excess === undefined ? usual : [...usual, excess];
}

function storeUsualBooks({ paid, confirmed, reversed, refunded, unreturned }: Books) {
  return [paid, confirmed, reversed, refunded, unreturned] as const;
}

function restoreBooks(stored: StoredBooks): Books {
  const [paid, confirmed, reversed, refunded, unreturned, excess = null, tips] = stored;
  const books: { -readonly [Key in keyof Books]: Books[Key] } = {
    paid,
    confirmed,
    reversed,
    refunded,
    unreturned,
  };
  if (excess !== null) books.excess = excess;
  if (tips !== undefined) books.tips = restoreTips(tips);
  return books;
}
