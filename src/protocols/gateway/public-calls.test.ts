// What strangers may ask for, and how little of it stands in the way of those with a key.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { billId, institutionId } from '../../../tests/support/bill-fixtures.ts';
import { type Bench, startBench } from '../../../tests/support/fake-door.ts';
import { call } from '../../../tests/support/http-client.ts';
import { RawConnection } from '../../../tests/support/raw-http.ts';
import type { KnownAcquirer } from '../../switch/acquirers.ts';
import { LIMITS } from '../schemas/scalars.ts';
import type { GatewayLimits, GatewayOptions } from './options.ts';

const NOTIFICATIONS = '/v1/acquirers/notifications';
const acquirer = { institutionId, notificationToken: 'known' } as KnownAcquirer;

let bench: Bench;
let connections: RawConnection[] = [];
/** Mistakes of ours that are told. */
let failures = 0;

afterEach(() => {
  for (const connection of connections) connection.abort();
  connections = [];
  bench.gateway.close();
  expect(bench.errors).toHaveLength(failures);
  failures = 0;
});

async function begin(
  limits: Partial<GatewayLimits> = {},
  options: Partial<GatewayOptions> = {},
): Promise<void> {
  bench = await startBench({ limits, options: { acquirers: [acquirer], ...options } });
}

/** A notification of which so many bytes are still to come. */
async function postHalf(token: string, length = 100): Promise<RawConnection> {
  const connection = await RawConnection.open(bench.gateway.port);
  connections.push(connection);
  const head = `POST ${NOTIFICATIONS}/${token} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}`;
  await connection.write(`${head}\r\n\r\nhalf`);
  return connection;
}

const underWay = (): number => bench.gateway.stats().requestsUnderWay;
const listBills = async (): Promise<number> =>
  (await call(bench, 'GET', '/v1/terminal/bills')).status;

describe('notifications of acquirers', () => {
  test('to an unknown address are refused before their bodies are read', async () => {
    await begin();
    const posted = await postHalf('nobody-knows-this');
    await expect.poll(() => posted.statuses).toEqual([404]);
    expect(underWay()).toBe(0);
  });

  test.each([
    [{ 'content-type': 'application/json; charset=utf-8' }, 'application/json; charset=utf-8'],
    [{}, 'text/plain'],
    [{ 'content-type': 'text/plain\r\nSet-Cookie: planted=1' }, 'text/plain'],
    [{ 'content-type': 'text/html\n' }, 'text/plain'],
    [{ 'content-type': 'жук/жук' }, 'text/plain'],
    [{ 'Set-Cookie': 'planted=1', 'x-a\r\nSet-Cookie': 'planted=1' }, 'text/plain'],
  ])('are answered with a type and no other header of the driver’s: %j', async (headers, type) => {
    await begin({}, { postToAcquirer: async () => ({ status: 202, headers, body: 'taken' }) });
    const response = await call(bench, 'POST', `${NOTIFICATIONS}/known`);
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('taken');
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  test('that come half take no room of calls with a key', async () => {
    await begin({ requestsUnderWay: 5 });
    for (let i = 0; i < 8; i++) await postHalf('known');
    await expect.poll(underWay).toBe(8);
    expect(await listBills()).toBe(200);
  });

  test('have a bound of their own, from before their bodies are read, and give their room back', async () => {
    await begin({ publicUnderWay: 2 });
    const first = await postHalf('known');
    const second = await postHalf('known', 8);
    await expect.poll(underWay).toBe(2);
    const third = await postHalf('known');
    await expect.poll(() => third.statuses).toEqual([503]);
    expect((await call(bench, 'GET', '/healthz')).status).toBe(200);
    first.abort();
    await second.write('half');
    await expect.poll(() => second.statuses).toEqual([404]);
    await expect.poll(underWay).toBe(0);
    await Promise.all([postHalf('known'), postHalf('known')]);
    await expect.poll(underWay).toBe(2);
    const again = await postHalf('known');
    await expect.poll(() => again.statuses).toEqual([503]);
  });
});

describe('a mistake of ours in an answer', () => {
  const answers: Pick<GatewayOptions, 'wallets' | 'postToAcquirer'> = {
    wallets: { payingFor: () => Promise.resolve({ names: [], isMore: false }) },
    postToAcquirer: () => Promise.reject(new Error('planted')),
  };
  const page = `/q/${billId(1)}`;
  const bill = `/v1/terminal/bills/${billId(1)}`;

  test.each([
    ['GET', page],
    ['GET', `${bill}/qr.svg`],
    ['GET', `${bill}/qr.png`],
    ['GET', `${bill}/qr.txt`],
    ['GET', '/v1/terminal/bills?orderId=o-1&wait=1&afterVersion=1'],
    ['POST', `${NOTIFICATIONS}/known`],
  ])('to %s %s is told and answered with 500, and the gateway goes on', async (method, path) => {
    await begin({}, answers);
    // What no shard says: it cannot be read.
    bench.door.send = (_request, onReply) => {
      setImmediate(() => onReply(200, Buffer.from('no JSON')));
    };
    const response = await call(bench, method, path);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'internal' });
    expect((await call(bench, 'GET', '/healthz')).status).toBe(200);
    failures = 1;
  });
});

test('a public request that is too large is answered once', async () => {
  await begin();
  const posted = await postHalf('known', LIMITS.bodyBytes + 1);
  await expect.poll(() => posted.statuses).toEqual([413]);
});

describe('the metrics', () => {
  let collections: { done: (text: string) => void; failed: (error: Error) => void }[];
  const statuses = async (answers: readonly Promise<Response>[]): Promise<number[]> =>
    (await Promise.all(answers)).map(({ status }) => status);
  const askTwice = async (): Promise<Promise<Response>[]> => {
    const before = underWay();
    const answers = [1, 2].map(() => fetch(`${bench.url}/metrics`));
    await expect.poll(underWay).toBe(before + 2);
    return answers;
  };

  beforeEach(async () => {
    collections = [];
    const metricsText = () =>
      new Promise<string>((done, failed) => collections.push({ done, failed }));
    await begin({}, { metricsText });
  });

  test('are collected once for all who ask meanwhile', async () => {
    const answers = await askTwice();
    expect(collections).toHaveLength(1);
    collections[0]?.done('up 1');
    expect(await statuses(answers)).toEqual([200, 200]);
    const later = await askTwice();
    expect(collections).toHaveLength(2);
    collections[1]?.done('up 1');
    expect(await statuses(later)).toEqual([200, 200]);
  });

  test('are answered with 500 where they cannot be collected, and asked for anew', async () => {
    failures = 1;
    const answers = await askTwice();
    collections[0]?.failed(new Error('a worker has gone'));
    expect(await statuses(answers)).toEqual([500, 500]);
    const later = await askTwice();
    collections[1]?.done('up 1');
    expect(await statuses(later)).toEqual([200, 200]);
  });

  test('are answered with 500 where they take too long', async () => {
    failures = 1;
    const answers = await askTwice();
    bench.clock.advance(10_000);
    expect(await statuses(answers)).toEqual([500, 500]);
  });
});
