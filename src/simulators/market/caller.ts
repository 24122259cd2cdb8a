// Calls, with what happens to them on the way, and the one promise of the switch that makes this bearable: whatever is sent
// again with the same reference has the same outcome. Every answer to every copy is held against the first.

import { setTimeout as pause } from 'node:timers/promises';
import type { SeededRandom } from '../random.ts';
import { type Answer, type Json, type Link, Lost, type Op, partOf, textOf } from './link.ts';
import { happens, type WireRates } from './rates.ts';
import type { Tally } from './tally.ts';

const LOST_MS = 100;
const HELD_MS = 100;
const LATE_MS = 1_500;
const AGAIN_MS = 20;
const AGAIN_MAX_MS = 1_000;
/** Of bills, views and credits: when they came to be what they are. */
const TIMES = ['createdAt', 'paidAt', 'confirmedAt', 'closedAt', 'settledAt', 'receivedAt', 'now'];

/** One change or question, however often it is sent. */
export interface Call {
  readonly op: Op;
  readonly body: Json;
  /** Which links: the first, and the next ones for its copies. */
  readonly via: number;
  readonly random: SeededRandom;
  /** How often it has left. */
  sent: number;
  /** The first answer that settles it. */
  settled: Answer | null;
}

export function callOf(
  op: Op,
  body: Json,
  of: { readonly via: number; readonly random: SeededRandom },
): Call {
  return { op, body, via: of.via, random: of.random, sent: 0, settled: null };
}

/** The switch was asked again and again and has not answered for good. */
export class GaveUp extends Error {
  override readonly name = 'GaveUp';
}

export class Caller {
  readonly #links: readonly Link[];
  readonly #rates: WireRates;
  readonly #tally: Tally;
  readonly #patienceMs: number;
  /** Copies whose answers nobody waits for. */
  readonly #strays = new Set<Promise<unknown>>();

  constructor(of: {
    readonly links: readonly Link[];
    readonly rates: WireRates;
    readonly tally: Tally;
    readonly patienceMs: number;
  }) {
    this.#links = of.links;
    this.#rates = of.rates;
    this.#tally = of.tally;
    this.#patienceMs = of.patienceMs;
  }

  /** Sent again until it is answered for good. */
  async ask(call: Call): Promise<Answer> {
    const until = performance.now() + this.#patienceMs;
    for (let againMs = AGAIN_MS; ; againMs = Math.min(againMs * 2, AGAIN_MAX_MS)) {
      const answer = await this.once(call);
      if (answer !== null && isFinal(answer)) return answer;
      this.giveUpAfter(until, call, answer);
      await pause(againMs);
    }
  }

  giveUpAfter(until: number, { op, body }: Call, answer: Answer | null): void {
    if (performance.now() < until) return;
    const last = answer === null ? 'nothing' : `${answer.status} ${textOf(answer.body, 'code')}`;
    throw new GaveUp(`${op} ${JSON.stringify(body)} was not answered for good: ${last} at last`);
  }

  /** One sending; null where no answer came. */
  async once(call: Call): Promise<Answer | null> {
    const { random } = call;
    const isLate = this.#befalls(random, 'late');
    const isTwice = this.#befalls(random, 'duplicate');
    const isHeld = this.#befalls(random, 'heldBack');
    const isAnswerLost = this.#befalls(random, 'lostAnswer');
    const isRequestLost = !isAnswerLost && this.#befalls(random, 'lostRequest');
    const [lateMs, heldMs, lostMs] = [LATE_MS, HELD_MS, LOST_MS].map((ms) => random.below(ms));
    if (isLate) this.#stray(call, 1, lateMs ?? 0);
    if (isHeld) await pause(heldMs);
    if (isTwice) this.#stray(call, 1, 0);
    if (isAnswerLost) this.#stray(call, 0, 0);
    if (isAnswerLost || isRequestLost) {
      await pause(lostMs);
      return null;
    }
    return this.#send(call, 0);
  }

  /** Resolves once no copy is on its way any more. */
  async quiet(): Promise<void> {
    while (this.#strays.size > 0) await Promise.all(this.#strays);
  }

  #befalls(random: SeededRandom, fault: keyof WireRates): boolean {
    const does = happens(random, this.#rates[fault]);
    if (does) this.#tally.fault(fault);
    return does;
  }

  #stray(call: Call, aside: number, afterMs: number): void {
    const sent = pause(afterMs)
      .then(() => this.#send(call, aside))
      .finally(() => this.#strays.delete(sent));
    this.#strays.add(sent);
  }

  async #send(call: Call, aside: number): Promise<Answer | null> {
    const { op, body, via } = call;
    const link = this.#links[(via + aside) % this.#links.length];
    const began = performance.now();
    call.sent += 1;
    try {
      if (link === undefined) throw new Lost('there is no link');
      const answer = await link.ask(op, body);
      this.#tally.answered(op, String(answer.status), performance.now() - began);
      for (const field of TIMES) this.#tally.sawTime(answer.body[field]);
      this.#compare(call, answer);
      return answer;
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      this.#tally.answered(op, 'lost', performance.now() - began);
      return null;
    }
  }

  #compare(call: Call, answer: Answer): void {
    if (!isFinal(answer)) return;
    if (call.settled === null) {
      call.settled = answer;
      return;
    }
    if (isSame(call.op, call.settled, answer)) return;
    const [first, then] = [call.settled, answer].map(
      ({ status, body }) => `${status} ${JSON.stringify(body)}`,
    );
    this.#tally.contradiction(
      `${call.op} ${JSON.stringify(call.body)} was answered ${first}, then ${then}`,
    );
  }
}

/** Neither "not done" nor "not known" nor "too much". */
export function isFinal({ status }: Answer): boolean {
  return status < 500 && status !== 429;
}

export function isDone({ status }: Answer): boolean {
  return status < 300;
}

/** Of which operations an answer is an outcome, and which of its fields tell it. */
const OUTCOMES: Partial<Readonly<Record<Op, (body: Json) => unknown>>> = {
  'bill.create': (body) => textOf(body, 'id'),
  'bill.confirm': (body) => [textOf(body, 'id'), body.confirmed],
  'bill.cancel': (body) => textOf(body, 'id'),
  'bill.refund': (body) => textOf(body, 'id'),
  // As it was answered, to the letter.
  'payment.create': (body) => [partOf(body, 'payment'), partOf(body, 'bill')],
  'credit.settle': (body) => [textOf(body, 'id'), body.amount, textOf(body, 'status')],
};

function isSame(op: Op, first: Answer, again: Answer): boolean {
  const outcome = OUTCOMES[op];
  if (outcome === undefined) return true;
  if (isDone(first) !== isDone(again)) return false;
  if (!isDone(first)) return textOf(first.body, 'code') === textOf(again.body, 'code');
  return JSON.stringify(outcome(first.body)) === JSON.stringify(outcome(again.body));
}
