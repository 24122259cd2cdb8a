// Events that nobody takes: for how long they are sent, and how they come back. The switch is started anew when so many
// days have gone by, by its own clock.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Body, done, fresh } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { later } from '../support/later.ts';
import { OperatorParty } from '../support/operator.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

const WITHIN = { timeout: 30_000, interval: 20 };

interface Listed {
  readonly items: readonly { readonly id: string; readonly status: string }[];
}

let world: World;

beforeAll(async () => {
  world = await World.start(redisAndPostgres);
});
afterAll(() => world?.stop());
beforeEach(() => showOutputOnFailure(() => world?.process));

const system = (): OperatorParty => new OperatorParty(world, world.process.demo.operator.key);
const listed = async (query: Body): Promise<string[]> => {
  // The wallet hears of the confirmation, and never says so.
  const asked = { ...query, type: 'bill.paid' };
  const { items } = await system().done<Listed>('operator.event.list', asked);
  return items.map(({ id, status }) => `${id} ${status}`);
};
const pending = async () => (await done(world.http('terminal'), 'terminal.events', {})).events;

test('an event is sent for 30 days, is dead then, and comes back once where an operator says so', async () => {
  const till = world.http('terminal');
  const order = { orderId: fresh('o'), amount: 700, currency: 'EUR' };
  const { id: billId } = await done(till, 'bill.create', order);
  const payment = { billId, paymentRef: 'p', amount: 700, currency: 'EUR' };
  await done(world.http('paychannel'), 'payment.create', payment);
  await done(till, 'bill.confirm', { billId });
  const [letter] = await pending();
  expect(letter).toMatchObject({ type: 'bill.paid', billId });
  const id = String(letter?.id);

  await world.runWith(later(29.9));
  expect(await pending()).toEqual([letter]);
  await expect.poll(() => listed({ status: 'pending' }), WITHIN).toEqual([`${id} pending`]);
  expect(await listed({ status: 'dead' })).toEqual([]);
  expect(await system().done('operator.event.resend', { eventId: id })).toMatchObject({
    resent: 0,
  });

  await world.runWith(later(30.1));
  await expect.poll(() => listed({ status: 'dead' }), WITHIN).toEqual([`${id} dead`]);
  const stream = await world.stream('terminal', 'msgpack');
  expect(await pending()).toEqual([]);

  expect(await system().done('operator.event.resend', { eventId: id })).toMatchObject({
    resent: 1,
  });
  // Twice is once, by its id and by the list alike.
  expect(await system().done('operator.event.resend', { eventId: id })).toMatchObject({
    resent: 0,
  });
  await expect.poll(() => listed({ status: 'dead' }), WITHIN).toEqual([]);
  expect(await system().done('operator.event.resendAll', { type: 'bill.paid' })).toMatchObject({
    resent: 0,
  });
  const again = await stream.event((event) => event.billId === billId);
  expect(again.id).not.toBe(id);
  expect({ ...again, id }).toEqual(letter);
  expect(await pending()).toEqual([again]);
  expect(await done(stream, 'event.ack', { ids: [again.id] })).toEqual({ acknowledged: 1 });
  const both = [`${again.id} acknowledged`, `${id} replaced`];
  await expect.poll(async () => (await listed({})).sort(), WITHIN).toEqual(both.sort());
});
