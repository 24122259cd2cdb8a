// Lifecycles in a closed loop: every slot begins the next sale when the last one is confirmed.
//
//   create ─▶ view ─▶ pay ─▶ (event at the terminal) ─▶ acknowledge ─▶ confirm ─▶ next
//
// A lifecycle is over when its confirm and its payment have both been answered. Every answer's status and amounts are
// checked, and the event must be the bill's own. Anything else ends the run: it would not be a measurement.

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
import { histogram, percentiles, record } from './latencies.ts';
import type { LoadOutcome, LoadTask } from './messages.ts';
import { throughWindow, type WindowListener } from './window.ts';
import type { Wire } from './wire.ts';

const DEEP_EVERY = 64;
const LAST_BILLS = 256;
const STALLED_MS = 15_000;
/** What a refusal asks for, and a little more, so that not all come again at once. */
const AGAIN_MS = 1_000;
const AGAIN_SPREAD_MS = 500;
const AMOUNT_MIN = 100;
const AMOUNT_RANGE = 99_900;

interface Slot {
  readonly index: number;
  orderId: string;
  amount: number;
  billId: string;
  begunAt: number;
  paidAt: number;
  isPaid: boolean;
  hasEvent: boolean;
  isConfirmed: boolean;
  /** Every answer of this one is decoded whole. */
  isDeep: boolean;
}

export class Lifecycles implements Receiver {
  readonly #task: LoadTask;
  readonly #slots: Slot[];
  readonly #slotsByBill = new Map<string, Slot>();
  readonly #lastBills: string[] = [];
  readonly #lifecycle = histogram();
  readonly #payToEvent = histogram();
  #door: Door | null = null;
  #wire: Wire | null = null;
  #begun = 0;
  #measured = 0;
  #completed = 0;
  #amount = 0;
  #eventsRepeated = 0;
  #refused = 0;
  #isMeasuring = false;
  #isEnding = false;
  #underWay = 0;
  #windowMs = 0;
  #fail: (why: Error) => void = () => undefined;
  #allDone: () => void = () => undefined;

  constructor(task: LoadTask) {
    this.#task = task;
    this.#slots = Array.from({ length: task.concurrency }, (_, index) => emptySlot(index));
  }

  /** Warms up, measures, lets what is under way end. Rejects at the first wrong answer. */
  async run(on: WindowListener): Promise<LoadOutcome> {
    const failed = new Promise<never>((_, fail) => {
      this.#fail = fail;
    });
    const ended = new Promise<void>((done) => {
      this.#allDone = done;
    });
    this.#door = await Promise.race([openDoor(this.#task, this), failed]);
    this.#wire = this.#door.wire;
    const watch = this.#watchForStall();
    try {
      for (const slot of this.#slots) this.#begin(slot);
      // A counted load has no window: what counts is that all of it ends.
      if (this.#task.count !== undefined) {
        await Promise.race([ended, failed]);
        return this.#outcome();
      }
      this.#windowMs = await throughWindow(this.#task, on, failed, (isMeasuring) => {
        this.#isMeasuring = isMeasuring;
      });
      this.#isEnding = true;
      await Promise.race([ended, failed]);
      return this.#outcome();
    } finally {
      clearInterval(watch);
      this.#door.close();
    }
  }

  answered(index: number, step: Step, status: number, text: string, bodyAt: number): void {
    const slot = this.#slots[index];
    const wire = this.#wire;
    if (slot === undefined || wire === null) return;
    if (
      status === 503 &&
      this.#task.comesAgain === true &&
      (step === 'create' || step === 'view')
    ) {
      this.#comeAgain(slot, step);
      return;
    }
    if (slot.isDeep) this.#checkWhole(slot, step, text);
    switch (step) {
      case 'create':
        this.#created(slot, wire, status, text, bodyAt);
        break;
      case 'view':
        this.#viewed(slot, wire, status, text, bodyAt);
        break;
      case 'pay':
        this.#paid(slot, wire, status, text, bodyAt);
        break;
      case 'acknowledge':
        this.#acknowledged(slot, wire, status, text, bodyAt);
        break;
      case 'confirm':
        this.#confirmed(slot, wire, status, text, bodyAt);
        break;
    }
  }

  event(text: string): void {
    const wire = this.#wire;
    if (wire === null) return;
    const { id, billId } = eventIds(wire, text);
    const slot = this.#slotsByBill.get(billId);
    if (slot === undefined || slot.hasEvent) {
      // Of a bill that is over: the switch repeats until it has the acknowledgement.
      this.#eventsRepeated++;
      return;
    }
    if (!saysPaid(wire, slot, text)) {
      this.#wrong(slot, 'event', 0, text);
      return;
    }
    slot.hasEvent = true;
    if (this.#isMeasuring) record(this.#payToEvent, performance.now() - slot.paidAt);
    this.#door?.acknowledge(slot.index, id);
  }

  lost(why: Error): void {
    this.#fail(why);
  }

  #comeAgain(slot: Slot, step: 'create' | 'view'): void {
    if (this.#isMeasuring) this.#refused++;
    setTimeout(
      () => {
        if (step === 'create') this.#door?.create(slot.index, slot.orderId, slot.amount);
        else this.#door?.view(slot.index, slot.billId);
      },
      AGAIN_MS + Math.random() * AGAIN_SPREAD_MS,
    );
  }

  #begin(slot: Slot): void {
    if (this.#begun === this.#task.count) return;
    this.#begun++;
    this.#underWay++;
    slot.orderId = `${this.#task.run}-${this.#begun}`;
    slot.amount = AMOUNT_MIN + Math.floor(Math.random() * AMOUNT_RANGE);
    slot.billId = '';
    slot.isPaid = false;
    slot.hasEvent = false;
    slot.isConfirmed = false;
    slot.isDeep = this.#begun % DEEP_EVERY === 0;
    slot.begunAt = performance.now();
    this.#door?.create(slot.index, slot.orderId, slot.amount);
  }

  #created(slot: Slot, wire: Wire, status: number, text: string, bodyAt: number): void {
    slot.billId = billCreated(wire, slot.amount, status, text, bodyAt);
    if (slot.billId === '') {
      this.#wrong(slot, 'create', status, text);
      return;
    }
    this.#slotsByBill.set(slot.billId, slot);
    this.#door?.view(slot.index, slot.billId);
  }

  #viewed(slot: Slot, wire: Wire, status: number, text: string, bodyAt: number): void {
    if (!isView(wire, slot, status, text, bodyAt)) {
      this.#wrong(slot, 'view', status, text);
      return;
    }
    slot.paidAt = performance.now();
    this.#door?.pay(slot.index, slot.billId, `pay-${slot.orderId}`, slot.amount);
  }

  #paid(slot: Slot, wire: Wire, status: number, text: string, bodyAt: number): void {
    if (!isPayment(wire, slot, status, text, bodyAt)) {
      this.#wrong(slot, 'pay', status, text);
      return;
    }
    slot.isPaid = true;
    if (slot.isConfirmed) this.#complete(slot);
  }

  #acknowledged(slot: Slot, wire: Wire, status: number, text: string, bodyAt: number): void {
    if (!isAcknowledgement(wire, status, text, bodyAt)) {
      this.#wrong(slot, 'acknowledge', status, text);
      return;
    }
    this.#door?.confirm(slot.index, slot.billId);
  }

  #confirmed(slot: Slot, wire: Wire, status: number, text: string, bodyAt: number): void {
    if (!isConfirmation(wire, slot, status, text, bodyAt)) {
      this.#wrong(slot, 'confirm', status, text);
      return;
    }
    slot.isConfirmed = true;
    if (slot.isPaid) this.#complete(slot);
  }

  #complete(slot: Slot): void {
    this.#underWay--;
    this.#completed++;
    this.#amount += slot.amount;
    this.#slotsByBill.delete(slot.billId);
    if (this.#isMeasuring) {
      this.#measured++;
      record(this.#lifecycle, performance.now() - slot.begunAt);
    }
    this.#lastBills[this.#completed % LAST_BILLS] = slot.billId;
    if (!this.#isEnding && this.#begun !== this.#task.count) this.#begin(slot);
    else if (this.#underWay === 0) this.#allDone();
  }

  #checkWhole(slot: Slot, step: Step, text: string): void {
    const seen = JSON.stringify(this.#wire?.decode(text));
    const expected: Partial<Record<Step, string[]>> = {
      create: [`"orderId":"${slot.orderId}"`, '"currency":"EUR"', '"payments":[]', '/q/'],
      pay: [`"paymentRef":"pay-${slot.orderId}"`, '"status":"accepted"'],
      confirm: [`"orderId":"${slot.orderId}"`, `"paymentRef":"pay-${slot.orderId}"`],
    };
    const missing = expected[step]?.find((part) => !seen.includes(part));
    if (missing !== undefined) {
      this.#fail(new Error(`the answer to ${step} lacks ${missing}: ${seen}`));
    }
  }

  #wrong(slot: Slot, step: string, status: number, text: string): void {
    const said = JSON.stringify(this.#wire?.decode(text)).slice(0, 1500);
    this.#fail(new Error(`${step} of ${slot.orderId} (${slot.amount}) got ${status}: ${said}`));
  }

  #watchForStall(): NodeJS.Timeout {
    let before = -1;
    return setInterval(() => {
      if (this.#completed === before) {
        const waiting = this.#slots.slice(0, 4).map((slot) => JSON.stringify(slot));
        this.#fail(new Error(`no lifecycle ended within ${STALLED_MS} ms; ${waiting.join(' ')}`));
      }
      before = this.#completed;
    }, STALLED_MS);
  }

  #outcome(): LoadOutcome {
    return {
      measured: this.#measured,
      windowMs: this.#windowMs,
      completed: this.#completed,
      amount: this.#amount,
      eventsRepeated: this.#eventsRepeated,
      refused: this.#refused,
      lifecycleMs: percentiles(this.#lifecycle),
      payToEventMs: percentiles(this.#payToEvent),
      lastBills: this.#lastBills.filter((id) => id !== undefined),
      endedAt: Date.now(),
    };
  }
}

function emptySlot(index: number): Slot {
  return {
    index,
    orderId: '',
    amount: 0,
    billId: '',
    begunAt: 0,
    paidAt: 0,
    isPaid: false,
    hasEvent: false,
    isConfirmed: false,
    isDeep: false,
  };
}
