// The case `directory` of `scale`: the directory grows, by SQL, and the switch is started anew at each step. How long until
// it is ready, what a look-up costs the first time and once it is known, what memory the known ones take, and how
// long a change takes to be heard of: of one terminal among them, and of the institution of all.

import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { hashKey, readKeyHashes } from '../src/persistence/key-hashes.ts';
import { migrate, readMigrations } from '../src/persistence/migrate.ts';
import { addInstitution, addKey, addPaychannel } from '../src/persistence/onboarding.ts';
import type { FromLookups, LookupsOutcome, LookupsTask } from './load/lookups.ts';
import type { Bench } from './measure.ts';
import type { Settings } from './settings.ts';
import { lifecycles, measureStep, rssOf, type Step } from './steps.ts';
import type { Stores } from './stores.ts';
import { type SwitchProcess, startSwitch } from './switch-process.ts';
import { say, withStores } from './under-test.ts';

type Terminal = SwitchProcess['terminals'][number];

interface Onboarded {
  readonly institutionId: string;
  readonly wallet: SwitchProcess['wallet'];
  readonly terminals: Terminal[];
}

/** Rows in one statement. */
const ROWS = 10_000;
const TERMINALS_A_MERCHANT = 100;
/** Fewer than this disappear in what the collector does. */
const EACH_MIN = 5_000;
/** Of all terminals, those of whom it is watched when they are suspended. */
const WATCHED = 32;
const POLL_MS = 5;
const CARRIED_MAX_MS = 60_000;

/** Each step on a switch of its own, on the same stores. */
export async function growDirectory(settings: Settings, steps: readonly number[]): Promise<Step[]> {
  const found: Step[] = [];
  await withStores(settings, async (stores) => {
    const sql = postgres(stores.switchUrl, { max: 1, onnotice: () => undefined });
    try {
      const source = new URL('../../../src/persistence/migrations/', import.meta.url);
      await migrate(stores.switchUrl, readMigrations(source));
      const onboarded = await onboard(sql);
      for (const to of steps) {
        say(`growing to ${to}`);
        await addTerminals(sql, onboarded, to - onboarded.terminals.length);
        found.push(await measureAt(settings, stores, sql, onboarded));
      }
    } finally {
      await sql.end();
    }
  });
  return found;
}

async function measureAt(
  settings: Settings,
  stores: Stores,
  sql: Sql,
  { institutionId, wallet, terminals }: Onboarded,
): Promise<Step> {
  const started = await startSwitch({ ...settings, stores, terminals: 0 });
  const bench: Bench = { settings, stores, under: { ...started, wallet, terminals } };
  try {
    const rssBefore = rssOf(started.pid);
    const connections = Math.max(...settings.concurrency);
    const task = { port: started.port, keys: terminals.map(({ key }) => key), connections };
    const first = await runLookups(task);
    const known = await runLookups(task);
    let round = 0;
    const step = await measureStep(bench, terminals.length, (each) => {
      round += 1;
      const under = { ...each.under, terminals: spread(terminals, settings.terminals, round) };
      return lifecycles({ ...each, under });
    });
    const figures = {
      'ready s': rounded(started.readyMs / 1_000, 2),
      'first look-ups/s': rounded(first.perSecond),
      'p99 ms': rounded(first.latencyMs.p99, 1),
      'known look-ups/s': rounded(known.perSecond),
      'known p99 ms': rounded(known.latencyMs.p99, 1),
      'one suspended ms': await suspended(bench, sql, 'terminals', terminals.at(-1)),
      'all suspended ms': await suspended(bench, sql, 'institutions', { id: institutionId }),
    };
    say(JSON.stringify(figures));
    const grown = step.rssBytes - rssBefore;
    const eachBytes = terminals.length < EACH_MIN ? null : grown / terminals.length;
    return { ...step, eachBytes, figures };
  } catch (error) {
    say(`the switch's log ends so:\n${await started.logTail()}`);
    throw error;
  } finally {
    await started.stop();
  }
}

function rounded(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}

/** So many of them, evenly, and others in each round. */
function spread(terminals: readonly Terminal[], count: number, round: number): Terminal[] {
  const taken = Math.min(count, terminals.length);
  const apart = terminals.length / taken;
  return Array.from({ length: taken }, (_, i) => {
    const terminal = terminals[(Math.floor(i * apart) + round) % terminals.length];
    if (terminal === undefined) throw new Error('there are no terminals');
    return terminal;
  });
}

/** From the commit to when all who are watched have heard of it, ms; then it is as before. */
async function suspended(
  { under }: Bench,
  sql: Sql,
  table: 'terminals' | 'institutions',
  one: { readonly id: string; readonly key?: string } | undefined,
): Promise<number> {
  if (one === undefined) throw new Error('there is nobody to suspend');
  const watched = one.key === undefined ? spread(under.terminals, WATCHED, 0) : [{ key: one.key }];
  const keys = watched.map(({ key }) => key);
  await sql`update ${sql(table)} set suspended_at = now() where id = ${one.id}`;
  const startedAt = performance.now();
  await Promise.all(keys.map((key) => answered(under.port, key, 403)));
  const tookMs = performance.now() - startedAt;
  await sql`update ${sql(table)} set suspended_at = null where id = ${one.id}`;
  await Promise.all(keys.map((key) => answered(under.port, key, 201)));
  return rounded(tookMs);
}

async function answered(port: number, key: string, wanted: number): Promise<void> {
  const until = performance.now() + CARRIED_MAX_MS;
  for (;;) {
    const orderId = randomBytes(12).toString('hex');
    const response = await fetch(`http://127.0.0.1:${port}/v1/terminal/bills`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ orderId, amount: 100, currency: 'EUR' }),
    });
    await response.arrayBuffer();
    if (response.status === wanted) return;
    if (performance.now() > until) throw new Error(`${response.status} is still answered`);
    await pause(POLL_MS);
  }
}

async function onboard(sql: Sql): Promise<Onboarded> {
  const institutionId = await addInstitution(sql, { name: 'Large Bank', country: 'US' });
  const id = await addPaychannel(sql, { institutionId, name: 'Bench Wallet' });
  const wallet = { id, key: await addKey(sql, { kind: 'paychannel', id }) };
  return { institutionId, wallet, terminals: [] };
}

/** With one key each, and a merchant for every hundred. */
async function addTerminals(sql: Sql, to: Onboarded, count: number): Promise<void> {
  const known = await readKeyHashes(sql);
  const run = Date.now().toString(36);
  for (let done = 0; done < count; done += ROWS) {
    const added = Array.from({ length: Math.min(ROWS, count - done) }, (_, i) => ({
      id: `ter_${run}${done + i}`,
      key: `qrs_term_${randomBytes(24).toString('base64url')}`,
      merchant: `mer_${run}${Math.floor((done + i) / TERMINALS_A_MERCHANT)}`,
    }));
    const ids = added.map(({ id }) => id);
    const merchants = added.map(({ merchant }) => merchant);
    const hashes = added.map(({ key }) => known.stored(hashKey(key)));
    await sql`
      insert into merchants (id, institution_id, name, city)
      select distinct id, ${to.institutionId}, 'Shop ' || id, 'Springfield'
      from unnest(${merchants}::text[]) as id on conflict do nothing`;
    await sql`
      insert into terminals (id, merchant_id, name)
      select id, merchant, 'Till ' || id
      from unnest(${ids}::text[], ${merchants}::text[]) as new (id, merchant)`;
    await sql`
      insert into keys (key_hash, terminal_id, layers)
      select *, ${known.layers} from unnest(${hashes}::text[], ${ids}::text[])`;
    to.terminals.push(...added.map(({ id, key }) => ({ id, key })));
  }
  await sql`analyze`;
}

function runLookups(task: LookupsTask): Promise<LookupsOutcome> {
  return new Promise((done, fail) => {
    const child = fork(new URL('./load/lookups.js', import.meta.url), { execArgv: [] });
    child.once('message', (message: FromLookups) => {
      if (message.type === 'done') done(message.outcome);
      else fail(new Error(`the look-ups: ${message.reason}`));
      child.disconnect();
    });
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`the look-ups ended with ${code}`)));
    child.send(task);
  });
}
