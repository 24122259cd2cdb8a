// A simulated shop's books, held against the switch's lists. It reads what anybody with the key reads.

import { type Json, numberOf, partsOf, textOf } from './link.ts';
import type { Findings } from './options.ts';
import type { Party } from './party.ts';
import type { Sale } from './sale.ts';

/** One line for each thing that does not agree. */
export async function compareSales(
  sales: readonly Sale[],
  parties: readonly Party[],
  of: { readonly run: string; readonly from: string },
): Promise<Findings> {
  const { billsByOrder, asOf } = await listedBills(parties, of);
  const differences: string[] = [];
  let payments = 0;
  let credits = 0;
  const known = new Set(sales.map(({ orderId }) => orderId));
  for (const orderId of billsByOrder.keys()) {
    if (!known.has(orderId)) differences.push(`order ${orderId} has a bill, and no till made it`);
  }
  for (const sale of sales) {
    const bills = billsByOrder.get(sale.orderId) ?? [];
    payments += sale.payments.size;
    credits += sale.credits.size;
    differences.push(...differencesOf(sale, bills).map((what) => `order ${sale.orderId} ${what}`));
  }
  return { asOf, compared: { orders: sales.length, payments, credits }, differences };
}

async function listedBills(
  parties: readonly Party[],
  { run, from }: { readonly run: string; readonly from: string },
): Promise<{ billsByOrder: Map<string, Json[]>; asOf: number }> {
  const byId = new Map<string, Json>();
  let reached = Number.MAX_SAFE_INTEGER;
  for (const party of parties) {
    const { items, asOf } = await party.list('/v1/terminal/bills', from);
    reached = Math.min(reached, Date.parse(asOf));
    for (const bill of items) byId.set(textOf(bill, 'id'), bill);
  }
  const billsByOrder = new Map<string, Json[]>();
  for (const bill of byId.values()) {
    const orderId = textOf(bill, 'orderId');
    if (!orderId.startsWith(`${run}-`)) continue;
    billsByOrder.set(orderId, [...(billsByOrder.get(orderId) ?? []), bill]);
  }
  return { billsByOrder, asOf: reached };
}

function differencesOf(sale: Sale, bills: readonly Json[]): string[] {
  if (bills.length > 1) return [`has ${bills.length} bills`];
  const [bill] = bills;
  if (sale.end === 'unknown' || sale.end === 'underWay') return [];
  if (sale.end === 'void') return bill === undefined ? [] : ['was given up, and has a bill'];
  if (bill === undefined) return [`has no bill; the till was told of ${sale.billId}`];
  const found: string[] = [];
  const compare = (what: string, ours: unknown, theirs: unknown): void => {
    if (ours !== theirs) found.push(`${what}: the till has ${ours}, the switch ${theirs}`);
  };
  compare('id', sale.billId, textOf(bill, 'id'));
  compare('amount', sale.amount, bill.amount);
  compare('status', statusOf(sale), textOf(bill, 'status'));
  compare('paid', sale.paid, bill.paid);
  compare('confirmed', sale.confirmed, bill.confirmed);
  compare('reversed', sale.paid - sale.confirmed, bill.reversed);
  compare('refunded', sale.refunded, bill.refunded);
  return [...found, ...paymentDifferences(sale, bill), ...creditDifferences(sale, bill)];
}

function statusOf({ end, confirmed, refunded }: Sale): string {
  return end === 'confirmed' && refunded === confirmed ? 'refunded' : end;
}

function paymentDifferences(sale: Sale, bill: Json): string[] {
  const found: string[] = [];
  const listed = partsOf(bill, 'payments').filter((payment) => payment.status !== 'refused');
  for (const payment of listed) {
    const told = sale.payments.get(textOf(payment, 'id'));
    if (told === undefined) found.push(`payment ${textOf(payment, 'id')}: no event told of it`);
    else if (told !== payment.amount) {
      found.push(
        `payment ${textOf(payment, 'id')}: told ${told}, listed ${numberOf(payment, 'amount')}`,
      );
    }
  }
  const ids = new Set(listed.map((payment) => textOf(payment, 'id')));
  for (const id of sale.payments.keys()) {
    if (!ids.has(id)) found.push(`payment ${id}: told of, and not listed`);
  }
  return found;
}

/** A credit that nobody has settled yet is no difference: there may be no wallet. */
function creditDifferences(sale: Sale, bill: Json): string[] {
  const found: string[] = [];
  const listed = partsOf(bill, 'credits');
  for (const credit of listed) {
    const [id, status] = [textOf(credit, 'id'), textOf(credit, 'status')];
    const told = sale.credits.get(id);
    if (status === 'pending' && told === undefined) continue;
    if (told === undefined) found.push(`credit ${id}: ${status}, and no event told of it`);
    else if (told.status !== status || told.amount !== credit.amount) {
      found.push(
        `credit ${id}: told ${told.status} ${told.amount}, listed ${status} ${credit.amount}`,
      );
    }
  }
  const ids = new Set(listed.map((credit) => textOf(credit, 'id')));
  for (const id of sale.credits.keys()) {
    if (!ids.has(id)) found.push(`credit ${id}: told of, and not listed`);
  }
  return found;
}
