// The peers' store as an application with row locks writes it: a transaction a request, statements that do not depend on
// one another sent together.

import type { Sql } from 'postgres';
import type { Principal } from '../../src/switch/principal.ts';
import {
  type Answer,
  type BillRow,
  type BillStore,
  type CreateBody,
  digestOf,
  eventType,
  type MerchantNames,
  newBill,
  nextEntry,
  type PayBody,
  type PaymentRow,
  PEER_SHARD,
  type PeerEvent,
  parseEventId,
  refusalOfPayment,
  refuse,
  settlesAt,
  showBill,
  showEvent,
  showPaid,
  showView,
} from './bills.ts';

export interface StoreOptions {
  readonly sql: Sql;
  readonly baseUrl: string;
  /** Called once the event is durable. */
  readonly onEvent: (event: PeerEvent) => void;
}

/**
 * `sql` is for transactions alone: where postgres.js begins one behind a plain statement under way, it ends it as unsafe.
 * `reads` is for the others.
 */
export function interactiveStore(options: StoreOptions & { readonly reads: Sql }): BillStore {
  const { sql, reads, baseUrl, onEvent } = options;

  const billOf = async (tx: Sql, terminal: Principal, billId: string, lock: boolean) => {
    const [bill] = lock
      ? await tx<BillRow[]>`select * from bills where id = ${billId} for update`
      : await tx<BillRow[]>`select * from bills where id = ${billId}`;
    return bill?.merchant_id === terminal.merchantId ? bill : undefined;
  };
  const shown = async (tx: Sql, bill: BillRow) =>
    showBill(
      bill,
      await tx<PaymentRow[]>`select * from payments where bill_id = ${bill.id} order by no`,
      baseUrl,
    );

  return {
    create: (terminal, body, requestId) =>
      within(sql, async (tx) => {
        const now = Date.now();
        const row = newBill(terminal, body, now);
        const digest = digestOf(body);
        const made = await tx`
          insert into orders (terminal_id, order_id, shard, entry, bill_id, digest, at)
          values (${terminal.id}, ${body.orderId}, ${PEER_SHARD}, 1, ${row.id}, ${digest}, ${now})
          on conflict do nothing returning bill_id`;
        if (made.length === 0) return createdBefore(tx, terminal, body, digest);
        await Promise.all([
          tx`
            insert into bills (id, shard, entry, institution_id, merchant_id, terminal_id, order_id, type, purpose, status,
              version, currency, amount, paid, confirmed, reversed, refunded, unreturned, created_at, expires_at,
              next_due_at, spilled, state)
            values (${row.id}, ${PEER_SHARD}, 1, ${row.institution_id}, ${row.merchant_id}, ${row.terminal_id},
              ${row.order_id}, 'dynamic', ${row.purpose}, 'open', 1, ${row.currency}, ${row.amount}, 0, 0, 0, 0, 0,
              ${now}, ${row.expires_at}, ${row.expires_at}, false, ${row.state})`,
          audit(tx, row, 'CreateBill', terminal.id, requestId, 'BillCreated', now),
        ]);
        return { status: 201, body: showBill(row, [], baseUrl) };
      }),

    async view(_wallet, billId) {
      const [row] = await reads<(BillRow & MerchantNames)[]>`
        select b.*, m.name, m.city from bills b join merchants m on m.id = b.merchant_id
        where b.id = ${billId}`;
      if (row === undefined) return refuse(404, 'bill.notFound');
      return { status: 200, body: showView(row, row, Date.now()) };
    },

    async pay(wallet, billId, body, requestId) {
      const events: PeerEvent[] = [];
      const answer = await within(sql, async (tx) => {
        const now = Date.now();
        const [bill] = await tx<BillRow[]>`select * from bills where id = ${billId} for update`;
        if (bill === undefined) return refuse(404, 'bill.notFound');
        const [before] = await tx<{ digest: string; outcome: Buffer }[]>`
          select digest, outcome from refs where bill_id = ${billId} and kind = 'payment'
            and scope = ${wallet.id} and ref = ${body.paymentRef}`;
        if (before !== undefined) return paidBefore(before, body);
        const refusal = refusalOfPayment(bill, body, now);
        if (refusal !== undefined) return refusal;
        const { after, payment } = paidBill(bill, wallet, body, now);
        const shownEvent = showEvent(after, payment, requestId);
        const shownPaid = showPaid(after, payment);
        await Promise.all([
          tx`
            insert into refs (bill_id, kind, scope, ref, entry, digest, outcome)
            values (${billId}, 'payment', ${wallet.id}, ${body.paymentRef}, 1, ${digestOf(body)},
              ${Buffer.from(JSON.stringify(shownPaid))})`,
          tx`
            insert into payments (bill_id, no, entry, paychannel_id, payment_ref, amount, credited, status, method,
              received_at, subscribed)
            values (${billId}, ${payment.no}, 1, ${wallet.id}, ${body.paymentRef}, ${body.amount}, 0, 'accepted',
              ${payment.method}, ${now}, false)`,
          tx`
            update bills set status = ${after.status}, version = ${after.version}, paid = ${after.paid},
              paid_at = ${after.paid_at}, next_due_at = ${after.paid_at === null ? bill.expires_at : settlesAt(now)}
            where id = ${billId}`,
          tx`
            insert into events (bill_id, no, entry, recipient, type, occurred_at, pending, body)
            values (${billId}, ${payment.no}, 1, ${`terminal:${bill.terminal_id}`}, ${eventType(after)}, ${now}, true,
              ${Buffer.from(JSON.stringify(shownEvent))})`,
          audit(tx, after, 'PayBill', wallet.id, requestId, 'PaymentAccepted', now),
        ]);
        events.push({ terminalId: bill.terminal_id, message: shownEvent });
        return { status: 201, body: shownPaid };
      });
      for (const event of events) onEvent(event);
      return answer;
    },

    acknowledge: (terminal, ids, requestId) =>
      within(sql, async (tx) => {
        const now = Date.now();
        let acknowledged = 0;
        for (const { billId, no } of ids.flatMap((id) => parseEventId(id) ?? [])) {
          const ended = await tx<{ version: number }[]>`
            update events e set pending = false, acknowledged_at = ${now} from bills b
            where e.bill_id = ${billId} and e.no = ${no} and e.pending
              and e.recipient = ${`terminal:${terminal.id}`} and b.id = e.bill_id
            returning b.version`;
          const [row] = ended;
          if (row === undefined) continue;
          acknowledged += 1;
          const bill = { id: billId, version: row.version };
          await Promise.all([
            tx`update payments set notified_at = ${now} where bill_id = ${billId} and no = ${no}`,
            audit(tx, bill, 'AcknowledgeEvents', terminal.id, requestId, 'EventsAcknowledged', now),
          ]);
        }
        return { status: 200, body: { acknowledged } };
      }),

    confirm: (terminal, billId, requestId) =>
      within(sql, async (tx) => {
        const now = Date.now();
        const bill = await billOf(tx, terminal, billId, true);
        if (bill === undefined) return refuse(404, 'bill.notFound');
        if (bill.status === 'confirmed') return { status: 200, body: await shown(tx, bill) };
        if (bill.paid === 0) return refuse(409, 'bill.notPaid');
        if (bill.status !== 'paid') return refuse(409, 'bill.stillDue');
        const after = confirmedBill(bill, now);
        const [payments] = await Promise.all([
          tx<PaymentRow[]>`
            update payments set status = 'confirmed' where bill_id = ${billId} returning *`,
          tx`
            update bills set status = 'confirmed', version = ${after.version}, confirmed = paid,
              confirmed_at = ${now}, cause = 'terminal', next_due_at = null
            where id = ${billId}`,
          audit(tx, after, 'ConfirmBill', terminal.id, requestId, 'BillConfirmed', now),
        ]);
        return { status: 200, body: showBill(after, payments, baseUrl) };
      }),
  };

  async function createdBefore(
    tx: Sql,
    terminal: Principal,
    body: CreateBody,
    digest: string,
  ): Promise<Answer> {
    const [order] = await tx<{ bill_id: string; digest: string }[]>`
      select bill_id, digest from orders
      where terminal_id = ${terminal.id} and order_id = ${body.orderId}`;
    if (order?.digest !== digest) return refuse(409, 'order.reused');
    const bill = await billOf(tx, terminal, order.bill_id, false);
    return bill === undefined
      ? refuse(503, 'overloaded')
      : { status: 200, body: await shown(tx, bill) };
  }
}

/** The stored answer again, or that the reference means something else. */
function paidBefore(before: { digest: string; outcome: Buffer }, body: PayBody): Answer {
  return before.digest === digestOf(body)
    ? { status: 200, body: JSON.parse(before.outcome.toString()) }
    : refuse(409, 'payment.refReused');
}

function paidBill(
  bill: BillRow,
  wallet: Principal,
  body: PayBody,
  now: number,
): { after: BillRow; payment: PaymentRow } {
  const paid = bill.paid + body.amount;
  const isPaid = paid === bill.amount;
  return {
    after: {
      ...bill,
      paid,
      status: isPaid ? 'paid' : 'partiallyPaid',
      version: bill.version + 1,
      paid_at: isPaid ? now : null,
    },
    // Every version above the first is a payment, as long as the bill can be paid.
    payment: {
      no: bill.version,
      paychannel_id: wallet.id,
      payment_ref: body.paymentRef,
      amount: body.amount,
      credited: 0,
      status: 'accepted',
      method: body.method ?? null,
      received_at: now,
      notified_at: null,
    },
  };
}

function confirmedBill(bill: BillRow, now: number): BillRow {
  return {
    ...bill,
    status: 'confirmed',
    version: bill.version + 1,
    confirmed: bill.paid,
    confirmed_at: now,
    cause: 'terminal',
  };
}

function audit(
  tx: Sql,
  bill: { readonly id: string; readonly version: number },
  type: string,
  actor: string,
  requestId: string,
  outcome: string,
  at: number,
) {
  return tx`
    insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome)
    values (${PEER_SHARD}, ${nextEntry()}, 0, ${bill.id}, ${bill.version}, ${type}, ${at}, ${actor}, ${requestId},
      ${outcome})`;
}

/** postgres.js types its transactions apart from its pools; both run statements. */
function within(sql: Sql, run: (tx: Sql) => Promise<Answer>): Promise<Answer> {
  return sql.begin((tx) => run(tx as unknown as Sql)) as Promise<Answer>;
}
