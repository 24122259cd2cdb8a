// Which faults strike, and how often. A seed draws which kinds are about in its life (swarm testing): a world in which
// everything fails at once never gets far enough to fail in an interesting way.

import type { Random } from './random.ts';

export const FAULTS = {
  'request.lost': 0.05,
  'request.late': 0.05,
  'request.doubled': 0.08,
  'reply.lost': 0.08,
  'reply.late': 0.05,
  'append.refused': 0.02,
  'append.failed': 0.03,
  'append.answerLost': 0.04,
  'append.late': 0.03,
  'append.slow': 0.03,
  'append.doubled': 0.03,
  'log.readFailed': 0.05,
  'log.readSlow': 0.05,
  'log.trimFailed': 0.1,
  'log.trimLate': 0.1,
  'log.full': 0.02,
  'lease.failed': 0.05,
  'lease.answerLost': 0.05,
  'lease.slow': 0.05,
  'lease.cutOff': 0.04,
  'history.failed': 0.05,
  'history.answerLost': 0.05,
  'history.late': 0.05,
  'history.slow': 0.08,
  'history.readFailed': 0.05,
  'history.readSlow': 0.05,
  'history.scanFailed': 0.3,
  'history.away': 0.02,
  'process.crash': 0.02,
  'process.pause': 0.03,
  'process.stop': 0.01,
  'process.longSleep': 0.01,
  'clock.forward': 0.01,
  'clock.back': 0.01,
} as const;

export type FaultKind = keyof typeof FAULTS;

export const FAULT_KINDS = Object.keys(FAULTS) as FaultKind[];

export class Dice {
  readonly #random: Random;
  readonly #rates = new Map<FaultKind, number>();
  readonly #counts: Map<string, number>;
  #isHealed = false;

  /** `allowed`: the kinds that may be about; `counts`: what struck, for coverage. */
  constructor(random: Random, allowed: ReadonlySet<FaultKind>, counts: Map<string, number>) {
    this.#random = random;
    this.#counts = counts;
    const density = random.pick([0.1, 0.3, 0.3, 0.6, 1]);
    for (const kind of FAULT_KINDS) {
      const isAbout = random.chance(density);
      const rate = FAULTS[kind] * random.pick([0.3, 1, 1, 3, 6]);
      if (isAbout && allowed.has(kind)) this.#rates.set(kind, rate);
    }
  }

  /** The kinds that are about in this life. */
  get about(): FaultKind[] {
    return [...this.#rates.keys()];
  }

  /** Whether this fault strikes now. */
  strikes(kind: FaultKind): boolean {
    const rate = this.#rates.get(kind);
    if (this.#isHealed || rate === undefined || !this.#random.chance(rate)) return false;
    this.note(kind);
    return true;
  }

  /** Notes that something happened, for coverage. */
  note(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** From now on nothing strikes any more. */
  heal(): void {
    this.#isHealed = true;
  }

  get isHealed(): boolean {
    return this.#isHealed;
  }
}
