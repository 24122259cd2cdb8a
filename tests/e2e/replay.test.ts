// What the switch has in memory, what its log tells and what Postgres keeps are one and the same.

import { Redis } from 'ioredis';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { evolve } from '../../src/domain/bill/bill.ts';
import { ABSENT, type Bill } from '../../src/domain/bill/state.ts';
import type { ShardId } from '../../src/domain/ids.ts';
import { makeBillCodec } from '../../src/persistence/history/bill-codec.ts';
import { makeEntryCodec } from '../../src/persistence/log/entry-codec.ts';
import { RedisLog } from '../../src/persistence/log/redis-log.ts';
import { NO_ENTRY } from '../../src/switch/entry-id.ts';
import type { LogEntry } from '../../src/switch/ports.ts';
import type { EntryContent } from '../../src/switch/records.ts';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import { done, fresh, type Party } from '../support/client.ts';
import { Customer } from '../support/customers.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { redisAndPostgres, setUps } from '../support/set-ups.ts';
import { silentLogger } from '../support/stores.ts';
import { World } from '../support/world.ts';

const SHARDS = 8;

/** Lives of every kind, ended and not, at once. */
async function live(till: Party, wallet: Party): Promise<void> {
  // All that they buy is read again, several times over.
  const customers = Array.from({ length: 5 }, () => new Customer({ paceMs: 5 }));
  const running = customers.map((customer) => customer.run(till, wallet));
  for (let i = 0; i < 24; i++) {
    const order = {
      orderId: fresh('order'),
      amount: 1000,
      currency: 'EUR',
      metadata: { i: `${i}` },
      expiresIn: i % 3 === 0 ? 1 : 900,
      qrFormat: i % 5 === 4 ? 'emvco' : 'url',
    };
    const { id: billId } = await done(till, 'bill.create', order);
    await done(wallet, 'bill.reserve', { billId, reservationRef: 'r', amount: 100 });
    // Some of them refused, and on some bills more than a bill keeps references of.
    const payments = Array.from({ length: i * 4 }, (_, p) => {
      const payment = {
        billId,
        paymentRef: `p-${p}`,
        amount: p % 5 === 4 ? 950 : 10,
        currency: 'EUR',
      };
      return wallet.ask('payment.create', payment);
    });
    await Promise.all(payments);
    await wallet.ask('payment.void', { billId, paymentRef: 'v' });
    if (i % 4 === 1) await till.ask('bill.confirm', { billId, amount: 10, receipt: { i } });
    if (i % 4 === 1) await till.ask('bill.refund', { billId, amount: 3, idempotencyKey: 'k' });
    if (i % 4 === 2) await till.ask('bill.cancel', { billId });
    await done(till, 'order.resolve', { orderId: fresh('none') });
  }
  for (const customer of customers) customer.stop();
  await Promise.all(running);
}

describe.each(setUps)('a switch that starts again on $name', (setUp) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(setUp);
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('shows every bill byte for byte as before', async () => {
    await live(await world.stream('terminal'), await world.stream('paychannel', 'msgpack'));
    const sql = postgres(world.stores.databaseUrl, { max: 1 });
    try {
      await historyIsWhole(world.process);
      const ids = (await sql<{ id: string }[]>`select id from bills order by id`).map(
        ({ id }) => id,
      );
      expect(ids.length).toBeGreaterThan(40);
      const read = async (): Promise<string[]> => {
        const { baseUrl } = world.process;
        const headers = { Authorization: `Bearer ${world.keys.terminal}` };
        const shown: string[] = [];
        for (let i = 0; i < ids.length; i += 50) {
          shown.push(
            ...(await Promise.all(
              ids
                .slice(i, i + 50)
                .map(async (id) =>
                  (await fetch(`${baseUrl}/v1/terminal/bills/${id}`, { headers })).text(),
                ),
            )),
          );
        }
        return shown;
      };
      // Bills of a second expire while we look: they are looked at when nothing is left that can.
      const isStill = async (): Promise<boolean> => {
        const [row] = await sql`
          select count(*)::int as left from bills
          where status in ('open', 'partiallyPaid') and expires_at < ${Date.now() + 60_000}
            and not exists (select 1 from transitions t where t.bill_id = bills.id and t.type = 'ReserveBill')`;
        return row?.left === 0;
      };
      await world.process.until('still', isStill);
      const before = await read();
      await world.crash();
      expect(await read()).toEqual(before);
      await historyIsWhole(world.process);
      expect(await faultsInBooks(sql)).toEqual([]);
    } finally {
      await sql.end();
    }
  });
});

describe('a log that nobody has trimmed', () => {
  test('tells of each bill what Postgres keeps of it', async () => {
    const world = await World.start(redisAndPostgres);
    showOutputOnFailure(() => world.process);
    const redis = new Redis(world.stores.redisUrl ?? '');
    const sql = postgres(world.stores.databaseUrl, { max: 1 });
    try {
      // The switch cannot trim from here on, and goes on all the same.
      await redis.call('ACL', 'SETUSER', 'default', '-xtrim');
      await live(await world.stream('terminal'), await world.stream('paychannel'));
      expect((await world.process.stop()).code).toBe(0);
      const told = await replayed(world.stores.redisUrl ?? '');
      const codec = makeBillCodec();
      const rows = await sql<{ id: string; state: Buffer }[]>`select id, state from bills`;
      expect(rows.length).toBeGreaterThan(40);
      const kept = new Map(rows.map(({ id, state }) => [id, codec.decodeBill(state)]));
      expect([...told.keys()].sort()).toEqual([...kept.keys()].sort());
      for (const [id, bill] of told) expect(kept.get(id)).toEqual(bill);
    } finally {
      redis.disconnect();
      await sql.end();
      await world.stop();
    }
  });
});

/** Every bill as the facts of the whole log make it. */
async function replayed(url: string): Promise<Map<string, Bill>> {
  const log = await RedisLog.open({ url, timeoutMs: 5000, accepted: [], logger: silentLogger });
  const codec = makeEntryCodec();
  const bills = new Map<string, Bill>();
  for (let shard = 0; shard < SHARDS; shard++) {
    for (const { payload } of await wholeLog(log, shard as ShardId)) {
      remember(bills, codec.decode(payload));
    }
  }
  await log.close();
  return bills;
}

async function wholeLog(log: RedisLog, shard: ShardId): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (let above = NO_ENTRY; ; ) {
    const page = await log.read(shard, above, 500);
    const last = page.at(-1);
    if (last === undefined) return entries;
    entries.push(...page);
    above = last.id;
  }
}

function remember(bills: Map<string, Bill>, content: EntryContent): void {
  if (content.kind !== 'batch') return;
  for (const transition of content.transitions) {
    if (transition.kind !== 'bill') continue;
    const { billId, facts, at, requestId } = transition;
    bills.set(billId, evolve(bills.get(billId) ?? ABSENT, facts, { at, requestId }));
  }
}
