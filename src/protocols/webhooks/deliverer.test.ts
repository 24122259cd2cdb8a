import { describe, expect, test } from 'vitest';
import { NOON } from '../../../tests/support/bill-fixtures.ts';
import {
  ACKNOWLEDGED,
  endpointNo,
  LATER,
  openDeliverer,
  SLOW_MS,
  SHARD as shard,
  TAKEN,
} from '../../../tests/support/slow-deliverer.ts';
import { eventNo, idOf } from '../../../tests/support/stream-events.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, plus, SECOND_MS } from '../../domain/time.ts';
import type { Principal } from '../../switch/principal.ts';
import type { ToldHealth } from '../../switch/webhooks/ports.ts';
import { letterOf } from './parcels.ts';

const first = eventNo(1);
const second = eventNo(1, { no: 2, occurredAt: plus(NOON, 2) });

describe('the sender of webhooks', () => {
  test('tells of a challenge that was failed what was said, and when', async () => {
    const said = '127.0.0.1 is not a public address';
    const health: ToldHealth[] = [];
    const { clock } = await openDeliverer({
      pending: [],
      unproven: said,
      answer: () => TAKEN,
      book: {
        endpoints: () => Promise.resolve([{ ...endpointNo(1), state: 'pending' }]),
        tellHealth: async (told) => void health.push(...told),
      },
    });
    await clock.pass(MINUTE_MS);
    expect(health.at(-1)).toMatchObject({ failure: said, failedAt: expect.any(Number) });
  });

  test('posts no event before one that waits for its next attempt, where the shards of its node change', async () => {
    const { deliverer, clock, posted } = await openDeliverer({
      pending: [first, second],
      answer: (_, id) => (id === idOf(first) ? LATER : TAKEN),
    });
    expect(posted()).toEqual([idOf(first)]);
    deliverer.serve([shard, shard + 1]);
    await clock.pass(5 * SLOW_MS);
    expect(posted()).not.toContain(idOf(second));
  });

  test('posts what was pending once to an endpoint that was gone and is back', async () => {
    let attempts = 0;
    const { deliverer, clock, posted } = await openDeliverer({
      pending: [first],
      answer: () => {
        attempts += 1;
        return attempts === 1 ? { is: 'gone', said: 'answered 410' } : TAKEN;
      },
    });
    expect(posted()).toHaveLength(1);
    deliverer.look();
    await clock.pass(SLOW_MS);
    expect(posted()).toHaveLength(2);
  });

  test('posts what an endpoint is owed before what is pending', async () => {
    const { posted } = await openDeliverer({
      pending: [second],
      written: [{ event: first, at: first.event.occurredAt }],
      owed: [first],
      answer: () => TAKEN,
    });
    expect(posted()).toEqual([idOf(first), idOf(second)]);
  });

  test('finds what an endpoint is owed where that was sent again, long after it occurred', async () => {
    const { posted } = await openDeliverer({
      pending: [],
      written: [
        { event: second, at: second.event.occurredAt },
        { event: first, at: NOON + 10 },
      ],
      owed: [first],
      answer: () => TAKEN,
    });
    expect(posted()).toEqual([idOf(first)]);
  });

  test('owes an endpoint nothing that it takes while the letter is being kept', async () => {
    let attempts = 0;
    const { clock, statements } = await openDeliverer({
      endpoints: 2,
      pending: [first],
      answer: (endpointId) => {
        if (endpointId === 'endpoint-2') return TAKEN;
        attempts += 1;
        return attempts === 1 ? { is: 'again', said: 'not now', afterMs: 0 } : TAKEN;
      },
    });
    await clock.pass(5 * SLOW_MS);
    expect(attempts).toBe(2);
    expect(statements).toEqual(['endpoint-1 is owed', 'endpoint-1 is settled']);
  });

  test('posts what an endpoint is owed although it is acknowledged once its stream is read anew', async () => {
    let attempts = 0;
    const replies: (() => void)[] = [];
    const { deliverer, clock } = await openDeliverer({
      endpoints: 2,
      pending: [first],
      answer: (endpointId) => {
        if (endpointId === 'endpoint-2') return TAKEN;
        attempts += 1;
        return attempts === 1 ? LATER : TAKEN;
      },
      send: (_, onReply) => replies.push(() => onReply(200, ACKNOWLEDGED)),
    });
    deliverer.serve([shard, shard + 1]);
    await clock.pass(SLOW_MS / 2);
    expect(replies).toHaveLength(1);
    replies[0]?.();
    await clock.pass(2 * MINUTE_MS);
    expect(attempts).toBe(2);
  });

  test('acknowledges nothing of a bill that another node sends from now on', async () => {
    let requests = 0;
    const { deliverer, clock } = await openDeliverer({
      pending: [first],
      answer: () => TAKEN,
      send: (_, onReply) => {
        requests += 1;
        onReply(503, Buffer.from('{}'));
      },
    });
    deliverer.serve([shard + 1]);
    const before = requests;
    expect(before).toBeGreaterThan(0);
    await clock.pass(5 * SECOND_MS);
    expect(requests).toBe(before);
  });

  test('goes on with the bills that stay where its node loses others, whatever is owed', async () => {
    const pending = [first];
    const { deliverer, clock, posted } = await openDeliverer({ pending, answer: () => TAKEN });
    deliverer.serve([shard, shard + 1]);
    await clock.pass(5 * SLOW_MS);
    pending.push(second);
    deliverer.serve([shard]);
    await clock.pass(SLOW_MS / 2);
    expect(posted()).toContain(idOf(second));
  });

  test('posts what an endpoint is still owed once the shard has been away and is back', async () => {
    let attempts = 0;
    const { deliverer, clock } = await openDeliverer({
      pending: [],
      written: [{ event: first, at: first.event.occurredAt }],
      owed: [first],
      answer: () => {
        attempts += 1;
        return attempts === 1 ? LATER : TAKEN;
      },
    });
    deliverer.serve([shard + 1]);
    await clock.pass(2 * MINUTE_MS);
    expect(attempts).toBe(1);
    deliverer.serve([shard]);
    await clock.pass(5 * SLOW_MS);
    expect(attempts).toBe(2);
  });

  test('posts nothing that an endpoint took from another node while the shard was there', async () => {
    const { deliverer, clock, letters, posted } = await openDeliverer({
      pending: [],
      written: [{ event: first, at: first.event.occurredAt }],
      owed: [first],
      answer: () => LATER,
    });
    deliverer.serve([shard + 1]);
    letters.settle('endpoint-1', letterOf(first));
    await clock.pass(5 * SLOW_MS);
    deliverer.serve([shard]);
    await clock.pass(2 * MINUTE_MS);
    expect(posted()).toEqual([idOf(first)]);
  });

  test('waits no longer than half a minute for an owed event that history does not have', async () => {
    const { clock, posted } = await openDeliverer({
      pending: [second],
      owed: [first],
      answer: () => TAKEN,
    });
    await clock.pass(20 * SECOND_MS);
    expect(posted()).toEqual([]);
    await clock.pass(15 * SECOND_MS);
    expect(posted()).toEqual([idOf(second)]);
  });

  test('asks for the letters that it waits for once a second, however often its endpoints are looked at', async () => {
    const { deliverer, clock, asked } = await openDeliverer({
      pending: [],
      owed: [first],
      answer: () => TAKEN,
    });
    for (let looks = 0; looks < 5; looks++) {
      deliverer.look();
      await clock.pass(SLOW_MS);
    }
    asked.count = 0;
    await clock.pass(10 * SECOND_MS);
    expect(asked.count).toBeGreaterThan(5);
    expect(asked.count).toBeLessThanOrEqual(10);
  });

  test('posts what an endpoint is owed where the shard was away when that had just been read', async () => {
    const { deliverer, clock, letters, posted } = await openDeliverer({
      pending: [],
      written: [{ event: first, at: first.event.occurredAt }],
      answer: () => TAKEN,
    });
    letters.keep('endpoint-1', 'owed', letterOf(first));
    deliverer.serve([shard, shard + 1]);
    await clock.pass(1.5 * SLOW_MS);
    deliverer.serve([shard + 1]);
    await clock.pass(5 * SLOW_MS);
    deliverer.serve([shard]);
    await clock.pass(5 * SLOW_MS);
    expect(posted()).toEqual([idOf(first)]);
  });

  test('reads the letters of a crowd of endpoints two at a time, of all, and of none more often than it must', async () => {
    const held: (() => void)[] = [];
    const read: string[] = [];
    let isHeld = false;
    const { deliverer, clock } = await openDeliverer({
      endpoints: 100,
      pending: [],
      answer: () => TAKEN,
      book: {
        owed: async (id) => {
          read.push(id);
          if (isHeld) await new Promise<void>((go) => held.push(go));
          return [];
        },
      },
    });
    read.length = 0;
    isHeld = true;
    for (let looks = 0; looks < 5; looks++) {
      deliverer.look();
      await clock.pass(1);
    }
    expect(read).toHaveLength(2);
    isHeld = false;
    for (const go of held) go();
    await clock.pass(1);

    // Of two it has been asked since they were read.
    expect(read).toHaveLength(102);
    expect(new Set(read).size).toBe(100);
  });

  test('reads what a crowd of endpoints has refused bite by bite, before it sends any of them something', async () => {
    const bites: number[] = [];
    const { posted } = await openDeliverer({
      endpoints: 45,
      pending: [first],
      answer: () => TAKEN,
      book: {
        givenUp: async (ids) => {
          bites.push(ids.length);
          const { id: billId } = first.bill;
          return ids.map((endpointId) => ({ endpointId, billId, no: first.event.no }));
        },
      },
    });

    expect(bites.slice(0, 3)).toEqual([20, 20, 5]);
    expect([posted(1), posted(45)]).toEqual([[], []]);
  });

  test('buries what nobody has taken bite by bite, one after the other', async () => {
    const endpoint = endpointNo(1);
    const principals = Array.from({ length: 1_200 }, (_, no) => {
      return { ...endpoint.principals[0], id: `ter_${no}` } as Principal;
    });
    const bites: number[] = [];
    let underWay = 0;
    let most = 0;
    const { clock } = await openDeliverer({
      pending: [],
      answer: () => TAKEN,
      book: {
        endpoints: async () => [{ ...endpoint, principals }],
        bury: async (recipients) => {
          bites.push(recipients.length);
          underWay += 1;
          most = Math.max(most, underWay);
          await Promise.resolve();
          underWay -= 1;
          return 0;
        },
      },
    });
    await clock.pass(MINUTE_MS);

    expect(bites).toEqual([500, 500, 200]);
    expect(most).toBe(1);
  });

  test('gives up what disabled endpoints were owed for three days and an hour, bite by bite until none is left', async () => {
    const asked: number[] = [];
    const { clock } = await openDeliverer({
      pending: [],
      answer: () => TAKEN,
      book: {
        buryOwed: async (before) => {
          asked.push(clock.wall() - before);
          return asked.length < 3 ? 1 : 0;
        },
      },
    });
    await clock.pass(MINUTE_MS);
    expect(asked).toEqual(Array(3).fill(3 * DAY_MS + HOUR_MS));
  });

  test('deletes dead letters after 30 days, bite by bite until none is left', async () => {
    const asked: number[] = [];
    const { clock } = await openDeliverer({
      pending: [],
      answer: () => TAKEN,
      book: {
        discard: async (before) => {
          asked.push(clock.wall() - before);
          return asked.length < 3;
        },
      },
    });
    await clock.pass(MINUTE_MS);
    expect(asked).toEqual([30 * DAY_MS, 30 * DAY_MS, 30 * DAY_MS]);
  });
});
