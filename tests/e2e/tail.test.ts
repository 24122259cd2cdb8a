// A switch that was killed while history could not be written serves again before history has the rest: what the log
// alone knows is known, to every kind of retry.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import { done, fresh, refused } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { setUps } from '../support/set-ups.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

/** References that one bill lets go of: it keeps 64. */
const REFERENCES = 70;

describe.each(setUps)('a start on a tail that history lacks, on $name', (setUp) => {
  let world: World;
  /** Holds back whoever writes history; reading goes on. */
  let holding: Sql;

  beforeAll(async () => {
    world = await World.start(setUp);
    holding = postgres(world.stores.databaseUrl, { max: 1, onnotice: () => undefined });
    await holding`begin`;
    await holding`lock table bills, transitions in exclusive mode`;
  });
  afterAll(async () => {
    await holding?.end({ timeout: 1 });
    await world?.stop();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('serves, repeats every answer, and history has it all in the end', async () => {
    const till = () => world.http('terminal');
    const wallet = () => world.http('paychannel');
    const isBehind = () =>
      world.process.until('behind with history', async () => {
        const unwritten = await metric(world.process.baseUrl, 'qrswitch_transitions_unwritten');
        return unwritten > REFERENCES;
      });
    const order = { orderId: fresh('order'), amount: 1_000, currency: 'EUR' };
    const { id: billId } = await done(till(), 'bill.create', order);
    for (let i = 0; i < REFERENCES; i++) {
      await done(wallet(), 'payment.void', { billId, paymentRef: `void-${i}` });
    }
    const payment = { billId, paymentRef: 'p-1', amount: 400, currency: 'EUR' };
    const paid = await done(wallet(), 'payment.create', payment);
    const tombstone = { orderId: fresh('order') };
    await done(till(), 'order.resolve', tombstone);
    const before = await done(till(), 'bill.get', { billId });
    await isBehind();

    await world.crash();
    await isBehind();
    expect(await done(till(), 'bill.get', { billId })).toEqual(before);
    expect(await done(till(), 'bill.create', order)).toEqual(before);
    expect(await done(wallet(), 'payment.create', payment)).toEqual(paid);
    // The oldest is one that the bill no longer keeps.
    const voided = { ...payment, paymentRef: 'void-0' };
    expect((await refused(wallet(), 'payment.create', voided)).code).toBe('payment.void');
    const late = await refused(till(), 'bill.create', { ...order, ...tombstone });
    expect(late.code).toBe('order.void');
    const { events } = await done(till(), 'terminal.events', {});
    expect(events).toMatchObject([{ type: 'payment.received', billId }]);
    await done(till(), 'event.ack', { ids: events.map(({ id }) => id) });
    await done(till(), 'bill.cancel', { billId });

    await holding`commit`;
    await historyIsWhole(world.process);
    expect(await faultsInBooks(holding)).toEqual([]);
    expect(await done(wallet(), 'payment.create', payment)).toEqual(paid);
    await world.crash();
    expect(await done(till(), 'bill.get', { billId })).toMatchObject({
      status: 'cancelled',
      reversed: 400,
    });
  });
});
