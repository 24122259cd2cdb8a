// An answer that is written while it comes about. What one turn brings leaves together; what the client does not take
// waits here, where it is counted, and a client that takes nothing for long is cut off.

import { SECOND_MS } from '../../domain/time.ts';
import type { Clock } from '../../switch/ports.ts';
import { guarded, type Walled } from './wall.ts';

/** A client that takes nothing for so long is gone (nobody tells while its body is not read), or will never read. */
const STALL_MS = 30 * SECOND_MS;
/**
 * uWebSockets.js either drains its buffer itself or tells when there is room, and then leaves the draining to whoever
 * writes next: there may be nothing to write. So it drains, and is asked so often whether it has.
 */
const ASK_AFTER_MS = 10;

/** Where it is written to. */
export interface Sink {
  /** False: the client does not keep up, and the bytes are kept for it. */
  write(bytes: Uint8Array): boolean;
  /** Ends the connection in the middle of the answer. */
  cut(): void;
}

export class LineOutbox {
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #onTurn: () => void;
  readonly #turn: () => void;
  #queue: Uint8Array[] = [];
  #bytes = 0;
  #isScheduled = false;
  #isClosed = false;
  /** Since when the client has not kept up; null where it does. */
  #stalledAt: number | null = null;

  /** `onTurn` is called after each turn, once what it brought has been written. */
  constructor(options: { sink: Sink; clock: Clock; whose: Walled; onTurn: () => void }) {
    this.#sink = options.sink;
    this.#clock = options.clock;
    this.#onTurn = options.onTurn;
    this.#turn = guarded(options.whose, () => this.#write());
  }

  /** Bytes that wait here for the client; beyond them the socket’s own buffer has at most one turn’s. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** Written once this turn of the event loop is over, or once the client keeps up again. */
  push(bytes: Uint8Array): void {
    if (this.#isClosed || bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#bytes += bytes.length;
    this.#schedule();
  }

  /** The answer is over, or nobody will read it. */
  close(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#bytes = 0;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (this.#stalledAt === null) setImmediate(this.#turn);
    else this.#clock.after(ASK_AFTER_MS, this.#turn);
  }

  #write(): void {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    if (this.#keepsUp()) this.#writeAll();
    if (this.#bytes > 0) this.#schedule();
    this.#onTurn();
  }

  #writeAll(): void {
    const bytes = Buffer.concat(this.#queue);
    this.#queue = [];
    this.#bytes = 0;
    if (!this.#sink.write(bytes)) this.#stalledAt = this.#clock.monotonic();
  }

  /** One byte tells: it is taken once all before it was. */
  #keepsUp(): boolean {
    const first = this.#queue[0];
    if (first === undefined) return false;
    if (this.#stalledAt === null) return true;
    const isTaken = this.#sink.write(first.subarray(0, 1));
    this.#bytes -= 1;
    if (first.length === 1) this.#queue.shift();
    else this.#queue[0] = first.subarray(1);
    if (isTaken) this.#stalledAt = null;
    else if (this.#clock.monotonic() - this.#stalledAt >= STALL_MS) this.#sink.cut();
    return isTaken;
  }
}
