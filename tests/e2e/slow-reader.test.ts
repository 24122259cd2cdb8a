// A terminal that keeps its socket and does not read from it: what it costs the switch is bounded, and costs it nothing.

import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest';
import { WebSocket } from 'ws';
import { done, fresh } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { setUps } from '../support/set-ups.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const PAID = 60;
const QUESTIONS = 20_000;
const BUFFER_BYTES = 65_536;

describe.each(setUps)('a terminal that stops reading, on $name', (setUp) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(setUp, { QRSWITCH_SOCKET_BUFFER_MAX_BYTES: `${BUFFER_BYTES}` });
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('is cut off, the others go on, and what is pending comes again', async () => {
    const [till, wallet] = [world.http('terminal'), world.http('paychannel')];
    const deaf = new WebSocket(
      `${world.process.baseUrl.replace('http', 'ws')}/v1/terminal/stream`,
      'qrswitch.json',
      { headers: { Authorization: `Bearer ${world.keys.terminal}` } },
    );
    await once(deaf, 'open');
    const closed = once(deaf, 'close');
    deaf.pause();

    const paid: string[] = [];
    for (let i = 0; i < PAID; i++) {
      const order = { orderId: fresh('slow'), amount: 100, currency: 'EUR' };
      const { id } = await done(till, 'bill.create', { ...order, description: 'x'.repeat(200) });
      await done(wallet, 'payment.create', {
        billId: id,
        paymentRef: 'p-1',
        amount: 100,
        currency: 'EUR',
      });
      paid.push(id as string);
    }
    // Beyond what the kernel takes on both sides, the switch would have to keep the answers.
    const question = (id: number): string =>
      JSON.stringify({ id, op: 'bill.get', body: { billId: paid[0] } });
    for (let id = 0; id < QUESTIONS; id++) deaf.send(question(id));
    await world.process.until('rid of it', async () => {
      return (await metric(world.process.baseUrl, 'qrswitch_connections_held')) === 0;
    });
    deaf.resume();
    // No farewell reaches it: there was no room for one.
    await closed;

    const again = await world.stream('terminal');
    for (const billId of paid) {
      const event = await again.event(
        (each) => each.type === 'bill.paid' && each.billId === billId,
      );
      again.acknowledge([event.id]);
    }
  });
});
