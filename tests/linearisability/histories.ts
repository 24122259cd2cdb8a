// From all calls of a run to histories of one bill each. Bills share nothing, so each is checked by itself.

import { type Call, textIn } from './calls.ts';

/**
 * The calls of each bill with those of its order, and of each order that never came to a bill. A call of an order that
 * had several bills over the days stands with those that its answer names, or with all of them as one without an answer.
 */
export function historiesOf(calls: readonly Call[]): Call[][] {
  const byBill = new Map<string, Call[]>();
  const orders = new Map<string, { readonly bills: Set<string>; readonly calls: Call[] }>();
  for (const call of calls) {
    const order = orderOf(call);
    if (order === null) {
      add(byBill, textIn(call.body, 'billId'), call);
      continue;
    }
    const known = orders.get(order) ?? { bills: new Set(), calls: [] };
    orders.set(order, known);
    known.calls.push(call);
    const bill = billNamedBy(call);
    if (bill !== null) known.bills.add(bill);
  }
  const histories: Call[][] = [];
  for (const { bills, calls: own } of orders.values()) {
    if (bills.size === 0) histories.push(own);
    for (const bill of bills) {
      const mine = own.flatMap((call) => (bills.size === 1 ? [call] : ofSeveral(call, bill)));
      histories.push([...mine, ...(byBill.get(bill) ?? [])]);
    }
  }
  return histories;
}

function ofSeveral(call: Call, bill: string): Call[] {
  const named = billNamedBy(call);
  if (named !== null) return named === bill ? [call] : [];
  return call.answer === null ? [call] : [];
}

function billNamedBy({ answer, op }: Call): string | null {
  if (answer === null) return null;
  const { id, billId } = answer.body;
  if (answer.status < 300 && typeof id === 'string' && op !== 'bill.view') return id;
  return typeof billId === 'string' ? billId : null;
}

/** Terminal and order of a call that names one; null where it names a bill. */
function orderOf({ client, op, body }: Call): string | null {
  const isOfOrder = ORDER_OPS.has(op);
  return isOfOrder ? `${client} ${textIn(body, 'orderId')}` : null;
}

const ORDER_OPS: ReadonlySet<string> = new Set([
  'bill.create',
  'order.resolve',
  'order.get',
  'order.check',
  'sale.made',
]);

function add(map: Map<string, Call[]>, key: string, call: Call): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [call]);
  else known.push(call);
}
