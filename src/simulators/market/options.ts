// What a simulation is given, and what it reports.

import type { Latencies } from './histogram.ts';
import type { Transport } from './link.ts';
import type { CallRow, Tally } from './tally.ts';

export interface MarketOptions {
  /** Of the switch. */
  readonly baseUrl: string;
  /** Of terminals, or of paychannels. One simulation a key: it takes all of the key's events. */
  readonly keys: readonly string[];
  readonly transport: Transport;
  /** Tills, or wallets: each does one thing at a time. */
  readonly count: number;
  /** Lives that begin in a second, whether those before them have ended or not; 0: as soon as there is one. */
  readonly rate: number;
  readonly seed: number;
  /** Begins all references: another one for each run against the same switch. */
  readonly run: string;
  /** How long a call is asked again. */
  readonly patienceMs: number;
  /** How long what is on its way has, once the switch's lists show all that was told, to arrive. */
  readonly graceMs: number;
}

export const MARKET_DEFAULTS = {
  transport: 'both',
  count: 200,
  seed: 1,
  patienceMs: 60_000,
  graceMs: 10_000,
} as const;

export interface Report {
  readonly simulated: 'terminals' | 'wallets';
  readonly run: string;
  readonly seed: number;
  readonly seconds: number;
  /** What was done, by its name. */
  readonly done: Readonly<Record<string, number>>;
  /** What was made to go wrong. */
  readonly faults: Readonly<Record<string, number>>;
  readonly calls: readonly CallRow[];
  /** How late lives began, against the rate. */
  readonly lateMs: Latencies;
  readonly books: BooksReport;
}

export interface BooksReport {
  readonly agree: boolean;
  /** How much was compared. */
  readonly compared: Readonly<Record<string, number>>;
  /** One line each. */
  readonly differences: readonly string[];
}

export interface Running {
  readonly tally: Tally;
  /** Lives that have begun and not ended. */
  underWay(): number;
  /** Begins nothing new; what is under way is ended, and the books are compared. */
  stop(): void;
  readonly report: Promise<Report>;
}

/** What is compared at the end. */
export interface Findings {
  /** Up to when the lists that were read are complete, by the switch's clock. */
  readonly asOf: number;
  readonly compared: Readonly<Record<string, number>>;
  readonly differences: readonly string[];
}
