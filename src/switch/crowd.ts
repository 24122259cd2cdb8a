// Who is let in while requests stand longer than they should. A gateway knows how many requests of whom are under way
// and how late it and its workers are; from that follows how many may be under way at once, and whose are too many.
//
//   C1. While few requests are under way nothing is asked and refused. An institution that is alone stands in nobody's way
//       but its own: it may be much later, for the more it has under way the more an append takes along.
//   C2. A delay counts once it has stood over several looks, each by its median: a collection or a slow append is none.
//   C3. The room follows the delay: it shrinks while that is beyond the target, grows while it is not, and has a least.
//   C4. Refused is only what begins something, of who has no less under way than the average, and more than a few.
//   C5. A payer who comes to a bill goes before another bill: a sale that has begun is worth nothing until it is paid.

import { isBeginning, isPayerComing } from './limits.ts';

/** How often the room is fitted to the delays that were heard. */
export const LOOK_MS = 100;
/** So many looks in a row must find a delay before anybody is refused (C2). */
const STANDING_LOOKS = 3;
/** The room is fitted by so much at a look, at the most. */
const SHRINK_MAX = 0.8;
const GROW_MAX = 1.1;
/** So many requests under way are no crowd; an append has enough to take along. */
const ROOM_MIN = 128;
/** As late as an institution may be that is alone, at the least (C1): who waits for longer has turned to something else. */
const ALONE_MS = 200;
/** So many times the room is for payers (C5). */
const PAYERS_ROOM = 3;
/** Beyond it nobody is refused any more. */
const ROOM_MAX = 20_000;
/** So many under way are no crowd of one institution, however many there are (C4). */
const OWN_MIN = 8;
/** Whoever has asked so recently counts: it will ask again. */
const PRESENT_MS = 10_000;
const FORGET_EVERY_LOOKS = 10;

/** What one institution has under way. */
export interface InstitutionLoad {
  underWay: number;
  /** When it last asked, by the monotonic clock. */
  at: number;
}

export class Crowd {
  readonly #targetMs: number;
  readonly #loads = new Map<string, InstitutionLoad>();
  #underWay = 0;
  /** The most under way since the last look. */
  #peak = 0;
  #room = Number.POSITIVE_INFINITY;
  #delays: number[] = [];
  #waits: number[] = [];
  #delayMs = 0;
  #standing = 0;
  #looks = 0;
  #refused = 0;

  /** `targetMs`: the delay up to which nobody is refused; 0: nobody ever is. */
  constructor(targetMs: number) {
    this.#targetMs = targetMs;
  }

  /** The delay that the last look found, ms. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** Requests refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /** Whether so much is under way that delays are to be heard of (C1). */
  get isWatched(): boolean {
    return this.#targetMs > 0 && this.#underWay >= ROOM_MIN / 2;
  }

  /** A request of this institution is under way; `now` by the monotonic clock. */
  begun(institution: string, now: number): InstitutionLoad {
    let load = this.#loads.get(institution);
    if (load === undefined) {
      load = { underWay: 0, at: now };
      this.#loads.set(institution, load);
    }
    load.underWay += 1;
    load.at = now;
    this.#underWay += 1;
    if (this.#underWay > this.#peak) this.#peak = this.#underWay;
    return load;
  }

  /** It has been answered. */
  ended(load: InstitutionLoad): void {
    load.underWay -= 1;
    this.#underWay -= 1;
  }

  /** Whether a request is let in; one that is not is refused before anything is done. */
  admits(institution: string, operation: string): boolean {
    if (this.#underWay < this.#room || !isBeginning(operation)) return true;
    if (isPayerComing(operation) && this.#underWay < PAYERS_ROOM * this.#room) return true;
    const own = this.#loads.get(institution)?.underWay ?? 0;
    if (own < Math.max(OWN_MIN, this.#underWay / this.#loads.size)) return true;
    this.#refused += 1;
    return false;
  }

  /** So late was what had nothing to wait for but its turn. */
  heard(delayMs: number): void {
    this.#delays.push(delayMs);
  }

  /** So long has a request stood in its institution's line, which is no delay of others: it counts where there are none. */
  waited(ms: number): void {
    this.#waits.push(ms);
  }

  /** Fits the room to what was heard since the last look. */
  look(now: number): void {
    this.#looks += 1;
    if (this.#looks % FORGET_EVERY_LOOKS === 0) this.#forget(now);
    const isAlone = this.#loads.size <= 1;
    this.#delayMs = medianOf(this.#delays);
    if (isAlone) this.#delayMs = Math.max(this.#delayMs, medianOf(this.#waits));
    this.#delays = [];
    this.#waits = [];
    const targetMs = isAlone ? Math.max(this.#targetMs, ALONE_MS) : this.#targetMs;
    this.#standing = this.#delayMs > targetMs ? this.#standing + 1 : 0;
    if (this.#room !== Number.POSITIVE_INFINITY || this.#standing >= STANDING_LOOKS) {
      this.#fit(targetMs);
    }
    this.#peak = this.#underWay;
  }

  /** C3. */
  #fit(targetMs: number): void {
    if (this.#standing > 0) {
      const part = Math.max(SHRINK_MAX, targetMs / this.#delayMs);
      this.#room = Math.max(ROOM_MIN, Math.min(this.#room, this.#peak) * part);
    } else {
      this.#room *= Math.min(GROW_MAX, targetMs / this.#delayMs);
      if (this.#room > ROOM_MAX) this.#room = Number.POSITIVE_INFINITY;
    }
  }

  #forget(now: number): void {
    for (const [institution, { underWay, at }] of this.#loads) {
      if (underWay === 0 && now - at >= PRESENT_MS) this.#loads.delete(institution);
    }
  }
}

function medianOf(values: number[]): number {
  return values.sort((left, right) => left - right)[values.length >> 1] ?? 0;
}
