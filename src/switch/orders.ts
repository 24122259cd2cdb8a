// The orders of a shard: which bill an order made, so that a repeated create makes no second one (A9). Commands of one
// order wait for one another while history is asked.

import { Fifo } from '../actors/fifo.ts';
import type { BillId, Reference, TerminalId } from '../domain/ids.ts';
import { DAY_MS, type Millis } from '../domain/time.ts';
import { OrderFilter } from './order-filter.ts';
import type { FetchedOrder } from './ports.ts';
import type { Asked } from './reply-sink.ts';

/** How long the same order means the same bill (API.md). */
export const ORDER_LIFE_MS = DAY_MS;

export interface OrderCell {
  readonly key: string;
  readonly terminalId: TerminalId;
  readonly orderId: Reference;
  /** What is known of it; null: nothing (yet). */
  fate: OrderFate | null;
  /** Set while history is being asked. */
  waiting: Fifo<Asked> | null;
}

/** What became of an order: a bill, or a tombstone (`billId` null). */
export interface OrderFate {
  readonly billId: BillId | null;
  readonly digest: string;
  readonly at: Millis;
  /** Serial of the batch that decided it; 0 where history told us. */
  readonly batch: number;
}

export class Orders {
  readonly filter: OrderFilter;
  /** Set once the filter holds all orders of the last 25 hours; until then every unknown order is asked. */
  isFilterComplete = false;
  readonly #cells = new Map<string, OrderCell>();
  readonly #mailboxMax: number;

  constructor(options: { mailboxMax: number; filterOrdersMax: number }) {
    this.#mailboxMax = options.mailboxMax;
    this.filter = new OrderFilter(options.filterOrdersMax);
  }

  get count(): number {
    return this.#cells.size;
  }

  get(key: string): OrderCell | undefined {
    return this.#cells.get(key);
  }

  /** Whether an order that is not in memory must be asked of history. */
  mustAsk(key: string, now: Millis): boolean {
    return !this.isFilterComplete || this.filter.mayKnow(key, now);
  }

  add(terminalId: TerminalId, orderId: Reference): OrderCell {
    const key = orderKey(terminalId, orderId);
    const cell: OrderCell = { key, terminalId, orderId, fate: null, waiting: null };
    this.#cells.set(key, cell);
    return cell;
  }

  /** Lets a request wait for history's answer. False when too many wait. */
  park(cell: OrderCell, asked: Asked): boolean {
    cell.waiting ??= new Fifo();
    if (cell.waiting.size >= this.#mailboxMax) return false;
    cell.waiting.push(asked);
    return true;
  }

  /** Settles what became of the order. Returns how to put it back, should the batch fail. */
  decide(cell: OrderCell, fate: OrderFate): () => void {
    const before = cell.fate;
    cell.fate = fate;
    this.#cells.set(cell.key, cell);
    this.filter.add(cell.key, fate.at);
    return () => {
      if (cell.fate !== fate) return;
      cell.fate = before;
      if (before === null && cell.waiting === null) this.#cells.delete(cell.key);
    };
  }

  /** Takes history's answer in. */
  learn(cell: OrderCell, fetched: FetchedOrder | null): void {
    if (fetched !== null) cell.fate = { ...fetched, batch: 0 };
  }

  /** The bill left memory: from now on the filter and history answer for its order. */
  forgetBill(terminalId: TerminalId, orderId: Reference, billId: BillId): void {
    const cell = this.#cells.get(orderKey(terminalId, orderId));
    if (cell !== undefined && cell.waiting === null && cell.fate?.billId === billId) {
      this.#cells.delete(cell.key);
    }
  }

  /** Drops a cell that holds nothing more than history does. */
  drop(cell: OrderCell): void {
    if (cell.waiting === null) this.#cells.delete(cell.key);
  }

  /** Takes out every request that waits for history; what is known stays. */
  drain(): Asked[] {
    const drained: Asked[] = [];
    for (const cell of this.#cells.values()) {
      if (cell.waiting === null) continue;
      drained.push(...cell.waiting.drain());
      cell.waiting = null;
      if (cell.fate === null) this.#cells.delete(cell.key);
    }
    return drained;
  }

  /** Forgets everything but the filter, which is only ever asked for a maybe. */
  clear(): void {
    this.#cells.clear();
    this.isFilterComplete = false;
  }
}

export function orderKey(terminalId: TerminalId, orderId: Reference): string {
  return `${terminalId}\u0000${orderId}`;
}

/** Whether a fate still speaks for its order: after a day the same order is a new one. */
export function isAlive(fate: OrderFate, now: Millis): boolean {
  return now - fate.at < ORDER_LIFE_MS;
}
