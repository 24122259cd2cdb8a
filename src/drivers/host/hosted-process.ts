// A driver in a process of its own, which is never the switch's: what it breaks is itself.
//
//   H1. A call has so long; after that it is unknown, whatever the driver does later.
//   H2. A process that ends leaves what it was asked as unknown, and is made anew, later each time it ends soon. Meanwhile
//       nothing is sent, so calls are not done. One that is not ready when made anew is ended, and so made once more.
//       One that does not even say that it is there, as long again after a call was late, and no less than five seconds,
//       is ended.
//   H3. An answer that has not the shape of the contract is none: unknown.
//   H4. So many calls at once; more are not done.

import type { Clock } from '../../switch/ports.ts';
import { asLine } from '../contract/kept-texts.ts';
import { DriverRefused } from '../contract/open-driver.ts';
import { DriverLife } from './driver-life.ts';
import type { KindShapes } from './kind-shapes.ts';
import { type DriverTask, type FromProcess, PING } from './messages.ts';

export interface ProcessOptions extends DriverTask {
  /** The process's program, built: `driver-process.js`. */
  readonly program: URL;
  readonly clock: Pick<Clock, 'wall' | 'after'>;
  readonly callMs: number;
  readonly callsMax: number;
  /** Of its heap. */
  readonly memoryMb: number;
  /** Told of what goes wrong in the driver, for the log. */
  readonly report: (what: string) => void;
  /** Told of each end that was not asked for. */
  readonly onEnded?: () => void;
  /** Told of what came of each call. */
  readonly onAsked?: (is: Asked['is']) => void;
}

/** What came of asking. `notDone`: it was never asked. `unknown`: it was, and has not answered as it should. */
export type Asked =
  | { readonly is: 'answered'; readonly answer: unknown }
  | { readonly is: 'notDone'; readonly code: 'unreachable' | 'busy'; readonly why: string }
  | { readonly is: 'unknown'; readonly why: string };

export interface Ready {
  readonly name: string;
  readonly capabilities: unknown;
}

interface Pending {
  readonly call: string;
  readonly cancelTimer: () => void;
  readonly settle: (asked: Asked) => void;
}

const START_MS = 30_000;
const LATE = `it is not ready after ${START_MS / 1_000} s`;
const RESTART_MIN_MS = 1_000;
const RESTART_MAX_MS = 300_000;
/** A pause of its garbage collector, or of a machine that has much to do, is no reason to end it. */
const SILENT_MIN_MS = 5_000;
/** Calls that are not answered in time are told of together, so often. */
const LATE_TOLD_MS = 10_000;
/** One that lived so long starts anew at once. */
const STEADY_MS = 60_000;

export class DriverProcess {
  readonly #options: ProcessOptions;
  readonly #shapes: KindShapes;
  readonly #pending = new Map<number, Pending>();
  #life: DriverLife | undefined;
  #isReady = false;
  #isClosed = false;
  #calls = 0;
  #restarts = 0;
  #startedAt = 0;
  #late = 0;
  #lateToldAt = Number.NEGATIVE_INFINITY;
  #cancelRestart: () => void = () => {};
  #cancelPing: (() => void) | undefined;
  #cancelStart: () => void = () => {};
  /** Told, until the driver was ready once, of what it says first. */
  #onFirst: ((ready: Ready | null, why: string) => void) | undefined;

  constructor(options: ProcessOptions, shapes: KindShapes) {
    this.#options = options;
    this.#shapes = shapes;
  }

  /** Starts the process for the first time. Rejects with DriverRefused where the driver will never be ready. */
  start(): Promise<Ready> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#options.clock.after(START_MS, () => this.#onFirst?.(null, LATE));
      this.#onFirst = (ready, why) => {
        cancelTimer();
        this.#onFirst = undefined;
        if (ready !== null) return resolve(ready);
        void this.close();
        reject(new DriverRefused(why));
      };
      this.#begin();
    });
  }

  /** Never rejects. */
  async ask(call: string, args: readonly unknown[]): Promise<Asked> {
    const asked = await this.#ask(call, args);
    this.#options.onAsked?.(asked.is);
    return asked;
  }

  #ask(call: string, args: readonly unknown[]): Promise<Asked> {
    const { clock, callMs, callsMax, report, specifier } = this.#options;
    const life = this.#life;
    if (life === undefined || !this.#isReady) {
      return Promise.resolve({ is: 'notDone', code: 'unreachable', why: 'the driver is away' });
    }
    if (this.#pending.size >= callsMax) {
      const why = 'the driver has enough to do';
      return Promise.resolve({ is: 'notDone', code: 'busy', why });
    }
    this.#calls += 1;
    const no = this.#calls;
    try {
      life.say({ no, call, args });
    } catch (error) {
      // No message can be made of it, and none has been sent.
      report(`${specifier}: ${call} cannot be sent: ${asLine(String(error))}`);
      return Promise.resolve({ is: 'notDone', code: 'unreachable', why: 'it cannot be sent' });
    }
    return new Promise((settle) => {
      const cancelTimer = clock.after(callMs, () => {
        this.#pending.delete(no);
        settle({ is: 'unknown', why: `the driver has not answered in ${callMs} ms` });
        this.#tellLate(call);
        this.#ping(life);
      });
      this.#pending.set(no, { call, cancelTimer, settle });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRestart();
    this.#cancelStart();
    this.#ponged();
    const life = this.#life;
    if (life === undefined) return;
    if (!this.#isReady) life.kill('it is closed');
    await life.close();
  }

  #tellLate(call: string): void {
    const { clock, callMs, report, specifier } = this.#options;
    this.#late += 1;
    if (clock.wall() - this.#lateToldAt < LATE_TOLD_MS) return;
    this.#lateToldAt = clock.wall();
    report(`${specifier}: ${call} was not answered in ${callMs} ms; ${this.#late} since last told`);
    this.#late = 0;
  }

  #ping(life: DriverLife): void {
    if (this.#cancelPing !== undefined) return;
    life.say(PING);
    const { clock, callMs } = this.#options;
    const kill = (): void => {
      this.#cancelPing = undefined;
      life.kill('it did not say that it is there');
    };
    this.#cancelPing = clock.after(Math.max(callMs, SILENT_MIN_MS), () => {
      // What it has said while we ourselves were held up is heard before.
      this.#cancelPing = clock.after(0, kill);
    });
  }

  #ponged(): void {
    this.#cancelPing?.();
    this.#cancelPing = undefined;
  }

  #begin(): void {
    const { program, kind, name, specifier, settings, tagKey, memoryMb, clock } = this.#options;
    this.#startedAt = clock.wall();
    try {
      const life = new DriverLife({
        program,
        task: { kind, name, specifier, settings, tagKey },
        clock,
        memoryMb,
        hear: (message) => this.#hear(life, message),
        ended: (why) => this.#ended(asLine(why)),
      });
      this.#life = life;
      this.#cancelStart = clock.after(START_MS, () => this.#refused(life, LATE));
    } catch (error) {
      // The system has no process for us now.
      this.#ended(String(error));
    }
  }

  #hear(life: DriverLife, message: Exclude<FromProcess, { readonly type: 'fell' }>): void {
    if (message.type === 'answer' || message.type === 'threw') this.#answered(message);
    else if (message.type === 'pong') this.#ponged();
    else if (message.type === 'refused') this.#refused(life, asLine(message.why));
    // What else its code says is for somebody else.
    else if (message.type !== 'ready') return;
    else if (!this.#shapes.areCapabilities(message.capabilities)) {
      this.#refused(life, 'its capabilities are none');
    } else {
      this.#cancelStart();
      this.#isReady = true;
      this.#onFirst?.(message, '');
    }
  }

  /** Where it was ready before it may be again, so that what is amiss outside of it ends it for a while only. */
  #refused(life: DriverLife, why: string): void {
    if (this.#onFirst !== undefined) {
      this.#onFirst(null, why);
      return;
    }
    life.kill(`made anew, it cannot be used: ${why}`);
  }

  #answered(message: Extract<FromProcess, { readonly no: number }>): void {
    const pending = this.#pending.get(message.no);
    if (pending === undefined) return;
    this.#pending.delete(message.no);
    pending.cancelTimer();
    if (message.type === 'answer' && this.#shapes.isAnswer(pending.call, message.answer)) {
      pending.settle({ is: 'answered', answer: message.answer });
      return;
    }
    const why =
      message.type === 'threw' ? asLine(message.why) : `its answer to ${pending.call} is none`;
    this.#options.report(`${this.#options.specifier}: ${why}`);
    pending.settle({ is: 'unknown', why });
  }

  #ended(why: string): void {
    this.#life = undefined;
    this.#isReady = false;
    this.#cancelStart();
    this.#ponged();
    for (const { cancelTimer, settle } of this.#pending.values()) {
      cancelTimer();
      settle({ is: 'unknown', why: 'the driver has ended' });
    }
    this.#pending.clear();
    if (this.#isClosed) return;
    if (this.#onFirst !== undefined) {
      this.#onFirst(null, why);
      return;
    }
    const { clock, report, onEnded, specifier } = this.#options;
    onEnded?.();
    this.#restarts = clock.wall() - this.#startedAt > STEADY_MS ? 0 : this.#restarts + 1;
    const afterMs =
      this.#restarts === 0
        ? 0
        : Math.min(RESTART_MIN_MS * 2 ** Math.min(this.#restarts - 1, 20), RESTART_MAX_MS);
    report(`${specifier}: its process has ended, and is made anew in ${afterMs} ms: ${why}`);
    this.#cancelRestart = clock.after(afterMs, () => this.#begin());
  }
}
