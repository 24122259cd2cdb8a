// Where an order becomes a bill, or a tombstone, once (A9). It decides about orders only; what happens on the bill is
// the shard's.

import type { Fetched } from '../actors/batched-fetch.ts';
import { isPresent, type PresentBill } from '../domain/bill/state.ts';
import type { BillFact } from '../domain/bill/vocabulary.ts';
import type { BillId, Reference, ShardId, TerminalId } from '../domain/ids.ts';
import { HOUR_MS, type Millis } from '../domain/time.ts';
import { actorOf } from './bill-commands.ts';
import { rejection } from './bill-replies.ts';
import type { Cell } from './cell.ts';
import type { GroupCommit } from './group-commit.ts';
import { isAlive, type OrderCell, type OrderFate, Orders, orderKey } from './orders.ts';
import type { FetchedOrder } from './ports.ts';
import type { OrderVoided } from './records.ts';
import { type Asked, DETAILS, fault } from './reply-sink.ts';
import type { Operation, Reply } from './requests.ts';
import type { Residents } from './residents.ts';
import type { ShardSurroundings } from './shard-surroundings.ts';
import { SUSPENDED } from './suspension.ts';
import { termsAt } from './terms-at.ts';

/** A tombstone older than this is written anew when it is told again. */
const TOMBSTONE_RENEW_MS = HOUR_MS;

type Create = Extract<Operation, { op: 'bill.create' }>;
type Resolve = Extract<Operation, { op: 'order.resolve' }>;
type Find = Extract<Operation, { op: 'order.get' }>;
type Check = Extract<Operation, { op: 'order.check' }>;

const FREE = rejection({ rejected: 'order.notFound' });

/** What the desk needs of its shard. */
interface Host {
  readonly residents: Residents;
  readonly commit: GroupCommit;
  now(): Millis;
  onBill(asked: Asked, billId: BillId): void;
  apply(
    cell: Cell,
    command: string,
    facts: readonly BillFact[],
    cause: { asked: Asked | null; now: Millis },
  ): void;
  answer(asked: Asked, reply: Reply, batch: number): void;
  release(asked: Asked, reply: Reply): void;
}

export class OrderDesk {
  readonly #shard: Host;
  readonly #id: ShardId;
  readonly #around: ShardSurroundings;
  readonly #orders: Orders;

  constructor(shard: Host, around: ShardSurroundings) {
    this.#shard = shard;
    this.#id = around.id;
    this.#around = around;
    this.#orders = new Orders({
      mailboxMax: around.limits.mailboxMax,
      filterOrdersMax: around.limits.filterOrdersMax,
    });
  }

  /** Orders in memory. */
  get count(): number {
    return this.#orders.count;
  }

  /** Tells of orders that history has, until `filterIsComplete`. */
  remember(terminalId: TerminalId, orderId: Reference, at: number): void {
    this.#orders.filter.add(orderKey(terminalId, orderId), at);
  }

  /** From now on an order that the filter does not know is new. */
  filterIsComplete(): void {
    this.#orders.isFilterComplete = true;
  }

  create(asked: Asked, operation: Create): void {
    const { terminalId, orderId } = operation.terms;
    const key = orderKey(terminalId, orderId);
    const known = this.#orders.get(key);
    if (known !== undefined) this.#inTurn(known, asked);
    else if (this.#orders.mustAsk(key, this.#shard.now())) this.#ask(terminalId, orderId, asked);
    else if (this.#isBarred(asked, operation)) this.#shard.answer(asked, rejection(SUSPENDED), 0);
    else this.#create(this.#orders.add(terminalId, orderId), asked, operation);
  }

  /** Asks history always, unless memory knows: the order may be older than the filter. */
  resolve(asked: Asked, operation: Resolve): void {
    const { terminalId, orderId } = operation;
    const known = this.#orders.get(orderKey(terminalId, orderId));
    if (known !== undefined) this.#inTurn(known, asked);
    else this.#ask(terminalId, orderId, asked);
  }

  /** As a create would find it, and nothing is made. */
  check(asked: Asked, operation: Check): void {
    const { terminalId, orderId } = operation;
    const key = orderKey(terminalId, orderId);
    const known = this.#orders.get(key);
    if (known !== undefined) this.#inTurn(known, asked);
    else if (this.#orders.mustAsk(key, this.#shard.now())) this.#ask(terminalId, orderId, asked);
    else this.#shard.answer(asked, free(asked, operation), 0);
  }

  find(asked: Asked, operation: Find): void {
    const { terminalId, orderId } = operation;
    const known = this.#orders.get(orderKey(terminalId, orderId));
    if (known !== undefined) this.#inTurn(known, asked);
    else this.#ask(terminalId, orderId, asked);
  }

  /** The bill left memory: the filter and history answer for its order from now on. */
  forgetBill(bill: PresentBill): void {
    const { terminalId, orderId, id } = bill.terms;
    this.#orders.forgetBill(terminalId, orderId, id);
  }

  /** A bill made by an earlier owner, which history may not have yet. */
  recallBill({ terms }: PresentBill): void {
    const { terminalId, orderId, id: billId, digest, createdAt: at } = terms;
    this.#recall(terminalId, orderId, { billId, digest, at, batch: 0 });
  }

  /** A tombstone told by an earlier owner, which history may not have yet. */
  recallTombstone({ terminalId, orderId, at }: OrderVoided): void {
    this.#recall(terminalId, orderId, { billId: null, digest: '', at, batch: 0 });
  }

  #recall(terminalId: TerminalId, orderId: Reference, fate: OrderFate): void {
    const known = this.#orders.get(orderKey(terminalId, orderId));
    this.#orders.decide(known ?? this.#orders.add(terminalId, orderId), fate);
  }

  /** History has the tombstone. */
  written(transition: OrderVoided): void {
    const cell = this.#orders.get(orderKey(transition.terminalId, transition.orderId));
    // A renewed one waits for its own entry.
    const { fate } = cell ?? {};
    if (cell !== undefined && fate?.billId === null && fate.at === transition.at) {
      this.#orders.drop(cell);
    }
  }

  drain(): Asked[] {
    return this.#orders.drain();
  }

  clear(): void {
    this.#orders.clear();
  }

  #inTurn(cell: OrderCell, asked: Asked): void {
    if (cell.waiting === null) this.#run(cell, asked);
    else this.#park(cell, asked);
  }

  #park(cell: OrderCell, asked: Asked): void {
    if (this.#orders.park(cell, asked)) return;
    this.#shard.release(asked, fault('overloaded', 'Too many requests wait for this order.'));
  }

  #ask(terminalId: TerminalId, orderId: Reference, asked: Asked): void {
    const cell = this.#orders.add(terminalId, orderId);
    this.#park(cell, asked);
    const key = { terminalId, orderId, shard: this.#id };
    this.#around.lookups.orders.want(key, (fetched) => this.#answered(cell, fetched));
    this.#around.wake();
  }

  #answered(cell: OrderCell, fetched: Fetched<FetchedOrder | null>): void {
    const waiting = cell.waiting?.drain() ?? [];
    cell.waiting = null;
    if (this.#orders.get(cell.key) !== cell) return;
    if ('failed' in fetched) {
      this.#orders.drop(cell);
      const reply = fault('history.unavailable', DETAILS.historyAway);
      for (const asked of waiting) this.#shard.release(asked, reply);
      return;
    }
    this.#orders.learn(cell, fetched.found);
    for (const asked of waiting) this.#run(cell, asked);
    const isHeld = cell.fate?.batch !== undefined && cell.fate.batch > 0;
    // A bill that is still being fetched may never come, and then nobody would tell the order to go.
    const billId = cell.fate?.billId ?? null;
    const isResident = billId !== null && this.#shard.residents.get(billId)?.loaded === true;
    if (!isHeld && !isResident) this.#orders.drop(cell);
  }

  #run(cell: OrderCell, asked: Asked): void {
    const { operation } = asked;
    if (operation.op === 'bill.create') this.#create(cell, asked, operation);
    else if (operation.op === 'order.resolve') this.#resolve(cell, asked, operation);
    else if (operation.op === 'order.check') this.#check(cell, asked, operation);
    else this.#find(cell, asked);
  }

  #create(cell: OrderCell, asked: Asked, operation: Create): void {
    const now = this.#shard.now();
    const { terms } = operation;
    const { fate } = cell;
    if (fate !== null && isAlive(fate, now)) {
      this.#repeat(asked, fate, terms.digest);
      return;
    }
    if (this.#isBarred(asked, operation)) {
      this.#shard.answer(asked, rejection(SUSPENDED), 0);
      return;
    }
    const bill = this.#shard.residents.add(terms.id, true, this.#around.clock.monotonic());
    const facts = [{ type: 'BillCreated', terms: termsAt(terms, now) } as const];
    this.#shard.apply(bill, 'CreateBill', facts, { asked, now });
    const { batch } = bill;
    this.#shard.commit.onPutBack(
      this.#orders.decide(cell, { billId: terms.id, digest: terms.digest, at: now, batch }),
    );
    if (isPresent(bill.bill)) {
      this.#shard.answer(asked, { kind: 'bill', bill: bill.bill, created: true, now }, batch);
    }
  }

  /** What was sent before a gateway had looked at its key again is held back too: a worker knows sellers by heart. */
  #isBarred({ principal }: Asked, { terms }: Create): boolean {
    if (principal?.suspended === true) return true;
    return principal?.kind === 'terminal' && this.#around.suspended.haveSold(terms);
  }

  /** What a create is answered that is not the first of its order. */
  #repeat(asked: Asked, fate: OrderFate, digest: string): void {
    const { billId, batch } = fate;
    if (billId === null) {
      this.#shard.answer(asked, rejection({ rejected: 'order.void' }), batch);
    } else if (fate.digest === digest) {
      this.#show(asked, billId);
    } else {
      this.#shard.answer(asked, rejection({ rejected: 'order.reused', billId }), batch);
    }
  }

  #check({ fate }: OrderCell, asked: Asked, operation: Check): void {
    const isTaken = fate !== null && isAlive(fate, this.#shard.now());
    if (isTaken) this.#repeat(asked, fate, operation.digest);
    else this.#shard.answer(asked, free(asked, operation), fate?.batch ?? 0);
  }

  #resolve(cell: OrderCell, asked: Asked, operation: Resolve): void {
    const { fate } = cell;
    if (fate?.billId != null) {
      if (operation.cancelIfUnpaid) {
        const cancel = { op: 'order.cancel', billId: fate.billId } as const;
        this.#shard.onBill({ ...asked, operation: cancel }, fate.billId);
      } else {
        this.#show(asked, fate.billId);
      }
      return;
    }
    // Told again, a tombstone holds for a day again: its order is refused for as long as its life lasts after it.
    const isOld = fate !== null && this.#shard.now() - fate.at >= TOMBSTONE_RENEW_MS;
    if (fate === null || isOld) this.#entomb(cell, asked);
    const { at, batch } = cell.fate ?? { at: this.#shard.now(), batch: 0 };
    this.#shard.answer(asked, { kind: 'orderVoided', orderId: cell.orderId, at }, batch);
  }

  /** A create of this order that arrives later is refused. */
  #entomb(cell: OrderCell, asked: Asked): void {
    const actor = actorOf(asked.principal);
    const at = this.#shard.now();
    const { terminalId, orderId } = cell;
    const batch = this.#shard.commit.addOrder({
      kind: 'orderVoided',
      terminalId,
      orderId,
      at,
      actor: `${actor.kind}:${actor.id}`,
      requestId: asked.requestId,
    });
    this.#shard.commit.onPutBack(
      this.#orders.decide(cell, { billId: null, digest: '', at, batch }),
    );
    this.#around.wake();
  }

  #find(cell: OrderCell, asked: Asked): void {
    const { fate } = cell;
    if (fate?.billId != null) this.#show(asked, fate.billId);
    else this.#shard.answer(asked, rejection({ rejected: 'order.notFound' }), fate?.batch ?? 0);
  }

  #show(asked: Asked, billId: BillId): void {
    const operation = { op: 'bill.get', billId, afterVersion: null, waitMs: 0 } as const;
    this.#shard.onBill({ ...asked, operation }, billId);
  }
}

/** What a check is answered whose order nothing has been made of. */
function free({ principal }: Asked, { otherwise }: Check): Reply {
  if (otherwise === undefined) return FREE;
  return rejection(principal?.suspended ? SUSPENDED : otherwise);
}
