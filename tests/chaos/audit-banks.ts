// The books of the banks against those of the switch: whoever paid at a bank has paid here, once; whatever was given back
// there stands here, once, and by whom; and nothing that has ended here can still be paid there.

import { SEEN_AT_ACQUIRER } from '../../src/domain/bill/external-credits.ts';
import type { BookEntry } from '../../src/simulators/control.ts';
import type { BankBook } from './banks.ts';
import type { Recollection } from './evidence.ts';
import type { BillLine, CreditLine, Rows } from './rows.ts';

const BILL_ID = 26;
/** By the names of all banks. */
const PAYABLE: ReadonlySet<string> = new Set(['NEW', 'FORM_SHOWED', 'CREATED', 'ON_PAYMENT']);
/** Between the clocks of a bank and of a shard. */
const SKEW_MS = 1_000;
const OVER: ReadonlySet<string> = new Set(['cancelled', 'expired', 'failed', 'refunded']);

export function atBanks(
  { banks, calls }: Pick<Recollection, 'banks' | 'calls'>,
  rows: Pick<Rows, 'bills' | 'payments' | 'credits'>,
): string[] {
  const shown = new Set(
    calls.flatMap(({ answer }) => (answer as { payload?: string } | null)?.payload ?? []),
  );
  const entries = byBill(banks);
  const credits = grouped(rows.credits);
  const payments = grouped(rows.payments.filter(({ status }) => status !== 'refused'));
  const found: string[] = [];
  const known = new Set<string>();
  for (const bill of rows.bills) {
    if (bill.acquirer === null) continue;
    known.add(bill.id);
    const of = {
      bill,
      entries: entries.get(bill.id) ?? [],
      credits: credits.get(bill.id) ?? [],
      shown,
    };
    const paid = sum((payments.get(bill.id) ?? []).map(({ amount }) => amount));
    const count = (payments.get(bill.id) ?? []).length;
    const wrong = [...paidOnce(of, { paid, count }), ...givenBackOnce(of), ...hasEnded(of)];
    found.push(...wrong.map((what) => `${what}: ${told(of)}`));
  }
  for (const [billId, orders] of entries) {
    if (!known.has(billId)) found.push(`a bank has an order of no bill: ${JSON.stringify(orders)}`);
  }
  return found;
}

interface AtBank {
  readonly bill: BillLine;
  readonly entries: readonly BookEntry[];
  readonly credits: readonly CreditLine[];
  /** Codes that a till was ever given. */
  readonly shown: ReadonlySet<string>;
}

function paidOnce(
  { entries, shown }: AtBank,
  here: { readonly paid: number; readonly count: number },
): string[] {
  const found: string[] = [];
  const paid = entries.filter((entry) => entry.paid > 0);
  if (paid.length > 1) found.push('paid twice at the bank');
  if (here.count > 1) found.push('two payments for what was paid once');
  if (sum(paid.map((entry) => entry.paid)) !== here.paid) {
    found.push(`${here.paid} paid here, and another sum at the bank`);
  }
  const codes = entries.filter(({ payload }) => payload !== undefined && shown.has(payload));
  if (codes.length > 1) found.push('two codes of one bill');
  return found;
}

function givenBackOnce({ entries, credits }: AtBank): string[] {
  const found: string[] = [];
  const sumOf = (isMeant: (credit: CreditLine) => boolean): number =>
    sum(credits.filter(isMeant).map(({ amount }) => amount));
  const returned = sum(entries.map((entry) => entry.returned));
  const seen = sumOf(isSeen);
  const settled = sumOf(({ status }) => status === 'settled') + seen;
  // What somebody has given by hand of what a credit was to give leaves that credit rejected; and an operator may have
  // closed it for it.
  const rejected = sumOf(isKept);
  if (returned < settled || returned > settled + rejected) {
    found.push(`${settled} settled and ${rejected} rejected here, ${returned} given back there`);
  }
  if (credits.some(({ status }) => status === 'pending')) found.push('a credit is still pending');
  const byHand = sum(givenAt(entries, 'hand').map(({ amount }) => amount));
  const external = sumOf(({ origin }) => origin === 'external') + seen;
  if (external > byHand) found.push('more by hand here than at the bank');
  // A credit of late money is for all that is back, whoever gave it.
  if (credits.some(({ reason }) => reason === 'late')) return found;
  const { taken, wrong } = takenForOurs(credits, entries);
  found.push(...wrong);
  if (external + taken + rejected < byHand) {
    found.push(`${byHand} by hand at the bank, ${external} of it found, ${taken} taken for ours`);
  }
  return found;
}

/**
 * Refunds of ours that are settled here and that the bank was never brought to make: as much, or more, was given by hand before
 * they were settled, in one or in several, and was taken for them. Of equal ones the last are taken for these.
 */
function takenForOurs(
  credits: readonly CreditLine[],
  entries: readonly BookEntry[],
): { taken: number; wrong: string[] } {
  const wrong: string[] = [];
  const settledAt = (credit: CreditLine): number => credit.settled_at ?? 0;
  const unmade = credits
    .filter(({ status, origin }) => status === 'settled' && origin === null)
    .sort((left, right) => settledAt(left) - settledAt(right));
  for (const { amount } of givenAt(entries, 'api')) {
    const at = unmade.findIndex((credit) => credit.amount === amount);
    if (at < 0) wrong.push(`${amount} given back as asked, and not settled here`);
    else unmade.splice(at, 1);
  }
  const byHand = givenAt(entries, 'hand');
  let taken = 0;
  for (const credit of unmade) {
    taken += credit.amount;
    const until = settledAt(credit) + SKEW_MS;
    if (sum(byHand.filter(({ at }) => at <= until).map(({ amount }) => amount)) >= taken) continue;
    wrong.push(`${credit.amount} settled here, and given by nobody until then`);
  }
  return { taken, wrong };
}

/** It was rejected, and its money was seen to be given back by hand. */
function isSeen({ status, reference }: CreditLine): boolean {
  return status === 'returnedOtherwise' && reference === SEEN_AT_ACQUIRER;
}

/** It was rejected: what it asked for may be at the bank still. */
function isKept(credit: CreditLine): boolean {
  const { status } = credit;
  return status === 'rejected' || (status === 'returnedOtherwise' && !isSeen(credit));
}

function givenAt(entries: readonly BookEntry[], who: 'api' | 'hand'): BookEntry['refunds'] {
  return entries
    .flatMap(({ refunds }) => refunds)
    .filter(({ by, status }) => by === who && status === 'done');
}

function hasEnded({ bill, entries, credits, shown }: AtBank): string[] {
  const found: string[] = [];
  if (bill.status === 'pending') found.push('still pending');
  if (!OVER.has(bill.status)) return found;
  const isPayable = entries.some(
    ({ status, payload }) => PAYABLE.has(status) && payload !== undefined && shown.has(payload),
  );
  if (isPayable) found.push('it has ended, and can be paid at the bank');
  const kept = sum(entries.map(({ paid, returned }) => paid - returned));
  if (kept !== 0 && !credits.some(isKept)) found.push(`it has ended, and the bank keeps ${kept}`);
  return found;
}

function told({ bill, entries, credits }: AtBank): string {
  const { id, acquirer, status, paid, confirmed, reversed, refunded, unreturned } = bill;
  const books = { id, acquirer, status, paid, confirmed, reversed, refunded, unreturned };
  return JSON.stringify({ books, credits, entries });
}

function byBill(banks: readonly BankBook[]): Map<string, BookEntry[]> {
  const found = new Map<string, BookEntry[]>();
  for (const entry of banks.flatMap(({ entries }) => entries)) {
    const billId = entry.order.slice(0, BILL_ID);
    found.set(billId, [...(found.get(billId) ?? []), entry]);
  }
  return found;
}

function grouped<Row extends { readonly bill_id: string }>(
  rows: readonly Row[],
): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) found.set(row.bill_id, [...(found.get(row.bill_id) ?? []), row]);
  return found;
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
