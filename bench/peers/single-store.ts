// The peers' store with every request as one statement: no transaction is open between two of them, and a row is locked
// for no longer than its statement runs. Only where a statement finds nothing to do does another ask why.

import type { Principal } from '../../src/switch/principal.ts';
import {
  type Answer,
  type BillRow,
  type BillStore,
  type CreateBody,
  digestOf,
  type MerchantNames,
  newBill,
  nextEntry,
  type PayBody,
  type PaymentRow,
  PEER_SHARD,
  parseEventId,
  refusalOfPayment,
  refuse,
  settlesAt,
  showBill,
  showEvent,
  showPaid,
  showView,
} from './bills.ts';
import type { StoreOptions } from './interactive-store.ts';

const UNIQUE_VIOLATION = '23505';

export function singleStore({ sql, baseUrl, onEvent }: StoreOptions): BillStore {
  const payments = (billId: string) =>
    sql<PaymentRow[]>`select * from payments where bill_id = ${billId} order by no`;
  const findBill = async (billId: string): Promise<BillRow | undefined> =>
    (await sql<BillRow[]>`select * from bills where id = ${billId}`)[0];

  return {
    async create(terminal, body, requestId) {
      const now = Date.now();
      const row = newBill(terminal, body, now);
      const digest = digestOf(body);
      const made = await sql`
        with ordered as (
          insert into orders (terminal_id, order_id, shard, entry, bill_id, digest, at)
          values (${terminal.id}, ${body.orderId}, ${PEER_SHARD}, 1, ${row.id}, ${digest}, ${now})
          on conflict do nothing returning bill_id),
        bill as (
          insert into bills (id, shard, entry, institution_id, merchant_id, terminal_id, order_id, type, purpose, status,
            version, currency, amount, paid, confirmed, reversed, refunded, unreturned, created_at, expires_at, next_due_at,
            spilled, state)
          select bill_id, ${PEER_SHARD}, 1, ${row.institution_id}, ${row.merchant_id}, ${row.terminal_id},
            ${row.order_id}, 'dynamic', ${row.purpose}, 'open', 1, ${row.currency}, ${row.amount}::bigint, 0, 0, 0, 0, 0,
            ${now}::bigint, ${row.expires_at}::bigint, ${row.expires_at}::bigint, false, ${row.state}::bytea
          from ordered)
        insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome)
        select ${PEER_SHARD}, ${nextEntry()}::bigint, 0, bill_id, 1, 'CreateBill', ${now}::bigint, ${terminal.id},
          ${requestId}, 'BillCreated'
        from ordered returning bill_id`;
      if (made.length === 1) return { status: 201, body: showBill(row, [], baseUrl) };
      return createdBefore(terminal, body, digest);
    },

    async view(_wallet, billId) {
      const [row] = await sql<(BillRow & MerchantNames)[]>`
        select b.*, m.name, m.city from bills b join merchants m on m.id = b.merchant_id
        where b.id = ${billId}`;
      if (row === undefined) return refuse(404, 'bill.notFound');
      return { status: 200, body: showView(row, row, Date.now()) };
    },

    async pay(wallet, billId, body, requestId) {
      const now = Date.now();
      const method = body.method ?? null;
      const shown = JSON.stringify({ paymentRef: body.paymentRef, method, requestId });
      const rows = await sql<(BillRow & { no: number })[]>`
        with bill as (
          update bills set
            status = case when paid + ${body.amount} = amount then 'paid' else 'partiallyPaid' end,
            version = version + 1, paid = paid + ${body.amount},
            paid_at = case when paid + ${body.amount} = amount then ${now}::bigint end,
            next_due_at = case when paid + ${body.amount} = amount then ${settlesAt(now)}::bigint else expires_at end
          where id = ${billId} and status in ('open', 'partiallyPaid') and paid + ${body.amount} <= amount
            and currency = ${body.currency} and expires_at > ${now}
            and not exists (select from refs where bill_id = ${billId} and kind = 'payment' and scope = ${wallet.id}
              and ref = ${body.paymentRef})
          returning *, version - 1 as no),
        said as (
          select id, no, case when paid = amount then 'bill.paid' else 'payment.received' end as type,
            format('{"status":"%s","version":%s,"amount":%s,"paid":%s,"currency":"%s","part":%s,"at":%s,"payment":%s}',
              status, version, amount, paid, currency, ${body.amount}::text, ${now}::text, ${shown}::text) as told
          from bill),
        ref as (
          insert into refs (bill_id, kind, scope, ref, entry, digest, outcome)
          select id, 'payment', ${wallet.id}, ${body.paymentRef}, 1, ${digestOf(body)}, convert_to(told, 'UTF8') from said),
        payment as (
          insert into payments (bill_id, no, entry, paychannel_id, payment_ref, amount, credited, status, method,
            received_at, subscribed)
          select id, no, 1, ${wallet.id}, ${body.paymentRef}, ${body.amount}, 0, 'accepted', ${method}, ${now}::bigint,
            false
          from bill),
        event as (
          insert into events (bill_id, no, entry, recipient, type, occurred_at, pending, body)
          select bill.id, bill.no, 1, 'terminal:' || terminal_id, said.type, ${now}::bigint, true,
            convert_to(told, 'UTF8')
          from bill join said on said.id = bill.id),
        audited as (
          insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome)
          select ${PEER_SHARD}, ${nextEntry()}::bigint, 0, id, version, 'PayBill', ${now}::bigint, ${wallet.id},
            ${requestId}, 'PaymentAccepted'
          from bill)
        select * from bill`.catch((error: unknown) => {
        // Two calls with one reference at a time: the other one has it.
        if (error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION) return [];
        throw error;
      });
      const [row] = rows;
      if (row === undefined) return notPaid(wallet, billId, body);
      const { paymentRef, amount } = body;
      const payment = paymentRow(row.no, wallet, { paymentRef, method, amount, at: now });
      onEvent({ terminalId: row.terminal_id, message: showEvent(row, payment, requestId) });
      return { status: 201, body: showPaid(row, payment) };
    },

    async acknowledge(terminal, ids, requestId) {
      const now = Date.now();
      const known = ids.flatMap((id) => parseEventId(id) ?? []);
      let acknowledged = 0;
      for (const { billId, no } of known) {
        const rows = await sql`
          with ended as (
            update events set pending = false, acknowledged_at = ${now}::bigint
            where bill_id = ${billId} and no = ${no} and pending and recipient = ${`terminal:${terminal.id}`}
            returning bill_id),
          payment as (
            update payments p set notified_at = ${now}::bigint from ended where p.bill_id = ended.bill_id and p.no = ${no})
          insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome)
          select ${PEER_SHARD}, ${nextEntry()}::bigint, 0, b.id, b.version, 'AcknowledgeEvents', ${now}::bigint,
            ${terminal.id}, ${requestId}, 'EventsAcknowledged'
          from ended join bills b on b.id = ended.bill_id returning bill_id`;
        acknowledged += rows.length;
      }
      return { status: 200, body: { acknowledged } };
    },

    async confirm(terminal, billId, requestId) {
      const now = Date.now();
      const rows = await sql<(BillRow & { confirmed_payments: PaymentRow[] })[]>`
        with bill as (
          update bills set status = 'confirmed', version = version + 1, confirmed = paid, confirmed_at = ${now}::bigint,
            cause = 'terminal', next_due_at = null
          where id = ${billId} and merchant_id = ${terminal.merchantId} and status = 'paid'
          returning *),
        payment as (
          update payments p set status = 'confirmed' from bill where p.bill_id = bill.id
          returning p.no, p.paychannel_id, p.payment_ref, p.amount, p.credited, p.status, p.method, p.received_at,
            p.notified_at),
        audited as (
          insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome)
          select ${PEER_SHARD}, ${nextEntry()}::bigint, 0, id, version, 'ConfirmBill', ${now}::bigint, ${terminal.id},
            ${requestId}, 'BillConfirmed'
          from bill)
        select bill.*, (select json_agg(payment order by no) from payment) as confirmed_payments from bill`;
      const [row] = rows;
      if (row !== undefined) {
        return { status: 200, body: showBill(row, row.confirmed_payments, baseUrl) };
      }
      return notConfirmed(terminal, billId);
    },
  };

  async function createdBefore(
    terminal: Principal,
    body: CreateBody,
    digest: string,
  ): Promise<Answer> {
    const [order] = await sql<{ bill_id: string; digest: string }[]>`
      select bill_id, digest from orders
      where terminal_id = ${terminal.id} and order_id = ${body.orderId}`;
    if (order === undefined || order.digest !== digest) return refuse(409, 'order.reused');
    const bill = await findBill(order.bill_id);
    if (bill === undefined) return refuse(503, 'overloaded');
    return { status: 200, body: showBill(bill, await payments(bill.id), baseUrl) };
  }

  async function notPaid(wallet: Principal, billId: string, body: PayBody): Promise<Answer> {
    const [before] = await sql<{ digest: string; outcome: Buffer }[]>`
      select digest, outcome from refs where bill_id = ${billId} and kind = 'payment'
        and scope = ${wallet.id} and ref = ${body.paymentRef}`;
    if (before !== undefined) return paidBefore(before, wallet, billId, body);
    const bill = await findBill(billId);
    if (bill === undefined) return refuse(404, 'bill.notFound');
    return refusalOfPayment(bill, body, Date.now()) ?? refuse(503, 'overloaded');
  }

  async function notConfirmed(terminal: Principal, billId: string): Promise<Answer> {
    const bill = await findBill(billId);
    if (bill === undefined || bill.merchant_id !== terminal.merchantId) {
      return refuse(404, 'bill.notFound');
    }
    if (bill.status === 'confirmed') {
      return { status: 200, body: showBill(bill, await payments(billId), baseUrl) };
    }
    return refuse(409, bill.paid === 0 ? 'bill.notPaid' : 'bill.stillDue');
  }
}

/** What a payment's reference keeps of its answer: what the statement knew. */
interface Told {
  readonly status: string;
  readonly version: number;
  readonly amount: number;
  readonly paid: number;
  readonly currency: string;
  readonly part: number;
  readonly at: number;
  readonly payment: { readonly paymentRef: string; readonly method: string | null };
}

/** The first answer again, or that the reference means something else. */
function paidBefore(
  before: { digest: string; outcome: Buffer },
  wallet: Principal,
  billId: string,
  body: PayBody,
): Answer {
  if (before.digest !== digestOf(body)) return refuse(409, 'payment.refReused');
  const { part, at, payment, ...sums } = JSON.parse(before.outcome.toString()) as Told;
  const row = paymentRow(sums.version - 1, wallet, { ...payment, amount: part, at });
  return { status: 200, body: showPaid({ id: billId, ...sums }, row) };
}

function paymentRow(
  no: number,
  wallet: Principal,
  of: { paymentRef: string; method: string | null; amount: number; at: number },
): PaymentRow {
  return {
    no,
    paychannel_id: wallet.id,
    payment_ref: of.paymentRef,
    amount: of.amount,
    credited: 0,
    status: 'accepted',
    method: of.method,
    received_at: of.at,
    notified_at: null,
  };
}
