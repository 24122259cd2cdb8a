// Before anything is served: the stores are reached, looked at, brought to this code's form, and it is made sure that
// history and log belong together (A7).

import { randomInt, randomUUID } from 'node:crypto';
import { agreeOnTime, howApart } from './clock-agreement.ts';
import type { Config } from './config.ts';
import type { ShardId } from './domain/ids.ts';
import { isGone, makeHolder } from './lease-holder.ts';
import { fetchAgreements, fetchSuspensions, fetchTariffs } from './persistence/directory.ts';
import { MetaStore } from './persistence/history/meta-store.ts';
import { PostgresHistory } from './persistence/history/postgres-history.ts';
import { settleKeyHashes } from './persistence/key-hashes.ts';
import { makeEntryCodec } from './persistence/log/entry-codec.ts';
import { migrate } from './persistence/migrate.ts';
import { reporterOf } from './reporting.ts';
import { StartRefusal } from './start-refusal.ts';
import {
  openConfiguredLog,
  openPostgresLeases,
  openPostgresLog,
  openRedisLeases,
  openRedisLog,
} from './stores.ts';
import type { Agreement } from './switch/agreements.ts';
import { type Moving, moveLog, type NameChange, type OldLog, takeBack } from './switch/move-log.ts';
import type { Leases, Log, LogName } from './switch/ports.ts';
import type { Suspensions } from './switch/sellers.ts';
import type { ToldTariff } from './switch/tariffs.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';
import { openWaitingRoom } from './waiting-room.ts';

const WAIT_MS = 1_000;

/** Migrates Postgres once it answers, sees to it that the clock can be believed, and makes history and log one. */
export async function prepareStores(
  config: Config,
  { databaseUrl, port }: { readonly databaseUrl: string; readonly port: number },
  logger: Logger,
): Promise<void> {
  const applied = await persist(logger, 'postgres.unreachable', () => migrate(databaseUrl));
  if (applied.length > 0) logger.info({ what: 'postgres.migrated', applied }, 'postgres.migrated');
  const misfit = await persist(logger, 'postgres.unreachable', () =>
    settleKeyHashes(databaseUrl, config.keyPeppers),
  );
  if (misfit !== null) throw new StartRefusal(misfit);
  const meta = await persist(logger, 'postgres.unreachable', () =>
    MetaStore.open({ url: databaseUrl, accepted: config.acceptUnsafe }),
  );
  try {
    await waitForClock({ config, port, logger }, meta);
    const { log } = await persist(logger, 'log.unreachable', () =>
      openConfiguredLog(config, databaseUrl, logger),
    );
    try {
      await matchLog({ config, databaseUrl, to: log, logger }, meta);
    } finally {
      await log.close();
    }
  } finally {
    await meta.close();
  }
}

/** Before anything is written into the log: it binds the shards to the time at which it was. */
function waitForClock(
  of: { readonly config: Config; readonly port: number; readonly logger: Logger },
  meta: MetaStore,
): Promise<void> {
  const { config, port, logger } = of;
  const { host, nodeName: node } = config;
  return agreeOnTime({
    clock: systemClock,
    compare: () =>
      persist(logger, 'postgres.unreachable', () => howApart(systemClock, () => meta.readClock())),
    logger,
    whileApart: (how) => {
      const waitsFor = [`the clock, ${how}: see the log`];
      return openWaitingRoom({ host, port }, { ready: false, node, shards: {}, waitsFor });
    },
  });
}

/** What threads hold of the directory, and main tells them. */
export interface Known {
  readonly agreements: readonly Agreement[];
  readonly tariffs: readonly ToldTariff[];
  readonly suspensions: Suspensions;
}

/** As it is before anything is served: no payment is asked about, and no bill asked for, with nothing known. */
export function readKnown(databaseUrl: string, logger: Logger): Promise<Known> {
  const place = { url: databaseUrl, logger };
  return persist(logger, 'postgres.unreachable', async () => {
    const agreements = await fetchAgreements(place);
    const tariffs = await fetchTariffs(place);
    return { agreements, tariffs, suspensions: await fetchSuspensions(place) };
  });
}

async function matchLog(moving: Move, meta: MetaStore): Promise<void> {
  const { config, to, logger } = moving;
  const known = await meta.read();
  if (known !== null) refuseShards('Postgres', known.shards, config.shards);
  const { name, shards } = await to.identify({ id: randomUUID(), shards: config.shards });
  refuseShards('the log', shards, config.shards);
  const { log: old } = await meta.claim({ shards: config.shards, log: name });
  if (isSame(old, name)) {
    refuseAbandoned(config, old);
    await withHistory(moving, (history) => takeBack(asMove(moving, null, history)));
    const now = await meta.read();
    if (now === null || isSame(now.log, name)) return;
    throw new StartRefusal('another switch has moved the log of this database; start again');
  }
  logger.warn({ what: 'log.moving', from: old, to: name }, 'log.moving');
  await move(moving, old, {
    change: () => rename(meta, old, name),
    restore: () => rename(meta, name, old),
  });
  logger.info({ what: 'log.moved', to: name }, 'log.moved');
}

async function rename(meta: MetaStore, from: LogName, to: LogName): Promise<void> {
  if (await meta.rename(from, to)) return;
  throw new StartRefusal(
    'another switch has changed the log of this database meanwhile; start again',
  );
}

interface Move {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly to: Log;
  readonly logger: Logger;
}

async function move(moving: Move, old: LogName, name: NameChange): Promise<void> {
  const from = await openOld(moving, old);
  try {
    await withHistory(moving, (history) => moveLog(asMove(moving, from, history), name));
  } finally {
    await Promise.allSettled([from?.log.close(), from?.leases.close()]);
  }
}

async function withHistory(
  { databaseUrl, logger }: Move,
  work: (history: PostgresHistory) => Promise<void>,
): Promise<void> {
  const history = new PostgresHistory({ url: databaseUrl, logger, trimsLog: false });
  try {
    await work(history);
  } finally {
    await history.close();
  }
}

function asMove(
  { config, to, logger }: Move,
  from: OldLog | null,
  history: PostgresHistory,
): Moving {
  return {
    shards: Array.from({ length: config.shards }, (_, shard) => shard as ShardId),
    from,
    to,
    history,
    codec: makeEntryCodec(),
    clock: systemClock,
    reporter: reporterOf(logger),
    holder: `${config.nodeName} (moving the log)`,
    drawNonce: randomUUID,
    drawInteger: randomInt,
  };
}

/** Nothing is abandoned in place: what is left of the log could be wanted yet, and the setting outlives its purpose. */
function refuseAbandoned({ abandonLog }: Config, log: LogName): void {
  if (abandonLog !== log.id) return;
  throw new StartRefusal(
    `QRSWITCH_ABANDON_LOG=${log.id} names the very log that is to be used. Give it an empty log (another Redis, ` +
      'or this one after FLUSHALL), or take the setting away to go on with this one.',
  );
}

/** The log that Postgres names. Null where the operator has abandoned it by its id. */
async function openOld(moving: Move, old: LogName): Promise<OldLog | null> {
  const { config, databaseUrl, logger } = moving;
  if (config.abandonLog === old.id) return null;
  const wayOut =
    'Give its address as QRSWITCH_PREVIOUS_LOG_URL, or go on without it (what only it held is lost) ' +
    `with QRSWITCH_ABANDON_LOG=${old.id}.`;
  let opened: Log;
  if (old.kind === 'postgres') {
    opened = await openPostgresLog(config, databaseUrl, logger);
  } else if (config.previousLogUrl !== null) {
    opened = await openRedisLog(config, config.previousLogUrl, logger).catch((error: unknown) => {
      throw new StartRefusal(`the old log ${old.id} is out of reach (${String(error)}). ${wayOut}`);
    });
  } else {
    throw new StartRefusal(
      `history belongs to the log ${old.id} (${old.kind}), not to this one. ${wayOut}`,
    );
  }
  const { name } = await opened.identify({ id: randomUUID(), shards: config.shards });
  if (isSame(name, old)) return { log: opened, ...(await openOldLeases(moving, old)) };
  await opened.close();
  throw new StartRefusal(
    `history belongs to the log ${old.id}; the old log given is ${name.id}. ${wayOut}`,
  );
}

async function openOldLeases(
  { config, databaseUrl, logger }: Move,
  { kind }: LogName,
): Promise<Pick<OldLog, 'leases' | 'isGone'>> {
  const { previousLogUrl } = config;
  const leases: Leases =
    kind === 'postgres' || previousLogUrl === null
      ? await openPostgresLeases(config, databaseUrl, logger)
      : await openRedisLeases(previousLogUrl, logger);
  const self = makeHolder({ node: config.nodeName, process: randomUUID(), worker: -1, life: 1 });
  return { leases, isGone: (holder) => isGone(holder, self) };
}

function refuseShards(store: string, found: number, wanted: number): void {
  if (found === wanted) return;
  throw new StartRefusal(
    `${store} was first used with ${found} shards and keeps them for ever; set QRSWITCH_SHARDS=${found}, not ${wanted}`,
  );
}

function isSame(left: LogName, right: LogName): boolean {
  return left.kind === right.kind && left.id === right.id;
}

/** Tries until the store answers; what a store says about its settings or form is final. */
async function persist<T>(logger: Logger, what: string, attempt: () => Promise<T>): Promise<T> {
  for (let told = ''; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== told) logger.warn({ what, reason }, what);
      told = reason;
      await pause();
    }
  }
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  // Postgres is starting up or shutting down.
  '57P03',
]);

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && UNREACHABLE.has(String(error.code))) return true;
  return error.cause !== undefined && isUnreachable(error.cause);
}

function pause(): Promise<void> {
  return new Promise((done) => {
    systemClock.after(WAIT_MS, done);
  });
}
