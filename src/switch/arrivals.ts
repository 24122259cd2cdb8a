// How requests come to their bills: a bill that is not in memory is fetched, what only history can know of it is looked up,
// and requests for one bill wait for one another, in the order in which they came (S1 in shard.ts).
//
//   V1. What is another's goes the way of what is not there: history is asked for it once, whether or not it is in memory,
//       and for nothing of it. So nobody learns by the time it takes, or by what it costs, which of the two it is.

import type { Bill } from '../domain/bill/state.ts';
import type { BillId, ShardId } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import { rejection } from './bill-replies.ts';
import { type Cell, NONE_TOLD, type Waiting } from './cell.ts';
import type { FetchedBill } from './ports.ts';
import { ReferenceDesk } from './reference-desk.ts';
import { type Asked, DETAILS, fault } from './reply-sink.ts';
import type { Reply } from './requests.ts';
import type { Residents } from './residents.ts';
import type { ShardSurroundings } from './shard-surroundings.ts';
import { recall } from './streaming.ts';
import { sees, unseen } from './visibility.ts';

/** What is asked of the shard. */
interface Home {
  readonly id: ShardId;
  readonly isServing: boolean;
  readonly residents: Residents;
  now(): Millis;
  /** Answers once the batch is durable; 0: from memory. */
  answer(asked: Asked, reply: Reply, batch: number): void;
  /** Answers now. */
  release(asked: Asked, reply: Reply): void;
}

/** Runs a request on its bill: it is in memory, and nothing more is to be asked. */
type Run = (cell: Cell, asked: Asked, waiting: Waiting | null) => void;

const HISTORY_AWAY = fault('history.unavailable', DETAILS.historyAway);

export class Arrivals {
  readonly references: ReferenceDesk;
  readonly #home: Home;
  readonly #around: ShardSurroundings;
  readonly #run: Run;
  /** Requests for what they do not see. */
  readonly #strangers = new Set<Asked>();

  constructor(home: Home, around: ShardSurroundings, run: Run) {
    this.#home = home;
    this.#around = around;
    this.#run = run;
    this.references = new ReferenceDesk({
      lookups: around.lookups,
      sees: (bill, asked) => this.#sees(bill, asked),
      ready: (cell) => {
        if (home.isServing && home.residents.awake(cell.id) === cell) this.#drain(cell);
      },
      failed: (cell, waiting) => this.#lookUpFailed(cell, waiting),
    });
  }

  /** Runs the request once the bill is in memory and its turn has come. */
  receive(asked: Asked, billId: BillId): void {
    const { residents } = this.#home;
    const known = residents.get(billId);
    if (known?.loaded === true && !this.#sees(known.bill, asked)) {
      this.#lookUpUnseen(asked, billId);
      return;
    }
    const cell = known ?? this.#fetch(billId);
    if (cell === null) {
      this.#home.release(asked, this.#tooMany());
      return;
    }
    cell.usedAt = this.#around.clock.monotonic();
    const waiting: Waiting = { asked, looked: false, recalled: null, told: NONE_TOLD };
    if (!cell.loaded || (cell.waiting !== null && cell.waiting.size > 0)) {
      this.#park(cell, waiting);
    } else if (this.references.mustLookUp(cell, asked)) {
      this.#park(cell, waiting);
      this.#lookUp(cell);
    } else {
      this.#run(cell, asked, null);
    }
  }

  /** Brings a bill into memory because a timer of it falls due (A8). */
  load(billId: BillId): void {
    const { isServing, residents } = this.#home;
    if (isServing && residents.get(billId) === undefined) this.#fetch(billId);
  }

  /** Takes out every request that waits for history. */
  drain(): Asked[] {
    const strangers = [...this.#strangers];
    this.#strangers.clear();
    return [...strangers, ...this.#home.residents.drain().map(({ asked }) => asked)];
  }

  #sees(bill: Bill, asked: Asked): boolean {
    return sees(asked, bill, this.#around.agreements, this.#home);
  }

  /** V1. */
  #lookUpUnseen(asked: Asked, billId: BillId): void {
    if (this.#isFull()) {
      this.#home.release(asked, this.#tooMany());
      return;
    }
    this.#strangers.add(asked);
    this.#around.lookups.bills.want(billId, (fetched) => {
      if (!this.#strangers.delete(asked)) return;
      const { op } = asked.operation;
      if ('failed' in fetched) this.#home.release(asked, HISTORY_AWAY);
      else this.#home.answer(asked, rejection(unseen(op)), 0);
    });
    this.#around.wake();
  }

  #isFull(): boolean {
    return this.#home.residents.count >= this.#around.limits.residentsMax;
  }

  #tooMany(): Reply {
    return fault('overloaded', `Shard ${this.#home.id} has too many bills in memory.`);
  }

  #fetch(billId: BillId): Cell | null {
    const { residents } = this.#home;
    if (this.#isFull()) return null;
    const cell = residents.add(billId, false, this.#around.clock.monotonic());
    this.#around.lookups.bills.want(billId, (fetched) => {
      if (residents.awake(billId) !== cell) return;
      if ('failed' in fetched) this.#fetchFailed(cell);
      else this.#fetched(cell, fetched.found);
    });
    this.#around.wake();
    return cell;
  }

  #fetched(cell: Cell, found: FetchedBill): void {
    const { isServing, residents } = this.#home;
    if (!isServing) {
      this.#fetchFailed(cell);
      return;
    }
    residents.fill(cell, found.bill, found.entry);
    recall(this.#around, found.bill, this.#home.now());
    this.#drain(cell);
    if (cell.bill.status === 'absent' && cell.batch === 0) residents.remove(cell);
  }

  #fetchFailed(cell: Cell): void {
    const waiting = cell.waiting?.drain() ?? [];
    this.#home.residents.remove(cell);
    for (const { asked } of waiting) this.#home.release(asked, HISTORY_AWAY);
  }

  #park(cell: Cell, waiting: Waiting): void {
    if (this.#home.residents.park(cell, waiting)) return;
    const reply = fault('overloaded', 'Too many requests wait for this bill.');
    this.#home.release(waiting.asked, reply);
  }

  #drain(cell: Cell): void {
    for (let next = cell.waiting?.peek(); next !== undefined; next = cell.waiting?.peek()) {
      if (!next.looked && this.references.mustLookUp(cell, next.asked)) {
        this.#lookUp(cell);
        return;
      }
      cell.waiting?.shift();
      this.#run(cell, next.asked, next);
    }
    cell.waiting = null;
  }

  #lookUp(cell: Cell): void {
    this.references.lookUp(cell);
    this.#around.wake();
  }

  #lookUpFailed(cell: Cell, failed: Waiting): void {
    const { residents } = this.#home;
    const rest = cell.waiting?.drain() ?? [];
    for (const waiting of rest) if (waiting !== failed) residents.park(cell, waiting);
    if (!rest.includes(failed)) return;
    this.#home.release(failed.asked, HISTORY_AWAY);
  }
}
