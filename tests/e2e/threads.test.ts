// Several gateways on one port, several workers behind them: to a client they are one switch.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done, type Event, fresh, type StreamParty } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { setUps } from '../support/set-ups.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const STREAMS = 16;

describe.each(setUps)('two gateways and two workers on $name', (setUp) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(setUp, { QRSWITCH_GATEWAYS: '2', QRSWITCH_WORKERS: '2' });
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('bring events to every session, and take an acknowledgement from any', async () => {
    const tills: StreamParty[] = [];
    for (let i = 0; i < STREAMS; i++)
      tills.push(await world.stream('terminal', i % 2 === 0 ? 'json' : 'msgpack'));
    await world.process.until('holding all sessions', async () => {
      return (await metric(world.process.baseUrl, 'qrswitch_connections_held')) === STREAMS;
    });
    const wallet = await world.stream('paychannel');
    const isPaid = (billId: string) => (event: Event) =>
      event.type === 'bill.paid' && event.billId === billId;
    const sell = async (index: number): Promise<string> => {
      const till = tills[index % STREAMS] as StreamParty;
      const { id: billId } = await done(till, 'bill.create', {
        orderId: fresh('order'),
        amount: 5,
        currency: 'EUR',
      });
      await done(wallet, 'payment.create', { billId, paymentRef: 'p', amount: 5, currency: 'EUR' });
      return billId;
    };
    const acknowledged: string[] = [];
    // More bills than shards, so that both workers have some.
    for (let i = 0; i < STREAMS; i++) {
      const billId = await sell(i);
      const heard = await Promise.all(tills.map((till) => till.event(isPaid(billId))));
      expect(new Set(heard.map(({ id }) => id)).size).toBe(1);
      // By a session that is not the one that created it.
      const other = tills[(i + 5) % STREAMS] as StreamParty;
      expect(await done(other, 'event.ack', { ids: [heard[0]?.id] })).toEqual({ acknowledged: 1 });
      acknowledged.push(heard[0]?.id ?? '');
    }
    // One that nobody acknowledges comes again to everybody; those that somebody has acknowledged to nobody.
    const last = await sell(0);
    const isRepeated = (till: StreamParty): boolean => till.events.filter(isPaid(last)).length >= 2;
    await world.process.until('redelivering', () => tills.every(isRepeated));
    for (const till of tills) {
      // Before it was acknowledged, a busy machine may have sent one twice.
      const since = till.events.slice(till.events.findIndex(isPaid(last)));
      expect(since.filter(({ id }) => acknowledged.includes(id))).toEqual([]);
    }
    // Nor does a poll at any gateway find them.
    const polls = Array.from({ length: 8 }, () =>
      done(world.http('terminal'), 'terminal.events', {}),
    );
    for (const { events } of await Promise.all(polls)) {
      expect(events.map(({ billId }) => billId)).toEqual([last]);
    }
    for (const till of tills) await till.close();
    await wallet.close();
  });

  test('serve long polls and lists across both', async () => {
    const polls = Array.from({ length: 8 }, () =>
      done(world.http('terminal'), 'terminal.events', { wait: 20 }),
    );
    const before = (await done(world.http('terminal'), 'terminal.events', {})).events;
    await done(world.http('terminal'), 'event.ack', { ids: before.map(({ id }) => id) });
    await Promise.all(polls);
    const bills = await Promise.all(
      Array.from({ length: 24 }, () =>
        done(world.http('terminal'), 'bill.create', {
          orderId: fresh('order'),
          amount: 5,
          currency: 'EUR',
        }),
      ),
    );
    const waiting = bills.map(({ id: billId }) =>
      done(world.http('terminal'), 'bill.get', { billId, wait: 20, afterVersion: 1 }),
    );
    await Promise.all(
      bills.map(({ id: billId }) =>
        done(world.http('paychannel'), 'payment.create', {
          billId,
          paymentRef: 'p',
          amount: 5,
          currency: 'EUR',
        }),
      ),
    );
    for (const bill of await Promise.all(waiting))
      expect(bill).toMatchObject({ version: 2, status: 'paid' });
    const since = bills.map(({ createdAt }) => createdAt).sort()[0];
    await world.process.until('through with history', async () => {
      return (
        (await done(world.http('terminal'), 'bill.list', { from: since, status: 'paid' })).items
          .length === 24
      );
    });
    const { items } = await done(world.http('terminal'), 'bill.list', { from: since });
    expect(items.map(({ id }) => id).sort()).toEqual(bills.map(({ id }) => id).sort());
  });
});
