// Two switches where one should be: the second waits, says for whom, and takes over when the first is gone.

import { isDeepStrictEqual } from 'node:util';
import postgres, { type Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Answers } from '../support/answers.ts';
import { done, fresh, HttpParty } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { postgresAlone, type RunningStores, setUps } from '../support/set-ups.ts';
import { SwitchProcess } from '../support/switch-process.ts';

/** How often two switches start at one moment. More by RACES: each costs two starts. */
const RACES = Number(process.env.RACES ?? 2);

describe.each(setUps)('a second switch on $name', (setUp) => {
  let stores: RunningStores;
  const running: SwitchProcess[] = [];

  beforeAll(async () => {
    stores = await setUp.start();
  });
  afterAll(() => stores?.stop());
  afterEach(async () => {
    for (const each of running.splice(0)) await each.remove();
  });
  beforeEach(() => showOutputOnFailure(() => running.at(-1)));

  const launch = async (
    name: string,
    of?: { port?: number; dataDir?: string },
  ): Promise<SwitchProcess> => {
    const launched = await SwitchProcess.launch({
      stores,
      env: { QRSWITCH_NODE_NAME: name },
      ...of,
    });
    running.push(launched);
    return launched;
  };

  test('waits for the port, and takes it when the first stops', async () => {
    const first = await launch('first');
    await first.ready();
    const { port, dataDir } = first;
    const second = await launch('second', { port, dataDir });
    await second.until('waiting', () => second.logged('port.taken').length > 0);
    expect(second.logged('port.taken')).toMatchObject([{ port, whom: 'the switch first' }]);
    expect((await first.readiness())?.body).toMatchObject({ node: 'first' });
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    await second.until('serving', async () => (await second.readiness())?.body.node === 'second');
    await second.ready();
  });

  test('waits unready for the shards, names their holder, and serves once they are free', async () => {
    const first = await launch('first');
    await first.ready();
    const { dataDir } = first;
    const key = first.demo.terminal.key;
    const till = async (of: SwitchProcess): Promise<HttpParty> =>
      new HttpParty(of.baseUrl, 'terminal', key, await Answers.of(of.baseUrl));
    const order = { orderId: fresh('order'), amount: 100, currency: 'EUR' };
    const bill = await done(await till(first), 'bill.create', order);

    const second = await launch('second', { dataDir });
    const waitsFor = `shards held by first (pid ${first.pid}, worker 0)`;
    await second.until('waiting', async () => {
      return JSON.stringify((await second.readiness())?.body.waitsFor ?? []).includes(waitsFor);
    });
    await second.until('waiting for each of them', async () => {
      const { ready, shards } = (await second.readiness())?.body ?? {};
      return ready === false && (shards as Record<string, number>)?.waiting === 8;
    });
    expect((await second.readiness())?.status).toBe(503);
    const refusal = await (await till(second)).ask('bill.get', { billId: bill.id });
    expect(refusal).toMatchObject({
      status: 503,
      body: { code: 'shard.unavailable', retryable: true },
    });
    expect(await done(await till(first), 'bill.get', { billId: bill.id })).toEqual(bill);

    first.signal('SIGTERM');
    await second.ready();
    expect(await first.ended()).toEqual({ code: 0, signal: null });
    expect(await done(await till(second), 'bill.get', { billId: bill.id })).toMatchObject({
      id: bill.id,
      version: 1,
    });

    const third = await launch('third', { dataDir });
    await third.until('waiting', async () => {
      return JSON.stringify((await third.readiness())?.body.waitsFor ?? []).includes(
        'held by second',
      );
    });
    await second.kill();
    await third.ready();
    // A holder on the same machine is known to be dead, so that nobody waits for its lease to run out.
    const gone = third.logged('lease.holderGone');
    expect(gone.map(({ shard }) => shard).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const { holder } of gone) expect(holder).toContain('"second"');
    expect(await done(await till(third), 'bill.create', order)).toMatchObject({
      id: bill.id,
      version: 1,
    });
  });

  test('that starts at the same moment on the same port waits for the other', async () => {
    const first = await launch('first');
    await first.ready();
    const { port, dataDir } = first;
    await first.stop();
    for (let race = 0; race < RACES; race++) {
      const both = await Promise.all(
        ['left', 'right'].map((name) => launch(name, { port, dataDir })),
      );
      const waiting = (): SwitchProcess[] =>
        both.filter((each) => each.logged('port.taken').length > 0);
      const ready = (): SwitchProcess[] =>
        both.filter((each) => each.logged('switch.ready').length > 0);
      await Promise.all(
        both.map((each) =>
          each.until('settled', () => waiting().length === 1 && ready().length === 1),
        ),
      );
      expect(waiting()[0]).not.toBe(ready()[0]);
      await Promise.all(both.map((each) => each.kill()));
    }
  });
});

describe('two switches that start at one moment', () => {
  let stores: RunningStores;
  let sql: Sql;
  const running: SwitchProcess[] = [];

  beforeAll(async () => {
    stores = await postgresAlone.start();
    sql = postgres(stores.databaseUrl, { max: 1, onnotice: () => undefined });
    // Of each worker the test says when it comes to take leases: those that stand here may.
    await sql`create table may_take (worker text)`;
    await sql`
      create function take_if_it_may() returns trigger language plpgsql as $$
      declare taker jsonb := new.holder::jsonb;
      begin
        if taker is null or concat(taker ->> 'node', '/', taker ->> 'worker') in (table may_take) then
          return new;
        end if;
        return null;
      end $$`;
    await sql`
      create trigger take_if_it_may before insert or update on leases
      for each row execute function take_if_it_may()`;
  });
  afterAll(async () => {
    await sql?.end();
    await stores?.stop();
  });
  afterEach(async () => {
    for (const each of running.splice(0)) await each.remove();
  });
  beforeEach(() => showOutputOnFailure(() => running.at(-1)));

  const holdersAre = async (expected: Record<string, number[]>): Promise<boolean> => {
    const rows = await sql<{ worker: string; shards: number[] }[]>`
      select concat(holder::jsonb ->> 'node', '/', holder::jsonb ->> 'worker') as worker,
        array_agg(shard order by shard) as shards
      from leases where holder is not null group by worker`;
    const found = Object.fromEntries(rows.map(({ worker, shards }) => [worker, shards]));
    return isDeepStrictEqual(found, expected);
  };

  test('and take half of the shards each do not stay so, unready both: one gets all, with what was done there, and one waits', async () => {
    const env = (name: string) => ({ QRSWITCH_NODE_NAME: name, QRSWITCH_WORKERS: '2' });
    const right = await SwitchProcess.launch({ stores, env: env('right') });
    running.push(right);
    const { dataDir } = right;
    const left = await SwitchProcess.launch({ stores, dataDir, env: env('left') });
    running.push(left);
    await sql`insert into may_take values ('right/1')`;
    await right.until('at work', () => holdersAre({ 'right/1': [1, 3, 5, 7] }));
    const till = async (of: SwitchProcess): Promise<HttpParty> =>
      new HttpParty(of.baseUrl, 'terminal', of.demo.terminal.key, await Answers.of(of.baseUrl));
    await right.until('listening', async () => (await right.readiness()) !== undefined);
    const tillOfRight = await till(right);
    let billId = '';
    await right.until('serving its half', async () => {
      const order = { orderId: fresh('order'), amount: 100, currency: 'EUR' };
      const { status, body } = await tillOfRight.ask('bill.create', order);
      billId = String((body as { id?: string }).id);
      return status === 201;
    });

    await sql`insert into may_take values ('left/0')`;
    await left.until('at work', async () => {
      const [row] = await sql`select holder::jsonb ->> 'node' as node from leases where shard = 0`;
      return row?.node === 'left';
    });
    await sql`insert into may_take values ('left/1'), ('right/0')`;
    await left.ready();
    await right.until('waiting', async () => {
      const { ready, shards } = (await right.readiness())?.body ?? {};
      return ready === false && isDeepStrictEqual(shards, { waiting: 8 });
    });
    expect(await holdersAre({ 'left/0': [0, 2, 4, 6], 'left/1': [1, 3, 5, 7] })).toBe(true);
    expect(await done(await till(left), 'bill.get', { billId })).toMatchObject({ version: 1 });
  });
});
