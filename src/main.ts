#!/usr/bin/env node
// The whole program on one page: read the configuration, reach the stores, start workers and gateways, serve, drain.

import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Acquirers, knownAcquirers, readAcquirerFile } from './acquirers.ts';
import { welcome } from './cli/welcome.ts';
import {
  asksForHelp,
  ConfigError,
  helpText,
  publicBaseUrlOf,
  readConfig,
  shownConfig,
} from './config.ts';
import { watchDirectory } from './directory-watch.ts';
import type { AcquirerFile } from './drivers/acquiring/configured.ts';
import { Gateways } from './gateways.ts';
import { LoadedDrivers } from './loaded-drivers.ts';
import { DataKeys } from './persistence/data-keys.ts';
import { ensureDemo } from './persistence/demo-data.ts';
import { startEmbeddedPostgres } from './persistence/embedded-postgres.ts';
import { settleSealedSecrets } from './persistence/sealed-secrets.ts';
import { ensureSecret } from './persistence/secrets.ts';
import { WorkerPool } from './pool.ts';
import { claimPort } from './port-claim.ts';
import { StartRefusal } from './start-refusal.ts';
import { type Known, prepareStores, readKnown } from './startup.ts';
import { watchState } from './state-watch.ts';
import { stopAll } from './stopping.ts';
import { systemClock } from './system-clock.ts';
import { type Logger, openLog } from './telemetry/log.ts';
import { type Metrics, openMetrics } from './telemetry/metrics.ts';
import { Scrape } from './telemetry/scrape.ts';
import type { Setting, SwitchState, WorkerPort } from './threads.ts';
import { startTls } from './tls.ts';
import { Webhooks } from './webhooks.ts';

async function main(): Promise<void> {
  if (asksForHelp()) {
    process.stdout.write(helpText());
    return;
  }
  const config = readConfig();
  const logger = openLog({ level: config.logLevel, node: config.nodeName, thread: 'main' });
  logger.info({ what: 'switch.starting', config: shownConfig(config) }, 'switch.starting');
  const acquirerFile = readAcquirerFile(config.acquirersFile);
  const port = await claimPort(config, logger);
  const embedded = config.databaseUrl === null ? await startPostgres(config.dataDir, logger) : null;
  const databaseUrl = config.databaseUrl ?? embedded?.url ?? '';
  try {
    await prepareStores(config, { databaseUrl, port }, logger);
    const publicBaseUrl = publicBaseUrlOf(config, port);
    const demoFile = join(config.dataDir, 'demo.json');
    const baseUrl = publicBaseUrlOf({ ...config, publicBaseUrl: null }, port);
    const demo = config.demo
      ? await ensureDemo({ databaseUrl, file: demoFile, baseUrl, peppers: config.keyPeppers })
      : null;
    const qrKey = await ensureSecret({ databaseUrl, name: 'qr' });
    const known = await readKnown(databaseUrl, logger);
    const dataKey = await ensureSecret({ databaseUrl, name: 'data' });
    const sealed = await settleSealedSecrets(databaseUrl, new DataKeys(config.dataKeys, dataKey));
    if ('misfit' in sealed) throw new StartRefusal(sealed.misfit);
    const setting: Setting = {
      config,
      databaseUrl,
      publicBaseUrl,
      qrKey,
      dataKey,
      payerDigestKey: sealed.payerDigestKey,
      certificateToken: randomBytes(32).toString('base64url'),
      process: randomUUID(),
      acquirers: await knownAcquirers(acquirerFile, {
        path: config.acquirersFile,
        databaseUrl,
        logger,
      }),
    };
    const metrics = openMetrics('main');
    const drivers = await LoadedDrivers.load({ file: config.drivers, qrKey, logger, metrics });
    const toServe = { setting, known, acquirerFile, port, logger, metrics, drivers };
    const running = await serve(toServe, () => {
      process.stdout.write(welcome({ baseUrl, demo, demoFile }));
    });
    await stopped(logger);
    await running.stop();
    await drivers.close();
    logger.info({ what: 'switch.stopped' }, 'switch.stopped');
  } finally {
    await embedded?.stop();
  }
}

async function startPostgres(
  dataDir: string,
  logger: Logger,
): Promise<Awaited<ReturnType<typeof startEmbeddedPostgres>>> {
  return startEmbeddedPostgres({
    dataDir,
    logger,
    onWaiting: (pid) => logger.warn({ what: 'data.taken', dataDir, pid }, 'data.taken'),
  });
}

interface Serving {
  stop(): Promise<void>;
}

interface ToServe {
  readonly setting: Setting;
  readonly acquirerFile: AcquirerFile;
  readonly known: Known;
  readonly port: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly drivers: LoadedDrivers;
}

/** Starts workers and gateways; `onReady` is called once, when every shard is served. */
async function serve(of: ToServe, onReady: () => void): Promise<Serving> {
  const { setting, known, acquirerFile, port, logger, metrics, drivers } = of;
  const scrape = new Scrape();
  const common = { setting, drivers: drivers.loaded, logger };
  const pool: WorkerPool = new WorkerPool({
    setting,
    agreements: known.agreements,
    suspensions: known.suspensions,
    logger,
    onWorker: (index) => {
      gateways.sendEach(() => portTo(pool, index));
      webhooks.attach(() => portTo(pool, index));
      acquirers.attach(() => portTo(pool, index));
    },
    onEnded: (index) => {
      metrics.workerEnded();
      scrape.retire(`worker-${index}`);
    },
  });
  const gateways: Gateways = new Gateways({
    ...common,
    port,
    tariffs: known.tariffs,
    events: {
      askDriver: drivers.ask,
      onGateway: (send) => connectAll(pool, setting, send),
      onEnded: (index) => {
        metrics.gatewayEnded();
        scrape.retire(`gateway-${index}`);
      },
      metricsText: () => metricsText({ pool, gateways, webhooks, acquirers, metrics, scrape }),
      onPosted: (token, posted) => acquirers.posted(token, posted),
    },
  });
  const webhooks: Webhooks = new Webhooks({
    ...common,
    events: { ...eventsOf('webhooks', setting, pool, scrape), askDriver: drivers.ask },
  });
  const events = eventsOf('acquirers', setting, pool, scrape);
  const acquirers: Acquirers = new Acquirers({ setting, file: acquirerFile, logger, events });
  pool.start();
  await gateways.start();
  acquirers.start();
  const tls = await startTls({ setting, gatewayPort: port, logger });
  const directory = hearDirectory({ setting, logger, gateways, webhooks, pool });
  const stopWatching = watchState(setting.config, pool, {
    owned: (shards) => webhooks.serve(shards),
    changed: (state, isFirst) => {
      gateways.publish(state);
      if (isFirst) onReady();
      tellState(logger, state);
    },
  });
  return {
    async stop() {
      stopWatching();
      // Gateways first: their clients come through the front of TLS, and what acquirers post is read by their thread.
      const answerers = (): Promise<unknown> =>
        gateways.stop().then(() => Promise.all([tls.stop(), acquirers.stop()]));
      const asking = {
        gateways: answerers,
        webhooks: () => webhooks.stop(),
        directory: () => directory.stop(),
      };
      const workers = (leftMs: number): Promise<void> => pool.stop(leftMs);
      await stopAll([asking, { workers }], {
        clock: systemClock,
        drainMs: setting.config.drainSeconds * 1_000,
        onLate: (part) => logger.warn({ what: 'switch.stopLate', part }, 'switch.stopLate'),
      });
      metrics.close();
    },
  };
}

/** Whoever holds something of the directory hears of what has changed there. */
function hearDirectory(of: {
  setting: Setting;
  logger: Logger;
  gateways: Gateways;
  webhooks: Webhooks;
  pool: WorkerPool;
}): ReturnType<typeof watchDirectory> {
  const { setting, logger, gateways, webhooks, pool } = of;
  return watchDirectory({
    databaseUrl: setting.databaseUrl,
    logger,
    tell: {
      directory: (isHearing, changes) => {
        gateways.tellDirectory(isHearing, changes);
        webhooks.hear(isHearing, changes);
      },
      agreements: (all) => pool.tellAgreements(all),
      tariffs: (told, isWhole) => gateways.tellTariffs(told, isWhole),
      suspensions: (changed) => pool.tellSuspensions(changed),
    },
  });
}

function tellState(logger: Logger, state: SwitchState): void {
  logger.info({ what: state.ready ? 'switch.ready' : 'switch.waiting', ...state }, 'switch.state');
}

/** What becomes of a thread of which there is one. */
function eventsOf(
  thread: string,
  setting: Setting,
  pool: WorkerPool,
  scrape: Scrape,
): { onBegun(send: (message: WorkerPort) => void): void; onEnded(): void } {
  return {
    onBegun: (send) => connectAll(pool, setting, send),
    onEnded: () => scrape.retire(thread),
  };
}

/** All threads' metrics as one page. */
async function metricsText(of: {
  pool: WorkerPool;
  gateways: Gateways;
  webhooks: Webhooks;
  acquirers: Acquirers;
  metrics: Metrics;
  scrape: Scrape;
}): Promise<string> {
  const { pool, gateways, webhooks, acquirers, metrics, scrape } = of;
  const told = await pool.tell(true);
  const snapshots = await gateways.tell();
  for (const [index, { snapshot }] of told) {
    if (snapshot !== null) snapshots.set(`worker-${index}`, snapshot);
  }
  const sent = await webhooks.tell();
  if (sent !== undefined) snapshots.set('webhooks', sent);
  const called = await acquirers.tell();
  if (called !== undefined) snapshots.set('acquirers', called);
  return scrape.text(snapshots.set('main', metrics.snapshot()));
}

/** A port to a worker that has just begun. */
function portTo(pool: WorkerPool, index: number): WorkerPort {
  const port = pool.connect(index);
  if (port === undefined) throw new Error(`worker ${index} has gone at once`);
  return { type: 'worker', index, port };
}

/** Ports to all workers that there are. */
function connectAll(
  pool: WorkerPool,
  { config }: Setting,
  send: (message: WorkerPort) => void,
): void {
  for (let index = 0; index < config.workers; index++) {
    const port = pool.connect(index);
    if (port !== undefined) send({ type: 'worker', index, port });
  }
}

/** Resolves on the first SIGTERM or SIGINT; a second one ends the process at once. */
function stopped(logger: Logger): Promise<void> {
  return new Promise((done) => {
    let isStopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (isStopping) process.exit(130);
      isStopping = true;
      logger.info({ what: 'switch.stopping', signal }, 'switch.stopping');
      done();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const text = error instanceof ConfigError ? error.message : String(error);
    process.stderr.write(`qrswitch cannot start: ${text}\n`);
    process.exit(1);
  },
);
