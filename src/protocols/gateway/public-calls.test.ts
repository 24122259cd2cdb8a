// What strangers may ask for, and how little of it stands in the way of those with a key.

import { afterEach, describe, expect, test } from 'vitest';
import { institutionId } from '../../../tests/support/bill-fixtures.ts';
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

afterEach(() => {
  for (const connection of connections) connection.abort();
  connections = [];
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
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

test('a public request that is too large is answered once', async () => {
  await begin();
  const posted = await postHalf('known', LIMITS.bodyBytes + 1);
  await expect.poll(() => posted.statuses).toEqual([413]);
});
