// A shard: some of the bills, one writer, one log stream. Requests come in, the domain decides, the log remembers, and
// only then anything leaves.
//
//   S1. Commands of one bill run one at a time, in the order in which they came (A1).
//   S2. Nothing that rests on a state not yet durable leaves before the batch that holds it (A2).
//   S3. Due timers run before any command or read finds the bill (A8).
//   S4. While the outcome of an append is not known, nothing runs and nothing is promised (A4).

import type { ShardClock } from '../actors/shard-clock.ts';
import { must } from '../domain/assert.ts';
import { decide, evolve, nextDueOf } from '../domain/bill/bill.ts';
import { showing } from '../domain/bill/parts.ts';
import { type Bill, isPresent } from '../domain/bill/state.ts';
import type { Touched } from '../domain/bill/touched.ts';
import type { BillFact } from '../domain/bill/vocabulary.ts';
import type { BillId, ShardId } from '../domain/ids.ts';
import { type Millis, millis } from '../domain/time.ts';
import { Admission, TIMERS_AT_ONCE_MAX, unleased } from './admission.ts';
import { Arrivals } from './arrivals.ts';
import { actorOf, type BillOperation, commandOf } from './bill-commands.ts';
import { rejection, replyTo } from './bill-replies.ts';
import type { Cell, Waiting } from './cell.ts';
import { lettingGo } from './cell-references.ts';
import { type EntryId, NO_ENTRY } from './entry-id.ts';
import { type Batch, GroupCommit } from './group-commit.ts';
import { type CommittedEntry, type CommittedItem, weightOf } from './history-queue.ts';
import { LongPolls } from './long-polls.ts';
import { OrderDesk } from './order-desk.ts';
import { type Asked, DETAILS, fault } from './reply-sink.ts';
import type { Reply } from './requests.ts';
import { Residents } from './residents.ts';
import type { ShardSurroundings } from './shard-surroundings.ts';
import { asCommitted, settleItem, stream } from './streaming.ts';
import { isRefused, unlessBarred } from './suspension.ts';
import { seenBy, unseen } from './visibility.ts';

export class Shard {
  readonly id: ShardId;
  readonly residents: Residents;
  readonly orders: OrderDesk;
  readonly commit = new GroupCommit();
  readonly #around: ShardSurroundings;
  readonly #admission: Admission;
  readonly #polls: LongPolls;
  readonly #arrivals: Arrivals;
  #time: ShardClock | null = null;
  #isServing = false;
  #isLeaving = false;
  #isStopped = false;
  #underWay = 0;

  constructor(around: ShardSurroundings) {
    this.id = around.id;
    this.#around = around;
    this.#admission = new Admission(around);
    this.residents = new Residents({
      packer: around.packer,
      events: around.events,
      mailboxMax: around.limits.mailboxMax,
      left: (bill) => {
        if (isPresent(bill)) this.orders.forgetBill(bill);
      },
    });
    this.orders = new OrderDesk(this, around);
    this.#polls = new LongPolls({
      residents: this.residents,
      clock: around.clock,
      answer: (cell, asked) => {
        this.#underWay += 1;
        this.#run(cell, asked, null);
      },
    });
    this.#arrivals = new Arrivals(this, around, (cell, asked, waiting) =>
      this.#run(cell, asked, waiting),
    );
  }

  get isServing(): boolean {
    return this.#isServing;
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Requests that have not been answered, long polls left out. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Begins to serve, or goes on, by this clock. */
  serve(time: ShardClock): void {
    this.#time = time;
    this.#isServing = !this.#isLeaving;
  }

  /** Another node is to have it: until it is dropped nothing new is begun; what is under way comes to its end. */
  leave(): void {
    this.#isLeaving = true;
    this.suspend(DETAILS.starting);
  }

  /** Stops serving until `serve`: nothing runs, and what waits for history is refused (S4). Long polls stay. */
  suspend(detail: string = DETAILS.recovering): void {
    this.#isServing = false;
    const reply = fault('shard.unavailable', detail);
    for (const asked of this.#arrivals.drain()) this.release(asked, reply);
    for (const asked of this.orders.drain()) this.release(asked, reply);
  }

  now(): Millis {
    const { clock } = this.#around;
    const reading = { wall: clock.wall(), monotonic: clock.monotonic() };
    return millis(must(this.#time, 'the time of a shard that serves').now(reading));
  }

  receive(asked: Asked): void {
    const refusal = this.#refusal(asked);
    if (refusal !== null) {
      this.#around.sink.reply(asked, refusal);
      return;
    }
    this.#underWay += 1;
    const { operation } = asked;
    if (operation.op === 'bill.create') this.orders.create(asked, operation);
    else if (operation.op === 'order.resolve') this.orders.resolve(asked, operation);
    else if (operation.op === 'order.check') this.orders.check(asked, operation);
    else if (operation.op === 'order.get') this.orders.find(asked, operation);
    else this.onBill(asked, operation.billId);
  }

  #refusal(asked: Asked): Reply | null {
    if (this.#isStopped) return fault('shard.stopped', DETAILS.stopped);
    if (!this.#isServing) return fault('shard.unavailable', DETAILS.starting);
    return this.#admission.refusal(asked, this.#underWay);
  }

  /** Runs the request on its bill, once the bill is in memory and its turn has come (S1). */
  onBill(asked: Asked, billId: BillId): void {
    this.#arrivals.receive(asked, billId);
  }

  /** Brings a bill into memory because a timer of it falls due (A8). */
  load(billId: BillId): void {
    this.#arrivals.load(billId);
  }

  #run(cell: Cell, asked: Asked, waiting: Waiting | null): void {
    try {
      this.#decide(cell, asked, waiting);
    } catch (error) {
      this.#around.defect(cell.id, error);
      this.answer(asked, fault('internal', 'The switch has failed on this bill.'), cell.batch);
    }
  }

  #decide(cell: Cell, asked: Asked, waiting: Waiting | null): void {
    const operation = asked.operation as BillOperation;
    const { principal } = asked;
    const now = this.now();
    this.runTimers(cell, now);
    const seen = seenBy(asked, cell.bill, this.#around, now);
    if (seen === null) {
      this.answer(asked, rejection(unseen(operation.op)), 0);
      return;
    }
    if (this.#polls.begin(cell, asked, seen.bill.version)) {
      this.#underWay -= 1;
      return;
    }
    const { reference, parts } = this.#arrivals.references.recall(cell, asked, waiting);
    const command = commandOf(operation, principal);
    const decided = command === null ? [] : decide(cell.bill, command, now, reference, parts);
    const decision = unlessBarred(operation, seen.bar, decided);
    if (command !== null && !isRefused(decision)) {
      this.apply(cell, command.type, decision, { asked, now });
    }
    const bill = showing(isPresent(cell.bill) ? cell.bill : seen.bill, parts);
    const reply = replyTo(operation, principal, { bill, decision, recalled: reference, now });
    this.answer(asked, reply, cell.batch);
  }

  /** Remembers facts: the bill runs ahead of the log, the batch carries the transition. */
  apply(
    cell: Cell,
    command: string,
    facts: readonly BillFact[],
    cause: { asked: Asked | null; now: Millis },
  ): void {
    if (facts.length === 0) return;
    const before = cell.bill;
    const requestId = cause.asked?.requestId ?? 'timer';
    const actor = actorOf(cause.asked?.principal ?? null);
    cell.bill = evolve(before, facts, { at: cause.now, requestId });
    const batch = this.commit.addBill(cell, before, {
      kind: 'bill',
      billId: cell.id,
      at: cause.now,
      command,
      actor: `${actor.kind}:${actor.id}`,
      requestId,
      facts,
    });
    lettingGo(cell, before, facts, { batch, entry: NO_ENTRY });
    this.#around.wake();
  }

  /** Runs what is due, in due order, before anything else finds the bill (S3). */
  runTimers(cell: Cell, now: Millis): void {
    for (let i = 0; nextDueOf(cell.bill) <= now && i < TIMERS_AT_ONCE_MAX; i++) {
      const decision = decide(cell.bill, { type: 'RunTimer' }, now);
      if (isRefused(decision) || decision.length === 0) return;
      this.apply(cell, 'RunTimer', decision, { asked: null, now });
    }
  }

  /** Answers once the batch that the reply rests on is durable (S2); from memory alone, only under the lease (A5). */
  answer(asked: Asked, reply: Reply, batch: number): void {
    if (this.commit.hold(batch, asked, reply)) return;
    this.release(asked, this.#around.isLeased() ? reply : unleased(this.id));
  }

  /** Answers now. */
  release(asked: Asked, reply: Reply): void {
    this.#underWay -= 1;
    this.#around.sink.reply(asked, reply);
    this.#around.wake();
  }

  /** Runs the timers and long polls that are due. Called every few milliseconds while the shard serves. */
  pulse(): void {
    if (!this.#isServing) return;
    const now = this.now();
    for (let cell = this.residents.due(now); cell !== undefined; cell = this.residents.due(now)) {
      this.residents.timers.remove(cell);
      const before = cell.bill;
      try {
        this.runTimers(cell, now);
        // A touched cell is scheduled anew by its commit.
        if (cell.bill === before && cell.bill === cell.committed) this.residents.schedule(cell);
      } catch (error) {
        this.#around.defect(cell.id, error);
      }
    }
    this.#polls.pulse();
  }

  /** The batch under way is durable: its replies and events leave. Returns what history is to have. */
  committed(): CommittedEntry {
    const { batch, entry } = this.commit.commit();
    const items = batch.items.map((item) => asCommitted(this.#around, item));
    const monotonic = this.#around.clock.monotonic();
    for (const cell of batch.touched) {
      cell.usedAt = monotonic;
      this.residents.schedule(cell);
      for (const each of cell.unwritten ?? []) if (each.batch === batch.serial) each.entry = entry;
    }
    for (const { asked, reply } of batch.releases) this.release(asked, reply);
    for (const cell of batch.touched) this.#polls.wake(cell);
    const { at } = must(items.at(-1), 'a transition').transition;
    return { entry, at, weight: weightOf(items.length, batch.bytes), items };
  }

  /** A transition read from the log again: its events stand in the streams, but nobody hears them anew. */
  tell(after: Bill, touched: Touched): void {
    stream(this.#around, after, touched, false);
  }

  /** History has these entries now: what was kept for them may go. */
  written(entries: readonly CommittedEntry[], watermark: EntryId): void {
    for (const { items } of entries) {
      for (const item of items) {
        if (item.kind === 'order') this.orders.written(item.transition);
        else this.#billWritten(item, watermark);
      }
    }
  }

  #billWritten(item: Extract<CommittedItem, { kind: 'bill' }>, watermark: EntryId): void {
    const cell = this.residents.awake(item.transition.billId);
    settleItem(this.#around, item, cell, watermark);
    if (cell !== undefined) this.residents.written(cell, item.after);
  }

  /** What became of the append under way is known: the rest is put back and refused (A4). */
  settle(isCommitted: boolean): CommittedEntry | null {
    const reply = fault('log.refused', DETAILS.notLogged);
    for (const batch of this.commit.settle(isCommitted)) this.#refuse(batch, reply);
    return isCommitted && this.commit.inFlight !== null ? this.committed() : null;
  }

  #refuse(batch: Batch, reply: Reply): void {
    for (const cell of batch.touched) {
      cell.unwritten = cell.unwritten?.filter((each) => each.batch !== batch.serial) ?? null;
      if (cell.bill.status === 'absent' && cell.bill === cell.committed) {
        for (const { asked } of cell.waiting?.drain() ?? []) this.release(asked, reply);
        this.#dropPolls(cell, reply);
        this.residents.remove(cell);
      } else {
        this.residents.schedule(cell);
      }
    }
    for (const { asked } of batch.releases) this.release(asked, reply);
  }

  #dropPolls(cell: Cell, reply: Reply): void {
    for (const asked of this.#polls.drain(cell)) {
      this.#underWay += 1;
      this.release(asked, reply);
    }
  }

  /** Refuses to serve from now on, until the worker begins anew (A4, A6). */
  stop(): void {
    this.#isStopped = true;
    this.drop('shard.stopped');
  }

  /** Gives the shard up: every request gets a 503, memory is emptied. */
  drop(code: 'shard.unavailable' | 'shard.stopped'): void {
    this.suspend();
    this.#isLeaving = false;
    const detail = code === 'shard.stopped' ? DETAILS.stopped : DETAILS.starting;
    const reply = fault(code, detail);
    // The append under way may have been done, or may yet be: its requests must not be told that it was not.
    const unknown = this.commit.inFlight?.batch;
    for (const batch of this.commit.settle(false)) {
      this.#refuse(batch, batch === unknown ? fault('outcome.unknown', detail) : reply);
    }
    for (const cell of this.residents) this.#dropPolls(cell, reply);
    this.orders.clear();
    this.residents.clear();
    this.#around.events.forgetShard(this.id);
  }
}
