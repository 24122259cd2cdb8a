import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { type Bench, holderOf, keys, startBench } from '../../../tests/support/fake-door.ts';
import { TestSocket } from '../../../tests/support/socket.ts';
import type { InstitutionId, MerchantId } from '../../domain/ids.ts';
import type { DirectoryChange, KeyHolder } from '../../switch/directory.ts';
import type { Principal } from '../../switch/principal.ts';
import { Doubts } from './doubts.ts';
import { hashOfKey } from './principals.ts';

const IDS = ['a', 'b', 'c'];
const somebody = fc.record({
  institutionId: fc.constantFrom(...IDS) as fc.Arbitrary<InstitutionId>,
  merchantId: fc.constantFrom(...IDS, null) as fc.Arbitrary<MerchantId | null>,
});
const change: fc.Arbitrary<DirectoryChange> = fc.record({
  kind: fc.constantFrom('institution', 'merchant', 'terminal', 'key'),
  id: fc.constantFrom(...IDS),
});

describe('the doubts of a gateway', () => {
  test('are of those whose institution or merchant has changed since they were looked up', () => {
    const rounds = fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 6 });
    fc.assert(
      fc.property(rounds, rounds, somebody, (before, after, principal) => {
        const doubts = new Doubts();
        const isTouched = (changes: readonly DirectoryChange[]): boolean =>
          changes.some(
            ({ kind, id }) =>
              (kind === 'institution' && id === principal.institutionId) ||
              (kind === 'merchant' && id === principal.merchantId),
          );
        for (const changes of before) doubts.raise(changes);
        const { turn } = doubts;
        for (const changes of after) {
          expect(doubts.raise(changes)?.(principal) ?? false).toBe(isTouched(changes));
        }
        expect(doubts.concern(principal, turn)).toBe(after.some(isTouched));
        expect(doubts.concern(principal, doubts.turn)).toBe(false);
      }),
    );
  });

  test('are of everybody, once, where more has changed than is kept', () => {
    const doubts = new Doubts();
    const principal = { institutionId: 'a' as InstitutionId, merchantId: null };
    const { turn } = doubts;
    const merchants = Array.from({ length: 10_000 }, (_, i) => ({
      kind: 'merchant' as const,
      id: `mer_${i}`,
    }));
    doubts.raise(merchants);
    expect(doubts.concern(principal, turn)).toBe(false);
    const concerns = doubts.raise([{ kind: 'merchant', id: 'mer_more' }]);
    expect([concerns?.(principal), doubts.concern(principal, turn)]).toEqual([true, true]);
    expect(doubts.concern(principal, doubts.turn)).toBe(false);
  });
});

describe('an open socket whose institution has changed', () => {
  const sockets: TestSocket[] = [];
  let bench: Bench;
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
    bench.gateway.close();
    expect(bench.errors).toEqual([]);
  });

  /** A directory that answers at once, or when it is told to. */
  async function setUp(operationsPerSocket = 16) {
    const asked: string[] = [];
    const held: (() => void)[] = [];
    const state = { isSlow: false };
    const holderOfKey = (keyHash: string): Promise<KeyHolder | null> => {
      asked.push(keyHash);
      const found = holderOf(bench.principals, keyHash);
      if (!state.isSlow) return Promise.resolve(found);
      return new Promise((done) => held.push(() => done(found)));
    };
    const rest = { keysUsed: () => Promise.resolve(), close: () => Promise.resolve() };
    const options = { directory: { holderOfKey, ...rest } };
    bench = await startBench({ options, limits: { operationsPerSocket } });
    bench.gateway.hear(true, null);
    const open = async (): Promise<TestSocket> => {
      const socket = await TestSocket.open(`${bench.ws}/v1/terminal/stream`, {
        key: keys.terminal,
      });
      sockets.push(socket);
      await socket.ask({ id: 'first', op: 'ping' });
      return socket;
    };
    const till = bench.principals.get(hashOfKey(keys.terminal)) as Principal;
    const suspend = (): void => {
      bench.principals.set(hashOfKey(keys.terminal), { ...till, suspended: true });
      bench.gateway.hear(true, [{ kind: 'institution', id: till.institutionId }]);
    };
    return { asked, held, state, open, suspend };
  }

  const create = (id: number) => ({
    id,
    op: 'bill.create',
    body: { orderId: `order-${id}`, amount: 500, currency: 'EUR' },
  });
  const suspensions = () =>
    bench.door.asked('bill.create').map(({ principal }) => principal?.suspended === true);

  test('asks as who its key’s holder is now, at its next frame and with one look-up for all of the key', async () => {
    const { asked, open, suspend } = await setUp();
    const [one, two] = [await open(), await open()];
    await one.ask(create(1));
    suspend();
    await new Promise((done) => setImmediate(done));
    expect(asked).toHaveLength(1);
    await one.ask(create(2));
    await two.ask(create(3));
    await one.ask(create(4));
    expect(suspensions()).toEqual([false, true, true, true]);
    expect(asked).toHaveLength(2);
  });

  test('keeps its frames in order while its key is looked up', async () => {
    const { held, state, open, suspend } = await setUp();
    const socket = await open();
    state.isSlow = true;
    suspend();
    for (const id of [1, 2, 3]) socket.send({ id, op: 'ping' });
    await expect.poll(() => held.length).toBe(1);
    held[0]?.();
    expect([await socket.next(), await socket.next(), await socket.next()]).toMatchObject([
      { id: 1 },
      { id: 2 },
      { id: 3 },
    ]);
  });

  test('is looked at again where it has changed once more meanwhile', async () => {
    const { asked, held, state, open, suspend } = await setUp();
    const socket = await open();
    state.isSlow = true;
    bench.gateway.hear(true, [{ kind: 'institution', id: 'ins_1' }]);
    suspend();
    socket.send(create(1));
    await expect.poll(() => held.length).toBe(1);
    suspend();
    state.isSlow = false;
    held[0]?.();
    await socket.next();
    expect(suspensions()).toEqual([true]);
    expect(asked).toHaveLength(3);
  });

  test('is not cut off where more comes than waits for the look-up: that is taken as before', async () => {
    const { held, state, open, suspend } = await setUp(4);
    const socket = await open();
    state.isSlow = true;
    suspend();
    for (const id of [1, 2, 3, 4, 5, 6]) socket.send({ id, op: 'ping' });
    for (const id of [1, 2, 3, 4, 5, 6]) expect(await socket.next()).toMatchObject({ id });
    await expect.poll(() => held.length).toBe(1);
    held[0]?.();
    await expect
      .poll(async () => {
        await socket.ask(create(7));
        return suspensions().at(-1);
      })
      .toBe(true);
    expect(socket.closed).toBeNull();
  });
});
