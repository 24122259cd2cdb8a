// The switch as a user starts it: `node dist/main.js`, a child process on the run's stores.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import {
  addInstitution,
  addKey,
  addMerchant,
  addPaychannel,
  addTerminal,
} from '../src/persistence/onboarding.ts';
import { freePort } from '../src/persistence/postgres-programs.ts';
import { type CpuUse, threadIds, threadUse } from './cpu.ts';
import type { Stores } from './stores.ts';

const READY_MS = 600_000;
const POLL_MS = 10;
const STOP_MS = 30_000;
const LOG_LINES = 20;

export interface SwitchProcess {
  readonly port: number;
  readonly pid: number;
  /** From its start to /readyz, ms. */
  readonly readyMs: number;
  readonly terminals: readonly { readonly id: string; readonly key: string }[];
  readonly wallet: { readonly id: string; readonly key: string };
  /** The last lines of its log. */
  logTail(): Promise<string>;
  use(): CpuUse;
  /** SIGKILL. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface SwitchOptions {
  /** main.js of a build. */
  readonly main: string;
  readonly stores: Stores;
  readonly terminals: number;
  /** For node, such as `--cpu-prof`. */
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export async function startSwitch(options: SwitchOptions): Promise<SwitchProcess> {
  const { stores } = options;
  const dir = await mkdtemp(join(tmpdir(), 'qrswitch-bench-'));
  const logFile = join(dir, 'switch.log');
  const log = openSync(logFile, 'a');
  const port = await freePort();
  const child = spawn(process.execPath, [...(options.nodeFlags ?? []), options.main], {
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env.PATH ?? '',
      PORT: String(port),
      DATABASE_URL: stores.switchUrl,
      REDIS_URL: stores.redis.url,
      QRSWITCH_DATA_DIR: dir,
      QRSWITCH_DEMO: '0',
      ...options.env,
    },
  });
  const lastResort = (): boolean => child.kill('SIGKILL');
  process.once('exit', lastResort);
  const readyMs = await ready(child, port, logFile);
  const { terminals, wallet } = await onboard(stores.switchUrl, options.terminals);
  const pid = child.pid ?? 0;
  const workers = Number(options.env?.QRSWITCH_WORKERS ?? Math.max(1, availableParallelism() - 1));
  const gateways = Number(options.env?.QRSWITCH_GATEWAYS ?? 1);
  return {
    port,
    pid,
    readyMs,
    terminals,
    wallet,
    logTail: async () => (await readFile(logFile, 'utf8')).split('\n').slice(-LOG_LINES).join('\n'),
    use: () => switchUse(pid, workers, gateways),
    async kill() {
      process.off('exit', lastResort);
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
    async stop() {
      process.off('exit', lastResort);
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await ended;
        clearTimeout(late);
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function ready(child: ChildProcess, port: number, logFile: string): Promise<number> {
  const startedAt = performance.now();
  const until = startedAt + READY_MS;
  while (performance.now() < until) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the switch ended at its start: ${await readFile(logFile, 'utf8')}`);
    }
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return performance.now() - startedAt;
    await pause(POLL_MS);
  }
  throw new Error(`the switch was not ready in time: ${await readFile(logFile, 'utf8')}`);
}

/**
 * A live institution's: bills of the demo's, which is for tests, say so, and are a little longer. The wallet does not
 * subscribe to confirmations: the lifecycle has none.
 */
async function onboard(
  url: string,
  count: number,
): Promise<Pick<SwitchProcess, 'terminals' | 'wallet'>> {
  const sql = postgres(url, { max: 1 });
  const institutionId = await addInstitution(sql, { name: 'Bench Bank', country: 'US' });
  const shop = { institutionId, name: 'Corner Coffee', city: 'Springfield', category: '5814' };
  const merchantId = await addMerchant(sql, shop);
  const terminals: { id: string; key: string }[] = [];
  for (let i = 0; i < count; i++) {
    const id = await addTerminal(sql, { merchantId, name: `Till ${i}` });
    terminals.push({ id, key: await addKey(sql, { kind: 'terminal', id }) });
  }
  const id = await addPaychannel(sql, { institutionId, name: 'Bench Wallet' });
  const wallet = { id, key: await addKey(sql, { kind: 'paychannel', id }) };
  await sql.end();
  return { terminals, wallet };
}

/**
 * Threads bear no names. The switch begins its workers and then its
 * gateways after all others, so by their numbers they are the last; what V8 and libuv share stands together.
 */
function switchUse(pid: number, workers: number, gateways: number): CpuUse {
  const tids = threadIds(pid);
  const names = new Map<number, string>([[pid, 'switch: main']]);
  for (const tid of tids.slice(-gateways)) names.set(tid, 'switch: gateway');
  for (const tid of tids.slice(-gateways - workers, -gateways)) names.set(tid, 'switch: worker');
  return threadUse(pid, (tid) => names.get(tid) ?? '', 'switch: V8 and libuv helpers');
}
