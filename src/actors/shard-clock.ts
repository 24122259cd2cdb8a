// A shard's time: it never goes back, whatever the machine's clock does.
//
//   C1. It starts at max(wall clock, the last time that the shard wrote down) and runs by the monotonic clock.
//   C2. A step of the wall clock forward by more than STEP_MS is believed only after it has stood for STEP_TRUST_MS;
//       a smaller one at once.
//   C3. Ahead of the wall clock it runs at nine tenths of its pace until they meet.

export const STEP_MS = 5_000;
export const STEP_TRUST_MS = 60_000;
const SLOW_PACE = 0.9;

export interface ClockReading {
  /** Wall clock, ms since 1970; may jump. */
  readonly wall: number;
  /** Monotonic clock, ms since some start. */
  readonly monotonic: number;
}

export class ShardClock {
  #time: number;
  #monotonic: number;
  /** Monotonic time since which the wall clock has been far ahead; −1 while it is not. */
  #aheadSince = -1;

  /** `lastWritten`: the latest time that the shard's log holds; 0 for a new shard. */
  constructor(reading: ClockReading, lastWritten: number) {
    this.#time = Math.max(reading.wall, lastWritten);
    this.#monotonic = reading.monotonic;
  }

  /** The shard's time in whole ms; never less than an earlier answer. */
  now(reading: ClockReading): number {
    const elapsed = Math.max(0, reading.monotonic - this.#monotonic);
    this.#monotonic = Math.max(this.#monotonic, reading.monotonic);
    const running = this.#time + elapsed;
    if (running >= reading.wall) {
      this.#aheadSince = -1;
      this.#time = Math.max(this.#time + elapsed * SLOW_PACE, reading.wall);
    } else {
      this.#catchUp(reading, running);
    }
    return Math.floor(this.#time);
  }

  #catchUp(reading: ClockReading, running: number): void {
    if (reading.wall - running <= STEP_MS) {
      this.#aheadSince = -1;
      this.#time = reading.wall;
      return;
    }
    if (this.#aheadSince < 0) this.#aheadSince = reading.monotonic;
    const believed = reading.monotonic - this.#aheadSince >= STEP_TRUST_MS;
    this.#time = believed ? reading.wall : running;
    if (believed) this.#aheadSince = -1;
  }
}
