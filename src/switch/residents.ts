// The bills in a shard's memory, their timers and their events. A bill comes in when it is made or fetched, and leaves
// when it is idle and history has all of it (A8).

import { Mailbox } from '../actors/mailbox.ts';
import { TimerHeap } from '../actors/timer-heap.ts';
import { nextDueOf } from '../domain/bill/bill.ts';
import { type Bill, isPresent } from '../domain/bill/state.ts';
import type { BillId } from '../domain/ids.ts';
import { NEVER } from '../domain/time.ts';
import { type Cell, isIdle, makeCell, type Waiting, type Watcher } from './cell.ts';
import type { EntryId } from './entry-id.ts';
import type { EventIndex } from './event-index.ts';

export class Residents {
  /** Cells by what their bill waits for. */
  readonly timers = new TimerHeap<Cell>();
  /** Long polls by when they end. */
  readonly watchers = new TimerHeap<Watcher>();
  readonly #cells = new Map<BillId, Cell>();
  readonly #events: EventIndex;
  readonly #mailboxMax: number;
  readonly #left: (bill: Bill) => void;
  #sweep: IterableIterator<Cell> | null = null;
  #deepest = 0;

  /** `left` hears of every bill that leaves memory. */
  constructor(options: { events: EventIndex; mailboxMax: number; left: (bill: Bill) => void }) {
    this.#events = options.events;
    this.#mailboxMax = options.mailboxMax;
    this.#left = options.left;
  }

  get count(): number {
    return this.#cells.size;
  }

  /** The deepest mailbox since the last look. */
  takeDeepest(): number {
    const deepest = this.#deepest;
    this.#deepest = 0;
    return deepest;
  }

  get(id: BillId): Cell | undefined {
    return this.#cells.get(id);
  }

  /** A cell for a bill that is not here yet: to be made (`loaded`) or fetched. */
  add(id: BillId, loaded: boolean, usedAt: number): Cell {
    const cell = makeCell(id, loaded, usedAt);
    this.#cells.set(id, cell);
    return cell;
  }

  /** Fills a cell with what is durable: fetched from history or replayed from the log. */
  fill(cell: Cell, bill: Bill, entry: EntryId): void {
    cell.bill = bill;
    cell.committed = bill;
    cell.entry = entry;
    cell.loaded = true;
    this.schedule(cell);
    if (isPresent(bill)) for (const event of bill.outbox) this.#events.add(bill, event);
  }

  /** Sets the timer by the committed bill. */
  schedule(cell: Cell): void {
    const due = nextDueOf(cell.committed);
    if (due === NEVER) this.timers.remove(cell);
    else this.timers.set(cell, due);
  }

  /** Lets a request wait for its bill. False when the mailbox is full. */
  park(cell: Cell, waiting: Waiting): boolean {
    cell.waiting ??= new Mailbox<Waiting>(this.#mailboxMax);
    const isTaken = cell.waiting.push(waiting);
    this.#deepest = Math.max(this.#deepest, cell.waiting.depth);
    return isTaken;
  }

  /** Takes out every request that waits for history, and every bill that is not here yet. */
  drain(): Waiting[] {
    const drained: Waiting[] = [];
    for (const cell of this.#cells.values()) {
      drained.push(...(cell.waiting?.drain() ?? []));
      cell.waiting = null;
      if (!cell.loaded) this.remove(cell);
    }
    return drained;
  }

  /** Adds a long poll. */
  watch(cell: Cell, watcher: Watcher, dueAt: number): void {
    cell.watchers ??= [];
    cell.watchers.push(watcher);
    this.watchers.set(watcher, dueAt);
  }

  /** Takes a long poll away. */
  unwatch(watcher: Watcher): void {
    this.watchers.remove(watcher);
    const { cell } = watcher;
    cell.watchers = cell.watchers?.filter((each) => each !== watcher) ?? null;
    if (cell.watchers?.length === 0) cell.watchers = null;
  }

  /** Takes a cell out, whatever its state. */
  remove(cell: Cell): void {
    this.timers.remove(cell);
    this.#cells.delete(cell.id);
    if (isPresent(cell.committed)) this.#events.forget(cell.committed);
    this.#left(cell.committed);
  }

  /**
   * Looks at the next `count` cells and lets those leave that are idle since `idleBefore` and written. Returns how
   * many left.
   */
  passivate(options: {
    count: number;
    idleBefore: number;
    committedBatch: number;
    watermark: EntryId;
  }): number {
    let left = 0;
    for (let i = 0; i < options.count; i++) {
      this.#sweep ??= this.#cells.values();
      const next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = null;
        break;
      }
      const cell = next.value;
      const isDue = cell.usedAt < options.idleBefore && cell.entry <= options.watermark;
      if (isDue && isIdle(cell, options.committedBatch)) {
        this.remove(cell);
        left += 1;
      }
    }
    return left;
  }

  /** Drops everything: the shard has another owner, or begins anew. */
  clear(): void {
    for (const cell of this.#cells.values()) {
      if (isPresent(cell.committed)) this.#events.forget(cell.committed);
    }
    this.#cells.clear();
    this.timers.clear();
    this.watchers.clear();
    this.#sweep = null;
  }

  /** All cells, for what must end with the shard. */
  [Symbol.iterator](): IterableIterator<Cell> {
    return this.#cells.values();
  }
}
