// Signatures that have been used, for as long as they would be taken: shared by all gateway threads of a process, in
// memory that never grows. A slot holds 40 bits of a signature and the second in which it ends.

const SLOTS = 2 ** 21;
const SLOT_BYTES = 8;
/** Slots that a signature may stand in. */
const PROBES = 32;
const SECOND_MS = 1_000;
/** Seconds are told apart by their last 24 bits. */
const CLOCK = 2 ** 24;

/** What the threads of one process share. Pages that nothing was written to cost nothing. */
export function replayMemory(slots = SLOTS): SharedArrayBuffer {
  return new SharedArrayBuffer(slots * SLOT_BYTES);
}

export class Replays {
  readonly #slots: BigUint64Array;

  /** The memory holds a power of two of slots. */
  constructor(memory: SharedArrayBuffer) {
    this.#slots = new BigUint64Array(memory);
  }

  /**
   * Takes a signature once. `seen`: it was taken before; of two at one moment, both may be. `full`: there is no room to
   * remember it, so it is not taken.
   */
  take(mac: Buffer, of: { now: number; until: number }): 'first' | 'seen' | 'full' {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const at = mac.readUInt32LE(0);
    const tag = BigInt(mac.readUIntLE(4, 5)) << 24n;
    const second = secondOf(of.now);
    const own = tag | BigInt(secondOf(of.until + SECOND_MS));
    let mine = -1;
    for (let probe = 0; probe < PROBES; probe++) {
      const index = (at + probe) & mask;
      const value = Atomics.load(slots, index);
      if (isLive(value, second)) {
        if (isTagged(value, tag)) return 'seen';
      } else if (mine === -1 && Atomics.compareExchange(slots, index, value, own) === value) {
        mine = index;
      } else if (isTagged(Atomics.load(slots, index), tag)) {
        return 'seen';
      }
    }
    if (mine === -1) return 'full';
    return this.#isElsewhere({ at, tag, second, mine }) ? 'seen' : 'first';
  }

  /** Another thread may have put the same into another slot meanwhile: then neither is the first. */
  #isElsewhere(of: { at: number; tag: bigint; second: number; mine: number }): boolean {
    const mask = this.#slots.length - 1;
    for (let probe = 0; probe < PROBES; probe++) {
      const index = (of.at + probe) & mask;
      const value = Atomics.load(this.#slots, index);
      if (index !== of.mine && isTagged(value, of.tag) && isLive(value, of.second)) return true;
    }
    return false;
  }
}

function secondOf(ms: number): number {
  return Math.floor(ms / SECOND_MS) % CLOCK;
}

/** Whether its second is still to come, within half of what the clock can tell. */
function isLive(value: bigint, second: number): boolean {
  if (value === 0n) return false;
  const left = (Number(value & 0xffffffn) - second + CLOCK) % CLOCK;
  return left > 0 && left < CLOCK / 2;
}

function isTagged(value: bigint, tag: bigint): boolean {
  return value >> 24n === tag >> 24n;
}
