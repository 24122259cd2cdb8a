// Mistakes of ours, planted: what they cost, and whom.

import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { billId, makeBill, NOON, shard } from '../../../tests/support/bill-fixtures.ts';
import { BASE, type Bench, holderOf, keys, startBench } from '../../../tests/support/fake-door.ts';
import { call, problemOf } from '../../../tests/support/http-client.ts';
import { codesAt, NO_FORMATS } from '../../../tests/support/qr-claims.ts';
import { type Frame, TestSocket } from '../../../tests/support/socket.ts';
import { eventNo, pushed } from '../../../tests/support/stream-events.ts';
import { Fault } from '../../switch/faults.ts';
import type { Principal } from '../../switch/principal.ts';
import type { HostedFormats } from '../../switch/qr.ts';
import { makePresenter } from '../presenter.ts';
import type { GatewayMetrics, GatewayOptions } from './options.ts';
import { hashOfKey } from './principals.ts';

const NOTIFICATIONS = '/v1/acquirers/notifications';

let bench: Bench;

/** Mistakes told of since it was last asked. */
const told = (): number => bench.errors.splice(0).length;

afterEach(async () => {
  expect(told()).toBe(0);
  // Whatever was planted, the gateway goes on.
  const headers = { 'X-Request-Id': 'after' };
  expect((await call(bench, 'GET', '/healthz', { headers })).status).toBe(200);
  bench.gateway.close();
});

async function begin(options: Partial<GatewayOptions> = {}): Promise<void> {
  bench = await startBench({ options });
}

async function connect(
  api: 'terminal' | 'paychannel' = 'terminal',
  key: string | null = keys[api],
) {
  const headers = { 'X-Request-Id': 'opens' };
  const given = key === null ? { headers } : { key, headers };
  const socket = await TestSocket.open(`${bench.ws}/v1/${api}/stream`, given);
  onTestFinished(() => socket.close());
  return socket;
}

function planted(): never {
  throw new TypeError('planted');
}

/** Metrics of which some fail. */
const metricsWith = (failing: Partial<GatewayMetrics>): GatewayMetrics => ({
  answered: () => undefined,
  eventsSent: () => undefined,
  socketClosed: () => undefined,
  limited: () => undefined,
  ...failing,
});

/** A terminal of which something cannot be read once `isArmed`. */
function flawed(field: 'kind' | 'institutionId') {
  const state = { isArmed: false };
  const flaw = (principal: Principal): Principal =>
    new Proxy(principal, {
      get: (of, name) => (name === field && state.isArmed ? planted() : Reflect.get(of, name)),
    });
  const arm = (): void => {
    state.isArmed = true;
  };
  return { flaw, arm };
}

async function beginFlawed(flaw: (principal: Principal) => Principal): Promise<void> {
  await begin();
  const keyHash = hashOfKey(keys.terminal);
  const principal = bench.principals.get(keyHash);
  if (principal !== undefined) bench.principals.set(keyHash, flaw(principal));
  expect(holderOf(bench.principals, keyHash)).not.toBeNull();
}

/** One driver, which must never reject, does. */
const broken: HostedFormats = {
  ...NO_FORMATS,
  names: new Set(['broken']),
  issue: () => Promise.reject(new TypeError('planted')),
};

const get = (id: number): Frame => ({ id, op: 'bill.get', body: { billId: billId(1) } });
const create = { orderId: 'order-1', amount: 1_000, currency: 'EUR', qrFormat: 'broken' };
const internal = { status: 500, body: { code: 'internal', requestId: expect.any(String) } };

describe('an operation of a socket', () => {
  test('that cannot be sent is answered with 500, and the next one is not', async () => {
    await begin();
    const socket = await connect();
    const { send } = bench.door;
    bench.door.send = planted;
    expect(await socket.ask(get(1))).toMatchObject({ id: 1, ...internal });
    bench.door.send = send;
    expect(await socket.ask(get(2))).toMatchObject({ id: 2, status: 404 });
    expect(told()).toBe(1);
    expect(bench.gateway.stats().requestsUnderWay).toBe(0);
  });

  test('whose reading fails later is answered with 500', async () => {
    await begin({ hosted: broken });
    const socket = await connect();
    const answer = await socket.ask({ id: 1, op: 'bill.create', body: create });
    expect(answer).toMatchObject({ id: 1, ...internal });
    expect(told()).toBe(1);
  });

  test('whose answers cannot be added up is answered with 500, once', async () => {
    await begin();
    const socket = await connect();
    bench.door.send = (_request, onReply) => {
      setImmediate(() => onReply(200, Buffer.from('no JSON')));
    };
    const ids = [`${billId(1)}-e1`, `${billId(2, shard(3))}-e1`];
    const answer = await socket.ask({ id: 1, op: 'event.ack', body: { ids } });
    expect(answer).toMatchObject({ id: 1, ...internal });
    expect(await socket.ask({ id: 2, op: 'ping' })).toMatchObject({ id: 2, status: 200 });
    expect(told()).toBeGreaterThan(0);
  });

  test('that fails while it is answered ends its socket with 1011, and no other', async () => {
    let isFailing = false;
    await begin({ metrics: metricsWith({ answered: () => isFailing && planted() }) });
    bench.door.script = () => 'hold';
    const [socket, other] = [await connect(), await connect()];
    socket.send(get(1));
    other.send(get(2));
    await expect.poll(() => bench.door.held.length).toBe(2);
    const bill = {
      kind: 'bill',
      bill: makeBill({ id: billId(1) }),
      created: false,
      now: NOON,
    } as const;
    isFailing = true;
    bench.door.held[0]?.reply(bill);
    isFailing = false;
    bench.door.held[1]?.reply(bill);
    expect((await socket.end()).code).toBe(1011);
    expect(await other.next()).toMatchObject({ id: 2, status: 200 });
    expect(told()).toBe(1);
  });
});

describe('a socket', () => {
  test('of which a frame cannot be taken is ended with 1011, and no other', async () => {
    await begin({ newRequestId: planted });
    const [socket, other] = [await connect(), await connect()];
    socket.send({ id: 1, op: 'ping' });
    expect((await socket.end()).code).toBe(1011);
    expect(await other.ask({ id: 2, op: 'ping', requestId: 'its-own' })).toMatchObject({ id: 2 });
    expect(told()).toBe(1);
  });

  test('that cannot be opened is refused with 500', async () => {
    await begin({ newRequestId: planted });
    const opened = TestSocket.open(`${bench.ws}/v1/terminal/stream`, { key: keys.terminal });
    await expect(opened).rejects.toThrow('500');
    expect(told()).toBe(1);
  });

  test('whose key is found and cannot be judged is ended with 1011', async () => {
    const { flaw, arm } = flawed('kind');
    await beginFlawed(flaw);
    arm();
    const inHeader = await connect();
    expect((await inHeader.end()).code).toBe(1011);
    expect(told()).toBe(1);
  });

  test('that is closed and cannot be counted off costs nobody else anything', async () => {
    const { flaw, arm } = flawed('institutionId');
    await beginFlawed(flaw);
    const socket = await connect();
    await socket.ask({ id: 1, op: 'ping' });
    arm();
    socket.close();
    await expect.poll(() => bench.gateway.stats().sessions).toBe(0);
    expect(told()).toBe(1);
  });

  test('that cannot even be told of its end is cut off', async () => {
    await begin({ metrics: metricsWith({ socketClosed: planted }) });
    const socket = await connect('terminal', null);
    bench.clock.advance(5_000);
    expect((await socket.end()).code).toBe(1006);
    expect(told()).toBe(1);
  });

  test('to which an event cannot be sent is ended with 1011, and the next one is sent it', async () => {
    let isFailing = true;
    const presenter = makePresenter({ publicBaseUrl: BASE, codes: codesAt(BASE) });
    const presentEvent: typeof presenter.presentEvent = (event, encoding) =>
      isFailing ? planted() : presenter.presentEvent(event, encoding);
    await begin({ presenter: { ...presenter, presentEvent } });
    const [socket, other] = [await connect(), await connect('paychannel')];
    await Promise.all([socket, other].map((each) => each.ask({ id: 1, op: 'ping' })));
    bench.door.push(eventNo(1));
    expect((await socket.end()).code).toBe(1011);
    expect(told()).toBe(1);

    isFailing = false;
    bench.door.memory.pending.push(eventNo(1));
    const again = await connect();
    await expect.poll(() => pushed(again.frames)).toHaveLength(1);
    expect(await other.ask({ id: 2, op: 'ping' })).toMatchObject({ id: 2 });
  });
});

test('what keeps pending events from being read is told as a mistake where it is ours', async () => {
  let away: Error = new Fault('history.unavailable', 'away');
  bench = await startBench({ listings: { pendingEvents: () => Promise.reject(away) } });
  const other = await connect();
  expect(await other.ask({ id: 1, op: 'ping' })).toMatchObject({ status: 200 });
  expect(told()).toBe(0);

  away = new TypeError('planted');
  bench.clock.advance(1_000);
  await expect.poll(() => bench.errors.length).toBe(1);
  expect(told()).toBe(1);
});

describe('a request', () => {
  test('that cannot be taken has its connection closed', async () => {
    await begin({ newRequestId: planted });
    await expect(call(bench, 'GET', '/readyz')).rejects.toThrow('fetch failed');
    expect(told()).toBe(1);
  });

  test('whose answer cannot be written has its connection closed, and is under way no more', async () => {
    const reply = { status: 200, headers: {}, body: 5 as unknown as string };
    const known = { notificationToken: 'known' } as GatewayOptions['acquirers'][number];
    await begin({ acquirers: [known], postToAcquirer: () => Promise.resolve(reply) });
    const posted = call(bench, 'POST', `${NOTIFICATIONS}/known`, { raw: 'x' });
    await expect(posted).rejects.toThrow('fetch failed');
    expect(bench.gateway.stats().requestsUnderWay).toBe(0);
    expect(told()).toBe(1);
  });

  test('that acknowledges, and whose answers cannot be added up, is answered with 500', async () => {
    await begin();
    bench.door.send = (_request, onReply) => {
      setImmediate(() => onReply(200, Buffer.from('no JSON')));
    };
    const ids = [`${billId(1)}-e1`, `${billId(2, shard(3))}-e1`];
    const response = await call(bench, 'POST', '/v1/terminal/events/ack', { body: { ids } });
    expect(await problemOf(response)).toMatchObject({ status: 500, code: 'internal' });
    expect(told()).toBeGreaterThan(0);
  });
});

describe('a batch', () => {
  const post = (): Promise<Response> =>
    call(bench, 'POST', '/v1/terminal/bills/batch', {
      raw: JSON.stringify(create),
      headers: { 'Content-Type': 'application/x-ndjson' },
    });

  test('of which a line cannot be read later is ended with 500', async () => {
    await begin({ hosted: broken });
    expect(await problemOf(await post())).toMatchObject({ status: 500, code: 'internal' });
    expect(told()).toBe(1);
  });

  test('of which an answer cannot be counted is ended', async () => {
    const answered: GatewayMetrics['answered'] = (_call, transport) => {
      if (transport === 'batch') planted();
    };
    await begin({
      metrics: metricsWith({ answered }),
      hosted: { ...broken, issue: async () => ({ unfit: 'no' }) },
    });
    expect(await problemOf(await post())).toMatchObject({ status: 500, code: 'internal' });
    expect(told()).toBe(1);
  });
});
