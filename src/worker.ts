// The whole program of one worker: a set of shards and what they share. Piscina runs it as one long task.

import { randomInt, randomUUID } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';
import type { ShardId } from './domain/ids.ts';
import { makeQrCodes } from './drivers/qr/codes.ts';
import { formatHolder, isGone, isOfProcess, makeHolder } from './lease-holder.ts';
import { makeBillPacker } from './persistence/history/bill-packer.ts';
import { PostgresHistory } from './persistence/history/postgres-history.ts';
import { makeEntryCodec } from './persistence/log/entry-codec.ts';
import { makePresenter } from './protocols/presenter.ts';
import { WorkerLink } from './protocols/shard/worker-link.ts';
import { reporterOf } from './reporting.ts';
import { openConfiguredLeases, openConfiguredLog } from './stores.ts';
import { Agreements } from './switch/agreements.ts';
import { SuspendedSellers } from './switch/sellers.ts';
import { WorkerHost } from './switch/worker-host.ts';
import { systemClock } from './system-clock.ts';
import { type Logger, openLog } from './telemetry/log.ts';
import { type Metrics, openMetrics } from './telemetry/metrics.ts';
import type { ToWorkerThread, WorkerTask, WorkerTold } from './threads.ts';

/** Orders that the filter of a worker's shards holds before it overfills: about 64 MiB. */
const FILTER_ORDERS_MAX = 50_000_000;
/** A usual one takes about 2.3 KiB, and a fat one counts as several: all of them a quarter of the heap, so that collections stay short beside a lease. */
const UNWRITTEN_PER_MIB = 100;
/** Long enough that a bill at a till seldom wakes; short beside `idleSeconds`. */
const REST_MS = 5_000;
/** Long enough for whoever asks once more at once; who comes later asks history. */
const OVER_MS = 1_000;
/** How often it is looked whether everything has been answered, while the worker stops. */
const QUIET_POLL_MS = 10;

/** Runs a worker until main tells it to stop; rejects where it cannot begin. */
export async function runWorker(task: WorkerTask): Promise<void> {
  const { setting, index, control } = task;
  const { config } = setting;
  const name = `worker-${index}`;
  const logger = openLog({ level: config.logLevel, node: config.nodeName, thread: name });
  const metrics = openMetrics(name);
  const link = new WorkerLink(
    makePresenter({
      publicBaseUrl: setting.publicBaseUrl,
      codes: makeQrCodes({
        publicBaseUrl: setting.publicBaseUrl,
        key: Buffer.from(setting.qrKey, 'base64url'),
      }),
    }),
  );
  const agreements = new Agreements(task.agreements);
  const suspended = new SuspendedSellers(task.suspensions);
  const known = { agreements, suspended };
  const { host, close } = await openHost(task, link, known, { logger, metrics });
  watch(metrics, host);
  const withinMs = await new Promise<number>((stopped) => {
    control.on('message', (message: ToWorkerThread) => {
      switch (message.type) {
        case 'attach':
          link.attach(message.port, host);
          break;
        case 'agreements':
          agreements.learn(message.agreements);
          break;
        case 'suspensions':
          suspended.learn(message.suspensions);
          break;
        case 'tell':
          tell(control, message.seq, host, message.withMetrics ? metrics : null);
          break;
        case 'standAside':
          host.standAside();
          break;
        case 'stop':
          stopped(message.withinMs);
          break;
      }
    });
    host.start();
  });
  await quiet(host, withinMs);
  await host.stop();
  link.flush();
  link.close();
  await close();
  metrics.close();
  control.close();
}

async function openHost(
  task: WorkerTask,
  link: WorkerLink,
  known: { agreements: Agreements; suspended: SuspendedSellers },
  telemetry: { logger: Logger; metrics: Metrics },
): Promise<{ host: WorkerHost; close: () => Promise<void> }> {
  const { setting, index, life } = task;
  const { config, databaseUrl } = setting;
  const { logger, metrics } = telemetry;
  const shards = shardsOf(index, config.workers, config.shards);
  const { log, trimsItself } = await openConfiguredLog(config, databaseUrl, logger);
  const leases = await openConfiguredLeases(config, databaseUrl, logger);
  const history = new PostgresHistory({ url: databaseUrl, logger, trimsLog: trimsItself });
  const self = makeHolder({ node: config.nodeName, process: setting.process, worker: index, life });
  const host = new WorkerHost({
    shards,
    log,
    leases,
    history,
    logTrimsItself: trimsItself,
    codec: makeEntryCodec(),
    clock: systemClock,
    reporter: reporterOf(logger),
    observer: metrics,
    sink: link,
    ...known,
    limits: {
      underWayMax: config.shardQueueMax,
      mailboxMax: config.mailboxMax,
      unwrittenMax: config.logEntriesMax,
      unwrittenInAllMax: config.workerHeapMb * UNWRITTEN_PER_MIB,
      residentsMax: Math.ceil(config.residentMax / shards.length),
      filterOrdersMax: Math.ceil(FILTER_ORDERS_MAX / shards.length),
    },
    packer: makeBillPacker(),
    overMs: OVER_MS,
    restMs: REST_MS,
    idleMs: config.idleSeconds * 1000,
    holder: formatHolder(self),
    isGone: (holder) => isGone(holder, self),
    isOfThisNode: (holder) => isOfProcess(holder, self),
    drawNonce: randomUUID,
    drawInteger: randomInt,
  });
  const close = async (): Promise<void> => {
    await Promise.allSettled([log.close(), leases.close(), history.close()]);
  };
  return { host, close };
}

/** The shards of a worker: every so-manieth one. */
function shardsOf(index: number, workers: number, shards: number): ShardId[] {
  const own: ShardId[] = [];
  for (let shard = index; shard < shards; shard += workers) own.push(shard as ShardId);
  return own;
}

function watch(metrics: Metrics, host: WorkerHost): void {
  metrics.watchShards(() =>
    host.status().map((status, i) => ({
      shard: status.shard,
      state: status.state,
      commandsQueued: status.underWay,
      commandsQueuedDeepest: host.takeDeepestMailbox(status.shard),
      billsResident: status.residents,
      // The index of events is the worker's; its first shard speaks for all.
      eventsPending: i === 0 ? host.pendingEvents : 0,
      transitionsUnwritten: status.unwritten,
      historyLaggedMs: status.lagMs,
    })),
  );
}

function tell(control: MessagePort, seq: number, host: WorkerHost, metrics: Metrics | null): void {
  const told: WorkerTold = {
    seq,
    shards: host.status(),
    waitingFor: host.holders(),
    standsAside: host.standsAside,
    snapshot: metrics?.snapshot() ?? null,
  };
  control.postMessage(told);
}

/** Waits until everything that came in has been answered, or the time is up. */
async function quiet(host: WorkerHost, withinMs: number): Promise<void> {
  const until = systemClock.monotonic() + withinMs;
  while (!host.isQuiet && systemClock.monotonic() < until) {
    await new Promise<void>((done) => systemClock.after(QUIET_POLL_MS, done));
  }
}
