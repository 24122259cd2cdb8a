// Lifecycles in an open loop: each begins when a schedule says so, whatever the switch does meanwhile, and its steps are
// due THINK_MS one after the other. Latency counts from when a step was due, so a switch that stalls, or a generator that
// does, pays for every call that it made wait. A step whose predecessor has not been answered when it is due is sent as
// soon as it is, and still counts from when it was due.
//
//   due:  create 0 ── view 100 ── pay 200 ── (event → acknowledge at once) ── confirm 300 ms

import { type Door, openDoor, type Receiver, type Step } from './doors.ts';
import {
  billCreated,
  eventIds,
  isAcknowledgement,
  isConfirmation,
  isPayment,
  isView,
  saysPaid,
} from './expected.ts';
import { curve, histogram, pause, percentiles, record } from './latencies.ts';
import {
  type LoadOutcome,
  type LoadTask,
  type OpenOutcome,
  TIMED,
  type Timed,
} from './messages.ts';
import { drawSchedule } from './schedule.ts';
import { throughWindow, type WindowListener } from './window.ts';
import type { Wire } from './wire.ts';

const THINK_MS = 100;
const TICK_MS = 1;
const LAST_BILLS = 256;
const LATE_MS = 1_000;
const END_MS = 15_000;
/** No room for it now, or too much by this connection. */
const REFUSALS: readonly number[] = [503, 429];
/** What a refusal says to wait, and as much again at most, so that not all come back at once. */
const AGAIN_MS = 1_000;
const AMOUNT_MIN = 100;
const AMOUNT_RANGE = 99_900;

/** Steps that are due by the clock, in their order. */
const DUE = ['create', 'view', 'pay', 'confirm'] as const;
type Due = (typeof DUE)[number];

interface Sale {
  slot: number;
  readonly intendedAt: number;
  readonly isMeasured: boolean;
  readonly orderId: string;
  readonly amount: number;
  billId: string;
  /** The first step that has not been sent. */
  next: number;
  /** Whether what `next` waits for has been answered. */
  isReady: boolean;
  isPaid: boolean;
  isAcknowledged: boolean;
  hasEvent: boolean;
}

export class OpenLoop implements Receiver {
  readonly #task: LoadTask;
  readonly #rate: number;
  readonly #schedule: Float64Array;
  readonly #slots: (Sale | null)[];
  readonly #free: number[];
  readonly #salesByBill = new Map<string, Sale>();
  /** Sales whose step of that place is not due yet, in the order in which it falls due. */
  readonly #waiting: Sale[][] = DUE.map(() => []);
  readonly #latency: Record<Timed, ReturnType<typeof histogram>>;
  readonly #lag = histogram();
  /** What ends later than this has not been achieved. */
  readonly #lateAt: number;
  readonly #lastBills: string[] = [];
  #door: Door | null = null;
  #wire: Wire | null = null;
  #startedAt = 0;
  #begun = 0;
  #completed = 0;
  #completedInWindow = 0;
  #achieved = 0;
  #offered = 0;
  #starved = 0;
  #givenUp = 0;
  #refused = 0;
  #amount = 0;
  #eventsRepeated = 0;
  #isMeasuring = false;
  #fail: (why: Error) => void = () => undefined;

  constructor(task: LoadTask) {
    this.#task = task;
    this.#rate = task.rate ?? 1;
    this.#schedule = drawSchedule(this.#rate, task.warmUpMs + task.measureMs, Math.random);
    this.#lateAt = task.warmUpMs + task.measureMs + DUE.length * THINK_MS + LATE_MS;
    this.#slots = Array.from({ length: task.concurrency }, () => null);
    this.#free = this.#slots.map((_, slot) => slot);
    this.#latency = Object.fromEntries(TIMED.map((name) => [name, histogram()])) as Record<
      Timed,
      ReturnType<typeof histogram>
    >;
  }

  async run(on: WindowListener): Promise<LoadOutcome> {
    const failed = new Promise<never>((_, fail) => {
      this.#fail = fail;
    });
    this.#door = await Promise.race([openDoor(this.#task, this), failed]);
    this.#wire = this.#door.wire;
    this.#startedAt = performance.now();
    const clock = setInterval(() => this.#tick(), TICK_MS);
    try {
      const windowMs = await throughWindow(this.#task, on, failed, (isMeasuring) => {
        this.#isMeasuring = isMeasuring;
      });
      await Promise.race([this.#ended(), failed]);
      return this.#outcome(windowMs);
    } finally {
      clearInterval(clock);
      this.#door.close();
    }
  }

  answered(slot: number, step: Step, status: number, text: string, bodyAt: number): void {
    const sale = this.#slots[slot];
    const wire = this.#wire;
    if (sale === null || sale === undefined || wire === null) return;
    if (REFUSALS.includes(status) && this.#task.comesAgain === true) {
      this.#takeRefusal(sale, step);
      return;
    }
    if (!this.#isRight(sale, wire, step, status, text, bodyAt)) {
      const said = JSON.stringify(wire.decode(text)).slice(0, 1_500);
      this.#fail(new Error(`${step} of ${sale.orderId} got ${status}: ${said}`));
      return;
    }
    if (step === 'acknowledge') sale.isAcknowledged = true;
    else this.#time(sale, step, DUE.indexOf(step));
    if (step === 'create') this.#salesByBill.set(sale.billId, sale);
    if (step === 'pay') sale.isPaid = true;
    if (step === 'confirm') this.#complete(sale);
    else if (step === 'create' || step === 'view' || (sale.isPaid && sale.isAcknowledged)) {
      sale.isReady = true;
      if (this.#dueAt(sale, sale.next) <= this.#now()) this.#send(sale);
    }
  }

  event(text: string): void {
    const wire = this.#wire;
    if (wire === null) return;
    const { id, billId } = eventIds(wire, text);
    const sale = this.#salesByBill.get(billId);
    if (sale === undefined || sale.hasEvent) {
      this.#eventsRepeated++;
      return;
    }
    if (!saysPaid(wire, sale, text)) {
      this.#fail(new Error(`the event of ${sale.orderId} is not right: ${text.slice(0, 500)}`));
      return;
    }
    sale.hasEvent = true;
    this.#time(sale, 'pay → event', DUE.indexOf('pay'));
    this.#door?.acknowledge(sale.slot, id);
  }

  lost(why: Error): void {
    this.#fail(why);
  }

  #now(): number {
    return performance.now() - this.#startedAt;
  }

  #dueAt(sale: Sale, place: number): number {
    return sale.intendedAt + place * THINK_MS;
  }

  /** Begins what the schedule says, and sends what has fallen due. */
  #tick(): void {
    const now = this.#now();
    while ((this.#schedule[this.#begun] ?? Number.POSITIVE_INFINITY) <= now) {
      const sale = this.#makeSale(this.#schedule[this.#begun] ?? 0);
      if (sale === null) break;
      this.#sendAsPlanned(sale);
    }
    for (let place = 1; place < DUE.length; place++) this.#sendDue(place, now);
  }

  #sendDue(place: number, now: number): void {
    const waiting = this.#waiting[place] ?? [];
    let due = 0;
    for (const sale of waiting) {
      if (this.#dueAt(sale, place) > now) break;
      due++;
      // One that is not ready goes as soon as it is.
      if (sale.next === place && sale.isReady) this.#sendAsPlanned(sale);
    }
    if (due > 0) waiting.splice(0, due);
  }

  /** What is late now is late by this generator's fault. */
  #sendAsPlanned(sale: Sale): void {
    if (sale.isMeasured) record(this.#lag, this.#now() - this.#dueAt(sale, sale.next));
    this.#send(sale);
  }

  #makeSale(intendedAt: number): Sale | null {
    // In turns: over HTTP a slot's connections are kept, and one that is not used for long is closed.
    const slot = this.#free.shift();
    if (slot === undefined) {
      this.#starved++;
      return null;
    }
    this.#begun++;
    const isMeasured = intendedAt >= this.#task.warmUpMs;
    if (isMeasured) this.#offered++;
    const sale: Sale = {
      slot,
      intendedAt,
      isMeasured,
      orderId: `${this.#task.run}-${this.#begun}`,
      amount: AMOUNT_MIN + Math.floor(Math.random() * AMOUNT_RANGE),
      billId: '',
      next: 0,
      isReady: true,
      isPaid: false,
      isAcknowledged: false,
      hasEvent: false,
    };
    this.#slots[slot] = sale;
    for (let place = 1; place < DUE.length; place++) this.#waiting[place]?.push(sale);
    return sale;
  }

  #send(sale: Sale): void {
    const step = DUE[sale.next];
    if (step === undefined) return;
    sale.next++;
    sale.isReady = false;
    this.#ask(sale, step);
  }

  #ask(sale: Sale, step: Due): void {
    const door = this.#door;
    if (door === null) return;
    const { slot, billId, orderId, amount } = sale;
    if (step === 'create') door.create(slot, orderId, amount);
    else if (step === 'view') door.view(slot, billId);
    else if (step === 'pay') door.pay(slot, billId, `pay-${orderId}`, amount);
    else door.confirm(slot, billId);
  }

  /** A sale that cannot begin is lost to the switch; one that has begun goes on a little later. */
  #takeRefusal(sale: Sale, step: Step): void {
    if (this.#isMeasuring) this.#refused++;
    if (step === 'create') {
      this.#givenUp++;
      this.#leave(sale);
    } else if (step === 'acknowledge') {
      this.#fail(new Error(`an acknowledgement of ${sale.orderId} was refused`));
    } else {
      setTimeout(() => this.#ask(sale, step), AGAIN_MS * (1 + Math.random()));
    }
  }

  #leave(sale: Sale): void {
    this.#slots[sale.slot] = null;
    this.#free.push(sale.slot);
  }

  #isRight(
    sale: Sale,
    wire: Wire,
    step: Step,
    status: number,
    text: string,
    bodyAt: number,
  ): boolean {
    switch (step) {
      case 'create':
        sale.billId = billCreated(wire, sale.amount, status, text, bodyAt);
        return sale.billId !== '';
      case 'view':
        return isView(wire, sale, status, text, bodyAt);
      case 'pay':
        return isPayment(wire, sale, status, text, bodyAt);
      case 'acknowledge':
        return isAcknowledgement(wire, status, text, bodyAt);
      case 'confirm':
        return isConfirmation(wire, sale, status, text, bodyAt);
    }
  }

  #time(sale: Sale, what: Due | 'pay → event', place: number): void {
    if (sale.isMeasured) record(this.#latency[what], this.#now() - this.#dueAt(sale, place));
  }

  #complete(sale: Sale): void {
    this.#completed++;
    if (this.#isMeasuring) this.#completedInWindow++;
    if (sale.isMeasured && this.#now() <= this.#lateAt) this.#achieved++;
    this.#amount += sale.amount;
    this.#salesByBill.delete(sale.billId);
    this.#lastBills[this.#completed % LAST_BILLS] = sale.billId;
    this.#leave(sale);
  }

  /** When all that has begun is over. */
  async #ended(): Promise<void> {
    const until = performance.now() + END_MS;
    const underWay = (): number => this.#begun - this.#givenUp - this.#completed;
    while (this.#begun < this.#schedule.length || underWay() > 0) {
      if (performance.now() > until) {
        throw new Error(`${underWay()} lifecycles did not end in ${END_MS} ms`);
      }
      await pause(TICK_MS);
    }
  }

  #outcome(windowMs: number): LoadOutcome {
    const of = <Value>(read: (of: ReturnType<typeof histogram>) => Value) =>
      Object.fromEntries(TIMED.map((name) => [name, read(this.#latency[name])])) as Record<
        Timed,
        Value
      >;
    const open: OpenOutcome = {
      latencyMs: of(percentiles),
      curves: of(curve),
      lagMs: percentiles(this.#lag),
      offeredPerSecond: this.#offered / (this.#task.measureMs / 1000),
      achievedPerSecond: this.#achieved / (this.#task.measureMs / 1000),
      starved: this.#starved,
    };
    return {
      open,
      measured: this.#completedInWindow,
      windowMs,
      completed: this.#completed,
      amount: this.#amount,
      eventsRepeated: this.#eventsRepeated,
      refused: this.#refused,
      lifecycleMs: percentiles(histogram()),
      payToEventMs: percentiles(this.#latency['pay → event']),
      lastBills: this.#lastBills.filter((id) => id !== undefined),
      endedAt: Date.now(),
    };
  }
}
