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

/** What befalls a bank and whoever calls it. By dice of their own: all else strikes as it would without a bank. */
export const BANK_FAULTS = {
  'bank.lost': 0.05,
  'bank.answerLost': 0.08,
  'bank.late': 0.05,
  'bank.slow': 0.08,
  'bank.busy': 0.04,
  'bank.refused': 0.05,
  'desk.crash': 0.02,
  'desk.unread': 0.2,
  'bank.shut': 0.2,
  'bank.refundFailed': 0.5,
  'bank.refundRefused': 0.6,
} as const;

/** What befalls a receiver of webhooks and their sender. */
export const HOOK_FAULTS = {
  'hook.refused': 0.08,
  'hook.refusedForGood': 0.05,
  'hook.lost': 0.05,
  'hook.answerLost': 0.08,
  'hook.late': 0.05,
  'hook.slow': 0.1,
  'hook.away': 0.02,
  'hook.unread': 0.1,
  'hook.untold': 0.2,
  'sender.crash': 0.02,
} as const;

const RATES = { ...FAULTS, ...BANK_FAULTS, ...HOOK_FAULTS };

export type FaultKind = keyof typeof RATES;

export const FAULT_KINDS = Object.keys(RATES) as FaultKind[];

export class Dice {
  readonly #random: Random;
  readonly #rates = new Map<FaultKind, number>();
  readonly #counts: Map<string, number>;
  #isHealed = false;

  /** `allowed`: the kinds of these that may be about; `counts`: what struck, for coverage. */
  constructor(
    random: Random,
    kinds: object,
    { allowed, counts }: { allowed: ReadonlySet<FaultKind>; counts: Map<string, number> },
  ) {
    this.#random = random;
    this.#counts = counts;
    const density = random.pick([0.1, 0.3, 0.3, 0.6, 1]);
    for (const kind of Object.keys(kinds) as FaultKind[]) {
      const isAbout = random.chance(density);
      const rate = RATES[kind] * random.pick([0.3, 1, 1, 3, 6]);
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
