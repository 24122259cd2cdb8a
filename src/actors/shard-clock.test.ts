import { describe, expect, test } from 'vitest';
import { ShardClock, STEP_MS, STEP_TRUST_MS } from './shard-clock.ts';

const WALL = 1_000_000;

describe('a shard’s clock', () => {
  test('starts at the wall clock, or at the last written time where that is later (C1)', () => {
    const reading = { wall: WALL, monotonic: 0 };
    expect(new ShardClock(reading, 0).now(reading)).toBe(WALL);
    expect(new ShardClock(reading, WALL + 50).now(reading)).toBe(WALL + 50);
  });

  test('runs by the monotonic clock while the wall clock goes back', () => {
    const clock = new ShardClock({ wall: WALL, monotonic: 0 }, 0);
    expect(clock.now({ wall: WALL - 60_000, monotonic: 100 })).toBe(WALL + 90);
  });

  test('runs at nine tenths of its pace until a slower wall clock has caught up (C3)', () => {
    const clock = new ShardClock({ wall: WALL, monotonic: 0 }, WALL + 1_000);
    expect(clock.now({ wall: WALL + 5_000, monotonic: 5_000 })).toBe(WALL + 5_500);
    expect(clock.now({ wall: WALL + 10_000, monotonic: 10_000 })).toBe(WALL + 10_000);
    expect(clock.now({ wall: WALL + 11_000, monotonic: 11_000 })).toBe(WALL + 11_000);
  });

  test('follows a small step forward at once (C2)', () => {
    const clock = new ShardClock({ wall: WALL, monotonic: 0 }, 0);
    expect(clock.now({ wall: WALL + STEP_MS, monotonic: 0 })).toBe(WALL + STEP_MS);
  });

  test('believes a large step forward only once it has stood (C2)', () => {
    const clock = new ShardClock({ wall: WALL, monotonic: 0 }, 0);
    const hour = 3_600_000;
    expect(clock.now({ wall: WALL + hour, monotonic: 0 })).toBe(WALL);
    const before = STEP_TRUST_MS - 1;
    expect(clock.now({ wall: WALL + hour + before, monotonic: before })).toBe(WALL + before);
    const then = STEP_TRUST_MS;
    expect(clock.now({ wall: WALL + hour + then, monotonic: then })).toBe(WALL + hour + then);
  });

  test('forgets a large step that was taken back, so that the next one waits as long', () => {
    const clock = new ShardClock({ wall: WALL, monotonic: 0 }, 0);
    const hour = 3_600_000;
    clock.now({ wall: WALL + hour, monotonic: 0 });
    clock.now({ wall: WALL + 30_000, monotonic: 30_000 });
    const at = STEP_TRUST_MS;
    expect(clock.now({ wall: WALL + hour + at, monotonic: at })).toBe(WALL + at);
  });
});
