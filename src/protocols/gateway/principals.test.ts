import { describe, expect, test } from 'vitest';
import { holderOf, keys, makePrincipals } from '../../../tests/support/fake-door.ts';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import type { Principal } from '../../switch/principal.ts';
import { hashOfKey, keyOfHeader, Principals } from './principals.ts';

function setUp(max = 10) {
  const known = makePrincipals();
  const clock = new ManualClock(0);
  const asked: string[] = [];
  const used: string[][] = [];
  const changed: [string, Principal | null][] = [];
  const found: string[] = [];
  const doubted: string[][] = [];
  const told: object[] = [];
  const state = {
    isAway: false as boolean | Error,
    expiresAt: null as number | null,
    isSlowFor: (_keyHash: string) => false,
  };
  const directory = {
    holderOfKey: (keyHash: string) => {
      asked.push(keyHash);
      if (state.isAway) return Promise.reject(awayAs(state.isAway));
      if (state.isSlowFor(keyHash)) return new Promise<never>(() => undefined);
      const holder = holderOf(known, keyHash);
      return Promise.resolve(holder && { ...holder, expiresAt: state.expiresAt });
    },
    keysUsed: (keyIds: readonly string[]) => {
      if (state.isAway) return Promise.reject(awayAs(state.isAway));
      used.push([...keyIds]);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  return {
    known,
    clock,
    asked,
    used,
    changed,
    found,
    doubted,
    told,
    state,
    principals: new Principals({
      directory,
      clock,
      max,
      inTurnAtOnce: 32,
      log: { error: (fields) => told.push(fields) },
      onFound: ({ keyId }) => found.push(keyId),
      onChange: (keyHash, principal) => changed.push([keyHash, principal]),
      onDoubt: (concerns) => {
        doubted.push([...known.values()].filter(concerns).map(({ id }) => id));
      },
    }),
  };
}

const awayAs = (isAway: boolean | Error): Error =>
  isAway instanceof Error ? isAway : new Error('away');

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

  test('go on being known where a mistake of ours keeps them from being looked up, and that is told', async () => {
    const { clock, state, told, principals } = setUp();
    await principals.lookUp(terminal);
    state.isAway = new TypeError('planted');
    clock.advance(60_000);
    expect(await principals.lookUp(terminal)).toMatchObject({ kind: 'terminal' });
    await principals.tellUsed();
    const defect = { what: 'directory.defect', reason: 'planted', stack: expect.any(String) };
    expect(told).toEqual([defect, defect]);

    state.isAway = true;
    clock.advance(60_000);
    await principals.lookUp(terminal);
    expect(told).toHaveLength(2);
  });

  test('are checked at once when they have changed, and told of: those alone', async () => {
    const { known, asked, changed, principals } = setUp();
    principals.hear(true, null);
    for (const key of [keys.terminal, keys.merchant, keys.operator]) {
      await principals.lookUp(hashOfKey(key));
    }
    known.delete(terminal);
    principals.hear(true, [
      { kind: 'key', id: 'key_ter_1' },
      { kind: 'paychannel', id: 'pay_1' },
    ]);
    await expect.poll(() => changed).toEqual([[terminal, null]]);
    expect(principals.find(terminal)).toBeNull();
    expect(asked).toHaveLength(4);
  });

  test('that are being looked up while something changes are looked up again: the answer may be older', async () => {
    const { known, changed, principals } = setUp();
    principals.hear(true, null);
    const first = principals.lookUp(terminal);
    // The directory has answered already, and the answer is on its way.
    known.delete(terminal);
    principals.hear(true, [{ kind: 'key', id: 'key_ter_1' }]);
    expect(await first).toMatchObject({ kind: 'terminal' });
    await expect.poll(() => changed).toEqual([[terminal, null]]);
    expect(principals.find(terminal)).toBeNull();
  });

  test('that are withdrawn do not wait behind many that have changed', async () => {
    const { known, state, changed, principals } = setUp(1_000);
    const till = known.get(terminal) as Principal;
    for (let i = 0; i < 600; i++) known.set(`crowd ${i}`, { ...till, id: `ter_crowd_${i}` });
    for (const keyHash of known.keys()) await principals.lookUp(keyHash);
    state.isSlowFor = (keyHash) => keyHash.startsWith('crowd');
    const crowd = Array.from({ length: 600 }, (_, i) => ({
      kind: 'terminal' as const,
      id: `ter_crowd_${i}`,
    }));
    principals.hear(true, crowd);
    known.delete(terminal);
    principals.hear(true, [{ kind: 'key', id: `key_${till.id}` }]);
    await expect.poll(() => changed).toEqual([[terminal, null]]);
  });

  test.each(['institution', 'merchant'] as const)(
    'of a changed %s are asked for once each when next used, and not before, however many there are',
    async (kind) => {
      const { known, asked, doubted, principals } = setUp(20_000);
      principals.hear(true, null);
      const till = known.get(terminal) as Principal;
      const id = String(kind === 'institution' ? till.institutionId : till.merchantId);
      for (let i = 0; i < 10_000; i++) known.set(`crowd ${i}`, { ...till, id: `ter_crowd_${i}` });
      for (const keyHash of known.keys()) await principals.lookUp(keyHash);
      asked.length = 0;
      known.set(terminal, { ...till, suspended: true });
      for (let i = 0; i < 50; i++) principals.hear(true, [{ kind, id }]);
      await new Promise((done) => setTimeout(done));
      expect(asked).toEqual([]);
      // Open sockets are told of it once a change.
      expect(doubted).toHaveLength(50);
      expect(doubted[0]?.length).toBeGreaterThan(10_000);

      expect(principals.find(terminal)).toBeUndefined();
      expect(await principals.lookUp(terminal)).toMatchObject({ suspended: true });
      expect(principals.find(terminal)).toMatchObject({ suspended: true });
      await principals.lookUpInTurn('crowd 7');
      expect(principals.find('crowd 7')).toMatchObject({ id: 'ter_crowd_7' });
      expect(asked).toEqual([terminal, 'crowd 7']);
    },
  );

  test('of another institution than the one that changes are not asked for', async () => {
    const { asked, principals } = setUp();
    principals.hear(true, null);
    await principals.lookUp(terminal);
    principals.hear(true, [{ kind: 'institution', id: 'ins_other' }]);
    expect(principals.find(terminal)).toMatchObject({ kind: 'terminal' });
    expect(asked).toHaveLength(1);
  });

  test('that are being looked up while their institution changes are looked up again before they are used', async () => {
    const { known, asked, found, principals } = setUp();
    principals.hear(true, null);
    const till = known.get(terminal) as Principal;
    await principals.lookUp(terminal);
    const underWay = principals.lookUp(terminal);
    known.set(terminal, { ...till, suspended: true });
    principals.hear(true, [{ kind: 'institution', id: till.institutionId }]);
    const next = principals.lookUp(terminal);
    expect(await underWay).toMatchObject({ suspended: true });
    expect(await next).toMatchObject({ suspended: true });
    expect(asked).toHaveLength(3);
    // Nor are limits taken from an answer that may be older than the change.
    expect(found).toHaveLength(2);
  });

  test('go on being known while the directory is away, though their institution has changed before', async () => {
    const { known, clock, asked, state, principals } = setUp();
    principals.hear(true, null);
    await principals.lookUp(terminal);
    state.isAway = true;
    const till = known.get(terminal) as Principal;
    known.set(terminal, { ...till, suspended: true });
    principals.hear(true, [{ kind: 'institution', id: till.institutionId }]);
    expect(await principals.lookUp(terminal)).toEqual(till);
    // Nobody waits for it again, and it is asked for again in a second.
    expect(principals.find(terminal)).toEqual(till);
    expect(asked).toHaveLength(2);
    state.isAway = false;
    clock.advance(1_001);
    expect(principals.find(terminal)).toEqual(till);
    await expect.poll(() => principals.find(terminal)).toMatchObject({ suspended: true });
  });

  test('are not asked for again and again while changes are heard of', async () => {
    const { clock, asked, principals } = setUp();
    principals.hear(true, null);
    await principals.lookUp(terminal);
    clock.advance(29_000);
    expect(principals.find(terminal)).toMatchObject({ kind: 'terminal' });
    expect(asked).toHaveLength(1);
    principals.hear(false, []);
    expect(principals.find(terminal)).toBeUndefined();
  });

  test('end when their keys do, even while the directory is away', async () => {
    const { clock, state, changed, principals } = setUp();
    state.expiresAt = clock.wall() + 3_000;
    await principals.lookUp(terminal);
    state.isAway = true;
    clock.advance(2_999);
    expect(principals.find(terminal)).toMatchObject({ kind: 'terminal' });
    principals.endDue();
    expect(changed).toEqual([]);
    clock.advance(1);
    expect(principals.find(terminal)).toBeNull();
    expect(await principals.lookUp(terminal)).toBeNull();
    principals.endDue();
    expect(changed).toEqual([[terminal, null]]);
  });

  test('are told of as used, once for however many uses, and again where telling failed', async () => {
    const { state, used, principals } = setUp();
    await principals.lookUp(terminal);
    principals.find(terminal);
    principals.find(terminal);
    state.isAway = true;
    await principals.tellUsed();
    state.isAway = false;
    await principals.tellUsed();
    await principals.tellUsed();
    expect(used).toEqual([['key_ter_1']]);
  });

  test('are not told of as used where they were looked up for a change alone', async () => {
    const { used, principals } = setUp();
    await principals.lookUp(terminal);
    await principals.tellUsed();
    principals.hear(true, null);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    await principals.tellUsed();
    await principals.lookUp(terminal);
    await principals.tellUsed();
    expect(used).toEqual([['key_ter_1'], ['key_ter_1']]);
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
