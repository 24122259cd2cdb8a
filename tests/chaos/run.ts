// One run: stores, switch and clients come up, faults come by the schedule of the seed, everything heals, and the audit
// compares what was told with what is there.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { must } from '../../src/domain/assert.ts';
import { Random } from '../simulation/random.ts';
import { faultsInBooks } from '../support/books.ts';
import { metric } from '../support/switch-process.ts';
import { audit } from './audit.ts';
import { atBanks } from './audit-banks.ts';
import { Banks, secretsOfBanks } from './banks.ts';
import { breakThings, forge, type Happened, type Storm, untilReady } from './breaking.ts';
import { writeChoosyDriver } from './choosy-driver.ts';
import type { Findings, Recollection } from './evidence.ts';
import { Hooks } from './hooks.ts';
import { type Linearisability, linearisabilityOf } from './linearisability.ts';
import { Load } from './load.ts';
import { type Call, Memory, now } from './memory.ts';
import { type Idle, type Onboarded, onboard } from './parties.ts';
import { type Rows, readRows } from './rows.ts';
import {
  confidences,
  keptSecrets,
  leaksIn,
  type Secret,
  type Spoken,
  secretsOf,
} from './secrets.ts';
import { runFolder, Stage } from './stage.ts';
import { Story } from './story.ts';
import { HttpLine } from './transports.ts';

export interface RunOptions extends Storm {
  readonly terminals: number;
  readonly wallets: number;
  /** Calls a second, all clients together. */
  readonly rate: number;
  /** Lets the link to Redis acknowledge appends that never arrive there: the audit must see it. */
  readonly forges?: boolean;
  readonly progress?: (line: string) => void;
}

export interface RunResult {
  readonly options: RunOptions;
  readonly folder: string;
  readonly seconds: number;
  readonly memory: Recollection;
  readonly rows: Rows;
  readonly books: readonly string[];
  readonly findings: Findings;
  readonly linearisability: Linearisability;
  readonly happened: readonly Happened[];
  /** What no fault of the world excuses: shards that stopped, threads that died of themselves, what is nobody's mistake but ours. */
  readonly alarms: readonly string[];
  readonly peaks: Readonly<Record<'switch' | 'redis' | 'postgres', number>>;
  /** References whose outcome was not known when the faults were over, and was asked for. */
  readonly askedAgain: number;
  readonly abandoned: number;
  readonly answersLost: number;
  /** When switches were started again, monotonic µs. */
  readonly restarts: readonly number[];
  readonly heldBack: number;
  /** All that the processes have printed, measured and refused; and what must not be in it. */
  readonly spoken: readonly Spoken[];
  readonly secrets: readonly Secret[];
  readonly leaks: readonly string[];
}

/** Calls at a bank that come late do so in long runs only: in a short one the machine may hold up everybody for longer. */
const LATE_FROM_S = 30;
const AGREE_MS = 500;
const AGREE_MS_MAX = 30_000;
const DRAIN_MS_MAX = 90_000;
const LOOK_MS = 20;
/** Redis was slower than a worker that began would wait, on a busy machine: another one begins. */
const SLOW_START = '"reason":"Connection is closed."';
const ALARMS = [
  'shard.stopped',
  'worker.ended',
  'gateway.ended',
  'gateway.failed',
  'webhooks.ended',
  'acquirers.ended',
  'acquirer.notOpened',
  'acquirer.doubted',
  // Mistakes of ours, which are lived with.
  'acquirer.defect',
  'bill.defect',
  'directory.defect',
  'history.defect',
  'lease.defect',
  'webhook.defect',
];

export async function run(options: RunOptions): Promise<RunResult> {
  const folder = runFolder();
  const story = new Story(folder, options.progress);
  story.tell(`seed ${options.seed}, ${options.stores}, in ${folder}`);
  let parties: Onboarded | undefined;
  let banks: Banks | undefined;
  const stage = await Stage.raise(options.stores, folder, async (place) => {
    parties = await onboard(place, options);
    const { institutions } = parties;
    const random = new Random(options.seed, 10);
    const canBeLate = options.seconds > LATE_FROM_S;
    banks = await Banks.start({ folder, port: place.port, institutions, canBeLate, random });
    return { QRSWITCH_ACQUIRERS: banks.file, QRSWITCH_DRIVERS: writeChoosyDriver(folder) };
  });
  const memory = new Memory(`chaos-${options.seed}`, folder);
  const http = new HttpLine(stage.links.clients.port);
  let hooks: Hooks | undefined;
  try {
    const { identities, idle, house } = must(parties, 'parties');
    const acquirers = must(banks, 'banks');
    const { port } = stage.links.clients;
    const operator = idle.find(({ kind }) => kind === 'operator')?.key ?? '';
    hooks = await Hooks.start({ port, key: operator }, new Random(options.seed, 9));
    const around = { memory, http, port, hooks, house };
    const load = new Load(identities, { ...around, banks: acquirers }, options.seed);
    load.start(options.rate);
    acquirers.storm();
    const refusals = prowl(port, idle);
    story.watch(() => {
      const { calls, acknowledgedAt } = memory;
      return `${calls.length} calls, ${acknowledgedAt.length} changes acknowledged, ${load.active} sales under way`;
    });
    const began = now();
    if (options.forges === true) await forge(stage, options.seconds);
    const happened = await breakThings(stage, memory, options, story);
    const seconds = (now() - began) / 1e6;
    stage.heal();
    hooks.receiver.isCalm = true;
    await acquirers.calm();
    const askedAgain = await windDown(stage, load, story);
    await load.calm();
    const sql = postgres(stage.databaseUrl, { max: 1 });
    try {
      await load.endAtBanks(sql);
      acquirers.tellAgain();
      await agreedWithBanks(acquirers, memory, sql, story);
      await drained(stage, load, sql, story);
      await load.rereadAll();
      await load.stop();
      const rows = await readRows(sql);
      const books = await faultsInBooks(sql);
      const listeners = load.clients.map(({ name }) => name);
      const { calls, heard, rereads } = memory;
      const recollection = {
        calls,
        heard,
        rereads,
        forged: hooks.receiver.forged,
        endpoints: hooks.stories,
        listeners,
        banks: acquirers.books,
      };
      writeFileSync(join(folder, 'rows.json'), JSON.stringify(rows));
      const keys = [...identities, ...idle].map(({ key }) => ({ what: 'a key', text: key }));
      const secrets = [
        ...keys,
        ...secretsOfBanks(),
        ...hooks.secrets.map((text) => ({ what: 'the secret of a webhook', text })),
        ...secretsOf(stage.credentials),
        ...(await keptSecrets(sql)),
        ...confidences(),
      ];
      const refused = problemsIn(memory.calls, await refusals);
      const spoken = [...(await stage.spoken()), refused];
      story.tell('auditing');
      return {
        options,
        folder,
        seconds,
        memory: recollection,
        rows,
        books,
        findings: audit(recollection, rows, books),
        linearisability: linearisabilityOf(memory.calls),
        happened,
        alarms: [...stage.deaths.map((tail) => `the switch died:\n${tail}`), ...alarmsIn(folder)],
        peaks: stage.peaks,
        askedAgain,
        abandoned: load.clients.reduce((sum, client) => sum + client.abandoned.size, 0),
        answersLost: answersLost(stage),
        restarts: stage.restarts,
        spoken,
        secrets,
        leaks: leaksIn(spoken, secrets),
        heldBack: load.heldBack,
      };
    } finally {
      await sql.end();
    }
  } finally {
    http.close();
    await hooks?.receiver.stop();
    await banks?.close();
    await stage.strike({ keepsFolder: true });
    await memory.close();
    story.end();
  }
}

// --------------------------------------------------------------------------------------------------------- the end --

/** Everybody finishes what they can; how many references nobody knew the outcome of. */
async function windDown(stage: Stage, load: Load, story: Story): Promise<number> {
  await untilReady(stage);
  story.tell(`the faults are over; ${load.active} sales are under way`);
  await load.finish();
  const askedAgain = await load.askAgain();
  story.tell(`${askedAgain} references were asked for again`);
  await load.quiet();
  await load.readAll();
  return askedAgain;
}

/** Resolves once the switch has seen all that the banks have, or when it is clear that it never will. */
async function agreedWithBanks(
  banks: Banks,
  { calls }: Memory,
  sql: Sql,
  story: Story,
): Promise<void> {
  const limit = now() + AGREE_MS_MAX * 1_000;
  for (;;) {
    const [wrong] = atBanks({ banks: banks.books, calls }, await readRows(sql));
    if (wrong === undefined) return;
    if (now() > limit) {
      story.tell(`not agreed with the banks: ${wrong}`);
      return;
    }
    await pause(AGREE_MS);
  }
}

/** Resolves once history has everything and every event is acknowledged, or when it is clear that they never will. */
async function drained(stage: Stage, load: Load, sql: Sql, story: Story): Promise<void> {
  const limit = now() + DRAIN_MS_MAX * 1_000;
  for (;;) {
    await load.quiet();
    const unwritten = await metric(stage.process.baseUrl, 'qrswitch_transitions_unwritten');
    // A bill whose time runs out after this would raise an event that nobody is left to hear.
    const [row] = await sql`
      select (select count(*)::int from events where pending) as pending,
        (select count(*)::int from webhook_letters l join webhook_endpoints e on e.id = l.endpoint_id
          where e.removed_at is null) as letters,
        (select count(*)::int from bills where utc(next_due_at) < now() + interval '10 s') as due`;
    const isTold = row?.pending === 0 && row.letters === 0;
    const isQuiet = isTold && row.due === 0 && load.active === 0;
    if (unwritten === 0 && isQuiet) return;
    if (now() > limit) {
      story.tell(
        `not drained: ${unwritten} unwritten, ${row?.pending} events pending, ${row?.letters} letters`,
      );
      return;
    }
    await pause(10 * LOOK_MS);
  }
}

/** Whoever comes with a key that opens nothing here, or with one that is mistyped, is refused. */
async function prowl(port: number, idle: readonly Idle[]): Promise<string> {
  const keys = idle.flatMap(({ key }) => [key, `${key}x`]);
  const places = ['/v1/terminal/bills', '/v1/paychannel/credits', '/v1/operator/institutions'];
  const refusals = keys.flatMap((key) =>
    places.map(async (place) => {
      const headers = { Authorization: `Bearer ${key}` };
      const answer = await fetch(`http://127.0.0.1:${port}${place}`, { headers });
      return answer.status < 400 ? '' : await answer.text();
    }),
  );
  const heard = await Promise.allSettled(refusals);
  return heard.map((each) => (each.status === 'fulfilled' ? each.value : '')).join('\n');
}

/** What clients were told that had asked in vain. */
function problemsIn(calls: readonly Call[], others: string): Spoken {
  const problems = calls.filter(({ status }) => status !== null && status >= 400);
  const texts = problems.map(({ answer }) => JSON.stringify(answer));
  return { by: 'problem documents', text: [...texts, others].join('\n') };
}

function answersLost({ links }: Stage): number {
  return [links.clients, links.postgres, links.redis].reduce(
    (sum, link) => sum + (link?.answersLost ?? 0),
    0,
  );
}

function alarmsIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.startsWith('switch-'));
  return names.flatMap((name) =>
    readFileSync(join(folder, name, 'switch.log'), 'utf8')
      .split('\n')
      .filter((line) => ALARMS.some((what) => line.includes(`"what":"${what}"`)))
      .filter((line) => !(line.includes('"worker.ended"') && line.includes(SLOW_START))),
  );
}
