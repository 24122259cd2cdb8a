// Networks that cut connections without a word: nothing is missed, and nobody is left to guess.

import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done, fresh, Lost, type StreamParty } from '../support/client.ts';
import { Customer } from '../support/customers.ts';
import { setUps } from '../support/set-ups.ts';
import { showOutputOnFailure } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const CUTS = 100;

describe.each(setUps)('a cut connection on $name', (setUp) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(setUp);
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test(`of a terminal loses no event, ${CUTS} times under load`, async () => {
    const customers = Array.from({ length: 12 }, () => new Customer());
    const wallet = await world.stream('paychannel', 'msgpack');
    const running = customers.map((customer) => customer.run(world.http('terminal'), wallet));
    const heard = new Set<string>();
    const paid = new Set<string>();
    let repeats = 0;
    for (let cut = 0; cut < CUTS; cut++) {
      const till = await world.stream('terminal', cut % 2 === 0 ? 'json' : 'msgpack');
      // From one event to a dozen, every other one acknowledged, the last ones in flight when the line goes dead.
      let left = 1 + (cut % 12);
      await new Promise<void>((cutNow) => {
        const hear = ({ id, type, billId }: { id: string; type: string; billId: string }): void => {
          if (heard.has(id)) repeats += 1;
          heard.add(id);
          if (type === 'bill.paid') paid.add(billId);
          if (left % 2 === 0) till.acknowledge([id]);
          left -= 1;
          if (left <= 0) {
            till.cut();
            cutNow();
          }
        };
        for (const event of till.events) hear(event);
        till.onEvent = hear;
      });
    }
    for (const customer of customers) customer.stop();
    await Promise.all(running);
    const last = await world.stream('terminal');
    const hear = ({ id, type, billId }: { id: string; type: string; billId: string }): void => {
      heard.add(id);
      if (type === 'bill.paid') paid.add(billId);
      last.acknowledge([id]);
    };
    for (const event of last.events) hear(event);
    last.onEvent = hear;
    await world.process.until('through with its events', async () => {
      return (await done(world.http('terminal'), 'terminal.events', {})).events.length === 0;
    });
    const acknowledged = customers.flatMap((customer) => customer.paid);
    expect(acknowledged.length).toBeGreaterThan(CUTS);
    expect([...paid].sort()).toEqual([...acknowledged].sort());
    expect(repeats).toBeGreaterThan(0);

    const sql = postgres(world.stores.databaseUrl, { max: 1 });
    try {
      const { id } = world.process.demo.terminal;
      await world.process.until('through with history', async () => {
        const [row] = await sql`
          select count(*)::int as pending from events where recipient = ${`terminal:${id}`} and pending`;
        return row?.pending === 0;
      });
      const raised = await sql<{ id: string }[]>`
        select bill_id || '-e' || no as id from events where recipient = ${`terminal:${id}`}`;
      expect([...heard].sort()).toEqual(raised.map((event) => event.id).sort());
    } finally {
      await sql.end();
    }
    await last.close();
  });

  test(`of a wallet leaves no doubt about a payment, ${CUTS} times`, async () => {
    const till = await world.stream('terminal', 'msgpack');
    const asker = world.http('paychannel');
    const fates = { accepted: 0, void: 0, answered: 0 };
    for (let cut = 0; cut < CUTS; cut++) {
      const { id: billId } = await done(till, 'bill.create', {
        orderId: fresh('order'),
        amount: 400,
        currency: 'EUR',
      });
      const wallet: StreamParty = await world.stream(
        'paychannel',
        cut % 2 === 0 ? 'json' : 'msgpack',
      );
      const payments = Array.from({ length: 4 }, (_, index) => ({
        billId,
        paymentRef: `p-${index}`,
        amount: 100,
        currency: 'EUR',
      }));
      const answers = payments.map((payment) =>
        wallet.ask('payment.create', payment).catch((error: unknown) => {
          if (error instanceof Lost) return null;
          throw error;
        }),
      );
      // After none to three answers.
      if (cut % 4 > 0) await answers[(cut % 4) - 1];
      wallet.cut();
      const heard = await Promise.all(answers);
      let paid = 0;
      for (const [index, payment] of payments.entries()) {
        const { paymentRef } = payment;
        const known = await asker.ask('payment.get', { billId, paymentRef });
        const answer = heard[index];
        if (answer) {
          fates.answered += 1;
          expect(known.body).toMatchObject({ status: 'accepted', paymentRef });
          expect(await done(asker, 'payment.create', payment)).toEqual(answer.body);
        }
        const fate = await done(asker, 'payment.void', { billId, paymentRef });
        // Once it has been seen, that is what became of it.
        if (known.status === 200) expect(fate).toEqual(known.body);
        expect(await done(asker, 'payment.get', { billId, paymentRef })).toEqual(fate);
        if (fate.status === 'accepted') {
          fates.accepted += 1;
          paid += 100;
        } else {
          fates.void += 1;
          expect(fate).toMatchObject({ status: 'refused', code: 'payment.void' });
          expect((await asker.ask('payment.create', payment)).status).toBe(409);
        }
      }
      expect(await done(till, 'bill.get', { billId })).toMatchObject({ paid, due: 400 - paid });
    }
    expect(fates.answered).toBeGreaterThan(0);
    expect(fates.accepted).toBeGreaterThan(fates.answered);
  });
});
