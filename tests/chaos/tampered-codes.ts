// Lies about printed codes. Bills are told apart by their ids: two tills may use the same name for an order.

import { type Call, isDone } from './memory.ts';
import { type Copy, first, remove, type Tampering } from './tampering.ts';

type Shown = Readonly<Record<string, unknown>>;
type PaymentRow = Copy['rows']['payments'][number];

/** A code for many that has taken a payment. */
interface Printed {
  readonly id: string;
  /** Of its order. */
  readonly reference: string | null;
  readonly payments: readonly PaymentRow[];
}

export const tamperingsOfCodes: readonly Tampering[] = [
  {
    what: 'a payment lies outside of the range of its code',
    with: (copy) => {
      first(printed(copy).payments).amount = 9_999;
    },
    found: 'limits',
  },
  {
    what: 'a code that had reached its limit took one more payment',
    with: (copy) => {
      const code = printed(copy);
      limit(copy, code, { maxPayments: code.payments.length });
      forge(copy, first(code.payments));
    },
    found: 'limits',
  },
  {
    what: 'a code that had reached its limit took more money',
    with: (copy) => {
      const code = printed(copy);
      const maxTotal = code.payments.reduce((total, { amount }) => total + amount, 0);
      limit(copy, code, { maxTotal });
      forge(copy, first(code.payments));
    },
    found: 'limits',
  },
  {
    what: 'a code took a payment after it was withdrawn, by the order of the log',
    with: (copy) => {
      const id = first(withdrawn(copy)).billId;
      const ends = copy.rows.transitions.filter(
        ({ bill_id, outcome }) => bill_id === id && outcome === 'BillCancelled',
      );
      first(ends).version = 0;
    },
    found: 'limits',
  },
  {
    what: 'a code took a payment after somebody had been told that it is withdrawn',
    with: (copy) => {
      const end = first(withdrawn(copy));
      copy.memory.calls.push({ ...end, no: -1, invokedAt: -2, returnedAt: -1 });
    },
    found: 'limits',
  },
  {
    what: 'the terminal of a code was never told of a payment',
    with: (copy) => {
      const { id } = printed(copy);
      remove(
        copy.rows.events,
        ({ bill_id, type }) => bill_id === id && type === 'payment.received',
      );
    },
    found: 'undelivered',
  },
  {
    what: 'a payment that was confirmed waits for its confirm',
    with: (copy) => {
      const { billId, answer } = confirmedOne(copy);
      const { paymentRef } = (answer as { payment: Shown }).payment;
      const rows = copy.rows.payments.filter(
        ({ bill_id, payment_ref }) => bill_id === billId && payment_ref === paymentRef,
      );
      for (const row of rows) row.status = 'accepted';
    },
    found: 'lost',
  },
  {
    what: 'a payment was confirmed by two amounts',
    with: (copy) => {
      const call = confirmedOne(copy);
      const answer = call.answer as { readonly credits: readonly Shown[] };
      const credits = [...answer.credits, { kind: 'reversal', amount: 1 }];
      copy.memory.calls.push({ ...call, no: -1, answer: { ...answer, credits } });
    },
    found: 'contradictions',
  },
  {
    what: 'a credit of a payment is a cent more',
    with: (copy) => {
      const codes = new Set(copy.rows.bills.filter(isStatic).map(({ id }) => id));
      first(copy.rows.credits.filter(({ bill_id }) => codes.has(bill_id))).amount += 1;
    },
    found: 'books',
  },
  {
    what: 'a payment of a code is reversed without a credit',
    with: (copy) => {
      const codes = new Set(copy.rows.bills.filter(isStatic).map(({ id }) => id));
      const whole = copy.rows.payments.filter(
        ({ bill_id, status, credited }) =>
          codes.has(bill_id) && status !== 'refused' && credited === 0,
      );
      first(whole).status = 'reversed';
    },
    found: 'books',
  },
  {
    what: 'a code has confirmed a cent more than its payments',
    with: (copy) => {
      const { id } = printed(copy);
      for (const bill of copy.rows.bills) if (bill.id === id) bill.confirmed += 1;
    },
    found: 'books',
  },
  {
    what: 'a code was made that nobody asked for',
    with: (copy) => {
      const { id } = printed(copy);
      remove(copy.rows.transitions, ({ bill_id, version }) => bill_id === id && version === 1);
    },
    found: 'uninvited',
  },
];

/** A till's own withdrawal of a code for many, acknowledged: of the one that the least was said of. */
export function withdrawal(calls: readonly Call[]): Call {
  const said = (end: Call): number => calls.filter(({ billId }) => billId === end.billId).length;
  const ends = calls.filter(isWithdrawal).map((end) => ({ end, said: said(end) }));
  return first(ends.sort((left, right) => left.said - right.said)).end;
}

function isWithdrawal(call: Call): boolean {
  const { usage, status } = (call.answer ?? {}) as Shown;
  const isCancel = call.op === 'bill.cancel' && call.body.amount === undefined;
  return isCancel && isDone(call) && usage === 'many' && status === 'cancelled';
}

/** Withdrawals of codes that had taken something. */
function withdrawn({ memory, rows }: Copy): Call[] {
  const paid = new Set(
    rows.payments.filter(({ status }) => status !== 'refused').map(({ bill_id }) => bill_id),
  );
  return memory.calls.filter((call) => isWithdrawal(call) && paid.has(call.billId ?? ''));
}

function confirmedOne({ memory }: Copy): Call {
  return first(memory.calls.filter((call) => call.op === 'payment.confirm' && isDone(call)));
}

function printed({ memory, rows }: Copy): Printed {
  for (const call of memory.calls) {
    const { body, op, status, reference } = call;
    if (op !== 'bill.create' || status !== 201 || body.usage !== 'many') continue;
    const { id } = call.answer as { id: string };
    const payments = rows.payments.filter((row) => row.bill_id === id && row.status !== 'refused');
    if (payments.length > 0) return { id, reference, payments };
  }
  throw new Error('the run was too short to tamper with');
}

/** As if its create had asked for this limit. */
function limit({ memory }: Copy, { reference }: Printed, limits: Shown): void {
  for (const [at, call] of memory.calls.entries()) {
    if (call.reference === reference)
      memory.calls[at] = { ...call, body: { ...call.body, ...limits } };
  }
}

/** Another payment like this one. */
function forge({ rows }: Copy, payment: PaymentRow): void {
  rows.payments.push({ ...payment, no: payment.no + 1_000, payment_ref: 'forged' });
}

function isStatic({ type }: { readonly type: string }): boolean {
  return type === 'static';
}
