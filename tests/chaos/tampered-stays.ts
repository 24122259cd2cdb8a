// Lies about stays and stickers: prices that were not as they were told, and sales that were two at a time.

import { orderOfArm } from './audit-sales.ts';
import { type Call, isDone } from './memory.ts';
import { type Copy, first, type Tampering } from './tampering.ts';

type Shown = Readonly<Record<string, unknown>>;
type PaymentRow = Copy['rows']['payments'][number];

export const tamperingsOfStays: readonly Tampering[] = [
  {
    what: 'a view asked for a cent more than the tariff says',
    with: (copy) => {
      const view = first(copy.memory.calls.filter(isViewOfStay));
      alone(copy, view.billId, []);
      view.answer = { ...shown(view), status: 'open', due: Number(shown(view).due) + 1 };
    },
    found: 'stays',
  },
  {
    what: 'a quote that had not ended was refused as one that had',
    with: (copy) => {
      const { call, row } = byQuote(copy);
      row.status = 'refused';
      row.code = 'quote.expired';
      call.status = 409;
      call.answer = { code: 'quote.expired' };
    },
    found: 'stays',
  },
  {
    what: 'a quote that was paid to the cent paid for a part',
    with: (copy) => {
      const { call } = byQuote(copy);
      alone(copy, call.billId, [call.requestId]);
      call.answer = { ...shown(call), bill: { status: 'partiallyPaid' } };
    },
    found: 'stays',
  },
  {
    what: 'what was reserved with a quote was not taken',
    with: (copy) => {
      const { hold, call, row } = byHold(copy);
      alone(copy, call.billId, [hold.requestId, call.requestId]);
      row.received_at = 0;
      call.status = 422;
      call.answer = { code: 'payment.exceedsDue' };
    },
    found: 'stays',
  },
  {
    what: 'a stay became due before the time by which one could leave',
    with: (copy) => {
      const call = first(copy.memory.calls.filter((each) => clearUntilIn(each) !== null));
      const { version } = shown(call).bill as { version: number };
      const rows = copy.rows.transitions.filter(({ bill_id }) => bill_id === call.billId);
      const at = Date.parse(clearUntilIn(call) ?? '');
      const due = { type: 'RunTimer', outcome: 'StayCharged', version: version + 1, at };
      copy.rows.transitions.unshift({ ...first(rows), ...due });
    },
    found: 'stays',
  },
  {
    what: 'two sales of a sticker wait to be paid at once',
    with: (copy) => {
      const { sales } = sticker(copy);
      for (const sale of sales) sale.status = 'open';
    },
    found: 'sales',
  },
  {
    what: 'a sale was paid after its till was told of the next one',
    with: (copy) => {
      const { arms } = sticker(copy);
      const [earlier, later] = [first(arms), first(arms.slice(1))];
      forge(copy, String(shown(earlier).id), later);
    },
    found: 'sales',
  },
  {
    what: 'a sticker took a payment itself, though it carried a sale',
    with: (copy) => {
      const { arms } = sticker(copy);
      forge(copy, first(arms).billId ?? '', first(arms));
    },
    found: 'sales',
  },
  {
    what: 'a sticker showed another sale than the one that was armed last',
    with: (copy) => {
      const { arms, calls } = sticker(copy);
      const after = Math.max(...calls.map(({ returnedAt }) => returnedAt ?? 0));
      const times = { invokedAt: after + 1, returnedAt: after + 2 };
      const answer = { id: 'another', status: 'open' };
      copy.memory.calls.push({ ...first(arms), ...times, op: 'bill.view', status: 200, answer });
    },
    found: 'sales',
  },
];

function shown({ answer }: Call): Shown {
  return (answer ?? {}) as Shown;
}

// ------------------------------------------------------------------------------------------------------- of stays --

function isViewOfStay(call: Call): boolean {
  return call.op === 'bill.view' && isDone(call) && shown(call).type === 'timer';
}

function clearUntilIn(call: Call): string | null {
  if (call.op !== 'payment.create' || !isDone(call)) return null;
  const { clearUntil } = (shown(call).bill ?? {}) as Shown;
  return typeof clearUntil === 'string' && !Number.isNaN(Date.parse(clearUntil))
    ? clearUntil
    : null;
}

/** As if nothing had become of the bill but its creation and what these requests did. */
function alone(copy: Copy, billId: string | null, requests: readonly string[]): void {
  const kept = copy.rows.transitions.filter(
    ({ bill_id, type, request_id }) =>
      bill_id !== billId || type === 'CreateBill' || requests.includes(request_id),
  );
  copy.rows.transitions.splice(0, Number.POSITIVE_INFINITY, ...kept);
}

/** A payment by its quote, made by the very call that was told so, in time and to the cent. */
function byQuote(copy: Copy): { call: Call; row: PaymentRow } {
  for (const call of copy.memory.calls) {
    if (call.op !== 'payment.create' || call.status !== 201) continue;
    const view = copy.memory.calls.find(
      (each) => isViewOfStay(each) && quoteIn(each)?.id === call.body.quoteId,
    );
    const quote = view === undefined ? null : quoteIn(view);
    const row = rowOf(copy, call);
    const isMade = copy.rows.transitions.some(({ request_id }) => request_id === call.requestId);
    if (quote === null || row === undefined || !isMade) continue;
    if (call.body.amount === quote.amount && row.received_at < Date.parse(quote.until)) {
      return { call, row };
    }
  }
  throw new Error('the run was too short to tamper with');
}

/** A payment within a reservation that was made with a quote. */
function byHold(copy: Copy): { hold: Call; call: Call; row: PaymentRow } {
  const made = new Set(copy.rows.transitions.map(({ request_id }) => request_id));
  for (const hold of copy.memory.calls) {
    if (hold.op !== 'bill.reserve' || hold.status !== 201 || !made.has(hold.requestId)) continue;
    if (hold.body.quoteId === undefined) continue;
    const { id } = shown(hold);
    const call = copy.memory.calls.find(
      ({ op, body, status, requestId }) =>
        op === 'payment.create' &&
        body.reservationId === id &&
        status === 201 &&
        made.has(requestId),
    );
    const row = call === undefined ? undefined : rowOf(copy, call);
    if (call !== undefined && row !== undefined) return { hold, call, row };
  }
  throw new Error('the run was too short to tamper with');
}

function quoteIn(
  call: Call,
): { readonly id: string; readonly amount: number; readonly until: string } | null {
  return (shown(call).quote as ReturnType<typeof quoteIn> | undefined) ?? null;
}

function rowOf({ rows }: Copy, { client, billId, body }: Call): PaymentRow | undefined {
  return rows.payments.find(
    (row) =>
      row.bill_id === billId &&
      client === `paychannel:${row.paychannel_id}` &&
      row.payment_ref === body.paymentRef,
  );
}

// ---------------------------------------------------------------------------------------------------- of stickers --

interface Sticker {
  /** All calls that asked to arm it. */
  readonly calls: readonly Call[];
  /** Those by which its sales were made, one after the other. */
  readonly arms: readonly Call[];
  readonly sales: Copy['rows']['bills'];
}

/** One whose arms were all heard of, and which carried one sale after another. */
function sticker({ memory, rows }: Copy): Sticker {
  const all = memory.calls.filter(({ op }) => op === 'bill.arm');
  for (const id of new Set(all.map(({ billId }) => billId))) {
    const calls = all.filter(({ billId }) => billId === id);
    const arms = calls.filter(({ status }) => status === 201);
    const isHeard = calls.every(({ status }) => status !== null && status < 500);
    const inTurn = arms.every((arm, at) => at === 0 || isAfter(arm, arms[at - 1]));
    const last = arms.at(-1);
    const isLast = calls.every((call) => call === last || isAfter(last, call));
    if (!isHeard || !inTurn || !isLast || arms.length < 2) continue;
    const orders = new Set(arms.map(orderOfArm));
    const sales = rows.bills.filter((bill) => orders.has(`${bill.terminal_id} ${bill.order_id}`));
    return { calls, arms, sales };
  }
  throw new Error('the run was too short to tamper with');
}

function isAfter(call: Call | undefined, other: Call | undefined): boolean {
  return (call?.invokedAt ?? 0) > (other?.returnedAt ?? Number.POSITIVE_INFINITY);
}

/** A payment of this bill that its wallet began after that answer had come. */
function forge({ memory, rows }: Copy, billId: string, after: Call): void {
  const row = first(rows.payments.filter(({ status }) => status !== 'refused'));
  rows.payments.push({ ...row, bill_id: billId, no: 1_000, payment_ref: 'forged' });
  const body = { billId, paymentRef: 'forged', amount: row.amount, currency: 'EUR' };
  const invokedAt = (after.returnedAt ?? 0) + 1;
  const client = `paychannel:${row.paychannel_id}`;
  const times = { invokedAt, returnedAt: invokedAt + 1 };
  const op = 'payment.create' as const;
  memory.calls.push({ ...after, ...times, client, op, body, billId, orderId: null, status: 201 });
}
