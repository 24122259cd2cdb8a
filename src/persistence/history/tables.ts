// Which member of a row goes into which column of which table. The write statement (write-statement.ts) is made of
// these, so that a column's name, type and value stand in one line.

import { nextDueOf } from '../../domain/bill/bill.ts';
import { sentAt } from '../../domain/bill/outbox.ts';
import { allPoliciesOf } from '../../domain/bill/policies.ts';
import type { PresentBill } from '../../domain/bill/state.ts';
import type { Credit, Terms } from '../../domain/bill/vocabulary.ts';
import { type Millis, NEVER } from '../../domain/time.ts';
import type {
  BillRow,
  CreditRow,
  EventEnd,
  EventRow,
  OrderRow,
  PaymentRow,
  ReferenceRow,
  TransitionRow,
  WatermarkMove,
} from '../../switch/ports.ts';
import { isSealed } from '../data-keys.ts';
import type { BillCodec } from './bill-codec.ts';

export type Value = string | number | boolean | null;

export type Column<Row> =
  | {
      readonly name: string;
      readonly type: 'text' | 'integer' | 'bigint' | 'boolean';
      readonly of: (row: Row) => Value;
      /** Written with the row's first entry alone: what becomes of it later is not for the log to say. */
      readonly isOfFirst?: true;
    }
  | { readonly name: string; readonly type: 'bytea'; readonly of: (row: Row) => Uint8Array };

export interface Table<Row> {
  readonly name: string;
  readonly columns: readonly Column<Row>[];
  readonly key: readonly string[];
  /** `once`: a row that is there stays as it is. `latest`: one of an earlier entry is overwritten. */
  readonly keeps: 'once' | 'latest';
  /** Whether the shard, which every row is gated by, is a column of the table too. */
  readonly storesShard: boolean;
}

interface OfBill {
  readonly bill: PresentBill;
}

const billId = <Row extends OfBill>(): Column<Row> => ({
  name: 'bill_id',
  type: 'text',
  of: ({ bill }) => bill.terms.id,
});

const entry = <Row extends { readonly entry: number }>(): Column<Row> => ({
  name: 'entry',
  type: 'bigint',
  of: (row) => row.entry,
});

export const moveColumns: readonly Column<WatermarkMove>[] = [
  { name: 'shard', type: 'integer', of: (move) => move.shard },
  { name: 'from_entry', type: 'bigint', of: (move) => move.from },
  { name: 'to_entry', type: 'bigint', of: (move) => move.to },
  { name: 'at', type: 'bigint', of: (move) => move.at },
];

export const eventEndColumns: readonly Column<EventEnd>[] = [
  { name: 'bill_id', type: 'text', of: (end) => end.billId },
  { name: 'no', type: 'integer', of: (end) => end.no },
  { name: 'acknowledged_at', type: 'bigint', of: (end) => end.acknowledgedAt },
];

export function billsTable(codec: BillCodec): Table<BillRow> {
  return {
    name: 'bills',
    key: ['id'],
    keeps: 'latest',
    storesShard: true,
    columns: [
      { name: 'id', type: 'text', of: ({ bill }) => bill.terms.id },
      entry(),
      { name: 'institution_id', type: 'text', of: ({ bill }) => bill.terms.institutionId },
      { name: 'merchant_id', type: 'text', of: ({ bill }) => bill.terms.merchantId },
      { name: 'terminal_id', type: 'text', of: ({ bill }) => bill.terms.terminalId },
      { name: 'order_id', type: 'text', of: ({ bill }) => bill.terms.orderId },
      { name: 'type', type: 'text', of: ({ bill }) => bill.terms.type },
      { name: 'status', type: 'text', of: ({ bill }) => bill.status },
      { name: 'version', type: 'integer', of: ({ bill }) => bill.version },
      { name: 'currency', type: 'text', of: ({ bill }) => bill.terms.currency },
      { name: 'purpose', type: 'text', of: ({ bill }) => bill.terms.purpose },
      { name: 'amount', type: 'bigint', of: ({ bill }) => bill.terms.amount },
      { name: 'paid', type: 'bigint', of: ({ bill }) => bill.books.paid },
      { name: 'confirmed', type: 'bigint', of: ({ bill }) => bill.books.confirmed },
      { name: 'reversed', type: 'bigint', of: ({ bill }) => bill.books.reversed },
      { name: 'refunded', type: 'bigint', of: ({ bill }) => bill.books.refunded },
      { name: 'unreturned', type: 'bigint', of: ({ bill }) => bill.books.unreturned },
      { name: 'created_at', type: 'bigint', of: ({ bill }) => bill.terms.createdAt },
      { name: 'expires_at', type: 'bigint', of: ({ bill }) => bill.terms.expiresAt },
      { name: 'paid_at', type: 'bigint', of: ({ bill }) => bill.ending.paidAt },
      { name: 'confirmed_at', type: 'bigint', of: ({ bill }) => bill.ending.confirmedAt },
      { name: 'closed_at', type: 'bigint', of: ({ bill }) => bill.ending.closedAt },
      { name: 'cause', type: 'text', of: ({ bill }) => bill.ending.cause },
      { name: 'next_due_at', type: 'bigint', of: nextDueAt },
      { name: 'spilled', type: 'boolean', of: ({ bill }) => bill.spilled },
      { name: 'policies', type: 'text', of: ({ bill }) => policiesText(bill.terms) },
      { name: 'is_test', type: 'boolean', of: ({ bill }) => bill.terms.mode === 'test' },
      { name: 'acquirer', type: 'text', of: ({ bill }) => bill.terms.acquirer?.name ?? null },
      { name: 'state', type: 'bytea', of: ({ bill }) => codec.encodeBill(bill) },
    ],
  };
}

function nextDueAt({ bill }: BillRow): number | null {
  const at = nextDueOf(bill);
  return at === NEVER ? null : at;
}

/** Null where all are as usual: the row need not tell. */
function policiesText(terms: Terms): string | null {
  const isUsual = terms.policies === undefined && terms.unconfirmed === 'confirm';
  return isUsual ? null : JSON.stringify(allPoliciesOf(terms));
}

/** Nothing that is not sealed is kept. */
function payerOf(payment: PaymentRow['payment']): string | null {
  const payer = 'status' in payment ? payment.payer : null;
  return payer !== null && isSealed(payer) ? payer : null;
}

export const paymentsTable: Table<PaymentRow> = {
  name: 'payments',
  key: ['bill_id', 'no'],
  keeps: 'latest',
  storesShard: false,
  columns: [
    billId(),
    { name: 'no', type: 'integer', of: ({ payment }) => payment.no },
    entry(),
    { name: 'paychannel_id', type: 'text', of: ({ payment }) => payment.paychannelId },
    { name: 'merchant_id', type: 'text', of: ({ bill }) => bill.terms.merchantId },
    { name: 'payment_ref', type: 'text', of: ({ payment }) => payment.paymentRef },
    { name: 'amount', type: 'bigint', of: ({ payment }) => payment.amount },
    { name: 'credited', type: 'bigint', of: ({ payment: p }) => ('status' in p ? p.credited : 0) },
    {
      name: 'status',
      type: 'text',
      of: ({ payment: p }) => ('status' in p ? p.status : 'refused'),
    },
    {
      name: 'code',
      type: 'text',
      of: ({ payment: p }) => ('status' in p ? null : p.rejection.rejected),
    },
    { name: 'method', type: 'text', of: ({ payment }) => payment.method },
    { name: 'payer', type: 'text', of: ({ payment: p }) => payerOf(p), isOfFirst: true },
    { name: 'paid_at', type: 'bigint', of: ({ payment: p }) => ('status' in p ? p.paidAt : null) },
    { name: 'received_at', type: 'bigint', of: ({ payment }) => payment.receivedAt },
    {
      name: 'notified_at',
      type: 'bigint',
      of: ({ payment: p }) => ('status' in p ? p.notifiedAt : null),
    },
    {
      name: 'subscribed',
      type: 'boolean',
      of: ({ payment: p }) => 'status' in p && p.subscribed,
    },
    {
      name: 'rejection',
      type: 'text',
      of: ({ payment: p }) => ('status' in p ? null : JSON.stringify(p.rejection)),
    },
    {
      name: 'excess',
      type: 'bigint',
      of: ({ payment: p }) => ('status' in p ? (p.excess ?? 0) : 0),
    },
    { name: 'tip', type: 'bigint', of: ({ payment }) => payment.tip ?? 0 },
    {
      name: 'tip_returned',
      type: 'boolean',
      of: ({ payment: p }) => 'status' in p && p.isTipReturned === true,
    },
    {
      name: 'paying_institution_id',
      type: 'text',
      of: ({ payment }) => payment.institutionId ?? null,
    },
  ],
};

export const creditsTable: Table<CreditRow> = {
  name: 'credits',
  key: ['bill_id', 'no'],
  keeps: 'latest',
  storesShard: false,
  columns: [
    billId(),
    { name: 'no', type: 'integer', of: ({ credit }) => credit.no },
    entry(),
    { name: 'kind', type: 'text', of: ({ credit }) => credit.kind },
    { name: 'payment_no', type: 'integer', of: ({ credit }) => credit.paymentNo },
    { name: 'paychannel_id', type: 'text', of: ({ credit }) => credit.paychannelId },
    { name: 'merchant_id', type: 'text', of: ({ bill }) => bill.terms.merchantId },
    { name: 'payment_ref', type: 'text', of: ({ credit }) => credit.paymentRef },
    { name: 'amount', type: 'bigint', of: ({ credit }) => credit.amount },
    { name: 'status', type: 'text', of: ({ credit }) => statusOf(credit) },
    { name: 'reason', type: 'text', of: ({ credit }) => storable(credit.reason) },
    { name: 'settled_reason', type: 'text', of: ({ credit }) => storable(credit.settledReason) },
    { name: 'reference', type: 'text', of: ({ credit }) => credit.reference },
    { name: 'requested_at', type: 'bigint', of: ({ credit }) => credit.requestedAt },
    { name: 'settled_at', type: 'bigint', of: ({ credit }) => credit.settledAt },
    { name: 'repeats', type: 'integer', of: ({ credit }) => credit.repeats },
    { name: 'is_tip', type: 'boolean', of: ({ credit }) => credit.isTip === true },
    { name: 'replaces', type: 'integer', of: ({ credit }) => credit.replaces ?? null },
    { name: 'replaced_by', type: 'integer', of: ({ credit }) => replacedBy(credit) },
    {
      name: 'returned_reference',
      type: 'text',
      of: ({ credit }) => otherwise(credit)?.reference ?? null,
    },
    { name: 'returned_at', type: 'bigint', of: ({ credit }) => otherwise(credit)?.at ?? null },
    { name: 'origin', type: 'text', of: ({ credit }) => credit.origin ?? null },
  ],
};

/** Whoever lists them looks for those that nobody has dealt with. */
function statusOf(credit: Credit): string {
  return otherwise(credit) === null ? credit.status : 'returnedOtherwise';
}

/** What a bank said may hold U+0000 in an older entry of the log. Postgres never takes it, and the shard would stop for good. */
function storable(words: string | null): string | null {
  return words?.includes('\0') ? words.replaceAll('\0', '\ufffd') : words;
}

function replacedBy({ resolution }: Credit): number | null {
  return resolution?.how === 'requestedAgain' ? resolution.creditNo : null;
}

function otherwise({ resolution }: Credit): { reference: string; at: Millis } | null {
  return resolution?.how === 'returnedOtherwise' ? resolution : null;
}

export function eventsTable(codec: BillCodec): Table<EventRow> {
  return {
    name: 'events',
    key: ['bill_id', 'no'],
    keeps: 'once',
    storesShard: false,
    columns: [
      billId(),
      { name: 'no', type: 'integer', of: ({ event }) => event.no },
      entry(),
      { name: 'recipient', type: 'text', of: ({ event }) => event.recipient },
      { name: 'type', type: 'text', of: ({ event }) => event.type },
      { name: 'occurred_at', type: 'bigint', of: ({ event }) => sentAt(event) },
      {
        name: 'pending',
        type: 'boolean',
        of: ({ acknowledgedAt, replaced }) => acknowledgedAt === null && !replaced,
      },
      { name: 'acknowledged_at', type: 'bigint', of: (row) => row.acknowledgedAt },
      { name: 'body', type: 'bytea', of: ({ event }) => codec.encodeEvent(event) },
    ],
  };
}

export const ordersTable: Table<OrderRow> = {
  name: 'orders',
  key: ['terminal_id', 'order_id'],
  keeps: 'latest',
  storesShard: true,
  columns: [
    { name: 'terminal_id', type: 'text', of: (order) => order.terminalId },
    { name: 'order_id', type: 'text', of: (order) => order.orderId },
    entry(),
    { name: 'bill_id', type: 'text', of: (order) => order.billId },
    { name: 'digest', type: 'text', of: (order) => order.digest },
    { name: 'at', type: 'bigint', of: (order) => order.at },
  ],
};

export function refsTable(codec: BillCodec): Table<ReferenceRow> {
  return {
    name: 'refs',
    key: ['bill_id', 'kind', 'scope', 'ref'],
    keeps: 'once',
    storesShard: false,
    columns: [
      { name: 'bill_id', type: 'text', of: (row) => row.billId },
      { name: 'kind', type: 'text', of: ({ reference }) => reference.kind },
      { name: 'scope', type: 'text', of: ({ reference }) => reference.scope },
      { name: 'ref', type: 'text', of: ({ reference }) => reference.ref },
      entry(),
      { name: 'digest', type: 'text', of: ({ reference }) => reference.digest },
      {
        name: 'outcome',
        type: 'bytea',
        of: ({ reference }) => codec.encodeOutcome(reference.outcome),
      },
    ],
  };
}

export const transitionsTable: Table<TransitionRow> = {
  name: 'transitions',
  key: ['shard', 'entry', 'no'],
  keeps: 'once',
  storesShard: true,
  columns: [
    entry(),
    { name: 'no', type: 'integer', of: (row) => row.no },
    { name: 'bill_id', type: 'text', of: (row) => row.billId },
    { name: 'version', type: 'integer', of: (row) => row.version },
    { name: 'type', type: 'text', of: (row) => row.type },
    { name: 'at', type: 'bigint', of: (row) => row.at },
    { name: 'actor', type: 'text', of: (row) => row.actor },
    { name: 'request_id', type: 'text', of: (row) => row.requestId },
    { name: 'outcome', type: 'text', of: (row) => row.outcome },
  ],
};
