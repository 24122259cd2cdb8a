// Stores that break their word: what was durable is gone, or will never be taken. A shard that meets it stops, says so,
// and takes nothing with it.

import { describe, expect, test } from 'vitest';
import { type BillId, shardOfBill } from '../../src/domain/ids.ts';
import { HistoryRefusal } from '../../src/switch/ports.ts';
import { HistoryStore } from './history-store.ts';
import { run } from './run.ts';
import { SimHistory } from './sim-history.ts';

const GIVEN = {
  nodes: 2,
  operations: 200,
  hasFlood: false,
  // Sticker and sale may lie in two shards: where one has stopped, the other cannot answer for both.
  hasSticker: false,
  // A bank waits for nobody: what has come to no end there would be missed.
  hasBank: false,
  hasWebhook: false,
  shortEpochs: false,
  // Such a log would lose with history what history loses.
  logTrimsItself: false,
} as const;
const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);

/** Runs the seeds with a method of a store replaced; returns what each told and whether it broke a promise. */
async function runAll(
  plant: (seed: number) => () => void,
  options: Omit<Parameters<typeof run>[0], 'seed'>,
): Promise<{ broken: string[]; told: string[][] }> {
  const broken: string[] = [];
  const told: string[][] = [];
  for (const seed of SEEDS) {
    const takeOut = plant(seed);
    const lines: string[] = [];
    try {
      const trace = (line: string): void => void lines.push(line);
      const { violation } = await run({ seed, mayStop: true, trace, ...options });
      if (violation !== null) broken.push(`seed ${seed}: ${violation}`);
    } finally {
      takeOut();
    }
    told.push(lines);
  }
  return { broken, told };
}

function count(told: readonly string[][], what: RegExp): number {
  return told.filter((lines) => lines.some((line) => what.test(line))).length;
}

describe('a Postgres that comes back as it was some commits ago', () => {
  /** After so many statements it goes back by `back` of them. */
  function loseCommits(at: number, back: number): () => void {
    const { write } = HistoryStore.prototype;
    const snapshots: (() => void)[] = [];
    HistoryStore.prototype.write = function (batch) {
      snapshots.push(this.snapshot());
      const moved = write.call(this, batch);
      if (snapshots.length === at) {
        this.lost();
        snapshots.at(-back)?.();
      }
      return moved;
    };
    return () => {
      HistoryStore.prototype.write = write;
    };
  }

  test('is found out: nobody is told anything untrue, and its shards stop or write again what the log still has', async () => {
    const { broken, told } = await runAll((seed) => loseCommits(10 + seed, 2 + (seed % 3)), {
      faults: [],
      given: { ...GIVEN, shards: [0] as never, idleMs: 0 },
    });
    expect(broken).toEqual([]);
    expect(count(told, /history\.shardStopped .*which this owner did not write/)).toBeGreaterThan(
      6,
    );
  });

  test('is found out by whoever asks it, too: the answer is refused, and why stands in the log', async () => {
    const { broken, told } = await runAll((seed) => loseCommits(10 + seed, 4), {
      faults: ['history.slow', 'history.failed', 'process.pause'],
      given: { ...GIVEN, idleMs: 0 },
    });
    expect(broken).toEqual([]);
    expect(count(told, /Postgres has lost commits/)).toBeGreaterThan(0);
  });
});

describe('a row that Postgres will never take', () => {
  /** Refuses every statement that holds a row of the second bill. */
  function refuse(refused: Map<number, BillId>, seed: number): () => void {
    const { write } = SimHistory.prototype;
    const seen = new Set<BillId>();
    SimHistory.prototype.write = function (batch) {
      for (const { bill } of batch.bills) seen.add(bill.terms.id);
      const victim = [...seen][1];
      if (victim !== undefined) refused.set(seed, victim);
      const isBad = batch.bills.some(({ bill }) => bill.terms.id === victim);
      if (isBad) return Promise.reject(new HistoryRefusal('a value out of range'));
      return write.call(this, batch);
    };
    return () => {
      SimHistory.prototype.write = write;
    };
  }

  test('stops its own shard, naming the bill, and no other', async () => {
    const refused = new Map<number, BillId>();
    const { broken, told } = await runAll((seed) => refuse(refused, seed), {
      faults: ['append.slow', 'history.slow'],
      given: { ...GIVEN, shards: [0, 1, 2] as never },
    });
    expect(broken).toEqual([]);
    for (const [index, seed] of SEEDS.entries()) {
      const bill = refused.get(seed) as BillId;
      const stops = (told[index] ?? []).filter((line) => line.includes('history.shardStopped'));
      expect(stops.length).toBeGreaterThan(0);
      for (const stop of stops) {
        expect(stop).toContain(bill);
        expect(stop).toContain(`"shard":${shardOfBill(bill)}`);
      }
    }
  });
});
