// What Postgres says in the end, read past the proxy and past the switch.

import type { Sql } from 'postgres';

export interface BillLine {
  readonly id: string;
  readonly type: string;
  readonly terminal_id: string;
  readonly acquirer: string | null;
  readonly order_id: string;
  readonly status: string;
  readonly version: number;
  readonly currency: string;
  readonly amount: number;
  readonly paid: number;
  readonly confirmed: number;
  readonly reversed: number;
  readonly refunded: number;
  readonly unreturned: number;
}

export interface PaymentLine {
  readonly bill_id: string;
  readonly no: number;
  readonly paychannel_id: string;
  readonly payment_ref: string;
  readonly amount: number;
  readonly credited: number;
  readonly status: string;
  readonly code: string | null;
  /** By the switch's clock, ms. */
  readonly received_at: number;
}

export interface CreditLine {
  readonly bill_id: string;
  readonly no: number;
  readonly kind: string;
  readonly payment_no: number;
  readonly amount: number;
  readonly status: string;
  readonly reference: string | null;
  readonly reason: string | null;
  readonly origin: string | null;
  /** By the switch's clock, ms. */
  readonly settled_at: number | null;
}

export interface EventLine {
  readonly bill_id: string;
  readonly no: number;
  readonly recipient: string;
  readonly type: string;
  readonly pending: boolean;
  readonly isReplaced: boolean;
  /** By the switch's clock, ms. */
  readonly occurredAt: number;
}

/** What an endpoint is owed beside what is pending, or was not brought to take. */
export interface LetterLine {
  readonly endpoint_id: string;
  readonly bill_id: string;
  readonly no: number;
  readonly state: string;
}

export interface OrderLine {
  readonly terminal_id: string;
  readonly order_id: string;
  readonly bill_id: string | null;
}

export interface ReferenceLine {
  readonly bill_id: string;
  readonly kind: string;
  readonly scope: string;
  readonly ref: string;
}

export interface TransitionLine {
  readonly bill_id: string | null;
  readonly version: number;
  readonly type: string;
  readonly actor: string;
  readonly request_id: string;
  readonly outcome: string;
  /** By the switch's clock, ms. */
  readonly at: number;
}

export interface Rows {
  readonly bills: readonly BillLine[];
  readonly payments: readonly PaymentLine[];
  readonly credits: readonly CreditLine[];
  readonly events: readonly EventLine[];
  readonly letters: readonly LetterLine[];
  readonly orders: readonly OrderLine[];
  readonly refs: readonly ReferenceLine[];
  readonly transitions: readonly TransitionLine[];
}

/** All of it, at one instant. */
export async function readRows(sql: Sql): Promise<Rows> {
  const [row] = await sql<{ rows: Rows }[]>`
    select jsonb_build_object(
      'bills', (select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'type', type, 'terminal_id', terminal_id, 'acquirer', acquirer, 'order_id', order_id,
        'status', status, 'version', version, 'currency', currency, 'amount', amount, 'paid', paid,
        'confirmed', confirmed, 'reversed', reversed, 'refunded', refunded,
        'unreturned', unreturned)), '[]') from bills),
      'payments', (select coalesce(jsonb_agg(jsonb_build_object(
        'bill_id', bill_id, 'no', no, 'paychannel_id', paychannel_id, 'payment_ref', payment_ref,
        'amount', amount, 'credited', credited, 'status', status, 'code', code,
        'received_at', received_at)), '[]')
        from payments),
      'credits', (select coalesce(jsonb_agg(jsonb_build_object(
        'bill_id', bill_id, 'no', no, 'kind', kind, 'payment_no', payment_no, 'amount', amount,
        'status', status, 'reference', reference, 'reason', reason, 'origin', origin,
        'settled_at', settled_at)), '[]')
        from credits),
      'events', (select coalesce(jsonb_agg(jsonb_build_object(
        'bill_id', bill_id, 'no', no, 'recipient', recipient, 'type', type, 'pending', pending,
        'isReplaced', not pending and acknowledged_at is null, 'occurredAt', occurred_at)), '[]')
        from events),
      'letters', (select coalesce(jsonb_agg(jsonb_build_object(
        'endpoint_id', l.endpoint_id, 'bill_id', l.bill_id, 'no', l.no, 'state', l.state)), '[]')
        from webhook_letters l join webhook_endpoints e on e.id = l.endpoint_id
        where e.removed_at is null),
      'orders', (select coalesce(jsonb_agg(jsonb_build_object(
        'terminal_id', terminal_id, 'order_id', order_id, 'bill_id', bill_id)), '[]') from orders),
      'refs', (select coalesce(jsonb_agg(jsonb_build_object(
        'bill_id', bill_id, 'kind', kind, 'scope', scope, 'ref', ref)), '[]') from refs),
      'transitions', (select coalesce(jsonb_agg(jsonb_build_object(
        'bill_id', bill_id, 'version', version, 'type', type, 'actor', actor,
        'request_id', request_id, 'outcome', outcome, 'at', at) order by shard, entry, no), '[]')
        from transitions)
    ) as rows`;
  if (row === undefined) throw new Error('Postgres answered nothing');
  return row.rows;
}
