// The bank's books against those of the log, by the audit that chaos has for real ones.

import { isPresent } from '../../src/domain/bill/state.ts';
import { atBanks } from '../chaos/audit-banks.ts';
import type { BillLine, CreditLine, PaymentLine } from '../chaos/rows.ts';
import type { Ledger } from './ledger.ts';
import { payloadOf, type SimBank } from './sim-bank.ts';

/** What is wrong between them; empty: nothing. */
export function auditBank(bank: SimBank, { pages }: Ledger): string[] {
  const bills: BillLine[] = [];
  const payments: PaymentLine[] = [];
  const credits: CreditLine[] = [];
  const calls: { answer: unknown }[] = [];
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
    for (const { no, kind, paymentNo, amount, ...credit } of page.credits.values()) {
      const { reference, reason, origin = null, settledAt: settled_at } = credit;
      const line = { bill_id: id, no, kind, payment_no: paymentNo, amount };
      credits.push({ ...line, status: credit.status, reference, reason, origin, settled_at });
    }
    const registration = acquiring?.record.registration;
    if (registration) calls.push({ answer: { payload: payloadOf(registration.ref) } });
  }
  const banks = [{ acquirer: 'bank', entries: bank.books }];
  return atBanks({ banks, calls: calls as never }, { bills, payments, credits });
}
