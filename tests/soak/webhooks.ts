// `npm run soak:webhooks -- --count 1000000 --kills 5`: bills are paid in parts, the events go to receivers that fail by
// dice and are down now and then, the switch is killed on the way, and none may be lost, forged or out of order.
//
//   payers ──WebSocket──▶ switch ──POST──▶ receivers        each in a process of its own

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Keyed, onboardTerminal } from '../support/onboarding.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { startRedis } from '../support/redis-server.ts';
import type { Stores } from '../support/set-ups.ts';
import { SwitchProcess } from '../support/switch-process.ts';
import type { Taken } from './flaky-receiver.ts';
import { LevelWatch, levelsIn } from './levels.ts';
import type { FromPayers, ToPayers } from './payers.ts';
import type { FromReceivers, ToReceivers } from './receivers.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const AGAIN_MS = 100;
const TOLD_MS = 5_000;
/** Nothing taken for so long: it will not come any more. */
const STILL_MS = 300_000;

interface Settings {
  readonly count: number;
  readonly kills: number;
  readonly seed: number;
  readonly endpoints: number;
  /** Of each bill. */
  readonly events: number;
  readonly ahead: number;
  /** MiB of heap that the switch's worker may have. */
  readonly heap: number;
  readonly log: string;
}

interface Run {
  switch: SwitchProcess;
  readonly settings: Settings;
  readonly receivers: ChildProcess;
  readonly payers: ChildProcess;
  terminals: readonly Keyed[];
  /** Of each terminal. */
  readonly bills: number;
  readonly total: number;
  paid: number;
  kills: number;
  sums: Taken;
  readonly levels: LevelWatch;
  /** Of each terminal, once all are paid. */
  billIds: readonly (readonly string[])[] | null;
  missing: readonly string[] | null;
  failure: string | null;
}

/** Resolves with the exit code. */
export async function main(args: string[]): Promise<number> {
  const settings = settingsOf(args);
  const redis = settings.log === 'redis' ? await startRedis() : null;
  const stores = await startPostgres();
  const dataDir = mkdtempSync(join(tmpdir(), 'qrswitch-soak-'));
  try {
    const of = { databaseUrl: stores.url, redisUrl: redis?.url ?? null };
    return await runOn(of, dataDir, settings);
  } finally {
    await redis?.stop();
    await stores.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function runOn(stores: Stores, dataDir: string, settings: Settings): Promise<number> {
  const env = {
    QRSWITCH_WEBHOOK_ALLOW: '127.0.0.0/8',
    QRSWITCH_WEBHOOK_FIRST_RETRY_MS: '100',
    QRSWITCH_WORKER_HEAP_MB: String(settings.heap),
  };
  const running = await SwitchProcess.launch({ stores, env, dataDir });
  const { count, endpoints, events } = settings;
  const bills = Math.ceil(count / endpoints / events);
  const run: Run = {
    switch: running,
    settings,
    receivers: child('receivers'),
    payers: child('payers'),
    terminals: [],
    bills,
    total: bills * endpoints * events,
    paid: 0,
    kills: 0,
    sums: { requests: 0, taken: 0, repeated: 0, outOfOrder: 0, forged: 0, whole: 0 },
    levels: new LevelWatch(running.baseUrl),
    billIds: null,
    missing: null,
    failure: null,
  };
  try {
    await running.ready();
    return await soak(run, stores.databaseUrl);
  } finally {
    for (const each of [run.payers, run.receivers]) if (each.connected) each.disconnect();
    await run.switch.kill();
  }
}

function settingsOf(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '1000000' },
      kills: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      endpoints: { type: 'string', default: '8' },
      events: { type: 'string', default: '5' },
      ahead: { type: 'string', default: '10000' },
      heap: { type: 'string', default: '2048' },
      log: { type: 'string', default: 'redis' },
    },
  });
  const { log, ...numbers } = values;
  const read = Object.entries(numbers).map(([name, text]) => [name, Number(text)]);
  return { ...(Object.fromEntries(read) as Omit<Settings, 'log'>), log };
}

async function soak(run: Run, databaseUrl: string): Promise<number> {
  const { settings, total } = run;
  listen(run);
  await register(run, databaseUrl);
  const began = performance.now();
  const { terminal: _terminal, paychannel } = run.switch.demo;
  tellPayers(run, {
    is: 'task',
    task: {
      baseUrl: run.switch.baseUrl.replace(/^http/, 'ws'),
      terminalKeys: run.terminals.map(({ key }) => key),
      paychannelKey: paychannel.key,
      bills: run.bills,
      events: settings.events,
      ahead: settings.ahead,
    },
  });
  const telling = setInterval(telling5s(run, began), TOLD_MS);
  try {
    await Promise.all([killNowAndThen(run), allTaken(run)]);
  } finally {
    clearInterval(telling);
  }
  const seconds = (performance.now() - began) / 1_000;
  const rate = Math.round(run.sums.taken / seconds);
  console.log(`${line(run)}\n${seconds.toFixed(0)} s, ${rate} deliveries taken a second`);
  console.log(`at the most ${levelsIn(run.levels.highest)}`);
  return judge(run, total);
}

/** Until all was paid and all has come, or nothing comes any more. */
async function allTaken(run: Run): Promise<void> {
  let taken = -1;
  let changedAt = performance.now();
  while (run.billIds === null || run.sums.taken < run.total) {
    if (run.failure !== null) return;
    if (run.sums.taken !== taken) changedAt = performance.now();
    taken = run.sums.taken;
    if (performance.now() - changedAt > STILL_MS) return;
    await pause(AGAIN_MS);
  }
}

async function judge(run: Run, total: number): Promise<number> {
  const { sums, billIds } = run;
  const found: string[] = [];
  if (run.failure !== null) found.push(`paying failed: ${run.failure}`);
  if (sums.taken !== total) found.push(`${sums.taken} of ${total} were taken`);
  if (sums.forged > 0) found.push(`${sums.forged} were forged`);
  if (sums.outOfOrder > 0) found.push(`${sums.outOfOrder} came before those before them`);
  if (billIds !== null) {
    tellReceivers(run, { is: 'missing', bills: billIds });
    while (run.missing === null) await pause(AGAIN_MS);
    if (run.missing.length > 0) found.push(`not whole: ${run.missing.slice(0, 10).join(', ')}`);
  }
  found.push(...(await leftovers(run)));
  for (const what of found) console.log(`WRONG: ${what}`);
  if (found.length === 0)
    console.log(`all ${total} have arrived, in order, none forged, none dead`);
  return found.length === 0 ? 0 : 1;
}

/** What the switch still holds once all was taken. */
async function leftovers(run: Run): Promise<string[]> {
  const until = performance.now() + STILL_MS;
  for (;;) {
    const { items } = await ask(
      run,
      run.switch.demo.operator.key,
      'GET',
      'operator/webhooks?limit=100',
    );
    const endpoints = items as { id: string; health: { pending: number; deadLetters: number } }[];
    const dead = endpoints.filter(({ health }) => health.deadLetters > 0);
    if (dead.length > 0) return dead.map(({ id }) => `endpoint ${id} has dead letters`);
    const pending: string[] = [];
    for (const { id, key } of run.terminals) {
      const { events } = await ask(run, key, 'GET', 'terminal/events?limit=1');
      if ((events as unknown[]).length > 0) pending.push(`terminal ${id} has events pending`);
    }
    if (pending.length === 0 || performance.now() > until) return pending;
    await pause(AGAIN_MS);
  }
}

function listen(run: Run): void {
  run.receivers.on('message', (message: FromReceivers) => {
    if (message.is === 'taken') {
      run.sums = message.sums;
      tellPayers(run, { is: 'taken', events: message.sums.taken });
    } else if (message.is === 'missing') run.missing = message.bills;
  });
  run.payers.on('message', (message: FromPayers) => {
    if (message.is === 'paid') run.paid = message.events;
    else if (message.is === 'done') run.billIds = message.bills;
    else run.failure = message.why;
  });
}

/** A terminal an endpoint; each proves itself. */
async function register(run: Run, databaseUrl: string): Promise<void> {
  const { demo } = run.switch;
  const { endpoints, events, seed } = run.settings;
  const urls = new Promise<readonly string[]>((done) => {
    run.receivers.on('message', (message: FromReceivers) => {
      if (message.is === 'urls') done(message.urls);
    });
  });
  tellReceivers(run, { is: 'task', task: { endpoints, events, seed } });
  const secrets: string[] = [];
  const terminals: Keyed[] = [];
  for (const url of await urls) {
    const terminal = await onboardTerminal(databaseUrl, { merchantId: demo.merchant.id });
    const body = { holderId: terminal.id, url };
    const added = await ask(run, demo.operator.key, 'POST', 'operator/webhooks', body);
    terminals.push(terminal);
    secrets.push(String(added.secret));
  }
  run.terminals = terminals;
  tellReceivers(run, { is: 'secrets', secrets });
}

/** Sent until it is known to be done. */
async function ask(
  run: Run,
  key: string,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  for (;;) {
    const answer = await fetch(`${run.switch.baseUrl}/v1/${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => null);
    if (answer?.ok) return (await answer.json()) as Record<string, unknown>;
    const text = await answer?.text().catch(() => '');
    if (answer && answer.status < 429) throw new Error(`${path}: ${answer.status} ${text}`);
    await pause(AGAIN_MS);
  }
}

async function killNowAndThen(run: Run): Promise<void> {
  const { kills } = run.settings;
  while (run.kills < kills) {
    const after = (run.total * (run.kills + 1)) / (kills + 1);
    while (run.paid < after) {
      if (run.failure !== null) return;
      await pause(AGAIN_MS);
    }
    await run.switch.kill();
    run.kills += 1;
    run.switch = await run.switch.restart();
  }
}

/** A line, with the rate since the one before and when it will be over at that rate. */
function telling5s(run: Run, began: number): () => void {
  let before = { taken: 0, at: began };
  return () => {
    const now = performance.now();
    const rate = ((run.sums.taken - before.taken) * 1_000) / (now - before.at);
    before = { taken: run.sums.taken, at: now };
    const left = rate > 0 ? `${Math.ceil((run.total - run.sums.taken) / rate)} s` : 'who knows';
    const seconds = Math.round((now - began) / 1_000);
    console.log(`${seconds} s: ${line(run)}; ${Math.round(rate)}/s, ${left} to go`);
    console.log(`    ${levelsIn(run.levels.now)}`);
    void run.levels.look();
  };
}

function line({ paid, sums, total, kills }: Run): string {
  const { requests, taken, repeated, forged, outOfOrder } = sums;
  return (
    `${taken} of ${total} taken (${Math.floor((100 * taken) / total)} %), ${paid} paid, ${requests} requests, ` +
    `${repeated} repeated, ${forged} forged, ${outOfOrder} out of order, ${kills} kills`
  );
}

function child(name: string): ChildProcess {
  const file = `tests/soak/${name}.ts`;
  return fork(join(ROOT, 'scripts/run-typescript.mjs'), [file], { cwd: ROOT, execArgv: [] });
}

function tellReceivers({ receivers }: Run, message: ToReceivers): void {
  if (receivers.connected) receivers.send(message);
}

function tellPayers({ payers }: Run, message: ToPayers): void {
  if (payers.connected) payers.send(message);
}
