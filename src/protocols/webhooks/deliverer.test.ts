import { describe, expect, test } from 'vitest';
import { NOON, terminalId } from '../../../tests/support/bill-fixtures.ts';
import { endpointOf } from '../../../tests/support/lone-deliverer.ts';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { codesAt } from '../../../tests/support/qr-claims.ts';
import { silentLogger } from '../../../tests/support/silent-logger.ts';
import { eventNo, idOf } from '../../../tests/support/stream-events.ts';
import { shardOfBill } from '../../domain/ids.ts';
import { MINUTE_MS, millis, plus, SECOND_MS } from '../../domain/time.ts';
import type { Listings } from '../../switch/listings-port.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Principal } from '../../switch/principal.ts';
import type { ShardDoor } from '../../switch/requests.ts';
import type { Endpoint, WebhookBook } from '../../switch/webhooks/ports.ts';
import type { Delivered } from '../../switch/webhooks/ways.ts';
import { makePresenter } from '../presenter.ts';
import { Deliverer } from './deliverer.ts';
import { WEBHOOK_LIMITS } from './options.ts';
import { letterOf } from './parcels.ts';

const SLOW_MS = 200;
const BASE_URL = 'http://switch.test';
const ACKNOWLEDGED = Buffer.from('{"acknowledged":1}');
const first = eventNo(1);
const second = eventNo(1, { no: 2, occurredAt: plus(NOON, 2) });
const shard = shardOfBill(first.bill.id);

const holder = { kind: 'terminal', id: terminalId } as unknown as Principal;

const endpointNo = (no: number): Endpoint => endpointOf(holder, `endpoint-${no}`);

interface Given {
  readonly endpoints?: number;
  /** In memory. */
  readonly pending: readonly StreamedEvent[];
  /** In Postgres, in their order, each with when it was sent. */
  readonly written?: readonly { readonly event: StreamedEvent; readonly at: number }[];
  /** Of the first endpoint. */
  readonly owed?: readonly StreamedEvent[];
  answer(endpointId: string, eventId: string): Delivered;
  /** What becomes of acknowledgements; left out: they are taken at once. */
  readonly send?: ShardDoor['send'];
}

/** A sender over a Postgres that takes its time. */
async function openDeliverer({
  endpoints = 1,
  pending,
  written = [],
  owed = [],
  answer,
  send = (_, onReply) => onReply(200, ACKNOWLEDGED),
}: Given) {
  const clock = new ManualClock(NOON + SECOND_MS);
  const posted: string[] = [];
  const statements: string[] = [];
  /** How often its letters were asked for. */
  const asked = { count: 0 };
  const slowly = <Answer>(step: () => Answer): Promise<Answer> =>
    new Promise((resolve) => clock.after(SLOW_MS, () => resolve(step())));
  const nobody = (): void => undefined;
  const nothing = (): Promise<void> => Promise.resolve();
  const door: ShardDoor = {
    shards: 1_024,
    send,
    ask: () => Promise.resolve([{ answer: 'events', pending: [...pending], ended: [] }]),
    onEvent: nobody,
    onEventEnded: nobody,
    onUnfinished: nobody,
    onAcquiring: nobody,
    onWorkerStart: nobody,
  };
  const listings: Pick<Listings, 'pendingEvents' | 'events' | 'eventPlace'> = {
    pendingEvents: () => Promise.resolve([]),
    eventPlace: (_, billId, no) =>
      slowly(() => {
        const row = written.find(({ event }) => event.bill.id === billId && event.event.no === no);
        return row === undefined ? null : { at: millis(row.at), billId, no };
      }),
    events: (_, after, limit) =>
      slowly(() => {
        const rows = written.filter(
          ({ event, at }) =>
            after === null || at > after.at || (at === after.at && event.event.no > after.no),
        );
        return rows.slice(0, limit).map(({ event }) => event);
      }),
  };
  const book: WebhookBook = {
    endpoints: () =>
      Promise.resolve(Array.from({ length: endpoints }, (_, i) => endpointNo(i + 1))),
    proven: nothing,
    disable: nothing,
    tellHealth: nothing,
    keep: (ids, state) =>
      slowly(() => {
        for (const id of ids) statements.push(`${id} is ${state}`);
      }),
    bury: () => Promise.resolve(0),
    owed: (id) => {
      asked.count += 1;
      const letters = id === 'endpoint-1' ? owed.map(letterOf) : [];
      return slowly(() => letters.map((letter) => ({ letter, since: letter.occurredAt })));
    },
    givenUp: () => Promise.resolve([]),
    settle: (id) => Promise.resolve(void statements.push(`${id} is settled`)),
    close: nothing,
  };
  const deliverer = new Deliverer({
    door,
    listings: listings as Listings,
    presenter: makePresenter({ publicBaseUrl: BASE_URL, codes: codesAt(BASE_URL) }),
    clock,
    book,
    ways: {
      of: () => ({
        prove: () => Promise.resolve({ isProven: true, said: '' }),
        deliver: ({ endpointId }, { id }) => {
          posted.push(id);
          return Promise.resolve({ delivered: answer(endpointId, id), as: 'some' });
        },
      }),
      check: () => Promise.resolve({ value: {} }),
    },
    log: silentLogger,
    metrics: { delivered: nobody, died: nobody },
    limits: { ...WEBHOOK_LIMITS, pace: 0.01 },
    newRequestId: () => 'request',
    chance: () => 0.5,
  });
  deliverer.start();
  deliverer.serve([shard]);
  await clock.pass(5 * SLOW_MS);
  return { deliverer, clock, posted, statements, asked };
}

const TAKEN: Delivered = { is: 'delivered' };
const LATER: Delivered = { is: 'again', said: 'not now', afterMs: 60 * SECOND_MS };

describe('the sender of webhooks', () => {
  test('posts no event before one that waits for its next attempt, where the shards of its node change', async () => {
    const { deliverer, clock, posted } = await openDeliverer({
      pending: [first, second],
      answer: (_, id) => (id === idOf(first) ? LATER : TAKEN),
    });
    expect(posted).toEqual([idOf(first)]);
    deliverer.serve([shard, shard + 1]);
    await clock.pass(5 * SLOW_MS);
    expect(posted).not.toContain(idOf(second));
  });

  test('posts what an endpoint is owed before what is pending', async () => {
    const { posted } = await openDeliverer({
      pending: [second],
      written: [{ event: first, at: first.event.occurredAt }],
      owed: [first],
      answer: () => TAKEN,
    });
    expect(posted).toEqual([idOf(first), idOf(second)]);
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
    expect(posted).toEqual([idOf(first)]);
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
    expect(posted).toContain(idOf(second));
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
    const owed = [first];
    const { deliverer, clock, posted } = await openDeliverer({
      pending: [],
      written: [{ event: first, at: first.event.occurredAt }],
      owed,
      answer: () => LATER,
    });
    deliverer.serve([shard + 1]);
    owed.pop();
    await clock.pass(5 * SLOW_MS);
    deliverer.serve([shard]);
    await clock.pass(2 * MINUTE_MS);
    expect(posted).toEqual([idOf(first)]);
  });

  test('waits no longer than half a minute for an owed event that history does not have', async () => {
    const { clock, posted } = await openDeliverer({
      pending: [second],
      owed: [first],
      answer: () => TAKEN,
    });
    await clock.pass(20 * SECOND_MS);
    expect(posted).toEqual([]);
    await clock.pass(15 * SECOND_MS);
    expect(posted).toEqual([idOf(second)]);
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
    const owed: StreamedEvent[] = [];
    const { deliverer, clock, posted } = await openDeliverer({
      pending: [],
      written: [{ event: first, at: first.event.occurredAt }],
      owed,
      answer: () => TAKEN,
    });
    owed.push(first);
    deliverer.serve([shard, shard + 1]);
    await clock.pass(1.5 * SLOW_MS);
    deliverer.serve([shard + 1]);
    await clock.pass(5 * SLOW_MS);
    deliverer.serve([shard]);
    await clock.pass(5 * SLOW_MS);
    expect(posted).toEqual([idOf(first)]);
  });
});
