// `npm run soak:webhooks -- --count 1000000 --kills 5`: so many bills are paid in two parts, their events go to a receiver
// that fails by dice and is down now and then, the switch is killed on the way, and none may be lost.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres-server.ts';
import { startRedis } from '../support/redis-server.ts';
import { SwitchProcess } from '../support/switch-process.ts';
import { FlakyReceiver } from './flaky-receiver.ts';

const BILLS_AT_ONCE = 200;
const PAYERS = 64;
const AGAIN_MS = 100;
const TOLD_MS = 5_000;
/** Of each minute, the receiver is down for so long. */
const DOWN = { everyMs: 20_000, forMs: 2_000 };

interface Run {
  switch: SwitchProcess;
  readonly receiver: FlakyReceiver;
  readonly count: number;
  paid: number;
}

/** Resolves with the exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '1000000' },
      kills: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      log: { type: 'string', default: 'redis' },
    },
  });
  const redis = values.log === 'redis' ? await startRedis() : null;
  const stores = await startPostgres();
  const dataDir = mkdtempSync(join(tmpdir(), 'qrswitch-soak-'));
  const receiver = new FlakyReceiver(diceOf(Number(values.seed)));
  const env = { QRSWITCH_WEBHOOK_ALLOW: '127.0.0.0/8', QRSWITCH_WEBHOOK_FIRST_RETRY_MS: '500' };
  const of = { databaseUrl: stores.url, redisUrl: redis?.url ?? null };
  const run: Run = {
    switch: await SwitchProcess.start({ stores: of, env, dataDir }),
    receiver,
    // Two events a bill.
    count: Math.ceil(Number(values.count) / 2),
    paid: 0,
  };
  try {
    return await soak(run, Number(values.kills));
  } finally {
    receiver.close();
    await run.switch.kill();
    await redis?.stop();
    await stores.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function soak(run: Run, kills: number): Promise<number> {
  const { receiver } = run;
  const { demo } = run.switch;
  const url = await receiver.listen();
  const added = await call(run, demo.operator.key, 'operator/webhooks', {
    holderId: demo.terminal.id,
    url,
  });
  receiver.secret = String(added.secret);
  const began = performance.now();
  const stopTelling = every(TOLD_MS, () => console.log(line(run)));
  const stopDowns = every(DOWN.everyMs, async () => {
    receiver.isDown = true;
    await pause(DOWN.forMs);
    receiver.isDown = false;
  });
  const killing = killNowAndThen(run, kills);
  await payAll(run);
  await killing;
  while (!isAll(run)) await pause(AGAIN_MS);
  stopTelling();
  stopDowns();
  const seconds = Math.round((performance.now() - began) / 1_000);
  console.log(`${line(run)}\nall ${run.count * 2} events have arrived within ${seconds} s`);
  return receiver.forged + receiver.outOfOrder === 0 ? 0 : 1;
}

/** Whether the last event of every bill has arrived; in order within a bill, so have those before it. */
function isAll({ receiver, count }: Run): boolean {
  if (receiver.bills.size < count) return false;
  for (const no of receiver.bills.values()) if (no < 2) return false;
  return true;
}

async function payAll(run: Run): Promise<void> {
  const { terminal, paychannel } = run.switch.demo;
  for (let at = 0; at < run.count; at += BILLS_AT_ONCE) {
    const orders = Array.from(
      { length: Math.min(BILLS_AT_ONCE, run.count - at) },
      (_, i) => at + i,
    );
    await inTurns(orders, async (order) => {
      const bill = { orderId: `soak-${order}`, amount: 500, currency: 'EUR', expiresIn: 86_400 };
      const { id } = await call(run, terminal.key, 'terminal/bills', bill);
      for (const paymentRef of ['a', 'b']) {
        const payment = { paymentRef, amount: 250, currency: 'EUR' };
        await call(run, paychannel.key, `paychannel/bills/${id}/payments`, payment);
      }
      run.paid += 1;
    });
  }
}

/** All of them, so many at once. */
async function inTurns(items: number[], work: (item: number) => Promise<void>): Promise<void> {
  const one = async (): Promise<void> => {
    for (let item = items.pop(); item !== undefined; item = items.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: PAYERS }, one));
}

/** A change, sent until it is known to be done: each has a reference of its own. */
async function call(
  run: Run,
  key: string,
  path: string,
  body: object,
): Promise<Record<string, unknown>> {
  for (;;) {
    const answer = await fetch(`${run.switch.baseUrl}/v1/${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }).catch(() => null);
    if (answer?.ok) return (await answer.json()) as Record<string, unknown>;
    const text = await answer?.text().catch(() => '');
    if (answer && answer.status < 429) throw new Error(`${path}: ${answer.status} ${text}`);
    await pause(AGAIN_MS);
  }
}

async function killNowAndThen(run: Run, kills: number): Promise<void> {
  for (let killed = 0; killed < kills; killed++) {
    const after = (run.count * (killed + 1)) / (kills + 1);
    while (run.paid < after) await pause(AGAIN_MS);
    await run.switch.kill();
    run.switch = await run.switch.restart();
  }
}

function line({ paid, receiver }: Run): string {
  const { requests, taken, repeated, forged, outOfOrder, bills } = receiver;
  return `${paid} bills paid, of ${bills.size} something arrived: ${requests} requests, ${taken} taken, ${repeated} repeated, ${forged} forged, ${outOfOrder} out of order`;
}

function every(ms: number, work: () => unknown): () => void {
  const timer = setInterval(work, ms);
  return () => clearInterval(timer);
}

/** Mulberry32. */
function diceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
