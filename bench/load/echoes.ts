// The calls of a lifecycle, sent to a server that answers each with itself: what the transport and this generator can do.
// Every echo is counted; one of another size than its request ends the run.

import { type Door, openDoor, type Receiver, STEPS, type Step } from './doors.ts';
import { histogram, percentiles, record } from './latencies.ts';
import type { LoadOutcome, LoadTask } from './messages.ts';
import { throughWindow, type WindowListener } from './window.ts';

const BILL_ID = '01M8025QMA002GPH72X6SNT2P2';
const EVENT_ID = `${BILL_ID}-e1`;
const AMOUNT = 70_000;

export class Echoes implements Receiver {
  readonly #task: LoadTask;
  readonly #latency = histogram();
  readonly #sentAt: Float64Array;
  readonly #order: string;
  #door: Door | null = null;
  #measured = 0;
  #completed = 0;
  #isMeasuring = false;
  #isEnding = false;
  #underWay = 0;
  #fail: (why: Error) => void = () => undefined;
  #allDone: () => void = () => undefined;

  constructor(task: LoadTask) {
    this.#task = task;
    this.#order = `${task.run}-123456`;
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
    try {
      for (let slot = 0; slot < this.#task.concurrency; slot++) {
        this.#underWay++;
        this.#send(slot, 'create');
      }
      const windowMs = await throughWindow(this.#task, on, failed, (isMeasuring) => {
        this.#isMeasuring = isMeasuring;
      });
      this.#isEnding = true;
      await Promise.race([ended, failed]);
      return this.#outcome(windowMs);
    } finally {
      this.#door.close();
    }
  }

  answered(slot: number, step: Step, _status: number, text: string): void {
    if (step === 'create' && !text.includes(this.#order)) {
      this.#fail(new Error(`an echo of something else: ${text.slice(0, 300)}`));
      return;
    }
    this.#completed++;
    if (this.#isMeasuring) {
      this.#measured++;
      record(this.#latency, performance.now() - (this.#sentAt[slot] ?? 0));
    }
    if (this.#isEnding) {
      this.#underWay--;
      if (this.#underWay === 0) this.#allDone();
      return;
    }
    this.#send(slot, STEPS[(STEPS.indexOf(step) + 1) % STEPS.length] ?? 'create');
  }

  event(text: string): void {
    this.#fail(new Error(`an echo server has no events: ${text.slice(0, 300)}`));
  }

  lost(why: Error): void {
    this.#fail(why);
  }

  #send(slot: number, step: Step): void {
    const door = this.#door;
    if (door === null) return;
    this.#sentAt[slot] = performance.now();
    switch (step) {
      case 'create':
        door.create(slot, this.#order, AMOUNT);
        break;
      case 'view':
        door.view(slot, BILL_ID);
        break;
      case 'pay':
        door.pay(slot, BILL_ID, `pay-${this.#order}`, AMOUNT);
        break;
      case 'acknowledge':
        door.acknowledge(slot, EVENT_ID);
        break;
      case 'confirm':
        door.confirm(slot, BILL_ID);
        break;
    }
  }

  #outcome(windowMs: number): LoadOutcome {
    return {
      measured: this.#measured,
      windowMs,
      completed: this.#completed,
      amount: 0,
      eventsRepeated: 0,
      lifecycleMs: percentiles(this.#latency),
      payToEventMs: percentiles(histogram()),
      lastBills: [],
      endedAt: Date.now(),
    };
  }
}
