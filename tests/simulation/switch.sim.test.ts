import { afterAll, describe, expect, test } from 'vitest';
import { REFUSING } from './bank-bugs.ts';
import { BUG_NAMES, FOUND_BY, HAUNTS, HUNTED_FROM } from './bugs.ts';
import { run } from './run.ts';
import { commandOf, firstFailure, SOMETIMES, shrink } from './runner.ts';
import type { RunOptions } from './settings.ts';
import { LogStore } from './sim-log.ts';

const SEEDS = 1_500;
/** Seeds of one test: what fails is narrowed down, and the run shows that it goes on. */
const CHUNK = 100;
/** Of a bank that refuses much. */
const REFUSED_SEEDS = 20;
/** Within so many seeds a planted fault must have shown, from where it is hunted. */
const SEEDS_TO_CATCH = 150;

describe('the switch in simulation', () => {
  const counts = new Map<string, number>();

  for (let from = 1; from <= SEEDS; from += CHUNK) {
    test(`breaks no promise in seeds ${from} to ${from + CHUNK - 1}`, async () => {
      const failed = await firstFailure({ from, count: CHUNK, bug: null }, counts);
      if (failed === null) return;
      const small = await shrink(failed, null);
      expect.fail(`${small.violation}\nreplay: ${commandOf(small.options, null)}`);
    });
  }

  test('has met every fault and every rare turn, or it proves nothing about them', () => {
    expect(SOMETIMES.filter((what) => (counts.get(what) ?? 0) === 0)).toEqual([]);
  });

  test('has explained 1,000 histories of printed codes', () => {
    expect(counts.get('history of a code explained')).toBeGreaterThanOrEqual(1_000);
  });

  test('has explained 10,000 histories and paused 200 owners', () => {
    expect(counts.get('history explained')).toBeGreaterThanOrEqual(10_000);
    expect(counts.get('process.pause')).toBeGreaterThanOrEqual(200);
    // What is too tangled for the search is counted, and must stay the exception.
    expect(counts.get('history given up') ?? 0).toBeLessThan(20);
  });

  test('counts once what a bank refuses, and people give back by hand', async () => {
    const met = new Map<string, number>();
    const failed = await firstFailure({ from: 1, count: REFUSED_SEEDS, bug: null }, met, REFUSING);
    expect(failed?.violation ?? null).toBe(null);
    for (const what of ['credit.request', 'credit.close']) {
      expect(met.get(`bank credit ${what}`)).toBeGreaterThan(REFUSED_SEEDS / 2);
    }
    expect(met.get('fact CreditReturnedOtherwise')).toBeGreaterThan(REFUSED_SEEDS);
  });

  test('lives the same life again with the same seed', async () => {
    for (const seed of [3, 12, 426]) {
      const [first, second] = [await storyOf(seed), await storyOf(seed)];
      expect(first.length).toBeGreaterThan(20);
      expect(second).toEqual(first);
    }
  });

  test('lives the same life again with a bank', async () => {
    const given = { hasBank: true, hasOperator: false };
    const [first, second] = [await storyOf(19, given), await storyOf(19, given)];
    expect(first.filter((line) => line.includes('at the bank')).length).toBeGreaterThan(0);
    expect(second).toEqual(first);
  });

  test('lives the same life again with webhooks', async () => {
    const given = { hasWebhook: true, hasOperator: false };
    const [first, second] = [await storyOf(5, given), await storyOf(5, given)];
    expect(first.filter((line) => / posts .* to hook-/.test(line)).length).toBeGreaterThan(0);
    expect(second).toEqual(first);
  });
});

async function storyOf(seed: number, given: RunOptions['given'] = {}): Promise<string[]> {
  const lines: string[] = [];
  await run({ seed, given, trace: (line) => lines.push(line) });
  return lines;
}

describe('a log that loses its tail under a running owner', () => {
  test('is found out, and its shard serves no more, loudly', async () => {
    const { append } = LogStore.prototype;
    let appends = 0;
    LogStore.prototype.append = function (...args): void {
      append.apply(this, args);
      appends += 1;
      // Two entries: the one that is being acknowledged and the one before it.
      if (appends === 30) this.loseTail(args[0], 2);
    };
    try {
      const options = { seed: 2, faults: [], given: { nodes: 1, operations: 200 } };
      const { violation } = await run(options);
      expect(violation).toMatch(/stopped: .*lost entries/);
    } finally {
      LogStore.prototype.append = append;
    }
  });
});

describe('a planted fault', () => {
  const caughtAt: string[] = [];
  afterAll(() => console.log(`planted faults caught at seed: ${caughtAt.join(', ')}`));

  test.each(BUG_NAMES)('%s is caught', async (bug) => {
    const options = { from: HUNTED_FROM[bug] ?? 1, count: SEEDS_TO_CATCH, bug };
    const failed = await firstFailure(options, new Map(), HAUNTS[bug]);
    caughtAt.push(`${bug} ${failed?.seed}`);
    expect(failed?.violation).toMatch(FOUND_BY[bug] ?? /./);
  });
});
