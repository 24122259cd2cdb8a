// What one tick sends over one WebSocket leaves together, corked; what the socket cannot take is never dropped in silence.

import type { WebSocket } from './native.ts';

export class SocketOutbox {
  readonly #ws: WebSocket<unknown>;
  readonly #isBinary: boolean;
  readonly #onSent: (isDropped: boolean) => void;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #isWaiting = false;
  #isClosed = false;

  /** `onSent` is called after each sending; `isDropped`: the socket's buffer is full, and the rest was not sent. */
  constructor(options: {
    ws: WebSocket<unknown>;
    isBinary: boolean;
    onSent: (isDropped: boolean) => void;
  }) {
    this.#ws = options.ws;
    this.#isBinary = options.isBinary;
    this.#onSent = options.onSent;
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
    queueMicrotask(this.flush);
  }

  /** Sends what waits, now. */
  readonly flush = (): void => {
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
  };

  /** The socket is gone: nothing more is sent. */
  close(): void {
    this.#isClosed = true;
    this.#frames = [];
  }
}
