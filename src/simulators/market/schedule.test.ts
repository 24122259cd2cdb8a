import { describe, expect, test } from 'vitest';
import { Histogram } from './histogram.ts';
import { Beats, Places } from './schedule.ts';

describe('a place', () => {
  test('is taken by one life at a time; the next one’s turn comes when it has ended', async () => {
    const lateness = new Histogram();
    const places = new Places(2, lateness);
    const ends: (() => void)[] = [];
    let most = 0;
    let living = 0;
    for (let life = 0; life < 5; life++) {
      places.begin(async () => {
        living += 1;
        most = Math.max(most, living);
        await new Promise<void>((end) => ends.push(end));
        living -= 1;
      });
    }
    expect([ends.length, places.underWay]).toEqual([2, 5]);

    const idle = places.idle();
    while (places.underWay > 0) {
      ends.shift()?.();
      await Promise.resolve();
    }
    await idle;
    expect(most).toBe(2);
    expect(lateness.latencies().count).toBe(5);
  });
});

describe('a beat', () => {
  test('comes when it is due, and not before', () => {
    expect(new Beats(0.001).next()).not.toBeNull();
    const slow = new Beats(0.001);
    slow.next();
    expect(slow.next()).toBeNull();
    // A second's worth of a rate of which nothing has been asked for.
    const quick = new Beats(1e9);
    expect([quick.next(), quick.next(), quick.next()].every((at) => at !== null)).toBe(true);
  });
});
