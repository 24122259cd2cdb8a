// The bank's books against those of the log, by the audit that chaos has for real ones.

import { SEEN_AT_ACQUIRER } from '../../src/domain/bill/external-credits.ts';
import { isPresent } from '../../src/domain/bill/state.ts';
import type { BookEntry } from '../../src/simulators/control.ts';
import { atBanks } from '../chaos/audit-banks.ts';
import type { BillLine, CreditLine, PaymentLine } from '../chaos/rows.ts';
import { BY_HAND } from './bank-operator.ts';
import type { Ledger } from './ledger.ts';
import { payloadOf, type SimBank } from './sim-bank.ts';

/** What is wrong between them; empty: nothing. */
export function auditBank(bank: SimBank, { pages }: Ledger): string[] {
  const bills: BillLine[] = [];
  const payments: PaymentLine[] = [];
  const credits: CreditLine[] = [];
  const calls: { answer: unknown }[] = [];
  const found: string[] = [];
  for (const [id, page] of pages) {
    const { bill } = page;
    if (!isPresent(bill) || bill.terms.acquirer === undefined) continue;
    const { terms, status, version, books, acquiring } = bill;
    const { paid, confirmed, reversed, refunded, unreturned } = books;
    bills.push({
      ...{ id, status, version, paid, confirmed, reversed, refunded, unreturned },
      type: terms.type,
      terminal_id: terms.terminalId,
      acquirer: terms.acquirer?.name ?? null,
      order_id: terms.orderId,
      currency: terms.currency,
      amount: terms.amount,
    });
    for (const payment of page.payments.values()) {
      const { no, paychannelId, paymentRef, amount, credited, receivedAt } = payment;
      payments.push({
        ...{ bill_id: id, no, amount, credited, status: payment.status, code: null },
        paychannel_id: paychannelId,
        payment_ref: paymentRef,
        received_at: receivedAt,
      });
    }
    const first = credits.length;
    for (const { no, kind, paymentNo, amount, ...credit } of page.credits.values()) {
      const { resolution, reason, origin = null, settledAt: settled_at } = credit;
      // The one that was asked for in its place says what became of it.
      if (resolution?.how === 'requestedAgain') continue;
      const { how: status, reference } = resolution ?? { how: credit.status, ...credit };
      const line = { bill_id: id, no, kind, payment_no: paymentNo, amount };
      credits.push({ ...line, status, reference, reason, origin, settled_at });
    }
    const ref = acquiring?.record.registration?.ref;
    const entry = bank.books.find((order) => order.ref === ref);
    found.push(...countedTwice(credits.slice(first), entry));
    found.push(...leftRejected(credits.slice(first), entry));
    const registration = acquiring?.record.registration;
    if (registration) calls.push({ answer: { payload: payloadOf(registration.ref) } });
  }
  const banks = [{ acquirer: 'bank', entries: bank.books }];
  return [...found, ...atBanks({ banks, calls: calls as never }, { bills, payments, credits })];
}

/** For what somebody has given back at the bank a credit has been closed, and nothing is counted beside it. */
function countedTwice(credits: readonly CreditLine[], entry: BookEntry | undefined): string[] {
  if (entry === undefined) return [];
  const sumOf = (amounts: readonly { readonly amount: number }[]): number =>
    amounts.reduce((sum, { amount }) => sum + amount, 0);
  const atBank = credits.filter(
    ({ status, reference }) =>
      status === 'settled' || reference === SEEN_AT_ACQUIRER || reference === BY_HAND,
  );
  const asked = sumOf(credits.filter((one) => one.status === 'settled' && one.origin === null));
  const made = sumOf(entry.refunds.filter(({ by }) => by === 'api'));
  // As much by hand may have been taken for one of ours.
  const taken = Math.max(0, asked - made);
  if (sumOf(atBank) <= entry.returned + taken) return [];
  return [`${sumOf(atBank)} given back here, ${entry.returned} there: ${JSON.stringify(credits)}`];
}

/** What was given by hand and is enough for a rejected credit has resolved it. */
function leftRejected(credits: readonly CreditLine[], entry: BookEntry | undefined): string[] {
  const isLeft = ({ status }: CreditLine): boolean => status === 'rejected';
  if (entry === undefined || !credits.some(isLeft)) return [];
  const counted = credits.reduce((sum, each) => sum + (isLeft(each) ? 0 : each.amount), 0);
  const found = credits.filter((each) => isLeft(each) && each.amount <= entry.returned - counted);
  return found.map((each) => `given back by hand, and still rejected: ${JSON.stringify(each)}`);
}
