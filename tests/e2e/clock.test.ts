// A machine that starts with a clock that is wrong by a day, which is set right half a minute later. What is written into the
// log binds the shards: begun by that clock, they would stay a day ahead for days.

import postgres from 'postgres';
import { expect, onTestFinished, test } from 'vitest';
import { done, fresh } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { SwitchProcess } from '../support/switch-process.ts';
import { World } from '../support/world.ts';
import { wrongClock } from '../support/wrong-clock.ts';

const HOUR_MS = 3_600_000;

test.each([
  ['ahead of', 25 * HOUR_MS],
  ['behind', -25 * HOUR_MS],
])(
  'a start whose clock is hours %s Postgres’s serves nobody, says why, and goes on when it is right',
  async (how, byMs) => {
    const world = await World.start(postgresAlone);
    onTestFinished(() => world.stop());
    showOutputOnFailure(() => world.process);
    const order = { orderId: fresh('o'), amount: 700, currency: 'EUR', expiresIn: 3_600 };
    const { id: billId } = await done(world.http('terminal'), 'bill.create', order);
    const { process: before, stores } = world;
    await before.stop();
    const top = await topOf(stores.databaseUrl);
    const { env, setRight } = wrongClock(byMs);
    const { port, dataDir } = before;
    world.process = await SwitchProcess.launch({ stores, port, dataDir, env });
    const start = world.process;

    await start.until('waiting', async () => (await start.readiness())?.status === 503);
    const said = expect.stringMatching(
      new RegExp(`clock is (89999|90000|90001) s ${how} Postgres’s`),
    );
    expect((await start.readiness())?.body).toMatchObject({ ready: false, waitsFor: [said] });
    expect(start.logged('clock.disagrees')[0]).toMatchObject({ level: 'warn', reason: said });
    const refused = await world.http('terminal').ask('bill.get', { billId });
    expect(refused).toMatchObject({ status: 503, body: { code: 'shard.unavailable' } });
    expect((await fetch(`${start.baseUrl}/healthz`)).status).toBe(200);
    expect(await topOf(stores.databaseUrl)).toEqual(top);

    setRight();
    await start.ready();
    const bill = await done(world.http('terminal'), 'bill.get', { billId });
    expect(bill).toMatchObject({ status: 'open' });
    const made = await done(world.http('terminal'), 'bill.create', {
      ...order,
      orderId: fresh('o'),
    });
    expect(Math.abs(Date.parse(made.createdAt as string) - Date.now())).toBeLessThan(60_000);
  },
);

/** The last entry of every shard. */
async function topOf(databaseUrl: string): Promise<object[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  const heads = await sql`select * from log_heads order by shard`;
  await sql.end();
  return [...heads];
}
