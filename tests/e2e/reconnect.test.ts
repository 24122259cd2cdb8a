// The switch is killed under thousands of terminals, and all of them come back at once. How many is told by
// RECONNECT_TERMINALS: `npm run reconnect -- --terminals 10000` runs this with more than `./test` can afford.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openWebSocket, type WebSocketLink } from '../../bench/load/connections.ts';
import { hashKey, readKeyHashes } from '../../src/persistence/key-hashes.ts';
import { done, fresh } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const TERMINALS = Number(process.env.RECONNECT_TERMINALS ?? 1_000);
/** A client that was refused or cut off tries again so soon: far sooner than a good one would. */
const RETRY_MS = 100;
const AT_ONCE = 500;
/** What one connected terminal with one pending event may add to the process, at the most. */
const BYTES_A_TERMINAL = 60_000;

/** A terminal that connects again whenever it is cut off. */
class Terminal {
  readonly key: string;
  readonly #port: number;
  #link: WebSocketLink | null = null;
  #answer: ((body: { id: string }) => void) | null = null;
  /** Events heard since the last connection was made. */
  heard: { id: string; billId: string }[] = [];
  refusals = 0;
  #isOver = false;

  constructor(key: string, port: number) {
    this.key = key;
    this.#port = port;
  }

  /** Resolves once it is connected. */
  async connect(): Promise<void> {
    while (!this.#isOver) {
      this.heard = [];
      try {
        this.#link = await openWebSocket({
          host: '127.0.0.1',
          port: this.#port,
          path: '/v1/terminal/stream',
          key: this.key,
          subprotocol: 'qrswitch.json',
          opcode: 1,
          onMessage: (text) => this.#hear(text),
          onLost: () => this.#lost(),
        });
        return;
      } catch {
        this.refusals += 1;
        await pause(RETRY_MS);
      }
    }
  }

  create(): Promise<string> {
    const body = { orderId: fresh('order'), amount: 5, currency: 'EUR' };
    return new Promise((created) => {
      this.#answer = ({ id }) => created(id);
      this.#link?.send(JSON.stringify({ id: 1, op: 'bill.create', body }));
    });
  }

  end(): void {
    this.#isOver = true;
    this.#link?.close();
  }

  #hear(text: string): void {
    const frame = JSON.parse(text);
    if (frame.event !== undefined) this.heard.push(frame.event);
    else if (frame.status === 201) this.#answer?.(frame.body);
    else throw new Error(`not what was asked: ${text}`);
  }

  #lost(): void {
    if (this.#link === null) return;
    this.#link.close();
    this.#link = null;
    if (!this.#isOver) void this.connect();
  }
}

describe(`${TERMINALS} terminals`, () => {
  let world: World;
  let terminals: Terminal[] = [];

  beforeAll(async () => {
    world = await World.start(redisAndPostgres, { QRSWITCH_GATEWAYS: '2' });
    const keys = await onboard(world, TERMINALS);
    terminals = keys.map((key) => new Terminal(key, world.process.port));
  });
  afterAll(async () => {
    for (const terminal of terminals) terminal.end();
    await world?.stop();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('that come back at once after a crash are all served, and the API answers meanwhile', async () => {
    const wallet = await world.stream('paychannel', 'msgpack');
    await inTurns(terminals, (terminal) => terminal.connect());
    const bills = await inTurns(terminals, (terminal) => terminal.create());
    await inTurns(bills, (billId) =>
      done(wallet, 'payment.create', { billId, paymentRef: 'p', amount: 5, currency: 'EUR' }),
    );
    await world.process.until('through with its events', () =>
      terminals.every(({ heard }) => heard.length > 0),
    );
    for (const terminal of terminals) terminal.heard = [];

    await world.process.kill();
    world.process = await world.process.restart();
    const servingAt = performance.now();
    const probing = { isOver: false };
    const probes = probe(world, probing);
    await world.process.until('with all terminals', () =>
      terminals.every(({ heard }, index) => heard.some(({ billId }) => billId === bills[index])),
    );
    const tookMs = performance.now() - servingAt;
    probing.isOver = true;
    const latencies = (await probes).sort((left, right) => left - right);

    await world.process.until('holding each of them once', async () => {
      return (await metric(world.process.baseUrl, 'qrswitch_connections_held')) === TERMINALS;
    });
    // Nobody heard anything of another's.
    expect(terminals.flatMap(({ heard }, i) => heard.filter((e) => e.billId !== bills[i]))).toEqual(
      [],
    );
    const peak = peakBytes(world.process.pid);
    expect(peak).toBeLessThan(600_000_000 + TERMINALS * BYTES_A_TERMINAL);
    const retries = terminals.reduce((sum, { refusals }) => sum + refusals, 0);
    process.stderr.write(
      `${TERMINALS} terminals: all back ${Math.round(tookMs)} ms after the switch was ready ` +
        `(${retries} refused attempts); peak ${Math.round(peak / 1e6)} MB; ${latencies.length} calls meanwhile, ` +
        `median ${Math.round(latencies[latencies.length >> 1] ?? 0)} ms, slowest ${Math.round(latencies.at(-1) ?? 0)} ms\n`,
    );
  });
});

/** Sells over HTTP all the while; every call must succeed. Resolves with their times. */
async function probe(world: World, until: { isOver: boolean }): Promise<number[]> {
  const till = world.http('terminal');
  const latencies: number[] = [];
  do {
    const begunAt = performance.now();
    const order = { orderId: fresh('probe'), amount: 5, currency: 'EUR' };
    const { id: billId } = await done(till, 'bill.create', order);
    await done(till, 'bill.get', { billId });
    latencies.push(performance.now() - begunAt);
  } while (!until.isOver);
  return latencies;
}

/** Many, but not all at once. */
async function inTurns<In, Out>(
  all: readonly In[],
  work: (one: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = [];
  for (let i = 0; i < all.length; i += AT_ONCE) {
    results.push(...(await Promise.all(all.slice(i, i + AT_ONCE).map(work))));
  }
  return results;
}

/** Terminals of the demo's merchant, written with two statements; their keys. */
async function onboard(world: World, count: number): Promise<string[]> {
  const { merchant } = world.process.demo;
  const keys = Array.from({ length: count }, () => randomBytes(24).toString('base64url'));
  const ids = keys.map((_, index) => `ter_reconnect_${index}`);
  const sql = postgres(world.stores.databaseUrl, { max: 1 });
  try {
    const known = await readKeyHashes(sql);
    const hashes = keys.map((key) => known.stored(hashKey(key)));
    await sql`
      insert into terminals (id, merchant_id, name, restricted)
      select id, ${merchant.id}, id, false from unnest(${ids}::text[]) as id`;
    await sql`
      insert into keys (key_hash, terminal_id, layers)
      select *, ${known.layers} from unnest(${hashes}::text[], ${ids}::text[])`;
  } finally {
    await sql.end();
  }
  return keys;
}

/** The most memory that a process has had. */
function peakBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
