// What one tick sends over one WebSocket leaves together, corked; what the socket cannot take is never dropped in silence.

import type { Clock } from '../../switch/ports.ts';
import type { WebSocket } from './native.ts';
import { guarded, type Walled } from './wall.ts';

/** A full buffer that has not moved for so long is pushed. */
const PUSH_AFTER_MS = 250;

export class SocketOutbox {
  readonly #ws: WebSocket<unknown>;
  readonly #isBinary: boolean;
  readonly #clock: Clock;
  readonly #onSent: (isDropped: boolean) => void;
  readonly #whose: Walled;
  readonly #flushLater: () => void;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #isWaiting = false;
  #isClosed = false;
  #cancelPush: (() => void) | null = null;

  /** `onSent` is called after each sending; `isDropped`: the socket's buffer is full, and the rest was not sent. */
  constructor(options: {
    ws: WebSocket<unknown>;
    isBinary: boolean;
    clock: Clock;
    onSent: (isDropped: boolean) => void;
    whose: Walled;
  }) {
    this.#ws = options.ws;
    this.#isBinary = options.isBinary;
    this.#clock = options.clock;
    this.#onSent = options.onSent;
    this.#whose = options.whose;
    this.#flushLater = guarded(options.whose, () => this.flush());
  }

  /** Bytes that wait: here and in the socket's buffer. */
  get waitingBytes(): number {
    return this.#ws.getBufferedAmount() + this.#bytes;
  }

  /** Sends the frame when this tick's work is through. */
  push(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    queueMicrotask(this.#flushLater);
  }

  /** Sends what waits, now. */
  flush(): void {
    this.#isWaiting = false;
    if (this.#isClosed || this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    let isDropped = false;
    this.#ws.cork(() => {
      for (const frame of frames) {
        // 2: beyond the buffer's bound, and dropped.
        if (this.#ws.send(frame, this.#isBinary, false) === 2) isDropped = true;
        if (isDropped) break;
      }
    });
    this.#onSent(isDropped);
  }

  /**
   * Somebody waits for room. uWebSockets.js now and then stops looking whether a socket can be written to (seen in 1 of 4
   * runs of a reader that stops and goes on), and no drain comes: a ping makes it write what waits.
   */
  awaitRoom(): void {
    if (this.#cancelPush !== null || this.#isClosed) return;
    const before = this.#ws.getBufferedAmount();
    const push = (): void => {
      this.#cancelPush = null;
      if (before > 0 && this.#ws.getBufferedAmount() === before) this.#ws.ping();
      this.#onSent(false);
    };
    this.#cancelPush = this.#clock.after(PUSH_AFTER_MS, guarded(this.#whose, push));
  }

  /** The socket is gone: nothing more is sent. */
  close(): void {
    this.#isClosed = true;
    this.#cancelPush?.();
    this.#frames = [];
  }
}
