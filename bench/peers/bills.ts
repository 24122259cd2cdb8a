// What the stateless peers keep and answer: the same rows as the switch's history, the same bodies as its API. Both peers
// share this; they differ in how they reach Postgres (transactions or single statements) and in their HTTP server.

import { createHash, randomBytes } from 'node:crypto';
import { makeBillId, type ShardId } from '../../src/domain/ids.ts';
import { millis } from '../../src/domain/time.ts';
import type { Principal } from '../../src/switch/principal.ts';

/** Transitions of the peers stand under this shard, apart from pgbench's. */
export const PEER_SHARD = 1;
const EXPIRES_IN_S = 900;
const CONFIRM_WITHIN_S = 86_400;
const DIGEST_LENGTH = 22;

export interface CreateBody {
  readonly orderId: string;
  readonly amount: number;
  readonly currency: string;
  readonly description?: string;
  readonly expiresIn?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface PayBody {
  readonly paymentRef: string;
  readonly amount: number;
  readonly currency: string;
  readonly method?: string;
  readonly payer?: string;
}

export interface BillRow {
  readonly id: string;
  readonly institution_id: string;
  readonly merchant_id: string;
  readonly terminal_id: string;
  readonly order_id: string;
  readonly status: string;
  readonly version: number;
  readonly currency: string;
  readonly purpose: string;
  readonly amount: number;
  readonly paid: number;
  readonly confirmed: number;
  readonly created_at: number;
  readonly expires_at: number;
  readonly paid_at: number | null;
  readonly confirmed_at: number | null;
  readonly cause: string | null;
  readonly state: Buffer;
}

export interface PaymentRow {
  readonly no: number;
  readonly paychannel_id: string;
  readonly payment_ref: string;
  readonly amount: number;
  readonly credited: number;
  readonly status: string;
  readonly method: string | null;
  readonly received_at: number;
  readonly notified_at: number | null;
}

/** What `state` holds of a bill: terms that no query asks for. */
interface Terms {
  readonly description: string | null;
  readonly lines: readonly unknown[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly capture: 'manual';
  readonly confirmWithin: number;
  readonly unconfirmed: 'confirm';
  readonly qrFormat: 'url';
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** An event that has been committed, for the terminal's open streams. */
export interface PeerEvent {
  readonly terminalId: string;
  readonly message: unknown;
}

/** The five calls of a lifecycle on a store of rows. Each answer is durable when its promise resolves. */
export interface BillStore {
  create(terminal: Principal, body: CreateBody, requestId: string): Promise<Answer>;
  view(wallet: Principal, billId: string): Promise<Answer>;
  pay(wallet: Principal, billId: string, body: PayBody, requestId: string): Promise<Answer>;
  acknowledge(terminal: Principal, ids: readonly string[], requestId: string): Promise<Answer>;
  confirm(terminal: Principal, billId: string, requestId: string): Promise<Answer>;
}

export function newBill(terminal: Principal, body: CreateBody, now: number): BillRow {
  const terms: Terms = {
    description: body.description ?? null,
    lines: [],
    metadata: body.metadata ?? {},
    capture: 'manual',
    confirmWithin: CONFIRM_WITHIN_S,
    unconfirmed: 'confirm',
    qrFormat: 'url',
  };
  return {
    id: makeBillId(millis(now), PEER_SHARD as ShardId, randomBytes(13)),
    institution_id: terminal.institutionId,
    merchant_id: terminal.merchantId ?? '',
    terminal_id: terminal.id,
    order_id: body.orderId,
    status: 'open',
    version: 1,
    currency: body.currency,
    purpose: 'sale',
    amount: body.amount,
    paid: 0,
    confirmed: 0,
    created_at: now,
    expires_at: now + (body.expiresIn ?? EXPIRES_IN_S) * 1000,
    paid_at: null,
    confirmed_at: null,
    cause: null,
    state: Buffer.from(JSON.stringify(terms)),
  };
}

/** When a paid bill that nobody confirms is to be ended. */
export function settlesAt(now: number): number {
  return now + CONFIRM_WITHIN_S * 1000;
}

/** Tells one request body from another under the same reference. */
export function digestOf(body: object): string {
  return createHash('sha256')
    .update(JSON.stringify(body))
    .digest('base64url')
    .slice(0, DIGEST_LENGTH);
}

export function refuse(status: number, code: string): Answer {
  return {
    status,
    body: { type: `/problems/${code}`, title: code, status, code, retryable: status >= 500 },
  };
}

/** Why a payment cannot be taken; undefined where it can. */
export function refusalOfPayment(bill: BillRow, body: PayBody, now: number): Answer | undefined {
  if (bill.status !== 'open' && bill.status !== 'partiallyPaid') {
    return refuse(409, 'bill.notPayable');
  }
  if (now >= bill.expires_at) return refuse(409, 'bill.notPayable');
  if (body.currency !== bill.currency) return refuse(422, 'payment.currencyMismatch');
  if (bill.paid + body.amount > bill.amount) return refuse(422, 'payment.exceedsDue');
  return undefined;
}

let entries = BigInt(Date.now()) * 1_000_000n;

/** A number for a row of the audit trail, above all before it. */
export function nextEntry(): string {
  entries += 1n;
  return String(entries);
}

// ------------------------------------------------------------------------------------------------------- showing --

const time = (at: number): string => new Date(at).toISOString();
const timeOrNull = (at: number | null): string | null => (at === null ? null : time(at));

export function showBill(row: BillRow, payments: readonly PaymentRow[], baseUrl: string) {
  const terms = JSON.parse(row.state.toString()) as Terms;
  const address = `${baseUrl}/v1/terminal/bills/${row.id}`;
  return {
    id: row.id,
    type: 'dynamic',
    status: row.status,
    version: row.version,
    orderId: row.order_id,
    purpose: row.purpose,
    amount: row.amount,
    minAmount: null,
    maxAmount: null,
    currency: row.currency,
    due: row.status === 'confirmed' ? 0 : row.amount - row.paid,
    paid: row.paid,
    confirmed: row.confirmed,
    reversed: 0,
    refunded: 0,
    unreturned: 0,
    reserved: 0,
    description: terms.description,
    lines: terms.lines,
    metadata: terms.metadata,
    capture: terms.capture,
    policies: { unconfirmed: terms.unconfirmed },
    terminalId: row.terminal_id,
    merchantId: row.merchant_id,
    institutionId: row.institution_id,
    relatedBillId: null,
    createdAt: time(row.created_at),
    expiresAt: time(row.expires_at),
    paidAt: timeOrNull(row.paid_at),
    confirmedAt: timeOrNull(row.confirmed_at),
    closedAt: null,
    cause: row.cause,
    receipt: null,
    payments: payments.map((payment) => showPayment(row.id, payment)),
    credits: [],
    qr: {
      format: terms.qrFormat,
      payload: `${baseUrl}/q/${row.id}`,
      svg: `${address}/qr.svg`,
      png: `${address}/qr.png`,
    },
  };
}

function showPayment(billId: string, row: PaymentRow) {
  return {
    id: `${billId}-p${row.no}`,
    paychannelId: row.paychannel_id,
    paymentRef: row.payment_ref,
    amount: row.amount,
    credited: row.credited,
    method: row.method,
    status: row.status,
    code: null,
    receivedAt: time(row.received_at),
    merchantNotifiedAt: timeOrNull(row.notified_at),
  };
}

export type MerchantNames = { readonly name: string; readonly city: string };

export function showView(row: BillRow, merchant: MerchantNames, now: number) {
  const terms = JSON.parse(row.state.toString()) as Terms;
  const isOpen = row.status === 'open' || row.status === 'partiallyPaid';
  const payable = isOpen && now < row.expires_at;
  return {
    id: row.id,
    type: 'dynamic',
    status: row.status,
    merchant: { name: merchant.name, city: merchant.city },
    description: terms.description,
    lines: terms.lines,
    currency: row.currency,
    amount: row.amount,
    due: row.amount - row.paid,
    minAmount: null,
    maxAmount: null,
    part: 'allow',
    payable,
    reason: payable ? null : isOpen ? 'expired' : row.status,
    retryAt: null,
    now: time(now),
    expiresAt: time(row.expires_at),
    quote: null,
  };
}

/** The answer to a payment; `paid` is the bill's sum with it. */
export function showPaid(row: Sums, payment: PaymentRow) {
  return { payment: showPayment(row.id, payment), bill: showSums(row) };
}

type Sums = Pick<BillRow, 'id' | 'status' | 'version' | 'amount' | 'currency' | 'paid'>;

function showSums(row: Sums) {
  const { id, status, version, amount, currency, paid } = row;
  return { id, status, version, amount, currency, paid, due: amount - paid };
}

/** `bill.paid` where nothing is due any more, `payment.received` otherwise. */
export function eventType(row: BillRow): string {
  return row.paid === row.amount ? 'bill.paid' : 'payment.received';
}

export function showEvent(row: BillRow, payment: PaymentRow, requestId: string) {
  return {
    event: {
      id: `${row.id}-e${payment.no}`,
      type: eventType(row),
      billId: row.id,
      billVersion: row.version,
      occurredAt: time(payment.received_at),
      requestId,
      data: {
        bill: { ...showSums(row), orderId: row.order_id },
        payment: showPayment(row.id, payment),
      },
    },
  };
}

/** The bill and number of an event's id; undefined where it is none. */
export function parseEventId(id: string): { billId: string; no: number } | undefined {
  const match = /^([0-9A-HJKMNP-TV-Z]{26})-e([1-9]\d{0,8})$/.exec(id);
  return match?.[1] === undefined ? undefined : { billId: match[1], no: Number(match[2]) };
}
