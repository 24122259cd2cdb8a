// What can happen to a switch, by name. Each does its harm, waits, and undoes it: when it resolves, the world is well.

import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import type { Random } from '../simulation/random.ts';
import type { SwitchProcess } from '../support/switch-process.ts';
import { signalAll } from './processes.ts';
import type { Link, Weather } from './proxy.ts';
import type { Stage, StoresName } from './stage.ts';

type Fault = (stage: Stage, ms: number, random: Random) => Promise<void>;

export interface FaultSpec {
  readonly inject: Fault;
  /** How long it lasts, ms. */
  readonly lasts: readonly [number, number];
  /** Not where Postgres carries the log. */
  readonly needsRedis?: true;
}

/** A switch whose lease has run out for certain: 4 s, and a second for the look of it. */
const LEASE_MS = 5_000;
const ZOMBIE_MS = 2_000;
const NOBODY_PORT = 1;
/** Far below what is in it: every write is refused. */
const FULL = '1mb';

export const faults: Readonly<Record<string, FaultSpec>> = {
  'switch killed': { lasts: [0, 300], inject: killSwitch },
  'switch stopped and started': { lasts: [0, 100], inject: terminateSwitch },
  'switch paused': { lasts: [1_000, 2_500], inject: pauseSwitch },
  'switch paused beyond its lease': { lasts: [LEASE_MS, LEASE_MS + 1_500], inject: deposeSwitch },
  'switch followed by one that waited': { lasts: [0, 500], inject: followSwitch },
  'switch killed, and two start': { lasts: [0, 300], inject: raceSwitches },
  'Redis killed': { lasts: [0, 800], needsRedis: true, inject: killRedis },
  'Redis paused': { lasts: [1_000, 4_000], needsRedis: true, inject: pauseRedis },
  'Redis full': { lasts: [1_000, 2_500], needsRedis: true, inject: fillRedis },
  'Redis a read-only replica': { lasts: [700, 2_000], needsRedis: true, inject: demoteRedis },
  'Postgres killed': { lasts: [0, 800], inject: killPostgres },
  'Postgres paused': { lasts: [1_000, 4_000], inject: pausePostgres },
  'Postgres connections ended': { lasts: [0, 100], inject: endBackends },
  'all killed': { lasts: [0, 300], inject: killAll },
  ...linkFaults('clients', ({ links }) => links.clients),
  ...linkFaults('Redis', ({ links }) => links.redis, true),
  ...linkFaults('Postgres', ({ links }) => links.postgres),
};

export function faultsFor(stores: StoresName): string[] {
  return Object.entries(faults)
    .filter(([, { needsRedis }]) => stores === 'redis' || needsRedis !== true)
    .map(([name]) => name);
}

/** What a network does, on one of the links. */
function linkFaults(
  whose: string,
  linkOf: (stage: Stage) => Link | null,
  needsRedis = false,
): Record<string, FaultSpec> {
  const on = (work: (link: Link, ms: number, random: Random) => Promise<void>): Fault => {
    return async (stage, ms, random) => {
      const link = linkOf(stage);
      if (link === null) return;
      await work(link, ms, random);
      link.heal();
    };
  };
  const weather = (of: Weather) =>
    on(async (link, ms) => {
      link.weather = of;
      await pause(ms);
    });
  const only = needsRedis ? { needsRedis: true as const } : {};
  const spec = (lasts: readonly [number, number], inject: Fault) => ({ ...only, lasts, inject });
  return {
    [`${whose}: lines reset`]: spec(
      [0, 500],
      on((link, ms, random) => cuts(link, 'reset', ms, random)),
    ),
    [`${whose}: lines closed`]: spec(
      [0, 500],
      on((link, ms, random) => cuts(link, 'fin', ms, random)),
    ),
    [`${whose}: lines half closed`]: spec(
      [300, 1_500],
      on(async (link, ms, random) => {
        link.halfClose(random.chance(0.5) ? 'client' : 'server');
        await pause(ms);
      }),
    ),
    [`${whose}: slow`]: spec([500, 2_000], weather('slow')),
    [`${whose}: stalled`]: spec([500, 5_000], weather('stalled')),
    [`${whose}: trickling`]: spec([500, 2_000], weather('trickling')),
    [`${whose}: answers lost`]: spec([200, 1_200], weather('losingAnswers')),
  };
}

/** Cuts all lines, or a part of them again and again. */
async function cuts(link: Link, how: 'reset' | 'fin', ms: number, random: Random): Promise<void> {
  const share = random.pick([0.3, 0.6, 1]);
  for (let left = ms; left >= 0; left -= 100) {
    link.cut(how, () => random.chance(share));
    await pause(100);
  }
}

// ------------------------------------------------------------------------------------------------------ the switch --

async function killSwitch(stage: Stage, ms: number): Promise<void> {
  await stage.killSwitch();
  await pause(ms);
  await stage.startSwitch();
}

async function terminateSwitch(stage: Stage, ms: number): Promise<void> {
  await stage.terminateSwitch();
  await pause(ms);
  await stage.startSwitch();
}

async function pauseSwitch(stage: Stage, ms: number): Promise<void> {
  stage.process.signal('SIGSTOP');
  await pause(ms);
  stage.process.signal('SIGCONT');
}

/** Another takes over; then the first wakes up and goes on with what it was doing. */
async function deposeSwitch(stage: Stage, ms: number): Promise<void> {
  stage.process.signal('SIGSTOP');
  const deposed = await stage.startSuccessor();
  const until = performance.now() + ms;
  while (performance.now() < until || !(await stage.isReady())) {
    await pause(50);
    if (performance.now() > until + 10 * LEASE_MS) break;
  }
  deposed.signal('SIGCONT');
  await pause(ZOMBIE_MS);
  await deposed.kill();
}

/** As in a rolling update, or where the first dies after all: the second is there, and has no shard yet. */
async function followSwitch(stage: Stage, ms: number, random: Random): Promise<void> {
  const first = await stage.startSuccessor({ takesClients: false });
  await untilSaid(stage.process, '"switch.waiting"');
  await pause(ms);
  if (random.chance(0.5)) await first.kill();
  else await first.stop();
  stage.lead(stage.process);
}

/** Both take shards of the one that is gone, which only one of them can serve. */
async function raceSwitches(stage: Stage, ms: number, random: Random): Promise<void> {
  await stage.killSwitch();
  await stage.startSwitch();
  await pause(ms);
  const rivals = [await stage.startSuccessor({ takesClients: false }), stage.process];
  const until = performance.now() + 10 * LEASE_MS;
  let winner: SwitchProcess | undefined;
  while (winner === undefined && performance.now() < until) {
    await pause(50);
    const states = await Promise.all(rivals.map((each) => each.readiness()));
    winner = rivals.find((_, index) => states[index]?.status === 200);
  }
  if (winner === undefined) throw new Error('of two switches none serves every shard');
  stage.lead(winner);
  await pause(ZOMBIE_MS);
  const loser = rivals.find((each) => each !== winner);
  if (random.chance(0.5)) await loser?.kill();
  else await loser?.stop();
}

async function untilSaid(process: SwitchProcess, what: string): Promise<void> {
  const until = performance.now() + 10 * LEASE_MS;
  while (!process.output.includes(what) && !process.hasEnded && performance.now() < until) {
    await pause(50);
  }
}

// ----------------------------------------------------------------------------------------------------------- Redis --

async function killRedis({ redis }: Stage, ms: number): Promise<void> {
  await redis?.kill();
  await pause(ms);
  await redis?.restart();
}

async function pauseRedis({ redis }: Stage, ms: number): Promise<void> {
  signalAll([redis?.pid ?? 0], 'SIGSTOP');
  await pause(ms);
  signalAll([redis?.pid ?? 0], 'SIGCONT');
}

async function fillRedis(stage: Stage, ms: number): Promise<void> {
  await commanding(stage, async (redis) => {
    await redis.call('CONFIG', 'SET', 'maxmemory', FULL);
    await pause(ms);
    await redis.call('CONFIG', 'SET', 'maxmemory', '0');
  });
}

/** Of a primary that nobody can reach, so that no copy of it comes over what is there. */
async function demoteRedis(stage: Stage, ms: number): Promise<void> {
  await commanding(stage, async (redis) => {
    await redis.call('REPLICAOF', '127.0.0.1', NOBODY_PORT);
    await pause(ms);
    await redis.call('REPLICAOF', 'NO', 'ONE');
  });
}

async function commanding(stage: Stage, work: (redis: Redis) => Promise<void>): Promise<void> {
  if (stage.redis === null) return;
  const { redisPassword: password } = stage.credentials;
  const redis = new Redis({ port: stage.redis.port, host: '127.0.0.1', protocol: 2, password });
  try {
    await work(redis);
  } finally {
    redis.disconnect();
  }
}

// -------------------------------------------------------------------------------------------------------- Postgres --

async function killPostgres(stage: Stage, ms: number): Promise<void> {
  await stage.killPostgres();
  await pause(ms);
  await stage.startPostgres();
}

async function pausePostgres(stage: Stage, ms: number): Promise<void> {
  const family = stage.postgresFamily;
  signalAll(family, 'SIGSTOP');
  await pause(ms);
  signalAll(family, 'SIGCONT');
}

/** As an operator's mistake or a failing machine would: single connections, not the server. */
async function endBackends(stage: Stage, ms: number, random: Random): Promise<void> {
  const sql = postgres(stage.databaseUrl, { max: 1, onnotice: () => undefined });
  try {
    for (let i = random.between(1, 4); i > 0; i--) {
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name like 'qrswitch%' and random() < 0.7`;
      await pause(ms);
    }
  } finally {
    await sql.end();
  }
}

async function killAll(stage: Stage, ms: number): Promise<void> {
  await Promise.all([stage.killSwitch(), stage.redis?.kill(), stage.killPostgres()]);
  await pause(ms);
  await Promise.all([stage.redis?.restart(), stage.startPostgres()]);
  await stage.startSwitch();
}
