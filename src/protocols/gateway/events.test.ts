import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { paychannelId } from '../../../tests/support/bill-fixtures.ts';
import { type Bench, keys, passing, startBench } from '../../../tests/support/fake-door.ts';
import { TestSocket } from '../../../tests/support/socket.ts';
import { eventNo, eventsUpTo, idOf, idsOf, pushed } from '../../../tests/support/stream-events.ts';
import type { Listings } from '../../switch/listings-port.ts';
import type { StreamedEvent } from '../../switch/ports.ts';

let bench: Bench;
let history: StreamedEvent[] = [];
let historyFails = false;
const sockets: TestSocket[] = [];

/** History as Postgres would give it. */
const listings: Partial<Listings> = {
  pendingEvents: (recipient, after, limit) => {
    if (historyFails) return Promise.reject(new Error('postgres is away'));
    const rows = history.filter((event) => event.event.recipient === recipient);
    const start = after === null ? 0 : rows.findIndex((row) => row.bill.id === after.billId) + 1;
    return Promise.resolve(rows.slice(start, start + limit));
  },
  allPendingEvents: async (recipient, _since, page) => {
    if (historyFails) throw new Error('postgres is away');
    page(history.filter((event) => event.event.recipient === recipient));
  },
  eventPlace: (_recipient, id, no) => {
    const found = history.find((row) => row.bill.id === id && row.event.no === no);
    return Promise.resolve(
      found === undefined ? null : { at: found.event.occurredAt, billId: id, no },
    );
  },
  events: (_recipient, after, limit) => {
    const start = history.findIndex((row) => row.bill.id === after?.billId) + 1;
    return Promise.resolve(history.slice(start, start + limit));
  },
};

beforeEach(async () => {
  history = [];
  historyFails = false;
  bench = await startBench({ listings });
  bench.door.script = ({ operation }) => ({
    kind: 'acknowledged',
    count: operation.op === 'event.ack' ? operation.nos.length : 0,
  });
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

async function connect(key: string = keys.terminal): Promise<TestSocket> {
  const api = key === keys.paychannel ? 'paychannel' : 'terminal';
  const socket = await TestSocket.open(`${bench.ws}/v1/${api}/stream`, { key });
  sockets.push(socket);
  return socket;
}

async function quiet(socket: TestSocket): Promise<string[]> {
  // A ping's answer comes behind all that was sent before it.
  socket.send({ id: 'quiet', op: 'ping' });
  await expect.poll(() => socket.frames.some((frame) => frame.id === 'quiet')).toBe(true);
  return pushed(socket.frames.splice(0));
}

const get = (path: string): Promise<Response> =>
  fetch(bench.url + path, { headers: { Authorization: `Bearer ${keys.terminal}` } });

async function poll(query = ''): Promise<string[]> {
  const response = await get(`/v1/terminal/events${query}`);
  expect(response.status).toBe(200);
  const { events } = (await response.json()) as { events: { id: string }[] };
  return events.map(({ id }) => id);
}

function acknowledge(socket: TestSocket, events: StreamedEvent[]): void {
  socket.send({ op: 'event.ack', body: { ids: idsOf(events) } });
}

describe('a new stream', () => {
  test('is sent all that is pending at once, in order, from memory and history together', async () => {
    history = [eventNo(1), eventNo(2), eventNo(4)];
    bench.door.memory.pending = [eventNo(5), eventNo(3), eventNo(2)];
    const socket = await connect();
    await expect.poll(() => pushed(socket.frames)).toEqual(idsOf(eventsUpTo(5)));
    expect(bench.door.queries[0]).toEqual({ query: 'subscribe', recipient: 'terminal:ter_1' });
  });

  test('is not sent what has ended and history does not know of yet', async () => {
    history = eventsUpTo(3);
    bench.door.memory.ended = [idOf(eventNo(2))];
    const socket = await connect();
    await expect.poll(() => pushed(socket.frames)).toEqual(idsOf([eventNo(1), eventNo(3)]));
  });

  test('is sent what commits while it reads, behind what was pending', async () => {
    history = eventsUpTo(2);
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { ask } = bench.door;
    bench.door.ask = async (query) => {
      const answers = await ask.call(bench.door, query);
      await slow;
      return answers;
    };
    const socket = await connect();
    await expect.poll(() => bench.door.queries.length).toBe(1);
    bench.door.push(eventNo(3));
    bench.door.push(eventNo(2));
    release();
    await expect.poll(() => pushed(socket.frames)).toEqual(idsOf(eventsUpTo(3)));
  });

  test('of a paychannel has the paychannel’s events only', async () => {
    const mine = eventNo(1, { recipient: `paychannel:${paychannelId}`, type: 'credit.requested' });
    const socket = await connect(keys.paychannel);
    await quiet(socket);
    bench.door.push(mine);
    bench.door.push(eventNo(2));
    expect(await quiet(socket)).toEqual([idOf(mine)]);
  });

  test('is fed from memory while Postgres is away, and from it when it is back', async () => {
    history = [eventNo(1)];
    historyFails = true;
    bench.door.memory.pending = [eventNo(2)];
    const socket = await connect();
    await expect.poll(() => pushed(socket.frames)).toEqual([idOf(eventNo(2))]);
    bench.door.push(eventNo(3));
    expect(await quiet(socket)).toEqual(idsOf([eventNo(2), eventNo(3)]));
    historyFails = false;
    bench.clock.advance(1_000);
    await expect.poll(() => pushed(socket.frames)).toEqual([idOf(eventNo(1))]);
  });

  test('tries again where the workers cannot be asked', async () => {
    bench.door.askFails = new Error('a worker is away');
    const socket = await connect();
    await quiet(socket);
    bench.door.askFails = null;
    bench.door.memory.pending = [eventNo(1)];
    bench.clock.advance(1_000);
    await expect.poll(() => pushed(socket.frames)).toEqual([idOf(eventNo(1))]);
  });
});

describe('an event', () => {
  test('goes to all connections of its terminal, and one acknowledgement is enough', async () => {
    const first = await connect();
    const second = await connect();
    await quiet(first);
    await quiet(second);
    bench.door.push(eventNo(1));
    expect([await quiet(first), await quiet(second)]).toEqual([
      [idOf(eventNo(1))],
      [idOf(eventNo(1))],
    ]);
    acknowledge(second, [eventNo(1)]);
    await quiet(second);
    bench.clock.advance(60_000);
    expect([await quiet(first), await quiet(second)]).toEqual([[], []]);
    expect(bench.gateway.stats().unacknowledgedEvents).toBe(0);
  });

  test('unacknowledged comes again after 2, 5, 10, then every 30 s', async () => {
    const socket = await connect();
    await quiet(socket);
    bench.door.push(eventNo(1));
    bench.door.memory.pending = [eventNo(1)];
    expect(await quiet(socket)).toHaveLength(1);
    for (const seconds of [2, 5, 10, 30, 30, 30]) {
      bench.clock.advance(seconds * 1_000 - 1);
      expect(await quiet(socket)).toEqual([]);
      bench.clock.advance(1);
      expect(await quiet(socket)).toEqual([idOf(eventNo(1))]);
    }
  });

  test('acknowledged on another gateway stops coming once the inbox has looked', async () => {
    const socket = await connect();
    await quiet(socket);
    bench.door.push(eventNo(1));
    bench.door.memory = { pending: [], ended: [idOf(eventNo(1))] };
    for (const seconds of [2, 5, 10, 30]) {
      bench.clock.advance(seconds * 1_000);
      await quiet(socket);
    }
    await expect.poll(() => bench.gateway.stats().unacknowledgedEvents).toBe(0);
    bench.clock.advance(60_000);
    expect(await quiet(socket)).toEqual([]);
  });

  test('that the shard could not take as acknowledged comes again', async () => {
    const socket = await connect();
    await quiet(socket);
    bench.door.push(eventNo(1));
    bench.door.script = () => ({ kind: 'fault', code: 'overloaded', detail: 'x', retryAfterS: 1 });
    acknowledge(socket, [eventNo(1)]);
    await quiet(socket);
    bench.clock.advance(2_000);
    expect(await quiet(socket)).toEqual([idOf(eventNo(1))]);
  });

  test('acknowledged over HTTP leaves the stream too', async () => {
    const socket = await connect();
    await quiet(socket);
    bench.door.push(eventNo(1));
    const response = await fetch(`${bench.url}/v1/terminal/events/ack`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${keys.terminal}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ ids: [idOf(eventNo(1))] }),
    });
    expect(await response.json()).toEqual({ acknowledged: 1 });
    await quiet(socket);
    bench.clock.advance(60_000);
    expect(await quiet(socket)).toEqual([]);
  });

  test('pushed twice is sent once', async () => {
    const socket = await connect();
    await quiet(socket);
    bench.door.push(eventNo(1));
    bench.door.push(eventNo(1));
    expect(await quiet(socket)).toEqual([idOf(eventNo(1))]);
  });

  test('that a lost worker never pushed is found when the worker has begun again', async () => {
    const socket = await connect();
    await quiet(socket);
    bench.door.memory.pending = [eventNo(1)];
    bench.door.restartWorker();
    await expect.poll(() => pushed(socket.frames)).toEqual([idOf(eventNo(1))]);
    expect(bench.door.queries.filter(({ query }) => query === 'subscribe')).toHaveLength(2);
  });
});

describe('a second connection', () => {
  test('is asked again 2 s after it was first sent an event, and so is the first', async () => {
    const first = await connect();
    await quiet(first);
    bench.door.push(eventNo(1));
    await quiet(first);
    bench.clock.advance(1_000);
    const second = await connect();
    expect(await quiet(second)).toEqual([idOf(eventNo(1))]);
    bench.clock.advance(1_999);
    expect([await quiet(first), await quiet(second)]).toEqual([[], []]);
    bench.clock.advance(1);
    expect([await quiet(first), await quiet(second)]).toEqual([
      [idOf(eventNo(1))],
      [idOf(eventNo(1))],
    ]);
  });
});

describe('a window', () => {
  test('with room takes no live event while older ones have not been read', async () => {
    history = eventsUpTo(1_200);
    const socket = await connect();
    await expect.poll(() => pushed(socket.frames).length).toBe(1_000);
    await quiet(socket);
    acknowledge(socket, history.slice(0, 100));
    await quiet(socket);
    bench.door.push(eventNo(1_201));
    expect(await quiet(socket)).toEqual([]);
  });

  test('holds 1,000 events; the rest, live ones too, follow as acknowledgements come, in order', async () => {
    const all = eventsUpTo(2_300);
    history = all.slice(0, 2_200);
    const socket = await connect();
    await expect.poll(() => pushed(socket.frames).length).toBe(1_000);
    for (const event of all.slice(2_200)) bench.door.push(event);
    expect(await quiet(socket)).toEqual(idsOf(all.slice(0, 1_000)));
    bench.door.memory.pending = all.slice(2_200);
    const seen = all.slice(0, 1_000);
    while (seen.length < all.length) {
      const done = seen.slice(-600);
      history = history.filter((event) => !seen.includes(event));
      bench.door.memory.pending = bench.door.memory.pending.filter(
        (event) => !seen.includes(event),
      );
      acknowledge(socket, seen.slice(-1_000));
      await expect.poll(() => pushed(socket.frames).length, { timeout: 5_000 }).toBeGreaterThan(0);
      const more = await quiet(socket);
      expect(more).toEqual(idsOf(all.slice(seen.length, seen.length + more.length)));
      seen.push(...all.slice(seen.length, seen.length + more.length));
      expect(done.length).toBe(600);
    }
    expect(seen).toHaveLength(2_300);
  });

  test('is passed on live events again once it has caught up', async () => {
    history = eventsUpTo(1_001);
    const socket = await connect();
    await expect.poll(() => pushed(socket.frames).length).toBe(1_000);
    await quiet(socket);
    const last = history.slice(1_000);
    acknowledge(socket, history.slice(0, 1_000));
    history = last;
    await expect.poll(() => pushed(socket.frames)).toEqual(idsOf(last));
    await quiet(socket);
    bench.door.push(eventNo(1_002));
    expect(await quiet(socket)).toEqual([idOf(eventNo(1_002))]);
  });
});

describe('a stream that ends', () => {
  test('frees its inbox and lets the workers forget it', async () => {
    const socket = await connect();
    await quiet(socket);
    expect(bench.gateway.stats()).toMatchObject({ sessions: 1, inboxes: 1 });
    socket.close();
    await expect.poll(() => bench.gateway.stats()).toMatchObject({ sessions: 0, inboxes: 0 });
    expect(bench.door.queries.at(-1)).toEqual({
      query: 'unsubscribe',
      recipient: 'terminal:ter_1',
    });
  });
});

describe('a long poll', () => {
  test('answers what is pending, oldest first, at most `limit`', async () => {
    history = [eventNo(1), eventNo(3)];
    bench.door.memory.pending = [eventNo(2)];
    expect(await poll()).toEqual(idsOf(eventsUpTo(3)));
    expect(await poll('?limit=2')).toEqual(idsOf(eventsUpTo(2)));
    await expect.poll(() => bench.gateway.stats().inboxes).toBe(0);
  });

  test('with nothing pending waits for an event', async () => {
    const answer = poll('?wait=30');
    await expect.poll(() => bench.door.queries.length).toBe(1);
    await expect.poll(() => bench.clock.timers).toBe(2);
    bench.door.push(eventNo(1));
    bench.door.push(eventNo(2));
    expect(await answer).toEqual(idsOf(eventsUpTo(2)));
  });

  test('answers nothing when its time is over', async () => {
    const answer = poll('?wait=5');
    await expect.poll(() => bench.clock.timers).toBe(2);
    bench.clock.advance(5_000);
    expect(await answer).toEqual([]);
  });

  test('looks anew, so that what was acknowledged elsewhere is not answered', async () => {
    history = [eventNo(1)];
    const socket = await connect();
    await expect.poll(() => pushed(socket.frames)).toHaveLength(1);
    history = [eventNo(2)];
    expect(await poll()).toEqual([idOf(eventNo(2))]);
  });

  test('is 503 where neither memory nor history answers', async () => {
    bench.door.askFails = new Error('away');
    const response = await get('/v1/terminal/events');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
  });

  test('is answered at once when the gateway drains', async () => {
    const answer = poll('?wait=30');
    await expect.poll(() => bench.clock.timers).toBe(2);
    const drained = bench.gateway.drain();
    expect(await answer).toEqual([]);
    await passing(bench.clock, drained);
  });

  test('whose key is withdrawn frees its inbox, while it waits and while it looks', async () => {
    const waiting = get('/v1/terminal/events?wait=30');
    await expect.poll(() => bench.clock.timers).toBe(2);
    const looking = new Promise<void>((looks) => {
      const { door } = bench;
      const ask = door.ask.bind(door);
      door.ask = async (query) => {
        looks();
        await withdrawn;
        return ask(query);
      };
    });
    let tellWithdrawn = (): void => undefined;
    const withdrawn = new Promise<void>((tell) => {
      tellWithdrawn = tell;
    });
    const other = fetch(`${bench.url}/v1/paychannel/events?wait=30`, {
      headers: { Authorization: `Bearer ${keys.paychannel}` },
    });
    await looking;
    expect(bench.gateway.stats().inboxes).toBe(2);
    bench.principals.clear();
    bench.gateway.hear(true, null);
    for (const refused of [waiting, other]) {
      expect((await passing(bench.clock, refused)).status).toBe(401);
    }
    tellWithdrawn();
    await expect.poll(() => bench.gateway.stats().inboxes).toBe(1);
    bench.clock.advance(30_000);
    await expect.poll(() => bench.gateway.stats().inboxes).toBe(0);
  });

  test('that its client gives up frees its inbox', async () => {
    const given = new AbortController();
    const answer = fetch(`${bench.url}/v1/terminal/events?wait=30`, {
      headers: { Authorization: `Bearer ${keys.terminal}` },
      signal: given.signal,
    });
    await expect.poll(() => bench.gateway.stats().inboxes).toBe(1);
    given.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(() => bench.gateway.stats().inboxes).toBe(0);
  });
});

describe('re-reading', () => {
  test('answers what came after an event, acknowledged or not', async () => {
    history = eventsUpTo(5);
    expect(await poll(`?after=${idOf(eventNo(2))}&limit=2`)).toEqual(
      idsOf([eventNo(3), eventNo(4)]),
    );
  });

  test.each(['nonsense', idOf(eventNo(9))])('after %s is refused', async (after) => {
    expect((await get(`/v1/terminal/events?after=${after}`)).status).toBe(400);
  });
});
