// Whether stickers have carried one sale at a time: none is left payable behind the one that is shown, nobody pays what has
// been replaced, and a sticker that carries sales takes nothing itself.

import { type Evidence, type Findings, idOf, tell } from './evidence.ts';
import { type Call, isDefinite, isDone } from './memory.ts';
import type { BillLine, PaymentLine } from './rows.ts';

type Shown = Readonly<Record<string, unknown>>;

/** A sticker with what tills asked of it. */
interface Sticker {
  readonly id: string;
  readonly arms: readonly Call[];
  readonly views: readonly Call[];
  /** The sales that were made for it. */
  readonly sales: readonly BillLine[];
}

const OPEN: ReadonlySet<string> = new Set(['open', 'partiallyPaid', 'paid']);

export function sales(evidence: Evidence, findings: Findings): void {
  for (const sticker of stickersIn(evidence)) {
    const { id, sales: made } = sticker;
    const open = made.filter(({ status }) => OPEN.has(status));
    if (open.length > 1) {
      findings.sales.push(`${id} has ${open.length} sales at once: ${JSON.stringify(open)}`);
    }
    findings.sales.push(...replacedAndPaid(sticker, evidence), ...taken(sticker, evidence));
    findings.sales.push(...shownWrong(sticker));
  }
}

/** Of an arm: its order, by its till. */
export function orderOfArm({ client, body }: Call): string {
  return `${idOf(client)} ${body.orderId}`;
}

function stickersIn({ calls, rows }: Evidence): Sticker[] {
  const arms = byBill(calls.filter(({ op }) => op === 'bill.arm'));
  const views = byBill(calls.filter((call) => call.op === 'bill.view' && isDone(call)));
  const bills = new Map(rows.bills.map((bill) => [`${bill.terminal_id} ${bill.order_id}`, bill]));
  return [...arms].map(([id, own]) => {
    const orders = [...new Set(own.map(orderOfArm))];
    const made = orders.flatMap((order) => bills.get(order) ?? []);
    return { id, arms: own, views: views.get(id) ?? [], sales: made };
  });
}

/** Told that the next sale was armed, a till knows that nobody can pay the one before. */
function replacedAndPaid({ arms }: Sticker, { rows, byReference }: Evidence): string[] {
  const found: string[] = [];
  const armed = arms.filter(isArmed);
  for (const later of armed) {
    for (const earlier of armed) {
      const saleId = idIn(earlier);
      if (saleId === idIn(later) || (earlier.returnedAt ?? 0) > later.invokedAt) continue;
      // It had been armed before; this was a late repeat.
      if (later.status === 200) continue;
      const payments = rows.payments.filter(({ bill_id }) => bill_id === saleId);
      found.push(...paidAfter(later, payments, byReference));
    }
  }
  return found;
}

/** A sticker takes nothing itself once a till was told of its first sale. */
function taken({ id, arms }: Sticker, { rows, byReference }: Evidence): string[] {
  const [first] = arms.filter(isArmed).sort((a, b) => (a.returnedAt ?? 0) - (b.returnedAt ?? 0));
  if (first === undefined) return [];
  const payments = rows.payments.filter(({ bill_id }) => bill_id === id);
  return paidAfter(first, payments, byReference);
}

/** Payments that were taken although their wallets began to pay after this answer had come. */
function paidAfter(
  told: Call,
  payments: readonly PaymentLine[],
  byReference: Evidence['byReference'],
): string[] {
  const found: string[] = [];
  for (const { bill_id, paychannel_id, payment_ref, status } of payments) {
    if (status === 'refused') continue;
    const reference = `payment ${bill_id} paychannel:${paychannel_id} ${payment_ref}`;
    const calls = (byReference.get(reference) ?? []).filter(({ op }) => op === 'payment.create');
    const [first] = calls;
    if (first !== undefined && first.invokedAt > (told.returnedAt ?? 0)) {
      found.push(`${tell(told)}, then ${tell(calls.find(isDone) ?? first)}`);
    }
  }
  return found;
}

/** While no other arm was under way, whoever scanned the sticker saw the sale that had been armed last. */
function shownWrong({ id, arms, views }: Sticker): string[] {
  const found: string[] = [];
  // Of an arm whose end nobody heard, none can say when it came.
  if (arms.some((call) => !isDefinite(call) && !arms.some((each) => isSettledBy(call, each)))) {
    return found;
  }
  for (const view of views) {
    const seen = (view.answer as Shown).id;
    const before = arms.filter((call) => (call.returnedAt ?? Infinity) < view.invokedAt);
    const isAlone = arms.every(
      (call) => before.includes(call) || call.invokedAt > (view.returnedAt ?? 0),
    );
    const last = before
      .filter(isArmed)
      .sort((a, b) => a.invokedAt - b.invokedAt)
      .at(-1);
    if (!isAlone || last === undefined || last.status !== 201 || seen === idIn(last)) continue;
    const isQuiet = before.every(
      (call) => call === last || (call.returnedAt ?? 0) < last.invokedAt,
    );
    // A sticker that has been withdrawn shows itself.
    if (isQuiet && seen !== id) found.push(`${tell(last)}, then ${tell(view)}`);
  }
  return found;
}

function byBill(calls: readonly Call[]): Map<string, Call[]> {
  const found = new Map<string, Call[]>();
  for (const call of calls) {
    const known = found.get(call.billId ?? '');
    if (known === undefined) found.set(call.billId ?? '', [call]);
    else known.push(call);
  }
  return found;
}

function isSettledBy(call: Call, other: Call): boolean {
  return isDefinite(other) && orderOfArm(call) === orderOfArm(other);
}

function isArmed(call: Call): boolean {
  return isDone(call) && typeof (call.answer as Shown).id === 'string';
}

function idIn(call: Call): string {
  return String((call.answer as Shown).id);
}
