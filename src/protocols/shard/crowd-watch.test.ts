// How late a gateway and its workers are, by a clock that stands and workers that answer when the test says so.

import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { Crowd, LOOK_MS } from '../../switch/crowd.ts';
import type { WorkerAnswer } from '../../switch/requests.ts';
import { watchCrowd } from './crowd-watch.ts';

const TARGET_MS = 10;

let clock: ManualClock;
let crowd: Crowd;
let stop: () => void;
/** Those asked and not answered. */
let asked: (() => void)[];

beforeEach(() => {
  clock = new ManualClock();
  crowd = new Crowd(TARGET_MS);
  asked = [];
  const ask = (): Promise<WorkerAnswer[]> =>
    new Promise((done) => {
      asked.push(() => done([{ answer: 'done' }]));
    });
  stop = watchCrowd(crowd, { ask }, clock);
});

function crowdIn(): void {
  for (let i = 0; i < 300; i++) crowd.begun('loud', clock.monotonic());
  crowd.begun('quiet', clock.monotonic());
}

/** Time passes in which each question is answered so long after it came. */
async function pass(ms: number, answerMs: number): Promise<void> {
  for (let i = 0; i < ms / answerMs; i++) {
    await clock.pass(answerMs);
    for (const answer of asked.splice(0)) answer();
  }
}

describe('the watch of a crowd', () => {
  test('asks nothing of a gateway where few requests are under way', async () => {
    for (let i = 0; i < 60; i++) crowd.begun(`bank-${i % 3}`, 0);
    await clock.pass(1_000);
    expect(asked).toEqual([]);
  });

  test('finds no delay where it is answered at once', async () => {
    crowdIn();
    await pass(2_000, 1);
    expect(crowd.delayMs).toBeLessThanOrEqual(1);
    expect(crowd.admits('loud', 'bill.create')).toBe(true);
  });

  test('finds the delay of its workers, and whoever asks too much hears of it', async () => {
    crowdIn();
    await pass(2_000, 25);
    expect(crowd.delayMs).toBeGreaterThan(TARGET_MS);
    expect(crowd.admits('loud', 'bill.create')).toBe(false);
    expect(crowd.admits('quiet', 'bill.create')).toBe(true);
  });

  test('finds none less than nothing where timers fire early, and lets everybody in again', async () => {
    stop();
    const early = {
      monotonic: () => clock.monotonic(),
      wall: () => clock.wall(),
      after: (ms: number, callback: () => void) => clock.after(ms - 0.5, callback),
    };
    const at = (): Promise<WorkerAnswer[]> =>
      isLate
        ? new Promise((done) => asked.push(() => done([{ answer: 'done' }])))
        : Promise.resolve([{ answer: 'done' }]);
    let isLate = true;
    stop = watchCrowd(crowd, { ask: at }, early);
    crowdIn();
    await pass(2_000, 25);
    expect(crowd.admits('loud', 'bill.create')).toBe(false);
    isLate = false;
    for (const answer of asked.splice(0)) answer();
    await clock.pass(10_000);
    expect(crowd.delayMs).toBeGreaterThanOrEqual(0);
    expect(crowd.admits('loud', 'bill.create')).toBe(true);
  });

  test('counts one that is not answered at all', async () => {
    crowdIn();
    await clock.pass(1_000);
    expect(asked).toHaveLength(1);
    expect(crowd.delayMs).toBeGreaterThanOrEqual(5 * LOOK_MS);
    expect(crowd.admits('loud', 'bill.create')).toBe(false);
  });

  test('ends', async () => {
    stop();
    crowdIn();
    await clock.pass(1_000);
    expect(asked).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});
