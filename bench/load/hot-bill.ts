// Many payers of one bill: each slot pays 1, and again when that is answered. A dynamic bill takes so many parts and no
// more, so when those of one are all given out, all payers go on to the next: at any time one bill is hot. A billboard
// takes them all. Events of the payments are acknowledged as they come.

import { type Door, openDoor, type Receiver, type Step } from './doors.ts';
import { histogram, percentiles, record } from './latencies.ts';
import type { LoadOutcome, LoadTask } from './messages.ts';
import { throughWindow, type WindowListener } from './window.ts';
import type { Wire } from './wire.ts';

/** As many parts as a bill may have (PAYMENTS_MAX). */
const PARTS = 500;
const CREATES_AHEAD = 2;

export class HotBill implements Receiver {
  readonly #task: LoadTask;
  readonly #latency = histogram();
  readonly #sentAt: Float64Array;
  /** Bills that wait for their payers. */
  readonly #ready: string[] = [];
  readonly #idle: number[] = [];
  readonly #paidBills: string[] = [];
  #door: Door | null = null;
  #wire: Wire | null = null;
  #bill = '';
  #parts = 0;
  #creates = 0;
  #payments = 0;
  #events = 0;
  #acknowledged = 0;
  #measured = 0;
  #completed = 0;
  #isMeasuring = false;
  #isEnding = false;
  #underWay = 0;
  #fail: (why: Error) => void = () => undefined;
  #allDone: () => void = () => undefined;

  constructor(task: LoadTask) {
    this.#task = task;
    if (task.bill !== undefined) {
      this.#bill = task.bill;
      this.#paidBills.push(task.bill);
    }
    this.#sentAt = new Float64Array(task.concurrency);
  }

  async run(on: WindowListener): Promise<LoadOutcome> {
    const failed = new Promise<never>((_, fail) => {
      this.#fail = fail;
    });
    const ended = new Promise<void>((done) => {
      this.#allDone = done;
    });
    this.#door = await Promise.race([openDoor(this.#task, this), failed]);
    this.#wire = this.#door.wire;
    try {
      const slots = Array.from({ length: this.#task.concurrency }, (_, slot) => slot);
      if (this.#task.bill === undefined) {
        this.#idle.push(...slots);
        for (let i = 0; i < CREATES_AHEAD; i++) this.#create();
      } else for (const slot of slots) this.#pay(slot);
      const windowMs = await throughWindow(this.#task, on, failed, (isMeasuring) => {
        this.#isMeasuring = isMeasuring;
      });
      this.#isEnding = true;
      this.#checkEnd();
      await Promise.race([ended, failed]);
      return this.#outcome(windowMs);
    } finally {
      this.#door.close();
    }
  }

  answered(slot: number, step: Step, status: number, text: string, bodyAt: number): void {
    const wire = this.#wire;
    if (wire === null) return;
    if (step === 'create' && status === 201) {
      this.#ready.push(wire.textAt(text, wire.find(text, 'id', bodyAt)));
      for (const idle of this.#idle.splice(0)) this.#pay(idle);
    } else if (step === 'pay' && status === 201) {
      this.#paid(slot);
    } else if (step === 'acknowledge' && status === 200) {
      this.#acknowledged += wire.numberAt(text, wire.find(text, 'acknowledged', bodyAt));
    } else {
      const said = JSON.stringify(wire.decode(text)).slice(0, 1_000);
      this.#fail(new Error(`${step} of the hot bill got ${status}: ${said}`));
    }
    this.#checkEnd();
  }

  event(text: string): void {
    const wire = this.#wire;
    if (wire === null) return;
    this.#events++;
    // The terminal of slot 0 made the bill.
    this.#door?.acknowledge(0, wire.textAt(text, wire.find(text, 'id', 0)));
  }

  lost(why: Error): void {
    this.#fail(why);
  }

  #create(): void {
    this.#creates++;
    this.#door?.create(0, `${this.#task.run}-${this.#creates}`, PARTS);
  }

  #pay(slot: number): void {
    if (this.#isEnding) return;
    if (this.#task.bill === undefined && (this.#bill === '' || this.#parts === PARTS)) {
      const next = this.#ready.shift();
      if (next === undefined) {
        this.#idle.push(slot);
        return;
      }
      this.#bill = next;
      this.#parts = 0;
      this.#paidBills.push(next);
      this.#create();
    }
    this.#parts++;
    this.#payments++;
    this.#underWay++;
    this.#sentAt[slot] = performance.now();
    this.#door?.pay(slot, this.#bill, `pay-${this.#task.run}-${this.#payments}`, 1);
  }

  #paid(slot: number): void {
    this.#underWay--;
    this.#completed++;
    if (this.#isMeasuring) {
      this.#measured++;
      record(this.#latency, performance.now() - (this.#sentAt[slot] ?? 0));
    }
    this.#pay(slot);
  }

  #checkEnd(): void {
    const isOver = this.#underWay === 0 && this.#acknowledged >= this.#completed;
    if (this.#isEnding && isOver) this.#allDone();
  }

  #outcome(windowMs: number): LoadOutcome {
    return {
      measured: this.#measured,
      windowMs,
      completed: this.#completed,
      amount: this.#completed,
      eventsRepeated: this.#events - this.#completed,
      lifecycleMs: percentiles(this.#latency),
      payToEventMs: percentiles(histogram()),
      lastBills: this.#paidBills,
      endedAt: Date.now(),
    };
  }
}
