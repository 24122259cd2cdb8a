// Creates bills and leaves them open.

import { type Door, openDoor, type Receiver, type Step } from './doors.ts';
import { billCreated } from './expected.ts';
import { histogram, percentiles } from './latencies.ts';
import type { LoadOutcome, LoadTask } from './messages.ts';

const AMOUNT = 70_000;
const LAST_BILLS = 256;
/** Millions take longer than the quarter of an hour for which a bill is open by itself. */
const EXPIRES_IN = 86_400;
const NO_ROOM = 503;
/** As `Retry-After` says. */
const AGAIN_MS = 1_000;

export class Fill implements Receiver {
  readonly #task: LoadTask;
  readonly #lastBills: string[] = [];
  /** By slot, the order under way. */
  readonly #orders: string[] = [];
  #door: Door | null = null;
  #begun = 0;
  #completed = 0;
  #fail: (why: Error) => void = () => undefined;
  #allDone: () => void = () => undefined;

  constructor(task: LoadTask) {
    this.#task = task;
  }

  async run(): Promise<LoadOutcome> {
    const failed = new Promise<never>((_, fail) => {
      this.#fail = fail;
    });
    const ended = new Promise<void>((done) => {
      this.#allDone = done;
    });
    this.#door = await Promise.race([openDoor(this.#task, this), failed]);
    const startedAt = performance.now();
    try {
      for (let slot = 0; slot < this.#task.concurrency; slot++) this.#create(slot);
      await Promise.race([ended, failed]);
    } finally {
      this.#door.close();
    }
    return {
      measured: this.#completed,
      windowMs: performance.now() - startedAt,
      completed: this.#completed,
      amount: this.#completed * AMOUNT,
      eventsRepeated: 0,
      lifecycleMs: percentiles(histogram()),
      payToEventMs: percentiles(histogram()),
      lastBills: this.#lastBills.filter((id) => id !== undefined),
      endedAt: Date.now(),
    };
  }

  answered(slot: number, step: Step, status: number, text: string, bodyAt: number): void {
    const wire = this.#door?.wire;
    if (wire === undefined) return;
    if (status === NO_ROOM && this.#task.comesAgain === true) {
      setTimeout(() => this.#ask(slot), AGAIN_MS);
      return;
    }
    const billId = billCreated(wire, AMOUNT, status, text, bodyAt);
    if (step !== 'create' || billId === '') {
      this.#fail(new Error(`${step} got ${status}: ${JSON.stringify(wire.decode(text))}`));
      return;
    }
    this.#completed++;
    this.#lastBills[this.#completed % LAST_BILLS] = billId;
    if (this.#completed === this.#task.count) this.#allDone();
    else this.#create(slot);
  }

  event(text: string): void {
    this.#fail(new Error(`an unpaid bill has no events: ${text.slice(0, 300)}`));
  }

  lost(why: Error): void {
    this.#fail(why);
  }

  #create(slot: number): void {
    if (this.#begun === this.#task.count) return;
    this.#begun++;
    this.#orders[slot] = `${this.#task.run}-${this.#begun}`;
    this.#ask(slot);
  }

  #ask(slot: number): void {
    this.#door?.create(slot, this.#orders[slot] ?? '', AMOUNT, EXPIRES_IN);
  }
}
