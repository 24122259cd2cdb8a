import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  billId,
  makeAnswer,
  makeBill,
  makePayment,
  NOON,
  paychannelId,
  shard,
} from '../../../tests/support/bill-fixtures.ts';
import {
  type Bench,
  holderOf,
  keys,
  passing,
  startBench,
} from '../../../tests/support/fake-door.ts';
import { TestSocket, unpackr } from '../../../tests/support/socket.ts';
import { eventNo, idOf, pushed } from '../../../tests/support/stream-events.ts';
import { minor } from '../../domain/money.ts';
import type { KeyHolder } from '../../switch/directory.ts';
import { Fault } from '../../switch/faults.ts';
import { hashOfKey } from './principals.ts';

let bench: Bench;
const sockets: TestSocket[] = [];

beforeEach(async () => {
  bench = await startBench();
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

async function connect(
  api: 'terminal' | 'paychannel' = 'terminal',
  given: { key?: string | null; protocol?: string } = {},
): Promise<TestSocket> {
  const key = given.key === undefined ? keys[api] : given.key;
  const socket = await TestSocket.open(`${bench.ws}/v1/${api}/stream`, {
    ...(key === null ? {} : { key }),
    ...(given.protocol === undefined ? {} : { protocol: given.protocol }),
  });
  sockets.push(socket);
  return socket;
}

const create = { orderId: 'order-1', amount: 1_000, currency: 'EUR' };

describe('a key', () => {
  test('in the header opens the stream, so that the first frame may ask', async () => {
    const socket = await connect();
    expect(await socket.ask({ id: 1, op: 'ping' })).toMatchObject({ id: 1, status: 200 });
  });

  test('in the first frame opens it too, and is answered', async () => {
    const socket = await connect('terminal', { key: null });
    const answer = await socket.ask({ op: 'auth', body: { key: keys.terminal } });
    expect(answer).toEqual({ op: 'auth', status: 200 });
    expect(await socket.ask({ id: 'a', op: 'ping' })).toMatchObject({ id: 'a', status: 200 });
  });

  test('that is looked up keeps the frames behind it waiting, in order', async () => {
    const socket = await connect('terminal', { key: null });
    socket.send({ id: 0, op: 'auth', body: { key: keys.terminal } });
    socket.send({ id: 1, op: 'ping' });
    socket.send({ id: 2, op: 'ping' });
    expect(await socket.next()).toEqual({ id: 0, op: 'auth', status: 200 });
    expect([(await socket.next()).id, (await socket.next()).id]).toEqual([1, 2]);
  });

  test.each([
    ['an unknown one', 'nobody'],
    ['a paychannel’s on the terminal stream', keys.paychannel],
    ['a merchant’s, which has no stream', keys.merchant],
    ['an operator’s, which has no stream', keys.operator],
  ])('%s closes with 4401, in the header', async (_name, key) => {
    const socket = await connect('terminal', { key });
    expect((await socket.end()).code).toBe(4401);
  });

  test.each([
    ['unknown', 'nobody', 401],
    ['of a merchant', keys.merchant, 403],
  ])('%s in the first frame is answered and closes with 4401', async (_name, key, status) => {
    const socket = await connect('terminal', { key: null });
    expect(await socket.ask({ op: 'auth', body: { key } })).toMatchObject({ op: 'auth', status });
    expect((await socket.end()).code).toBe(4401);
  });

  test('that does not come within 5 s closes with 4401', async () => {
    const socket = await connect('terminal', { key: null });
    bench.clock.advance(4_999);
    expect(socket.closed).toBeNull();
    bench.clock.advance(1);
    expect((await socket.end()).code).toBe(4401);
  });

  test('that comes after another frame is too late', async () => {
    const socket = await connect('terminal', { key: null });
    expect(await socket.ask({ id: 1, op: 'ping' })).toMatchObject({ id: 1, status: 401 });
    expect((await socket.end()).code).toBe(4401);
  });

  test('that is withdrawn ends its stream', async () => {
    const socket = await connect();
    bench.principals.clear();
    bench.clock.advance(31_000);
    expect(await socket.end()).toEqual({ code: 4401, reason: 'the key was withdrawn' });
  });
});

describe('a directory that is slow', () => {
  const asked: ((holder: KeyHolder | null) => void)[] = [];
  let slow: Bench;

  beforeEach(async () => {
    asked.splice(0);
    slow = await startBench({
      limits: { reconnectsAtOnce: 2 },
      options: {
        directory: {
          holderOfKey: () => new Promise((found) => asked.push(found)),
          keysUsed: () => Promise.resolve(),
          close: () => Promise.resolve(),
        },
      },
    });
  });
  afterEach(() => slow.gateway.close());

  const open = async (key?: string): Promise<TestSocket> => {
    const socket = await TestSocket.open(`${slow.ws}/v1/terminal/stream`, { ...(key && { key }) });
    sockets.push(socket);
    return socket;
  };

  test('does not close a stream whose key came within 5 s', async () => {
    const socket = await open();
    socket.send({ op: 'auth', body: { key: keys.terminal } });
    await expect.poll(() => asked.length).toBe(1);
    slow.clock.advance(10_000);
    asked[0]?.(holderOf(slow.principals, hashOfKey(keys.terminal)));
    expect(await socket.next()).toEqual({ op: 'auth', status: 200 });
  });

  test('is asked for few sockets at a time, and for a call at once', async () => {
    const waiting = await Promise.all(['a', 'b', 'c', 'd'].map((key) => open(key)));
    await expect.poll(() => asked.length).toBe(2);
    const answer = fetch(`${slow.url}/v1/terminal/bills`, {
      headers: { Authorization: 'Bearer of-a-call' },
    });
    await expect.poll(() => asked.length).toBe(3);
    asked[2]?.(null);
    expect((await answer).status).toBe(401);
    asked[0]?.(null);
    await expect.poll(() => asked.length).toBe(4);
    for (const found of asked) found(null);
    await expect.poll(() => asked.length).toBe(5);
    asked[4]?.(null);
    for (const socket of waiting) expect((await socket.end()).code).toBe(4401);
  });
});

describe('a key, while the directory is away', () => {
  let away: Bench;

  beforeEach(async () => {
    away = await startBench({
      options: {
        directory: {
          holderOfKey: () => Promise.reject(new Fault('history.unavailable', 'away')),
          keysUsed: () => Promise.resolve(),
          close: () => Promise.resolve(),
        },
      },
    });
  });
  afterEach(() => away.gateway.close());

  test('in the first frame is answered with 503 and closes with 1013, because it may be a good one', async () => {
    const socket = await TestSocket.open(`${away.ws}/v1/terminal/stream`);
    sockets.push(socket);
    socket.send({ id: 1, op: 'auth', body: { key: keys.terminal } });
    // What comes behind it is not answered as if there were no key.
    socket.send({ id: 2, op: 'ping' });
    expect(await socket.next()).toMatchObject({
      id: 1,
      op: 'auth',
      status: 503,
      body: { code: 'history.unavailable', retryable: true },
    });
    expect(await socket.end()).toEqual({ code: 1013, reason: 'history.unavailable' });
    expect(socket.frames).toHaveLength(1);
    expect(away.gateway.stats().sessions).toBe(0);
  });

  test('is answered with 500 and closes with 1011 where it is not away, and the mistake is ours', async () => {
    const directory = {
      holderOfKey: () => Promise.reject(new TypeError('planted')),
      keysUsed: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const wrong = await startBench({ options: { directory } });
    onTestFinished(() => wrong.gateway.close());
    const [first, inHeader] = await Promise.all([
      TestSocket.open(`${wrong.ws}/v1/terminal/stream`),
      TestSocket.open(`${wrong.ws}/v1/terminal/stream`, { key: keys.terminal }),
    ]);
    sockets.push(first, inHeader);
    const answer = await first.ask({ id: 1, op: 'auth', body: { key: keys.terminal } });
    expect(answer).toMatchObject({ id: 1, status: 500, body: { code: 'internal' } });
    expect(await first.end()).toEqual({ code: 1011, reason: 'internal' });
    expect((await inHeader.end()).code).toBe(1011);
    expect(wrong.errors).toMatchObject([
      { what: 'directory.defect', reason: 'planted' },
      { what: 'directory.defect', reason: 'planted' },
    ]);
  });

  test('in the header closes with 1013 too', async () => {
    const socket = await TestSocket.open(`${away.ws}/v1/terminal/stream`, { key: keys.terminal });
    sockets.push(socket);
    expect(await socket.end()).toEqual({ code: 1013, reason: 'the key cannot be looked up now' });
  });
});

describe('a subprotocol', () => {
  test('that the switch does not speak is refused', async () => {
    const refused = TestSocket.open(`${bench.ws}/v1/terminal/stream`, { protocol: 'soap' });
    await expect(refused).rejects.toThrow('400');
  });

  test('qrswitch.msgpack has the names and values of JSON, with large amounts as integers', async () => {
    const large = makeBill({ amount: minor(10 ** 12) });
    bench.door.script = () => ({ kind: 'bill', bill: large, created: true, now: NOON });
    const text = await connect('terminal', { protocol: 'qrswitch.json' });
    const binary = await connect('terminal', { protocol: 'qrswitch.msgpack' });
    const asText = await text.ask({ id: 'x', op: 'bill.create', body: create });
    const asBinary = await binary.ask({ id: 'x', op: 'bill.create', body: create });
    expect(asBinary).toEqual(asText);
    expect(asText.status).toBe(201);
    const raw = binary.raw.at(-1) ?? Buffer.alloc(0);
    // int64 or uint64 of 10^12, and no float64 anywhere.
    expect(raw.includes(Buffer.from('000000e8d4a51000', 'hex'))).toBe(true);
    expect(raw.includes(Buffer.from('cb426d1a94a2000000', 'hex'))).toBe(false);
    const [first, second] = bench.door.asked('bill.create');
    const digest = (asked: typeof first): unknown =>
      asked?.operation.op === 'bill.create' ? asked.operation.terms.digest : null;
    expect(digest(first)).toBe(digest(second));
  });
});

describe('a request', () => {
  test('is answered when it is done, in any order, with its id', async () => {
    bench.door.script = ({ operation }) =>
      operation.op === 'bill.view'
        ? 'hold'
        : { kind: 'payment', bill: makeBill(), answer: makeAnswer(), created: true };
    const socket = await connect('paychannel');
    socket.send({ id: 'slow', op: 'bill.view', body: { billId: billId(1) } });
    socket.send({
      id: 2,
      op: 'payment.create',
      body: { billId: billId(1), paymentRef: 'p-1', amount: 1_000, currency: 'EUR' },
    });
    expect(await socket.next()).toMatchObject({ id: 2, status: 201 });
    bench.door.held[0]?.reply({ kind: 'view', bill: makeBill(), paychannelId, now: NOON });
    expect(await socket.next()).toMatchObject({ id: 'slow', status: 200, body: { payable: true } });
  });

  test('whose answer has no body gets null', async () => {
    bench.door.script = () => ({ kind: 'released' });
    const socket = await connect('paychannel');
    const body = { billId: billId(1), reservationId: `${billId(1)}-r1` };
    expect(await socket.ask({ id: 1, op: 'bill.release', body })).toEqual({
      id: 1,
      status: 204,
      body: null,
    });
  });

  test.each([
    ['no operation of this stream', { id: 7, op: 'payment.create', body: {} }, 'op'],
    ['no id', { op: 'bill.get', body: { billId: billId(1) } }, 'id'],
    ['an id that is no name', { id: {}, op: 'ping' }, 'id'],
    ['an id that would come back as another', { id: 2 ** 53, op: 'ping' }, 'id'],
    ['a body that is no object', { id: 7, op: 'ping', body: [] }, 'body'],
    ['a field that frames do not have', { id: 7, op: 'ping', extra: 1 }, 'extra'],
    ['a body that does not fit', { id: 7, op: 'bill.get', body: { billId: 5 } }, 'billId'],
    ['an operation of HTTP only', { id: 7, op: 'bill.receipt', body: {} }, 'op'],
    ['a name of Object.prototype', { id: 7, op: 'constructor', body: {} }, 'op'],
  ])('with %s is refused by name, and the stream goes on', async (_name, frame, path) => {
    const socket = await connect();
    const answer = await socket.ask(frame);
    expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    expect((answer.body as { errors: unknown }).errors).toMatchObject([{ path }]);
    expect(await socket.ask({ id: 8, op: 'ping' })).toMatchObject({ id: 8, status: 200 });
  });

  test('beyond the bound of those under way is refused before anything is done', async () => {
    bench.gateway.close();
    bench = await startBench({ limits: { operationsPerSocket: 2 } });
    bench.door.script = () => 'hold';
    const socket = await connect();
    for (let id = 1; id <= 3; id++) socket.send({ id, op: 'bill.create', body: create });
    expect(await socket.next()).toMatchObject({
      id: 3,
      status: 429,
      body: { code: 'rate.limited' },
    });
    expect(bench.door.requests).toHaveLength(2);
  });

  test('carries the client’s own request id on', async () => {
    const socket = await connect();
    const frame = { id: 1, op: 'bill.get', requestId: 'mine-1', body: { billId: billId(1) } };
    expect(await socket.ask(frame)).toMatchObject({ status: 404, body: { requestId: 'mine-1' } });
    expect(bench.door.requests[0]?.requestId).toBe('mine-1');
  });
});

describe('garbage', () => {
  test('is answered with a problem, and closes the stream when it does not end', async () => {
    const socket = await connect();
    for (let i = 0; i < 10; i++) socket.ws.send('{"id":');
    for (let i = 0; i < 10; i++) {
      expect(await socket.next()).toMatchObject({ id: null, status: 400 });
    }
    expect((await socket.end()).code).toBe(1007);
  });

  test('of the other kind of frame is refused', async () => {
    const socket = await connect('terminal', { protocol: 'qrswitch.msgpack' });
    socket.ws.send('text');
    expect(await socket.next()).toMatchObject({ id: null, status: 400 });
  });

  test('beyond 64 KB is refused as too large', async () => {
    const socket = await connect();
    socket.ws.send(JSON.stringify({ id: 1, op: 'ping', body: { x: 'a'.repeat(66_000) } }));
    expect(await socket.next()).toMatchObject({ id: null, status: 413 });
  });
});

describe('an acknowledgement', () => {
  test('is split by bill, and the counts are added', async () => {
    bench.door.script = ({ operation }) => ({
      kind: 'acknowledged',
      count: operation.op === 'event.ack' ? operation.nos.length : 0,
    });
    const socket = await connect();
    const other = billId(2, shard(3));
    const list = [
      `${billId(1)}-e1`,
      `${other}-e4`,
      `${billId(1)}-e2`,
      'nonsense',
      `${billId(1)}-p1`,
    ];
    const answer = await socket.ask({ id: 1, op: 'event.ack', body: { ids: list } });
    expect(answer).toEqual({ id: 1, status: 200, body: { acknowledged: 3 } });
    expect(bench.door.requests.map(({ shard: to, operation }) => [to, operation])).toEqual([
      [0, { op: 'event.ack', billId: billId(1), nos: [1, 2] }],
      [3, { op: 'event.ack', billId: other, nos: [4] }],
    ]);
  });

  test('of unknown events counts nothing', async () => {
    const socket = await connect();
    const answer = await socket.ask({ id: 1, op: 'event.ack', body: { ids: [`${billId(1)}-e1`] } });
    expect(answer).toEqual({ id: 1, status: 200, body: { acknowledged: 0 } });
  });

  test('without an id is not answered', async () => {
    bench.door.script = () => ({ kind: 'acknowledged', count: 1 });
    const socket = await connect();
    socket.send({ op: 'event.ack', body: { ids: [`${billId(1)}-e1`] } });
    expect(await socket.ask({ id: 2, op: 'ping' })).toMatchObject({ id: 2 });
    expect(bench.door.asked('event.ack')).toHaveLength(1);
  });

  test.each(['qrswitch.json', 'qrswitch.msgpack'])(
    'of several bills of which one cannot be reached fails as a whole (%s)',
    async (protocol) => {
      bench.door.script = ({ shard: to }) =>
        to === 3
          ? { kind: 'fault', code: 'shard.unavailable', detail: 'starting', retryAfterS: 2 }
          : { kind: 'acknowledged', count: 1 };
      const socket = await connect('terminal', { protocol });
      const list = [`${billId(1)}-e1`, `${billId(2, shard(3))}-e1`];
      const answer = await socket.ask({ id: 1, op: 'event.ack', body: { ids: list } });
      expect(answer).toMatchObject({ id: 1, status: 503, body: { code: 'shard.unavailable' } });
    },
  );
});

describe('a slow reader', () => {
  test('is closed with a reason, and its events are still pending', async () => {
    bench.gateway.close();
    bench = await startBench({ limits: { socketBufferBytes: 65_536 } });
    const large = makeBill({ description: 'x'.repeat(20_000) });
    bench.door.script = () => ({ kind: 'bill', bill: large, created: false, now: NOON });
    const socket = await connect();
    await socket.ask({ id: 0, op: 'ping' });
    socket.ws.pause();
    for (let id = 1; id <= 900; id++) {
      socket.send({ id, op: 'bill.get', body: { billId: billId(1) } });
    }
    await expect.poll(() => bench.closedSockets).toEqual([1013]);
    expect(bench.gateway.stats().sessions).toBe(0);
  });

  test('of events only is sent no more than its buffer takes, and the rest when it reads on', async () => {
    bench.gateway.close();
    bench = await startBench({ limits: { socketBufferBytes: 32_768 } });
    const socket = await connect();
    await socket.ask({ id: 0, op: 'ping' });
    socket.ws.pause();
    const payment = makePayment({ method: 'm'.repeat(20_000) });
    const sent = Array.from({ length: 900 }, (_unused, i) => eventNo(i + 1)).map((event) => ({
      ...event,
      event: { ...event.event, payment },
    }));
    for (const event of sent) bench.door.push(event);
    await new Promise((resolve) => setImmediate(resolve));
    expect(bench.closedSockets).toEqual([]);
    socket.ws.resume();
    // Time passes, lest the native library has stopped looking at the socket.
    const heard = async (): Promise<number> => {
      bench.clock.advance(50);
      return pushed(socket.frames).length;
    };
    await expect.poll(heard, { timeout: 8_000, interval: 10 }).toBe(900);
    expect(pushed(socket.frames)).toEqual(sent.map(idOf));
  });
});

describe('a drain', () => {
  test('answers what is under way, then closes with 1001', async () => {
    bench.door.script = () => 'hold';
    const busy = await connect();
    const idle = await connect();
    busy.send({ id: 1, op: 'bill.create', body: create });
    await expect.poll(() => bench.door.held.length).toBe(1);
    const drained = bench.gateway.drain();
    expect((await idle.end()).code).toBe(1001);
    expect(await busy.ask({ id: 2, op: 'bill.create', body: create })).toMatchObject({
      id: 2,
      status: 503,
      body: { code: 'shuttingDown' },
    });
    bench.door.held[0]?.reply({ kind: 'bill', bill: makeBill(), created: true, now: NOON });
    expect(await busy.next()).toMatchObject({ id: 1, status: 201 });
    expect(await busy.end()).toEqual({ code: 1001, reason: 'the switch is stopping' });
    await passing(bench.clock, drained);
  });
});

test('msgpack frames of the switch are plain maps', async () => {
  const socket = await connect('terminal', { protocol: 'qrswitch.msgpack' });
  await socket.ask({ id: 2 ** 40, op: 'ping' });
  expect(unpackr.unpack(socket.raw[0] ?? Buffer.alloc(0))).toMatchObject({
    id: 2 ** 40,
    status: 200,
  });
});
