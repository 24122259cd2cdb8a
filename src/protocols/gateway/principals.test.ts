import { describe, expect, test } from 'vitest';
import { keys, makePrincipals } from '../../../tests/support/fake-door.ts';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { hashOfKey, keyOfHeader, Principals } from './principals.ts';

function setUp(max = 10) {
  const known = makePrincipals();
  const clock = new ManualClock(0);
  const asked: string[] = [];
  const state = { isAway: false };
  const directory = {
    principalOfKey: (keyHash: string) => {
      asked.push(keyHash);
      if (state.isAway) return Promise.reject(new Error('away'));
      return Promise.resolve(known.get(keyHash) ?? null);
    },
    close: () => Promise.resolve(),
  };
  return {
    known,
    clock,
    asked,
    state,
    principals: new Principals({ directory, clock, max, inTurnAtOnce: 32 }),
  };
}

const terminal = hashOfKey(keys.terminal);

describe('the principals of a gateway', () => {
  test('are looked up once for all who ask meanwhile, and found at once afterwards', async () => {
    const { asked, principals } = setUp();
    expect(principals.find(terminal)).toBeUndefined();
    await Promise.all([principals.lookUp(terminal), principals.lookUp(terminal)]);
    expect(principals.find(terminal)).toMatchObject({ kind: 'terminal' });
    expect(asked).toHaveLength(1);
  });

  test('in use are checked again behind the scenes after a second', async () => {
    const { known, clock, asked, principals } = setUp();
    await principals.lookUp(terminal);
    known.clear();
    clock.advance(1_001);
    expect(principals.find(terminal)).toMatchObject({ kind: 'terminal' });
    expect(asked).toHaveLength(2);
    await Promise.resolve();
    await expect.poll(() => principals.find(terminal)).toBeNull();
  });

  test('not in use are checked before they are used', async () => {
    const { clock, principals } = setUp();
    await principals.lookUp(terminal);
    clock.advance(5_001);
    expect(principals.find(terminal)).toBeUndefined();
  });

  test('that were known go on being known while the directory is away; others are not guessed', async () => {
    const { clock, state, principals } = setUp();
    await principals.lookUp(terminal);
    state.isAway = true;
    clock.advance(60_000);
    expect(await principals.lookUp(terminal)).toMatchObject({ kind: 'terminal' });
    expect(principals.find(terminal)).toMatchObject({ kind: 'terminal' });
    await expect(principals.lookUp(hashOfKey('other'))).rejects.toThrow('away');
  });

  test('that do not exist are known not to for a second', async () => {
    const { clock, principals } = setUp();
    const nobody = hashOfKey('nobody');
    expect(await principals.lookUp(nobody)).toBeNull();
    expect(principals.find(nobody)).toBeNull();
    clock.advance(1_001);
    expect(principals.find(nobody)).toBeUndefined();
  });

  test('are no more than the bound', async () => {
    const { principals } = setUp(2);
    for (const key of [keys.terminal, keys.merchant, keys.operator]) {
      await principals.lookUp(hashOfKey(key));
    }
    expect(principals.find(terminal)).toBeUndefined();
    expect(principals.find(hashOfKey(keys.operator))).toMatchObject({ kind: 'operator' });
  });
});

describe('an Authorization header', () => {
  test.each([
    ['Bearer abc', 'abc'],
    ['bearer  abc ', 'abc'],
    ['Basic abc', undefined],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    ['', undefined],
    [`Bearer ${'x'.repeat(257)}`, undefined],
  ])('“%s”', (header, key) => {
    expect(keyOfHeader(header)).toBe(key);
  });
});
