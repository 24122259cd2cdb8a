// What the switch has promised by its answers, and whether the log bears it out. An answer counts from the moment at
// which it leaves its process: whoever asks later must not be told otherwise.

import { must } from '../../src/domain/assert.ts';
import { dueAt } from '../../src/domain/bill/charging.ts';
import { isPresent, keptOf, type PresentBill } from '../../src/domain/bill/state.ts';
import type {
  BillRejection,
  Outcome,
  Payment,
  RefusedPayment,
} from '../../src/domain/bill/vocabulary.ts';
import type { BillId } from '../../src/domain/ids.ts';
import { canonical } from '../../src/protocols/digest.ts';
import type { BillOperation } from '../../src/switch/bill-commands.ts';
import { referenceOf } from '../../src/switch/bill-replies.ts';
import type { Principal } from '../../src/switch/principal.ts';
import type { Operation, Reply, SwitchRejection } from '../../src/switch/requests.ts';
import { type Ledger, type Page, referenceKey, show } from './ledger.ts';

/** One delivery of one request to one process. */
export interface Attempt {
  readonly requestId: string;
  readonly principal: Principal | null;
  readonly operation: Operation;
  /** Simulated ms when it reached the process. */
  arrivedAt: number;
  /** What had been told before it was sent. */
  readonly floor: Floor;
  answered: number;
}

/** The least that an answer must know: what other answers had told when it was asked. */
interface Floor {
  readonly version: number;
  readonly isBillKnown: boolean;
  readonly isReferenceKnown: boolean;
  readonly isOrderKnown: boolean;
  /** Whether the payment or credit that it names by its number stood in the log. */
  readonly isPartKnown: boolean;
}

export class Promises {
  readonly #ledger: Ledger;
  readonly #broke: (what: string) => void;
  readonly #note: (what: string) => void;
  /** Of timer bills, by version: what the latest view asked for. */
  readonly #views = new Map<string, { readonly now: number; readonly due: number }>();
  readonly #versions = new Map<BillId, number>();
  readonly #references = new Set<string>();
  readonly #orders = new Set<string>();
  /** Requests that were told 503: they must never turn up in the log. */
  readonly #refused = new Map<string, string>();

  constructor(ledger: Ledger, broke: (what: string) => void, note: (what: string) => void) {
    this.#ledger = ledger;
    this.#broke = broke;
    this.#note = note;
  }

  /** What had been promised when this request is sent. */
  floor(operation: Operation, principal: Principal | null): Floor {
    const order = orderOf(operation);
    const reference = keyOf(operation, principal);
    const version = 'billId' in operation ? this.#versions.get(operation.billId) : undefined;
    return {
      version: version ?? 0,
      isBillKnown: version !== undefined,
      isReferenceKnown: reference !== null && this.#references.has(reference),
      isOrderKnown: order !== null && this.#orders.has(order),
      isPartKnown: this.#hasPart(operation, principal),
    };
  }

  /** An outcome that its key already has stays, though the part has come since. */
  #hasPart(operation: Operation, principal: Principal | null): boolean {
    if (!('billId' in operation)) return false;
    const page = this.#page(operation.billId);
    const named = referenceOf(operation, principal);
    const key = named === null ? '' : referenceKey(named.kind, named.scope, named.ref);
    if (page === undefined || page.references.has(key)) return false;
    if ('creditNo' in operation) return page.credits.has(operation.creditNo);
    const no = 'paymentNo' in operation ? operation.paymentNo : null;
    return no !== null && page.payments.has(no);
  }

  /** The log has taken a request's transition. */
  done(requestId: string): void {
    const code = this.#refused.get(requestId);
    if (code !== undefined) this.#broke(`${requestId} was told ${code}, and is in the log`);
  }

  /** An answer leaves. */
  answered(attempt: Attempt, reply: Reply, now: number): void {
    attempt.answered += 1;
    if (attempt.answered > 1) this.#broke(`${attempt.requestId} is answered twice`);
    switch (reply.kind) {
      case 'fault':
        if (reply.code === 'outcome.unknown') return;
        this.#refused.set(attempt.requestId, reply.code);
        if (this.#ledger.requests.has(attempt.requestId)) this.done(attempt.requestId);
        return;
      case 'rejection':
        this.#rejected(attempt, reply.rejection);
        return;
      case 'orderVoided':
        this.#orderVoided(attempt);
        return;
      case 'released':
      case 'acquiring':
      case 'elsewhere':
        return;
      case 'acknowledged':
        if (reply.count > 0) this.#mustBeDone(attempt);
        return;
      default:
        this.#showed(attempt, reply.bill);
        this.#told(attempt, reply, now);
    }
  }

  /** Every answer that shows a bill shows a durable version of it, and no older one than was told before. */
  #showed({ requestId, floor, operation }: Attempt, bill: PresentBill): void {
    const { id } = bill.terms;
    const page = this.#page(id);
    const shown = page?.shown.get(bill.version);
    if (page === undefined || shown === undefined) {
      this.#broke(
        `${requestId} ${operation.op} shows version ${bill.version} of ${id}, not durable`,
      );
    } else if (shown !== show(bill)) {
      this.#broke(`${requestId} shows ${show(bill)}, which the log tells as ${shown}`);
    }
    if (bill.version < floor.version) {
      this.#broke(
        `${requestId} ${operation.op} shows version ${bill.version} of ${id} after ${floor.version}`,
      );
    }
    const known = this.#versions.get(id) ?? 0;
    if (bill.version >= known) this.#versions.set(id, bill.version);
  }

  #told(attempt: Attempt, reply: Exclude<Reply, { kind: 'fault' }>, now: number): void {
    const { principal, operation } = attempt;
    switch (reply.kind) {
      case 'bill':
        if (operation.op === 'bill.create') this.#created(attempt, reply.bill, reply.created);
        if (keyOf(operation, principal) !== null) this.#outcome(attempt, { type: 'done' });
        this.#waited(attempt, reply.bill, now);
        break;
      case 'paymentNow':
        if (keyOf(operation, principal) !== null) this.#outcome(attempt, { type: 'done' });
        this.#payment(attempt, reply);
        break;
      case 'view':
        this.#viewed(attempt, reply);
        break;
      case 'payment':
        if (reply.created) this.#mustBeDone(attempt);
        this.#quoted(attempt, reply.answer.payment, reply.answer.status);
        this.#held(attempt, reply.answer.payment, reply.answer.status);
        this.#outcome(attempt, { type: 'accepted', answer: reply.answer });
        break;
      case 'paymentFate':
        this.#outcome(attempt, reply.fate);
        break;
      case 'reservation':
        if (reply.created) this.#mustBeDone(attempt);
        this.#outcome(attempt, { type: 'reserved', reservation: reply.reservation });
        break;
      case 'credit':
        this.#credit(attempt, reply);
        break;
      default:
        break;
    }
  }

  /** Q1. Who brought all that was left of a live quote has paid, but for what others had reserved. */
  #quoted(
    { requestId, operation }: Attempt,
    { no, receivedAt, amount }: Payment | RefusedPayment,
    status: string,
  ): void {
    if (operation.op !== 'payment.create' || operation.quote === undefined) return;
    const before = this.#before(operation.billId, no);
    const { quote, currency, reservationNo } = operation;
    if (before === undefined || receivedAt >= quote.until || amount !== operation.amount) return;
    const { terms, books, reservations } = before;
    if (status === 'refused' && reservationNo !== null) return;
    if (before.status !== 'open' && before.status !== 'partiallyPaid') return;
    if (reservations.length > 0 || currency !== terms.currency) return;
    if (receivedAt >= terms.expiresAt || amount !== quote.total - keptOf(books)) return;
    this.#note('quote honoured');
    if (status === 'paid' || status === 'confirmed') return;
    this.#broke(`${requestId} paid ${amount} by its quote, and it is ${status}`);
  }

  /** Q4. What is reserved with a quote is taken within its time; all of the price that it freezes pays for the stay. */
  #held(
    { requestId, operation, principal }: Attempt,
    { no, receivedAt, amount }: Payment | RefusedPayment,
    status: string,
  ): void {
    if (operation.op !== 'payment.create' || operation.reservationNo === null) return;
    const before = this.#before(operation.billId, no);
    if (before === undefined || operation.quote !== undefined) return;
    if (operation.currency !== before.terms.currency || amount !== operation.amount) return;
    if (before.status !== 'open' && before.status !== 'partiallyPaid') return;
    const live = before.reservations.filter(({ expiresAt }) => receivedAt < expiresAt);
    const own = live.find((each) => each.no === operation.reservationNo);
    const isOwn = own?.quote !== undefined && own.paychannelId === principal?.id;
    if (!isOwn || amount !== own.amount) return;
    this.#note('hold honoured');
    const frozen = Math.min(...live.map(({ quote }) => quote?.total ?? Number.POSITIVE_INFINITY));
    const isAll = amount === frozen - keptOf(before.books);
    if (status === 'paid' || status === 'confirmed' || (status !== 'refused' && !isAll)) return;
    this.#broke(`${requestId} paid ${amount} within its reservation, and it is ${status}`);
  }

  /** The bill as the payment of this number found it. */
  #before(id: BillId, paymentNo: number): PresentBill | undefined {
    const { states } = must(this.#page(id), 'a page');
    const after = states.findIndex(({ bill }) => bill.counts.payments >= paymentNo);
    return states[after - 1]?.bill;
  }

  /** Q2. While a bill stays as it is, no later view asks for less. */
  #viewed({ requestId }: Attempt, { bill, now }: Extract<Reply, { kind: 'view' }>): void {
    if (bill.terms.type !== 'timer') return;
    const key = `${bill.terms.id} ${bill.version}`;
    const known = this.#views.get(key);
    const due = dueAt(bill, now);
    if (known !== undefined && now >= known.now && due < known.due) {
      this.#broke(`${requestId} asks for ${due} after ${known.due}`);
    }
    if (known === undefined || now >= known.now) this.#views.set(key, { now, due });
  }

  #payment({ requestId }: Attempt, reply: Extract<Reply, { kind: 'paymentNow' }>): void {
    const stands = reply.bill.payments.find(({ no }) => no === reply.payment.no);
    if (stands !== reply.payment) this.#broke(`${requestId} tells of another payment`);
  }

  #credit({ requestId, operation }: Attempt, reply: Extract<Reply, { kind: 'credit' }>): void {
    const { bill, credit } = reply;
    const stands = bill.credits.find(({ no }) => no === credit.no);
    const same = canonical(stands) === canonical(credit);
    const isIt =
      operation.op === 'credit.request'
        ? credit.replaces === operation.creditNo
        : 'creditNo' in operation && credit.no === operation.creditNo;
    if (!same || !isIt) this.#broke(`${requestId} tells of another credit`);
    if (operation.op !== 'credit.close') return;
    const { resolution } = credit;
    const isClosed =
      resolution?.how === 'returnedOtherwise' && resolution.reference === operation.reference;
    if (!isClosed) this.#broke(`${requestId} has closed nothing`);
  }

  #waited({ requestId, operation, arrivedAt }: Attempt, bill: PresentBill, now: number): void {
    if (operation.op !== 'bill.get' || operation.afterVersion === null) return;
    const isNews = bill.version > operation.afterVersion;
    const isOver = now - arrivedAt >= operation.waitMs;
    if (!isNews && !isOver) this.#broke(`${requestId} ended its wait without news`);
  }

  #created(attempt: Attempt, bill: PresentBill, created: boolean): void {
    if (attempt.operation.op !== 'bill.create') return;
    const { terms } = attempt.operation;
    if (bill.terms.orderId !== terms.orderId || bill.terms.digest !== terms.digest) {
      this.#broke(`${attempt.requestId} made another order's bill`);
    }
    if (created) this.#mustBeDone(attempt);
    this.#orders.add(`${terms.terminalId} ${terms.orderId}`);
  }

  #orderVoided(attempt: Attempt): void {
    const order = orderOf(attempt.operation) ?? '';
    const line = this.#ledger.orders.get(order);
    if (line === undefined)
      this.#broke(`${attempt.requestId}: no tombstone of ${order} is durable`);
    this.#orders.add(order);
  }

  /** A rejection of something with a reference is an outcome like any other. */
  #rejected(attempt: Attempt, rejection: SwitchRejection): void {
    const { requestId, operation, floor } = attempt;
    const { rejected } = rejection;
    const broke = (what: string): void => this.#broke(`${requestId} ${operation.op}: ${what}`);
    const line = this.#ledger.orders.get(orderOf(operation) ?? '');
    switch (rejected) {
      case 'bill.notFound':
        if (floor.isBillKnown) broke('a known bill is not found');
        return;
      case 'order.notFound':
        // Whoever asks whether an order is free hears so after a day: it may be another sale's by then.
        if (operation.op === 'order.check') return;
        if (floor.isOrderKnown && line?.billId !== null) broke('a known order is not found');
        return;
      case 'payment.notFound':
        if (floor.isPartKnown) broke('a known payment is not found');
        this.#rejectedReference(attempt, rejection as BillRejection, broke);
        return;
      case 'order.void':
      case 'order.reused':
        // A sticker knows the order of its own sale.
        if (operation.op === 'bill.arm') return;
        if (line === undefined) broke(`${rejected} rests on nothing durable`);
        return;
      default:
        this.#rejectedReference(attempt, rejection as BillRejection, broke);
    }
  }

  #rejectedReference(
    attempt: Attempt,
    rejection: BillRejection,
    broke: (what: string) => void,
  ): void {
    const { operation, principal, floor } = attempt;
    if (operation.op === 'payment.get') {
      if (floor.isReferenceKnown) broke('a known payment is not found');
    } else if (keyOf(operation, principal) !== null) {
      this.#refusedReference(attempt, rejection);
    }
  }

  #refusedReference(attempt: Attempt, rejection: BillRejection): void {
    const { operation, principal, requestId } = attempt;
    const kept = this.#kept(attempt);
    // Without a payment nothing could be refunded, now or ever.
    if (rejection.rejected === 'refund.paymentRequired') return;
    // A reservation that is refused leaves no trace.
    if (operation.op === 'bill.reserve' && rejection.rejected !== 'reservation.refReused') return;
    if (kept === undefined) {
      this.#broke(`${requestId} ${operation.op}: ${rejection.rejected} rests on nothing durable`);
      return;
    }
    this.#references.add(keyOf(operation, principal) ?? '');
    const { outcome, digest } = kept;
    // Another body under the same reference says nothing of the payment that was refused.
    if (outcome.type === 'refused' && digest === digestOf(operation)) {
      this.#quoted(attempt, outcome.payment, 'refused');
      this.#held(attempt, outcome.payment, 'refused');
    }
    switch (rejection.rejected) {
      case 'payment.refReused':
      case 'reservation.refReused':
      case 'idempotency.reused':
        if (digest === digestOf(operation)) this.#broke(`${requestId}: it is the same body`);
        return;
      case 'payment.void':
        if (outcome.type !== 'voided')
          this.#broke(`${requestId}: it was ${outcome.type}, not void`);
        return;
      default: {
        if (canonical(rejectionIn(outcome)) !== canonical(rejection)) {
          this.#broke(`${requestId}: told ${canonical(rejection)}, was ${canonical(outcome)}`);
        }
      }
    }
  }

  /** The reference stands in the log with this outcome. */
  #outcome(attempt: Attempt, outcome: Outcome): void {
    const kept = this.#kept(attempt);
    if (kept === undefined) {
      this.#broke(`${attempt.requestId}: ${outcome.type} rests on nothing durable`);
    } else if (canonical(kept.outcome) !== canonical(outcome)) {
      this.#broke(
        `${attempt.requestId}: told ${canonical(outcome)}, was ${canonical(kept.outcome)}`,
      );
    }
    const { operation, principal, requestId } = attempt;
    if (kept !== undefined && 'digest' in operation && kept.digest !== operation.digest) {
      this.#broke(`${requestId} ${operation.op}: another body has the same outcome`);
    }
    this.#references.add(keyOf(operation, principal) ?? '');
  }

  #kept({ operation, principal }: Attempt) {
    const named = referenceOf(operation as BillOperation, principal);
    if (named === null || !('billId' in operation)) return undefined;
    const key = referenceKey(named.kind, named.scope, named.ref);
    return this.#page(operation.billId)?.references.get(key);
  }

  #mustBeDone({ requestId, operation }: Attempt): void {
    if (!this.#ledger.requests.has(requestId)) {
      this.#broke(`${requestId} ${operation.op} is answered as done, and is not in the log`);
    }
  }

  #page(id: BillId): Page | undefined {
    const page = this.#ledger.pages.get(id);
    return page !== undefined && isPresent(page.bill) ? page : undefined;
  }
}

/** `<terminal> <order>` that an operation names. */
export function orderOf(operation: Operation): string | null {
  switch (operation.op) {
    case 'bill.create':
      return `${operation.terms.terminalId} ${operation.terms.orderId}`;
    case 'order.resolve':
    case 'order.get':
    case 'order.check':
      return `${operation.terminalId} ${operation.orderId}`;
    default:
      return null;
  }
}

function keyOf(operation: Operation, principal: Principal | null): string | null {
  if (!('billId' in operation)) return null;
  const named = referenceOf(operation, principal);
  if (named === null) return null;
  return `${operation.billId} ${referenceKey(named.kind, named.scope, named.ref)}`;
}

function rejectionIn(outcome: Outcome): unknown {
  if (outcome.type === 'refused') return outcome.payment.rejection;
  return outcome.type === 'rejected' ? outcome.rejection : outcome;
}

function digestOf(operation: Operation): string {
  return 'digest' in operation ? operation.digest : '';
}
