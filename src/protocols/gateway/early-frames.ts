// Frames that come while a socket's key is looked up. Whoever asks no more at once than an open socket takes is not
// cut off for being quick; nobody without a key fills memory: each socket has a little room of its own, and what it needs
// beyond that it has of a room that all sockets of the gateway share.

const BYTES_MAX = 524_288;
const OWN_BYTES = 4_096;
const SHARED_BYTES = 67_108_864;

/** What the sockets of one gateway may keep together beyond what each has of its own. */
export class EarlyRoom {
  #free = SHARED_BYTES;

  /** False where there is not so much left. */
  take(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#free += bytes;
  }
}

export class EarlyFrames {
  readonly #room: EarlyRoom;
  readonly #framesMax: number;
  #frames: Buffer[] = [];
  #bytes = 0;
  /** Of the shared room. */
  #taken = 0;

  constructor(room: EarlyRoom, framesMax: number) {
    this.#room = room;
    this.#framesMax = framesMax;
  }

  /** Keeps a copy of a frame; false where there is no room for it. */
  keep(frame: Buffer): boolean {
    const bytes = this.#bytes + frame.length;
    if (this.#frames.length >= this.#framesMax || bytes > BYTES_MAX) return false;
    const more = Math.max(0, bytes - OWN_BYTES) - this.#taken;
    if (!this.#room.take(more)) return false;
    this.#bytes = bytes;
    this.#taken += more;
    this.#frames.push(Buffer.from(frame));
    return true;
  }

  /** The frames kept, in their order; it keeps them no more. */
  takeAll(): readonly Buffer[] {
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    this.#room.giveBack(this.#taken);
    this.#taken = 0;
    return frames;
  }
}
