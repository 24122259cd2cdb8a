// What a gateway lets one worker have, and what waits here meanwhile: one request of each institution in turn.
//
//   G1. A worker that keeps up is given everything at once, and nothing is counted for it.
//   G2. A worker that does not is given so many requests ahead of what it has taken; the others wait their turn.
//   G3. What it has taken and not answered, as while a store is slow, keeps nobody waiting here.

import { FairQueue } from '../../switch/fair-queue.ts';

export interface IntakeLimits {
  /** Requests that a worker is given ahead of what it has taken. */
  readonly aheadMax: number;
  /** Requests that wait at the gateway for one worker. */
  readonly waitingMax: number;
}

export const INTAKE_LIMITS: IntakeLimits = { aheadMax: 256, waitingMax: 10_000 };

/** In so many parts is it given what it may have: while it works on one, it says that it has taken another. */
const PARTS = 4;

export class Intake<Item> {
  readonly #aheadMax: number;
  readonly #partMax: number;
  readonly #waiting: FairQueue<Item>;
  #given = 0;
  /** Of those given, what the worker is known to have taken. */
  #taken = 0;
  #marks = 0;

  constructor({ aheadMax, waitingMax }: IntakeLimits) {
    this.#aheadMax = aheadMax;
    this.#partMax = Math.max(1, Math.ceil(aheadMax / PARTS));
    this.#waiting = new FairQueue(waitingMax);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether the next request goes straight on; `unanswered`: those given and not answered. */
  passes(unanswered: number): boolean {
    return unanswered < this.#aheadMax && this.#waiting.size === 0;
  }

  /** Lets it wait; false where its institution has had its share of the room. */
  hold(institution: string, item: Item, isEnding: boolean): boolean {
    return this.#waiting.push(institution, item, isEnding);
  }

  /** So many have been given. */
  give(count: number): void {
    this.#given += count;
  }

  /** The next that the worker may be given now, each institution in turn; none: first it must take some. */
  draw(unanswered: number): Item[] {
    // What was answered was taken.
    const ahead = Math.min(this.#given - this.#taken, unanswered);
    const room = Math.min(this.#partMax, this.#aheadMax - ahead);
    const drawn: Item[] = [];
    while (drawn.length < room) {
      const item = this.#waiting.take();
      if (item === undefined) break;
      drawn.push(item);
    }
    return drawn;
  }

  /** The worker has been asked to tell, and has not yet. */
  get isAsked(): boolean {
    return this.#marks > 0;
  }

  /** What the worker will have taken when it tells: all that it was given, and so many more. */
  mark(more: number): number {
    this.#marks += 1;
    return this.#given + more;
  }

  /** It has told. */
  reached(mark: number): void {
    this.#marks -= 1;
    this.#taken = Math.max(this.#taken, mark);
  }

  /** Takes out what has waited too long. */
  giveUp(isOver: (item: Item) => boolean): Item[] {
    return this.#waiting.takeFront(isOver);
  }
}
