import { describe, expect, test } from 'vitest';
import { KeyRounds } from './key-rounds.ts';

function setUp(atOnce: number) {
  const begun: string[] = [];
  const under: (() => void)[] = [];
  const rounds = new KeyRounds(atOnce, (keyHash) => {
    begun.push(keyHash);
    return new Promise<void>((done) => under.push(done));
  });
  const endOne = async (): Promise<void> => {
    under.shift()?.();
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  return { rounds, begun, endOne };
}

describe('a round of look-ups', () => {
  test('takes so many at once, and the rest in order', async () => {
    const { rounds, begun, endOne } = setUp(2);
    for (const each of ['a', 'b', 'c', 'd']) rounds.call(each);
    expect(begun).toEqual(['a', 'b']);
    await endOne();
    expect(begun).toEqual(['a', 'b', 'c']);
    for (let i = 0; i < 3; i++) await endOne();
    rounds.call('e');
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('looks once for whatever was called for again while it waited', async () => {
    const { rounds, begun, endOne } = setUp(1);
    for (const each of ['a', 'b', 'b', 'b']) rounds.call(each);
    expect(rounds.depth).toBe(1);
    await endOne();
    await endOne();
    expect(begun).toEqual(['a', 'b']);
  });

  test('looks again for what was called for while it was being looked up: the answer may be older', async () => {
    const { rounds, begun, endOne } = setUp(1);
    rounds.call('a');
    rounds.call('a');
    await endOne();
    expect(begun).toEqual(['a', 'a']);
  });

  test('goes on after a look-up that failed', async () => {
    const begun: string[] = [];
    const rounds = new KeyRounds(1, (keyHash) => {
      begun.push(keyHash);
      return Promise.reject(new Error('away'));
    });
    rounds.call('a');
    rounds.call('b');
    await expect.poll(() => begun).toEqual(['a', 'b']);
  });
});
