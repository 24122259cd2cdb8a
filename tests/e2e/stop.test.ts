// SIGTERM: what is under way is answered, sockets are closed with a reason, and the process ends well.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done, fresh } from '../support/client.ts';
import { Customer } from '../support/customers.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { RawConnection, requestBytes } from '../support/raw-http.ts';
import { setUps } from '../support/set-ups.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const CONNECTIONS = 100;

describe.each(setUps)('a stopping switch on $name', (setUp) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(setUp, { QRSWITCH_GATEWAYS: '2' });
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('answers what is under way, ends long polls, closes sockets and exits with 0', async () => {
    const till = await world.stream('terminal', 'msgpack');
    const wallet = await world.stream('paychannel');
    const web = world.http('terminal');
    const bill = await done(till, 'bill.create', {
      orderId: fresh('order'),
      amount: 100_000,
      currency: 'EUR',
    });
    const billId = bill.id;
    const polls = Promise.all([
      done(web, 'bill.get', {
        billId: (
          await done(web, 'bill.create', { orderId: fresh('order'), amount: 1, currency: 'EUR' })
        ).id,
        wait: 30,
        afterVersion: 1,
      }),
      done(world.http('terminal', world.process.demo.terminal.key), 'bill.get', {
        billId,
        wait: 30,
        afterVersion: 1000,
      }),
    ]);
    const payments = Array.from({ length: 300 }, (_, index) => ({
      billId,
      paymentRef: `p-${index}`,
      amount: 10,
      currency: 'EUR',
    }));
    // A poll that comes after the signal would be refused. The question itself is a third that is held.
    await world.process.until('waiting with the polls', async () => {
      return (await metric(world.process.baseUrl, 'qrswitch_requests_held')) >= 3;
    });
    const overStream = payments.map((payment) => wallet.ask('payment.create', payment));
    await overStream[0];
    world.process.signal('SIGTERM');
    const answers = await Promise.all(overStream);
    const taken = answers.filter(({ status }) => status === 201).length;
    expect(answers.every(({ status }) => status === 201 || status === 503)).toBe(true);
    const [unchanged, changed] = await polls;
    expect(unchanged).toMatchObject({ version: 1 });
    expect(changed.id).toBe(billId);
    for (const stream of [till, wallet]) {
      expect(await stream.closed).toEqual({ code: 1001, reason: 'the switch is stopping' });
    }
    expect(await world.process.ended()).toEqual({ code: 0, signal: null });
    expect(world.process.logged('switch.stopped')).toHaveLength(1);

    world.process = await world.process.restart();
    const again = world.http('terminal');
    expect(await done(again, 'bill.get', { billId })).toMatchObject({
      paid: taken * 10,
      version: taken + 1,
    });
  });

  test('under load loses nothing, and no client waits for an answer that never comes', async () => {
    const customers = Array.from({ length: 20 }, () => new Customer());
    const till = await world.stream('terminal');
    const wallet = await world.stream('paychannel', 'msgpack');
    const running = customers.map((customer) => customer.run(till, wallet));
    await world.process.until(
      'under load',
      () => customers.reduce((sum, { told }) => sum + told.length, 0) > 300,
    );
    expect(await world.process.stop()).toEqual({ code: 0, signal: null });
    await Promise.all(running);
    world.process = await world.process.restart();
    const [newTill, newWallet] = [await world.stream('terminal'), await world.stream('paychannel')];
    const contradictions = customers.map((customer) => customer.contradictions(newTill, newWallet));
    expect((await Promise.all(contradictions)).flat()).toEqual([]);
  });

  test('answers every request that it has read, and takes no new connection', async () => {
    const { process } = world;
    const connections: RawConnection[] = [];
    for (let i = 0; i < CONNECTIONS; i++) connections.push(await RawConnection.open(process.port));
    const orders: { orderId: string; amount: number; currency: string }[] = [];
    for (const connection of connections) {
      const order = { orderId: fresh('last'), amount: 5, currency: 'EUR' };
      orders.push(order);
      const { key } = process.demo.terminal;
      void connection.write(
        requestBytes({ method: 'POST', path: '/v1/terminal/bills', key, body: order }),
      );
    }
    await process.until('answering', () => connections.some(({ statuses }) => statuses.length > 0));
    const stopped = process.stop();
    // Its gateways close one after the other; once they have, nobody gets in.
    await process.until('closed', async () => {
      const refusal = await RawConnection.open(process.port).then(
        (connection) => connection.abort(),
        (error: unknown) => error,
      );
      return String(refusal).includes('ECONNREFUSED');
    });
    await Promise.all(connections.map(({ closed }) => closed));
    expect(await stopped).toEqual({ code: 0, signal: null });

    world.process = await world.process.restart();
    // Nobody waits for a lease that was given up.
    expect(
      world.process.logged('switch.waiting').flatMap((line) => line.waitsFor),
    ).not.toContainEqual(expect.stringContaining('held by'));
    const till = world.http('terminal');
    for (const [index, { statuses }] of connections.entries()) {
      expect(statuses.filter((status) => status !== 201 && status !== 503)).toEqual([]);
      // What was answered stands; what was not answered was not read, and not done.
      const { status } = await till.ask('bill.create', orders[index] ?? {});
      expect(status).toBe(statuses[0] === 201 ? 200 : 201);
    }
    expect(connections.flatMap(({ statuses }) => statuses)).toContain(201);
  });
});
