// HTTP clients that go away in the middle: nothing is left behind, and a change whose body had come whole is made.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done, fresh } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { RawConnection, requestBytes } from '../support/raw-http.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const CLIENTS = 60;

/** Where a client goes away, and how much of its request it has sent until then. */
const POINTS = {
  'after some headers': (bytes: string) => bytes.indexOf('\r\n\r\n') - 10,
  'after the headers': (bytes: string) => bytes.indexOf('\r\n\r\n') + 4,
  'in the middle of the body': (bytes: string) => bytes.indexOf('\r\n\r\n') + 14,
  'before the answer': (bytes: string) => bytes.length,
  'during the answer': (bytes: string) => bytes.length,
} as const;
type Point = keyof typeof POINTS;

describe('a client that goes away', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(redisAndPostgres);
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test.each(Object.keys(POINTS) as Point[])('%s leaves nothing behind', async (point) => {
    const { process } = world;
    const till = world.http('terminal');
    const isWhole = point === 'before the answer' || point === 'during the answer';
    const orders = Array.from({ length: CLIENTS }, () => {
      return { orderId: fresh('abort'), amount: 5, currency: 'EUR' };
    });
    for (const order of orders) {
      const bytes = requestBytes({
        method: 'POST',
        path: '/v1/terminal/bills',
        key: world.keys.terminal,
        body: order,
      });
      const connection = await RawConnection.open(process.port);
      await connection.write(bytes.slice(0, POINTS[point](bytes)));
      if (point === 'during the answer') {
        await new Promise((heard) => connection.socket.once('data', heard));
      }
      connection.abort();
    }
    await process.until('rid of them', async () => {
      return (await metric(process.baseUrl, 'qrswitch_requests_held')) <= 1;
    });
    // A resolve that finds nothing would void the order: so it is a create that tells, by 200 or 201.
    const statuses = await Promise.all(
      orders.map(async (order) => (await till.ask('bill.create', order)).status),
    );
    const made = statuses.filter((status) => status === 200).length;
    if (point === 'during the answer') expect(made).toBe(CLIENTS);
    else if (!isWhole) expect(made).toBe(0);
    expect(statuses.filter((status) => status !== 200 && status !== 201)).toEqual([]);
    for (const order of orders) {
      expect((await till.ask('bill.create', order)).status).toBe(200);
    }
    expect(process.hasEnded).toBe(false);
    expect(process.logged('gateway.failed')).toEqual([]);
  });

  test('while it polls lets go of its bill, and of its events', async () => {
    const { process } = world;
    const till = world.http('terminal');
    const order = { orderId: fresh('abort'), amount: 5, currency: 'EUR' };
    const { id } = await done(till, 'bill.create', order);
    const paths = [
      `/v1/terminal/bills/${id}?wait=30&afterVersion=1`,
      '/v1/terminal/events?wait=30',
    ];
    const connections: RawConnection[] = [];
    for (let i = 0; i < CLIENTS; i++) {
      const connection = await RawConnection.open(process.port);
      const path = paths[i % 2] as string;
      await connection.write(requestBytes({ method: 'GET', path, key: world.keys.terminal }));
      connections.push(connection);
    }
    await process.until('holding the polls', async () => {
      return (await metric(process.baseUrl, 'qrswitch_requests_held')) >= CLIENTS;
    });
    for (const connection of connections) connection.abort();
    await process.until('rid of them', async () => {
      return (await metric(process.baseUrl, 'qrswitch_requests_held')) <= 1;
    });
    expect(await done(till, 'bill.get', { billId: id })).toMatchObject({ id, version: 1 });
  });
});
