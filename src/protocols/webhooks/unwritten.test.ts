// Postgres is away while letters are to be kept, or read.

import { expect, test } from 'vitest';
import { openDeliverer, REFUSED, SLOW_MS } from '../../../tests/support/slow-deliverer.ts';
import { eventsUpTo } from '../../../tests/support/stream-events.ts';
import { SECOND_MS } from '../../domain/time.ts';

test('a letter that is kept again, because it is not known what became of it, is so as a repeat', async () => {
  const repeats: boolean[] = [];
  const { clock } = await openDeliverer({
    pending: eventsUpTo(1),
    answer: () => REFUSED,
    book: {
      keep: async (_ids, _state, _letters, { isRepeat }) => {
        repeats.push(isRepeat);
        if (repeats.length < 3) throw new Error('no answer');
      },
    },
  });
  await clock.pass(5 * SECOND_MS);
  expect(repeats).toEqual([false, true, true]);
});

test('the log is told of all letters that cannot be written by one line a second', async () => {
  let isAway = true;
  const kept: string[] = [];
  const { deliverer, clock, warned } = await openDeliverer({
    pending: eventsUpTo(20),
    answer: () => REFUSED,
    book: {
      keep: async (_, state) => {
        if (isAway) throw new Error('away');
        kept.push(state);
      },
    },
  });
  deliverer.serve([...Array(1_024).keys()]);
  await clock.pass(5 * SLOW_MS);
  const before = warned.length;
  expect(before).toBeGreaterThan(0);
  await clock.pass(10 * SECOND_MS);
  expect(warned.length - before).toBeGreaterThan(5);
  expect(warned.length - before).toBeLessThanOrEqual(10);
  isAway = false;
  await clock.pass(2 * SECOND_MS);
  expect(kept).toEqual(Array(20).fill('dead'));
});

test('the log is told of all letters that cannot be read by one line a second, however many endpoints wait for theirs', async () => {
  const { clock, warned } = await openDeliverer({
    endpoints: 20,
    pending: [],
    answer: () => REFUSED,
    book: {
      owed: async () => {
        throw new Error('away');
      },
    },
  });
  const before = warned.length;
  expect(before).toBeGreaterThan(0);
  await clock.pass(10 * SECOND_MS);
  expect(warned.length - before).toBeGreaterThan(5);
  expect(warned.length - before).toBeLessThanOrEqual(10);
});
