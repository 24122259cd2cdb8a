// A step of a case of `scale`: what was measured at it, and how.

import { readFileSync } from 'node:fs';
import { type Bench, type Measured, measureSwitch, sayMeasured } from './measure.ts';
import { scrape } from './scrape.ts';
import type { Settings } from './settings.ts';
import { say } from './under-test.ts';

export interface Step {
  /** How far: bills, connections, payers, or a name. */
  readonly at: number | string;
  readonly rounds: readonly Measured[];
  /** Resident memory of the switch before the load of this step, bytes. */
  readonly rssBytes: number;
  /** By how much it grew with each thing that this step added; null where that says nothing. */
  readonly eachBytes: number | null;
  /** JavaScript heaps in use, the largest thread's. */
  readonly heapBytes: number;
  /** What else the case has measured at this step, by name and unit. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface Case {
  readonly grows: string;
  readonly steps: readonly number[];
  run(settings: Settings, steps: readonly number[]): Promise<Step[]>;
}

const SETTLE_MS = 2_000;

export function lifecycles(bench: Bench): Promise<Measured> {
  return measureSwitch(
    bench,
    bench.settings.protocols[0] ?? 'ws-msgpack',
    Math.max(...bench.settings.concurrency),
  );
}

export async function measureStep(
  bench: Bench,
  at: number | string,
  measure: (bench: Bench) => Promise<Measured>,
): Promise<Step> {
  const { stores, under, settings } = bench;
  await stores.settle();
  // What was under way when the growing ended is over, and garbage of it collected, mostly.
  await new Promise((done) => setTimeout(done, SETTLE_MS));
  const rssBytes = rssOf(under.pid);
  const heapBytes = (await scrape(under.port)).get('qrswitch_heaps_used_bytes') ?? 0;
  const rounds: Measured[] = [];
  for (let round = 1; round <= settings.rounds; round++) {
    const measured = await measure(bench);
    say(`at ${at}, round ${round} of ${settings.rounds}: ${sayMeasured(measured)}`);
    rounds.push(measured);
  }
  return { at, rounds, rssBytes, eachBytes: null, heapBytes };
}

export function rssOf(pid: number): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb ?? 0) * 1024;
}
