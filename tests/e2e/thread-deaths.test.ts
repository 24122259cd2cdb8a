// A thread dies under load: a worker's shards begin again beside those of the other worker, which never stop; a gateway
// is replaced, and its clients connect again. Nobody is told two things.

import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { shardOfBill } from '../../src/domain/ids.ts';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import { type Answer, done, fresh, type Party, type StreamParty } from '../support/client.ts';
import { Customer } from '../support/customers.ts';
import { type Deadly, makeDeadly, type Way } from '../support/deadly.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { redisAndPostgres, setUps } from '../support/set-ups.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const WORKERS = 2;
const CUSTOMERS = 16;
const PROBES = 16;
/** Whoever was refused comes back after this: far sooner than it was told to. */
const RETRY_MS = 20;

/** One bill that is paid in cents, one at a time: what was answered, and when. */
class Probe {
  readonly billId: string;
  readonly worker: number;
  readonly answers: { at: number; status: number; code: string }[] = [];
  accepted = 0;
  isOver = false;

  constructor(billId: string) {
    this.billId = billId;
    this.worker = shardOfBill(billId as Parameters<typeof shardOfBill>[0]) % WORKERS;
  }

  /** Pays until it is over; a payment without an answer is sent again with its reference. */
  async run(wallet: Party): Promise<void> {
    for (let ref = 0; !this.isOver; ref++) {
      const payment = { billId: this.billId, paymentRef: `p-${ref}`, amount: 1, currency: 'EUR' };
      while ((await this.#pay(wallet, payment)) >= 500) await pause(RETRY_MS);
      this.accepted += 1;
    }
  }

  async #pay(wallet: Party, payment: Readonly<Record<string, unknown>>): Promise<number> {
    const { status, body }: Answer = await wallet.ask('payment.create', payment);
    const { code } = body as { code?: string };
    this.answers.push({ at: performance.now(), status, code: code ?? '' });
    return status;
  }

  /** The longest time between two answers that were a success. */
  get longestGap(): Gap {
    const times = this.answers.filter(({ status }) => status < 300).map(({ at }) => at);
    return longest(times.slice(1).map((to, index) => ({ from: times[index] ?? to, to })));
  }
}

interface Gap {
  readonly from: number;
  readonly to: number;
}

function longest(gaps: readonly Gap[]): Gap {
  return gaps.reduce((one, other) => (other.to - other.from > one.to - one.from ? other : one), {
    from: 0,
    to: 0,
  });
}

describe.each(setUps)('a thread that dies on $name', (setUp) => {
  let world: World;
  let deadly: Deadly;

  beforeAll(async () => {
    deadly = makeDeadly();
    world = await World.start(setUp, {
      ...deadly.env,
      QRSWITCH_GATEWAYS: '2',
      QRSWITCH_WORKERS: String(WORKERS),
      QRSWITCH_WORKER_HEAP_MB: '192',
    });
  });
  afterAll(async () => {
    await world?.stop();
    deadly?.remove();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const ways: readonly Way[] = setUp === redisAndPostgres ? ['exit', 'memory'] : ['throw'];

  test.each(ways)(
    'as a worker does (%s) stops nothing but its own shards, and those not for long',
    async (way) => {
      const { process } = world;
      expect(await metric(process.baseUrl, 'qrswitch_workers_ended_total')).toBe(
        process.logged('worker.ended').length,
      );
      const tills = [await world.stream('terminal'), await world.stream('terminal', 'msgpack')];
      const wallets = [
        await world.stream('paychannel'),
        await world.stream('paychannel', 'msgpack'),
      ];
      const [till, wallet] = [tills[0] as StreamParty, wallets[0] as StreamParty];
      till.onEvent = ({ id }) => till.acknowledge([id]);
      const probes = await makeProbes(till);
      const customers = Array.from({ length: CUSTOMERS }, () => new Customer());
      const load = { isOver: false };
      const running = [
        ...probes.map((probe, index) => probe.run(wallets[index % 2] as StreamParty)),
        ...customers.map((customer, index) =>
          buyOn(load, customer, tills[index % 2] as StreamParty, wallets[index % 2] as StreamParty),
        ),
      ];
      await process.until('under load', () => probes.every(({ accepted }) => accepted > 5));

      const before = process.logged('worker.ended').length;
      deadly.end('worker', way);
      await process.until(
        'short of a worker',
        () => process.logged('worker.ended').length > before,
      );
      const ended = process.logged('worker.ended').at(-1);
      const dead = probes.filter(({ worker }) => worker === ended?.worker);
      const alive = probes.filter(({ worker }) => worker !== ended?.worker);
      expect(dead.length).toBeGreaterThan(0);
      expect(alive.length).toBeGreaterThan(0);
      const accepted = dead.map((probe) => probe.accepted);
      // Its shards are back, each of them.
      await process.until('whole again', () =>
        dead.every((probe, index) => probe.accepted > (accepted[index] ?? 0) + 5),
      );
      await process.ready();
      load.isOver = true;
      for (const customer of customers) customer.stop();
      for (const probe of probes) probe.isOver = true;
      await Promise.all(running);

      expect(ended).toMatchObject({ level: 'error', reason: REASONS[way] });
      expect(await metric(process.baseUrl, 'qrswitch_workers_ended_total')).toBe(before + 1);
      // The others' shards answered all through: each call, and while the dead one's were away.
      const answers = alive.flatMap((probe) => probe.answers);
      expect(answers.filter(({ status }) => status >= 300)).toEqual([]);
      const away = longest(dead.map((probe) => probe.longestGap));
      const meanwhile = answers.filter(({ at }) => at > away.from && at < away.to);
      expect(meanwhile.length).toBeGreaterThan(0);
      // What was under way in it, if anything was, is told so; what came while it was away is refused.
      const codes = new Set(dead.flatMap(({ answers }) => answers.map(({ code }) => code)));
      expect([...codes].filter((code) => !ALLOWED.has(code))).toEqual([]);
      for (const probe of probes) {
        expect(await done(till, 'bill.get', { billId: probe.billId })).toMatchObject({
          paid: probe.accepted,
          version: probe.accepted + 1,
        });
      }
      const contradictions = customers.map((customer) => customer.contradictions(till, wallet));
      expect((await Promise.all(contradictions)).flat()).toEqual([]);
      await everyPaidBillWasHeard(customers, till);
      await expectBooksToBalance(world);
      for (const each of [...tills, ...wallets]) await each.close();
    },
  );

  test.runIf(setUp === redisAndPostgres)(
    'as a gateway does is replaced, and costs its own clients their connections only',
    async () => {
      const { process } = world;
      const streams = await Promise.all(Array.from({ length: 24 }, () => world.stream('terminal')));
      const gone: { code: number; reason: string }[] = [];
      for (const stream of streams) void stream.closed.then((how) => gone.push(how));
      const customers = Array.from({ length: CUSTOMERS }, () => new Customer());
      const load = { isOver: false };
      // Over HTTP: a connection that is lost is made anew for the next call.
      const running = customers.map((customer) =>
        buyOn(load, customer, world.http('terminal'), world.http('paychannel')),
      );
      const told = (): number => customers.reduce((sum, customer) => sum + customer.told.length, 0);
      await process.until('under load', () => told() > 200);
      deadly.end('gateway', 'throw');
      await process.until('short of a gateway', () => process.logged('gateway.ended').length > 0);
      const toldUntilThen = told();
      await process.until('whole again', async () => {
        // A kept connection may have ended with the gateway.
        const text = await fetch(`${process.baseUrl}/metrics`)
          .then((answer) => answer.text())
          .catch(() => '');
        return told() > toldUntilThen + 500 && new Set(text.match(/gateway-\d/g)).size === 2;
      });
      load.isOver = true;
      for (const customer of customers) customer.stop();
      await Promise.all(running);

      expect(process.logged('gateway.failed')).toMatchObject([
        { level: 'error', err: { message: 'killed by the test' } },
      ]);
      expect(await metric(process.baseUrl, 'qrswitch_gateways_ended_total')).toBe(1);
      // Some streams were at the one that died and know it; the others notice nothing.
      expect(gone.length).toBeGreaterThan(0);
      expect(gone.length).toBeLessThan(streams.length);
      expect(new Set(gone.map(({ code }) => code))).toEqual(new Set([1001]));
      // Each gateway, the new one too, says that the switch is ready.
      for (let i = 0; i < 16; i++) {
        const answer = await fetch(`${process.baseUrl}/readyz`, {
          headers: { connection: 'close' },
        });
        expect(await answer.json()).toMatchObject({ ready: true });
      }
      expect(process.logged('worker.ended')).toHaveLength(ways.length);
      const till = await world.stream('terminal');
      till.onEvent = ({ id }) => till.acknowledge([id]);
      till.acknowledge(till.events.map(({ id }) => id));
      const wallet = await world.stream('paychannel');
      const contradictions = customers.map((customer) => customer.contradictions(till, wallet));
      expect((await Promise.all(contradictions)).flat()).toEqual([]);
      await everyPaidBillWasHeard(customers, till);
      await expectBooksToBalance(world);
      for (const each of [...streams, till, wallet]) each.cut();
    },
  );
});

const REASONS: Readonly<Record<Way, unknown>> = {
  throw: 'killed by the test',
  exit: 'worker exited with code: 3',
  memory: expect.stringContaining('memory limit'),
};
/** What a call to a shard without its worker may hear: done, not done, or not known. */
const ALLOWED = new Set(['', 'outcome.unknown', 'shard.unavailable']);

async function makeProbes(till: Party): Promise<Probe[]> {
  const order = () => ({ orderId: fresh('probe'), amount: 1_000_000, currency: 'EUR' });
  const bills = Array.from({ length: PROBES }, () => done(till, 'bill.create', order()));
  return (await Promise.all(bills)).map(({ id }) => new Probe(id));
}

/** Lets a customer go on after each answer that was lost. */
async function buyOn(
  load: { isOver: boolean },
  customer: Customer,
  till: Party,
  wallet: Party,
): Promise<void> {
  while (!load.isOver) {
    await customer.run(till, wallet);
    await pause(RETRY_MS);
  }
}

/** Whoever acknowledges hears of every bill that was paid, before, during and after. */
async function everyPaidBillWasHeard(
  customers: readonly Customer[],
  till: StreamParty,
): Promise<void> {
  const seen = new Set(till.events.map(({ billId }) => billId));
  for (const billId of customers.flatMap((customer) => customer.paid)) {
    if (!seen.has(billId)) await till.event((event) => event.billId === billId);
  }
}

async function expectBooksToBalance(world: World): Promise<void> {
  await historyIsWhole(world.process);
  const sql = postgres(world.stores.databaseUrl, { max: 1 });
  try {
    expect(await faultsInBooks(sql)).toEqual([]);
  } finally {
    await sql.end();
  }
}
