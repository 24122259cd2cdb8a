// Networks that cut connections without a word: nothing is missed, and nobody is left to guess.

import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Answer,
  type Body,
  done,
  type Event,
  fresh,
  Lost,
  type Party,
  type StreamParty,
} from '../support/client.ts';
import { Customer } from '../support/customers.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { onboardPaychannel } from '../support/onboarding.ts';
import { setUps } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

const CUTS = 100;
/** Wallets that are cut off at one time: one after another, they would mostly wait for the disk. */
const AT_ONCE = 5;

/** What a till has heard, over all of its connections. */
class Ledger {
  readonly heard = new Set<string>();
  readonly paid = new Set<string>();
  repeats = 0;

  hear(till: StreamParty, { id, type, billId }: Event, acknowledges: boolean): void {
    if (this.heard.has(id)) this.repeats += 1;
    this.heard.add(id);
    if (type === 'bill.paid') this.paid.add(billId);
    if (acknowledges) till.acknowledge([id]);
  }

  /** Resolves once so many events have come, and the connection has been cut in the middle of more. */
  hearSome(till: StreamParty, count: number): Promise<void> {
    let left = count;
    return new Promise((done) => {
      till.onEvent = (event) => {
        this.hear(till, event, left % 2 === 0);
        left -= 1;
        if (left > 0) return;
        till.cut();
        done();
      };
      for (const event of [...till.events]) till.onEvent(event);
    });
  }
}

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
    const running = customers.map((customer) => customer.insist(world.http('terminal'), wallet));
    const ledger = new Ledger();
    for (let cut = 0; cut < CUTS; cut++) {
      const till = await world.stream('terminal', cut % 2 === 0 ? 'json' : 'msgpack');
      // From one event to a dozen, every other one acknowledged, the last ones in flight when the line goes dead.
      await ledger.hearSome(till, 1 + (cut % 12));
    }
    for (const customer of customers) customer.stop();
    await Promise.all(running);
    const last = await world.stream('terminal');
    last.onEvent = (event) => ledger.hear(last, event, true);
    for (const event of last.events) last.onEvent(event);
    await world.process.until('through with its events', async () => {
      return (await done(world.http('terminal'), 'terminal.events', {})).events.length === 0;
    });
    const acknowledged = customers.flatMap((customer) => customer.paid);
    expect(acknowledged.length).toBeGreaterThan(CUTS);
    expect([...ledger.paid].sort()).toEqual([...acknowledged].sort());
    expect(ledger.repeats).toBeGreaterThan(0);

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
      expect([...ledger.heard].sort()).toEqual(raised.map((event) => event.id).sort());
    } finally {
      await sql.end();
    }
    await last.close();
  });

  test(`of a wallet leaves no doubt about a payment, ${CUTS} times`, async () => {
    const till = await world.stream('terminal', 'msgpack');
    // Of its own: the other one hears a thousand old events with each new connection.
    const { id: institutionId } = world.process.demo.institution;
    const { key } = await onboardPaychannel(world.stores.databaseUrl, institutionId);
    const asker = world.http('paychannel', key);
    const fates = { accepted: 0, answered: 0 };
    const cutOff = async (cut: number): Promise<void> => {
      const order = { orderId: fresh('order'), amount: 400, currency: 'EUR' };
      const { id: billId } = await done(till, 'bill.create', order);
      const encoding = cut % 2 === 0 ? 'json' : 'msgpack';
      const wallet = await world.stream('paychannel', encoding, key);
      const payments = Array.from({ length: 4 }, (_, index) => {
        return { billId, paymentRef: `p-${index}`, amount: 100, currency: 'EUR' };
      });
      // After none to three answers.
      const heard = await payAndCut(wallet, payments, cut % 4);
      let accepted = 0;
      for (const [index, payment] of payments.entries()) {
        if (await fateOf(asker, payment, heard[index] ?? null)) accepted += 1;
      }
      fates.accepted += accepted;
      fates.answered += heard.filter((answer) => answer !== null).length;
      const left = await done(till, 'bill.get', { billId });
      expect(left).toMatchObject({ paid: accepted * 100, due: 400 - accepted * 100 });
    };
    let next = 0;
    const oneAfterAnother = async (): Promise<void> => {
      while (next < CUTS) await cutOff(next++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, oneAfterAnother));
    expect(fates.answered).toBeGreaterThan(0);
    expect(fates.accepted).toBeGreaterThan(fates.answered);
  });
});

/** Sends payments and cuts the line after so many answers; null for each that was not heard. */
async function payAndCut(
  wallet: StreamParty,
  payments: readonly Body[],
  after: number,
): Promise<(Answer | null)[]> {
  const answers = payments.map((payment) =>
    wallet.ask('payment.create', payment).catch((error: unknown) => {
      if (error instanceof Lost) return null;
      throw error;
    }),
  );
  if (after > 0) await answers[after - 1];
  wallet.cut();
  return Promise.all(answers);
}

/** A party that asks again where a busy machine says that it was not done, or is not known. */
function patient(party: Party): Party {
  return {
    api: party.api,
    ask: async (op, body) => {
      for (;;) {
        const answer = await party.ask(op, body);
        if (answer.status < 500) return answer;
      }
    },
  };
}

/** Asks what became of a payment until nobody can doubt it; whether it was accepted. */
async function fateOf(anybody: Party, payment: Body, answer: Answer | null): Promise<boolean> {
  const asker = patient(anybody);
  const of = { billId: payment.billId, paymentRef: payment.paymentRef };
  const known = await asker.ask('payment.get', of);
  if (answer !== null) {
    expect(known.body).toMatchObject({ status: 'accepted', paymentRef: of.paymentRef });
    expect(await done(asker, 'payment.create', payment)).toEqual(answer.body);
  }
  const fate = await done(asker, 'payment.void', of);
  // Once it has been seen, that is what became of it.
  if (known.status === 200) expect(fate).toEqual(known.body);
  expect(await done(asker, 'payment.get', of)).toEqual(fate);
  if (fate.status === 'accepted') return true;
  expect(fate).toMatchObject({ status: 'refused', code: 'payment.void' });
  expect((await asker.ask('payment.create', payment)).status).toBe(409);
  return false;
}
