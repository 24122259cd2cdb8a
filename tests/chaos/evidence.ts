// What the clients know beside what Postgres says, ready to be looked up: the ground on which the audit stands.

import type { BankBook } from './banks.ts';
import type { EndpointStory } from './endpoints.ts';
import type { Heard, Reread } from './memory.ts';
import { type Call, isChange, referenceOf } from './memory.ts';
import type {
  BillLine,
  CreditLine,
  EventLine,
  OrderLine,
  PaymentLine,
  Rows,
  TransitionLine,
} from './rows.ts';

export interface Recollection {
  readonly calls: readonly Call[];
  readonly heard: readonly Heard[];
  /** Events that were asked for again when all was over. */
  readonly rereads: readonly Reread[];
  /** What was posted to an endpoint and signed by nobody. */
  readonly forged: readonly string[];
  /** All that was posted to each. */
  readonly endpoints: readonly EndpointStory[];
  /** Who has listened all the time. */
  readonly listeners: readonly string[];
  /** What the banks have in their books. */
  readonly banks: readonly BankBook[];
}

/** What is wrong, one line each; all empty where every promise was kept. */
export interface Findings {
  /** Acknowledged, and not in Postgres as it was acknowledged. */
  readonly lost: string[];
  /** Done more than once. */
  readonly doubled: string[];
  /** In Postgres, and nobody meant it. */
  readonly uninvited: string[];
  /** Two answers that cannot both be true. */
  readonly contradictions: string[];
  /** Raised for a client that listened, and never received, received out of order, or not acknowledged. */
  readonly undelivered: string[];
  /** Sums that do not add up. */
  readonly books: string[];
  /** Taken by a printed code outside of its range, beyond its limits, or after it was withdrawn. */
  readonly limits: string[];
  /** Prices of stays that were not as they were told. */
  readonly stays: string[];
  /** What a bank's books say and the switch's do not, or the other way round. */
  readonly banks: string[];
  /** Sales of stickers: two at a time, or paid after another had taken their place. */
  readonly sales: string[];
}

export function noFindings(): Findings {
  return {
    lost: [],
    doubled: [],
    uninvited: [],
    contradictions: [],
    undelivered: [],
    books: [],
    limits: [],
    stays: [],
    sales: [],
    banks: [],
  };
}

/** Commands that a call may turn into. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'bill.create': ['CreateBill'],
  'order.resolve': ['ResolveOrder', 'CancelBill'],
  'bill.confirm': ['ConfirmBill'],
  'bill.cancel': ['CancelBill'],
  'bill.refund': ['RefundBill'],
  'payment.confirm': ['ConfirmPayment'],
  'payment.cancel': ['CancelPayment'],
  'payment.refund': ['RefundBill'],
  'bill.reserve': ['ReserveBill'],
  'bill.release': ['ReleaseReservation'],
  'payment.create': ['PayBill'],
  'payment.void': ['VoidPayment'],
  'credit.settle': ['SettleCredit'],
  'event.ack': ['AcknowledgeEvents'],
  'bill.arm': ['ArmSticker', 'CancelBill', 'CreateBill', 'EndArming'],
};

/** What the switch does of an arm in its till's name, also when it drives on what somebody has left. */
const STEPS_OF_ARM: ReadonlySet<string> = new Set(['CancelBill', 'CreateBill', 'EndArming']);

/** Before and after each call to a bank. */
const STEPS_AT_BANK: ReadonlySet<string> = new Set(['BeginAcquiring', 'FinishAcquiring']);

export class Evidence {
  readonly calls: readonly Call[];
  readonly heard: readonly Heard[];
  readonly rereads: readonly Reread[];
  readonly endpoints: readonly EndpointStory[];
  readonly listeners: readonly string[];
  readonly rows: Rows;
  readonly bills: ReadonlyMap<string, BillLine>;
  /** By `bill paychannel ref`. */
  readonly payments: ReadonlyMap<string, PaymentLine>;
  readonly credits: ReadonlyMap<string, CreditLine>;
  readonly events: ReadonlyMap<string, EventLine>;
  readonly orders: ReadonlyMap<string, OrderLine>;
  /** As `referenceOf` names them. */
  readonly refs: ReadonlySet<string>;
  /** Calls of one reference, in the order in which they were sent. */
  readonly byReference: ReadonlyMap<string, readonly Call[]>;
  /** What each call has changed. */
  readonly transitions: ReadonlyMap<Call, readonly TransitionLine[]>;
  /** `bill version` of all that was written. */
  readonly versions: ReadonlySet<string>;
  /** Transitions that belong to no call. */
  readonly strange: readonly string[];

  constructor({ calls, heard, rereads, endpoints, listeners }: Recollection, rows: Rows) {
    this.calls = calls;
    this.heard = heard;
    this.rereads = rereads;
    this.endpoints = endpoints;
    this.listeners = listeners;
    this.rows = rows;
    this.bills = new Map(rows.bills.map((bill) => [bill.id, bill]));
    this.payments = new Map(
      rows.payments.map((row) => [`${row.bill_id} ${row.paychannel_id} ${row.payment_ref}`, row]),
    );
    this.credits = new Map(rows.credits.map((row) => [`${row.bill_id}-c${row.no}`, row]));
    this.events = new Map(rows.events.map((row) => [`${row.bill_id}-e${row.no}`, row]));
    this.orders = new Map(rows.orders.map((row) => [`${row.terminal_id} ${row.order_id}`, row]));
    this.refs = new Set(rows.refs.map(nameOf));
    this.byReference = grouped(calls);
    this.versions = new Set(rows.transitions.map((row) => `${row.bill_id} ${row.version}`));
    [this.transitions, this.strange] = matched({ calls, endpoints }, rows, this.bills);
  }

  changes(reference: string | null): number {
    const calls = this.byReference.get(reference ?? '') ?? [];
    return calls.reduce((sum, call) => sum + (this.transitions.get(call)?.length ?? 0), 0);
  }
}

export function idOf(client: string): string {
  return client.slice(client.indexOf(':') + 1);
}

/** How a call reads in a finding. */
export function tell({ no, client, via, op, body, status, answer }: Call): string {
  const said = status === null ? 'nothing' : `${status} ${JSON.stringify(answer)}`;
  return `call ${no}: ${client} by ${via} ${op} ${JSON.stringify(body)} was told ${said.slice(0, 400)}`;
}

function nameOf(row: Rows['refs'][number]): string {
  const client = row.kind === 'key' ? 'terminal' : 'paychannel';
  return `${row.kind} ${row.bill_id} ${client}:${row.scope} ${row.ref}`;
}

function grouped(calls: readonly Call[]): Map<string, Call[]> {
  const groups = new Map<string, Call[]>();
  for (const call of calls) {
    const reference = referenceOf(call);
    if (reference === null) continue;
    const group = groups.get(reference);
    if (group === undefined) groups.set(reference, [call]);
    else group.push(call);
  }
  return groups;
}

/** Each transition to the very sending that caused it; what is left over is strange. */
function matched(
  { calls, endpoints }: Pick<Recollection, 'calls' | 'endpoints'>,
  rows: Rows,
  bills: ReadonlyMap<string, BillLine>,
): [Map<Call, TransitionLine[]>, string[]] {
  const byRequest = new Map(calls.map((call) => [call.requestId, call]));
  const found = new Map<Call, TransitionLine[]>();
  const strange: string[] = [];
  const arms = new Arms(calls, bills);
  // What is posted is acknowledged by its answer: no call of the client's.
  const called = new Set(endpoints.flatMap(({ recipients }) => recipients));
  const isOfItself = ({ type, bill_id, actor }: TransitionLine): boolean =>
    type === 'RunTimer' ||
    (STEPS_AT_BANK.has(type) && bills.get(bill_id ?? '')?.acquirer != null) ||
    (type === 'AcknowledgeEvents' && called.has(actor));
  for (const row of rows.transitions) {
    if (isOfItself(row)) continue;
    const call = byRequest.get(row.request_id);
    if ((call === undefined || call.op === 'bill.arm') && arms.isStep(row)) continue;
    if (call === undefined || !isMeantBy(call, row, bills)) {
      strange.push(`nobody asked for the transition ${JSON.stringify(row)}`);
    } else if (isChange(call.op)) {
      found.set(call, [...(found.get(call) ?? []), row]);
    }
  }
  return [found, strange];
}

/** Arms of stickers span several bills, and whoever comes by may do their steps. */
class Arms {
  readonly #stickers = new Set<string>();
  readonly #orders = new Set<string>();
  readonly #bills: ReadonlyMap<string, BillLine>;

  constructor(calls: readonly Call[], bills: ReadonlyMap<string, BillLine>) {
    this.#bills = bills;
    for (const { op, client, billId, body } of calls) {
      if (op !== 'bill.arm') continue;
      this.#stickers.add(`${client} ${billId}`);
      this.#orders.add(`${client} ${body.orderId}`);
    }
  }

  /** Whether it is a step of an arm that this till has asked for: at its sticker, or of one of its sales. */
  isStep({ type, actor, bill_id }: TransitionLine): boolean {
    if (!STEPS_OF_ARM.has(type) && type !== 'ArmSticker') return false;
    if (type === 'ArmSticker' || type === 'EndArming') {
      return this.#stickers.has(`${actor} ${bill_id}`);
    }
    const bill = this.#bills.get(bill_id ?? '');
    return bill !== undefined && this.#orders.has(`${actor} ${bill.order_id}`);
  }
}

function isMeantBy(call: Call, row: TransitionLine, bills: ReadonlyMap<string, BillLine>): boolean {
  if (call.client !== row.actor || COMMANDS[call.op]?.includes(row.type) !== true) return false;
  if (call.billId !== null) return call.billId === row.bill_id;
  return call.orderId === null || row.bill_id === null
    ? true
    : bills.get(row.bill_id)?.order_id === call.orderId;
}
