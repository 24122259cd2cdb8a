// How often what goes wrong, each from 0 to 1. What happens on the way happens to terminals and wallets alike; the rest is
// how they behave.

import { SeededRandom } from '../random.ts';

const PARTS = 1_000_000;
/** The golden ratio's part of 2^32: lives of neighbouring numbers have nothing in common. */
const APART = 0x9e3779b9;

/** Of each call. */
export const WIRE_RATES = {
  /** It never arrives. */
  lostRequest: 0.02,
  /** It arrives, and nobody hears the answer. */
  lostAnswer: 0.02,
  /** It is sent twice at once, by two connections. */
  duplicate: 0.03,
  /** It comes once more, when all else has gone on. */
  late: 0.02,
  /** It is held back, so that others overtake it. */
  heldBack: 0.05,
} as const;

/** Of each sale, and of each acknowledgement. */
export const TERMINAL_RATES = {
  ...WIRE_RATES,
  /** The sale is given up while the customer is about to pay. */
  cancelOpen: 0.04,
  /** What was paid is given up, and goes back. */
  cancelPaid: 0.05,
  /** Less is confirmed than was paid. */
  below: 0.15,
  /** The confirm takes a while. */
  lateConfirm: 0.1,
  /** The customer comes back, and gets a part or all of it. */
  refund: 0.15,
  /** A socket is cut without a word, and connects anew. */
  drop: 0.03,
  /** Events are acknowledged a second time. */
  ackTwice: 0.1,
} as const;

/** Of each scan, and of each credit. */
export const WALLET_RATES = {
  ...WIRE_RATES,
  /** What is due is reserved before it is paid. */
  reserve: 0.25,
  /** Of those that reserve: the customer goes away. */
  abandon: 0.1,
  /** It is paid in two parts. */
  split: 0.15,
  /** A second wallet scans the same code. */
  rival: 0.05,
  /** More than what is due is reported. */
  over: 0.02,
  /** Of payments without an answer: given up, if they have not arrived. */
  void: 0.3,
  /** A credit is rejected: the customer cannot get it. */
  reject: 0.05,
  drop: 0.03,
  ackTwice: 0.1,
} as const;

export type WireRates = Readonly<Record<keyof typeof WIRE_RATES, number>>;
export type TerminalRates = Readonly<Record<keyof typeof TERMINAL_RATES, number>>;
export type WalletRates = Readonly<Record<keyof typeof WALLET_RATES, number>>;

/** All of them at 0: nothing goes wrong. */
export function calm<Name extends string>(
  rates: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const names = Object.keys(rates) as Name[];
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}

/** Something of that rate happens. It draws a number whatever the rate: another rate changes nothing else. */
export function happens(random: SeededRandom, rate: number): boolean {
  return random.below(PARTS) < rate * PARTS;
}

/** The chance of one life: the same for a seed and number, whatever lives beside it. */
export function chanceOf(seed: number, no: number): SeededRandom {
  return new SeededRandom((seed + Math.imul(no, APART)) | 0);
}
