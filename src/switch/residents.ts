// The bills in a shard's memory, their timers and their events. A bill comes in when it is made or fetched; once history
// has all of it, it rests when nobody has asked for it lately, and leaves when nobody has for longer (A8).

import { Fifo } from '../actors/fifo.ts';
import { TimerHeap } from '../actors/timer-heap.ts';
import { nextDueOf } from '../domain/bill/bill.ts';
import { type Bill, isPresent, type PresentBill } from '../domain/bill/state.ts';
import type { BillId } from '../domain/ids.ts';
import { type Millis, NEVER } from '../domain/time.ts';
import { type Cell, isIdle, makeCell, type Waiting, type Watcher } from './cell.ts';
import type { EntryId } from './entry-id.ts';
import type { EventIndex } from './event-index.ts';
import { type BillPacker, RestingBills } from './resting-bills.ts';

export class Residents {
  /** Cells by what their bill waits for. */
  readonly timers = new TimerHeap<Cell>();
  /** Long polls by when they end. */
  readonly watchers = new TimerHeap<Watcher>();
  readonly #cells = new Map<BillId, Cell>();
  readonly #resting = new RestingBills();
  readonly #packer: BillPacker;
  readonly #events: EventIndex;
  readonly #mailboxMax: number;
  readonly #left: (bill: Bill) => void;
  readonly #finished = new Finished();
  #sweep: IterableIterator<Cell> | null = null;
  #deepest = 0;

  /** `left` hears of every bill that leaves memory, or rests. */
  constructor(options: {
    packer: BillPacker;
    events: EventIndex;
    mailboxMax: number;
    left: (bill: Bill) => void;
  }) {
    this.#packer = options.packer;
    this.#events = options.events;
    this.#mailboxMax = options.mailboxMax;
    this.#left = options.left;
  }

  /** Bills in memory, resting ones included. */
  get count(): number {
    return this.#cells.size + this.#resting.count;
  }

  /** The deepest mailbox since the last look. */
  takeDeepest(): number {
    const deepest = this.#deepest;
    this.#deepest = 0;
    return deepest;
  }

  /** The cell of a bill in memory; a resting bill wakes. */
  get(id: BillId): Cell | undefined {
    return this.#cells.get(id) ?? this.#wake(id);
  }

  /** The cell of a bill that does not rest. */
  awake(id: BillId): Cell | undefined {
    return this.#cells.get(id);
  }

  /** The cell whose timer is due first, if it is due by now; a resting bill wakes for its timer. */
  due(now: Millis): Cell | undefined {
    for (let id = this.#resting.due(now); id !== undefined; id = this.#resting.due(now)) {
      this.#wake(id);
    }
    const cell = this.timers.peek();
    return cell !== undefined && cell.dueAt <= now ? cell : undefined;
  }

  #wake(id: BillId): Cell | undefined {
    const resting = this.#resting.take(id);
    if (resting === undefined) return undefined;
    const cell = this.add(id, true, resting.usedAt);
    this.fill(cell, this.#packer.unpack(resting.packed), resting.entry);
    return cell;
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
    cell.waiting ??= new Fifo();
    if (cell.waiting.size >= this.#mailboxMax) return false;
    cell.waiting.push(waiting);
    this.#deepest = Math.max(this.#deepest, cell.waiting.size);
    return true;
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

  /** History has this of a bill: where it is the last of it, the bill leaves soon, without waiting for the sweep. */
  written(cell: Cell, bill: Bill): void {
    if (cell.committed === bill && isPresent(bill) && isOver(bill)) this.#finished.push(cell);
  }

  /** Takes a cell out, whatever its state. */
  remove(cell: Cell): void {
    this.timers.remove(cell);
    this.#cells.delete(cell.id);
    if (isPresent(cell.committed)) this.#events.forget(cell.committed);
    this.#left(cell.committed);
  }

  /**
   * Lets bills leave for which nothing is to come and nobody has asked since `overBefore`. Then looks at the next `count`
   * bills that are written: those idle since `idleBefore` leave, those since `restBefore` rest. Returns how many left.
   */
  passivate(options: {
    count: number;
    overBefore: number;
    restBefore: number;
    idleBefore: number;
    committedBatch: number;
    watermark: EntryId;
  }): number {
    const { count, overBefore, restBefore, idleBefore, committedBatch, watermark } = options;
    let left = this.#resting.release(count, idleBefore);
    const known = { committedBatch, watermark };
    left += this.#releaseFinished(overBefore, known);
    for (let i = 0; i < count; i++) {
      this.#sweep ??= this.#cells.values();
      const next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = null;
        break;
      }
      const cell = next.value;
      if (!isWritten(cell, known)) continue;
      const { committed, usedAt } = cell;
      const isResting = usedAt < restBefore && isPresent(committed);
      if (usedAt < idleBefore || (isResting && isOver(committed))) {
        this.remove(cell);
        left += 1;
      } else if (isResting) {
        this.#rest(cell, committed);
      }
    }
    return left;
  }

  #releaseFinished(overBefore: number, known: Known): number {
    let gone = 0;
    for (let cell = this.#finished.take(overBefore); cell; cell = this.#finished.take(overBefore)) {
      if (this.#cells.get(cell.id) !== cell || !isWritten(cell, known)) continue;
      this.remove(cell);
      gone += 1;
    }
    return gone;
  }

  /** A bill whose events are pending stays awake: streams read them here. So does a code that is open for good. */
  #rest(cell: Cell, bill: PresentBill): void {
    const dueAt = nextDueOf(bill);
    if (bill.outbox.length > 0 || dueAt === NEVER) return;
    const { id, entry, usedAt } = cell;
    this.remove(cell);
    this.#resting.add({ id, packed: this.#packer.pack(bill), entry, usedAt }, dueAt);
  }

  /** Drops everything but what is known of events: the shard has another owner, or begins anew. */
  clear(): void {
    this.#cells.clear();
    this.#resting.clear();
    this.timers.clear();
    this.watchers.clear();
    this.#finished.clear();
    this.#sweep = null;
  }

  /** All cells of bills that do not rest, for what must end with the shard. */
  [Symbol.iterator](): IterableIterator<Cell> {
    return this.#cells.values();
  }
}

/** How far the shard and its history have come. */
interface Known {
  readonly committedBatch: number;
  readonly watermark: EntryId;
}

/** Whether history has the bill, and nobody needs it in memory. */
function isWritten(cell: Cell, { committedBatch, watermark }: Known): boolean {
  return cell.entry <= watermark && isIdle(cell, committedBatch);
}

/**
 * Whether nothing is to come: most bills are so a moment after their confirm, and would be nine tenths of what the
 * garbage collector walks. Who asks for one later asks history.
 */
function isOver(bill: PresentBill): boolean {
  const isOpen =
    bill.status === 'open' || bill.status === 'partiallyPaid' || bill.status === 'paid';
  return !isOpen && bill.outbox.length === 0 && nextDueOf(bill) === NEVER;
}

/** Cells of bills for which nothing is to come, in the order in which history had the last of them. */
class Finished {
  readonly #queue = new Fifo<{ readonly cell: Cell; readonly usedAt: number }>();

  push(cell: Cell): void {
    this.#queue.push({ cell, usedAt: cell.usedAt });
  }

  /** The next that was last used before then; one that was used again since is the sweep's. */
  take(usedBefore: number): Cell | undefined {
    for (;;) {
      const first = this.#queue.peek();
      if (first === undefined || first.usedAt >= usedBefore) return undefined;
      this.#queue.shift();
      if (first.cell.usedAt === first.usedAt) return first.cell;
    }
  }

  clear(): void {
    this.#queue.clear();
  }
}
