import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('a turn comes when one before has settled, well or not, in order', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: ((how: 'well' | 'badly') => void)[] = [];
  const work = (no: number): Promise<number> =>
    turns.take(() => {
      begun.push(no);
      return new Promise((done, failed) => {
        ends[no] = (how) => (how === 'well' ? done(no) : failed(new Error(`no. ${no}`)));
      });
    });
  const all = [0, 1, 2, 3, 4].map(work);
  const settled = Promise.allSettled(all);
  const turned = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await turned();
  expect(begun).toEqual([0, 1]);
  ends[1]?.('badly');
  await turned();
  expect(begun).toEqual([0, 1, 2]);
  ends[0]?.('well');
  ends[2]?.('well');
  await turned();
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  ends[3]?.('well');
  ends[4]?.('well');
  expect((await settled).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ]);
});

test('a crowd that waits costs each turn no more than a few would', async () => {
  const turns = new Turns(1);
  let done = 0;
  const works = Array.from({ length: 100_000 }, () =>
    turns.take(async () => {
      done += 1;
    }),
  );
  const began = performance.now();
  await Promise.all(works);
  expect(done).toBe(100_000);
  // Where each turn moved all that wait behind it, it would be far more.
  expect(performance.now() - began).toBeLessThan(5_000);
});
