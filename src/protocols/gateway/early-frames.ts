// Frames that come while a socket's key is looked up. Whoever asks no more at once than an open socket takes is not
// cut off for being quick; nobody without a key fills memory.

const BYTES_MAX = 524_288;

export class EarlyFrames {
  readonly #framesMax: number;
  readonly #frames: Buffer[] = [];
  #bytes = 0;

  constructor(framesMax: number) {
    this.#framesMax = framesMax;
  }

  /** Keeps a copy of a frame; false where there is no room for it. */
  keep(frame: Buffer): boolean {
    this.#bytes += frame.length;
    if (this.#frames.length >= this.#framesMax || this.#bytes > BYTES_MAX) return false;
    this.#frames.push(Buffer.from(frame));
    return true;
  }

  /** The frames kept, in their order. */
  all(): readonly Buffer[] {
    return this.#frames;
  }
}
