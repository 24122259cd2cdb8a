import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Replays, replayMemory } from './replays.ts';

const NOW = 1_750_000_000_000;
const UNTIL = NOW + 60_000;

const mac = (name: number | string): Buffer => createHash('sha256').update(String(name)).digest();

describe('the memory of signatures', () => {
  test('takes each once, on whichever thread, until it would not be taken anyway', () => {
    const memory = replayMemory(1024);
    const [here, there] = [new Replays(memory), new Replays(memory)];
    expect(here.take(mac('a'), { now: NOW, until: UNTIL })).toBe('first');
    expect(here.take(mac('a'), { now: NOW, until: UNTIL })).toBe('seen');
    expect(there.take(mac('a'), { now: UNTIL, until: UNTIL })).toBe('seen');
    expect(there.take(mac('b'), { now: NOW, until: UNTIL })).toBe('first');
    expect(here.take(mac('a'), { now: UNTIL + 2_000, until: UNTIL + 60_000 })).toBe('first');
  });

  test('never grows: where it is full, nothing is taken, until time has passed', () => {
    const replays = new Replays(replayMemory(64));
    const taken = Array.from({ length: 1_000 }, (_, i) =>
      replays.take(mac(i), { now: NOW, until: UNTIL }),
    );
    expect(taken.filter((one) => one === 'first').length).toBeLessThanOrEqual(64);
    expect(taken.filter((one) => one === 'full').length).toBeGreaterThan(900);
    taken.forEach((was, i) => {
      if (was === 'first') {
        expect(replays.take(mac(i), { now: NOW, until: UNTIL })).toBe('seen');
      }
    });
    expect(replays.take(mac('later'), { now: UNTIL + 2_000, until: UNTIL + 60_000 })).toBe('first');
  });

  test('knows a signature behind others that have come to their end before it', () => {
    const replays = new Replays(replayMemory(32));
    for (let i = 0; i < 20; i++) replays.take(mac(i), { now: NOW, until: NOW + 1_000 });
    expect(replays.take(mac('kept'), { now: NOW, until: UNTIL })).toBe('first');
    expect(replays.take(mac('kept'), { now: NOW + 5_000, until: UNTIL })).toBe('seen');
  });

  test('tells seconds apart where its clock begins again', () => {
    const replays = new Replays(replayMemory(64));
    const turn = Math.ceil(NOW / 1_000 / 2 ** 24) * 2 ** 24 * 1_000;
    expect(replays.take(mac('a'), { now: turn - 1_000, until: turn + 59_000 })).toBe('first');
    expect(replays.take(mac('a'), { now: turn + 30_000, until: turn + 59_000 })).toBe('seen');
    expect(replays.take(mac('a'), { now: turn + 62_000, until: turn + 99_000 })).toBe('first');
  });
});
