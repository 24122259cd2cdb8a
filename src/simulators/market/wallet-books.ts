// The books of simulated wallets: what left their customers' accounts, what came back, and how the switch sees both.

import { type Json, numberOf, textOf } from './link.ts';
import type { Findings } from './options.ts';
import type { Party } from './party.ts';
import type { Tally } from './tally.ts';

export interface Payment {
  readonly ref: string;
  readonly billId: string;
  readonly amount: number;
  readonly currency: string;
  /** Of the keys. */
  readonly channel: number;
  outcome: 'unknown' | 'taken' | 'refused';
  id: string;
  /** Of a refusal. */
  code: string;
}

export interface Credit {
  readonly id: string;
  readonly ref: string;
  readonly amount: number;
  /** What the wallet answers; `told` once the switch knows it. */
  readonly status: 'settled' | 'rejected';
  told: boolean;
}

export class WalletBooks {
  readonly payments = new Map<string, Payment>();
  readonly credits = new Map<string, Credit>();
  readonly #tally: Tally;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** The customer is debited. */
  begin(payment: Payment): void {
    this.payments.set(payment.ref, payment);
  }

  /** What the switch says of it. Refused, the customer has the money back from the wallet itself. */
  settle(payment: Payment, told: Json, isTaken: boolean, code: string): void {
    const outcome = isTaken ? 'taken' : 'refused';
    const before = payment.outcome;
    if (before !== 'unknown' && before !== outcome) {
      this.#tally.contradiction(`payment ${payment.ref} was ${before}, then ${outcome} (${code})`);
    }
    payment.outcome = outcome;
    payment.code = code;
    this.#tally.done(isTaken ? 'payments taken' : `payments refused: ${code}`);
    if (!isTaken) return;
    payment.id = textOf(told, 'id');
    this.#tally.sawTime(told.receivedAt);
    if (told.amount !== payment.amount) {
      this.#tally.contradiction(
        `payment ${payment.ref}: ${payment.amount} reported, ${told.amount} answered`,
      );
    }
  }

  /** What stayed debited. */
  takenByBill(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { billId, amount, outcome } of this.payments.values()) {
      if (outcome === 'taken') sums.set(billId, (sums.get(billId) ?? 0) + amount);
    }
    return sums;
  }

  /** What was asked back. */
  returnedByBill(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { ref, amount } of this.credits.values()) {
      const billId = this.payments.get(ref)?.billId;
      if (billId !== undefined) sums.set(billId, (sums.get(billId) ?? 0) + amount);
    }
    return sums;
  }
}

/** One line for each thing that does not agree. */
export async function comparePayments(
  books: WalletBooks,
  parties: readonly Party[],
  of: { readonly run: string; readonly from: string },
): Promise<Findings> {
  const isOurs = (item: Json): boolean => textOf(item, 'paymentRef').startsWith(`${of.run}-`);
  const differences: string[] = [];
  let asOf = Number.MAX_SAFE_INTEGER;
  for (const [channel, party] of parties.entries()) {
    const payments = await party.list('/v1/paychannel/payments', of.from);
    const credits = await party.list('/v1/paychannel/credits', of.from);
    asOf = Math.min(asOf, Date.parse(payments.asOf), Date.parse(credits.asOf));
    const listed = payments.items.filter(isOurs);
    const mine = [...books.payments.values()].filter((payment) => payment.channel === channel);
    differences.push(...paymentDifferences(mine, listed));
    const ids = new Set(mine.map(({ ref }) => ref));
    const heard = [...books.credits.values()].filter(({ ref }) => ids.has(ref));
    differences.push(...creditDifferences(heard, credits.items.filter(isOurs)));
    differences.push(...sumDifferences(heard, listed));
  }
  return {
    asOf,
    compared: { payments: books.payments.size, credits: books.credits.size },
    differences,
  };
}

function paymentDifferences(mine: readonly Payment[], listed: readonly Json[]): string[] {
  const found: string[] = [];
  const taken = new Map<string, Json>();
  for (const row of listed) {
    const ref = textOf(row, 'paymentRef');
    if (row.status === 'refused') continue;
    if (taken.has(ref)) found.push(`payment ${ref} stands twice in the switch's list`);
    taken.set(ref, row);
  }
  for (const payment of mine) {
    const row = taken.get(payment.ref);
    taken.delete(payment.ref);
    found.push(...differencesOf(payment, row).map((what) => `payment ${payment.ref} ${what}`));
  }
  for (const ref of taken.keys()) found.push(`payment ${ref} was taken, and no wallet made it`);
  return found;
}

function differencesOf(payment: Payment, row: Json | undefined): string[] {
  const { outcome, amount, id, code } = payment;
  if (outcome === 'unknown') return [];
  if (outcome === 'refused') {
    return row === undefined ? [] : [`was refused (${code}), and is listed as ${row.status}`];
  }
  if (row === undefined) return ['was taken, and is not listed'];
  const found: string[] = [];
  if (row.amount !== amount) found.push(`of ${amount} is listed as of ${row.amount}`);
  if (row.id !== id) found.push(`was answered as ${id}, and is listed as ${row.id}`);
  if (row.billId !== payment.billId) found.push(`stands at another bill: ${row.billId}`);
  return found;
}

function creditDifferences(heard: readonly Credit[], listed: readonly Json[]): string[] {
  const found: string[] = [];
  const byId = new Map(listed.map((row) => [textOf(row, 'id'), row]));
  if (byId.size < listed.length) found.push('a credit stands twice in the switch’s list');
  for (const { id, amount, status, told } of heard) {
    const row = byId.get(id);
    byId.delete(id);
    if (row === undefined) found.push(`credit ${id}: asked for, and not listed`);
    else if (row.amount !== amount) {
      found.push(`credit ${id}: asked for ${amount}, listed as ${row.amount}`);
    } else if (told && row.status !== status) {
      found.push(`credit ${id}: answered as ${status}, listed as ${row.status}`);
    }
  }
  for (const id of byId.keys()) found.push(`credit ${id}: listed, and no event asked for it`);
  return found;
}

/** What is to go back of a payment is what its credits come to, and no more than it brought. */
function sumDifferences(heard: readonly Credit[], listed: readonly Json[]): string[] {
  const back = new Map<string, number>();
  for (const { ref, amount } of heard) back.set(ref, (back.get(ref) ?? 0) + amount);
  return listed
    .filter((row) => row.status !== 'refused')
    .flatMap((row) => {
      const ref = textOf(row, 'paymentRef');
      const [credited, amount] = [numberOf(row, 'credited'), numberOf(row, 'amount')];
      const sum = back.get(ref) ?? 0;
      if (credited !== sum) {
        return [`payment ${ref}: ${credited} credited, its credits come to ${sum}`];
      }
      return sum > amount ? [`payment ${ref} of ${amount}: ${sum} went back`] : [];
    });
}
