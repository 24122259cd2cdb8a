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

test('a crowd goes in the order in which it came', async () => {
  const turns = new Turns(1);
  const order = Array.from({ length: 1_000 }, (_, place) => place);
  const went: number[] = [];
  await Promise.all(order.map((place) => turns.take(async () => void went.push(place))));
  expect(went).toEqual(order);
});
