// The whole program of one gateway: HTTP and WebSocket in front, links to the workers behind.

import { randomUUID } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { DriverDoor } from './driver-door.ts';
import { deliveryWays } from './drivers/delivery-ways.ts';
import { hostedFormats } from './drivers/qr/hosted-formats.ts';
import { openCourier } from './drivers/webhook/courier.ts';
import { makeWebhooks } from './drivers/webhook/driver.ts';
import { makeSecret } from './drivers/webhook/signature.ts';
import { DataKeys } from './persistence/data-keys.ts';
import { PostgresDirectory } from './persistence/directory.ts';
import { PostgresArchive } from './persistence/history/postgres-archive.ts';
import { PostgresListings } from './persistence/history/postgres-listings.ts';
import { PostgresOperatorDesk } from './persistence/operator-desk.ts';
import { PostgresPayerDesk } from './persistence/payer-desk.ts';
import { payerLabels } from './persistence/payer-labels.ts';
import { PostgresTariffDesk } from './persistence/tariff-desk.ts';
import { PostgresWebhookDesk } from './persistence/webhook-desk.ts';
import { type Gateway, startGateway } from './protocols/gateway/gateway.ts';
import { GATEWAY_LIMITS, type GatewayMetrics } from './protocols/gateway/options.ts';
import { watchCrowd } from './protocols/shard/crowd-watch.ts';
import { Replays } from './protocols/signatures/replays.ts';
import { TariffBook } from './protocols/tariff-book.ts';
import { Questions } from './questions.ts';
import type { AcquirerReply, PostedToAcquirer } from './switch/acquirers.ts';
import { Crowd } from './switch/crowd.ts';
import type { Limits } from './switch/limits.ts';
import type { ToldTariff } from './switch/tariffs.ts';
import { systemClock } from './system-clock.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { openServingThread } from './thread-service.ts';
import type {
  FromGatewayThread,
  GatewayTask,
  SwitchState,
  ToAnyThread,
  ToGatewayThread,
} from './threads.ts';

const USE_MS = 250;

const task = workerData as GatewayTask;
const { setting, index } = task;
const { config, databaseUrl, publicBaseUrl } = setting;
const crowd = new Crowd(config.delayTargetMs);
const { logger, metrics, codes, presenter, door, say, serve } = openServingThread<
  ToGatewayThread,
  FromGatewayThread
>(`gateway-${index}`, setting, {
  limits: { aheadMax: config.aheadMax, waitingMax: config.waitingMax },
  crowd,
});
const driverDoor = new DriverDoor(say);
const hosted = hostedFormats(
  task.drivers.formats,
  (name, call, args) => driverDoor.ask({ kind: 'qr', name, call, args }),
  (driver, said) => logger.error({ what: 'driver.failed', driver, said }, 'driver.failed'),
);
const stopWatching = watchCrowd(crowd, door, systemClock);
const kept = {
  url: databaseUrl,
  logger,
  peppers: config.keyPeppers,
  dataKeys: new DataKeys(config.dataKeys, setting.dataKey),
};
const payers = payerLabels(kept.dataKeys, setting.payerDigestKey);
const directory = new PostgresDirectory(kept);
const desk = new PostgresOperatorDesk(kept);
const webhooks = new PostgresWebhookDesk({ ...kept, makeSecret });
const courier = openCourier(config.webhookAllow);
const ways = deliveryWays({
  webhooks: makeWebhooks(courier, systemClock),
  loaded: task.drivers.ways,
  ask: (way, call, args) => driverDoor.ask({ kind: way.kind, name: way.name, call, args }),
});
const payerDesk = new PostgresPayerDesk(kept);
const tariffDesk = new PostgresTariffDesk(kept);
const tariffs = new TariffBook();
const listings = new PostgresListings({ url: databaseUrl, logger });
const archive = new PostgresArchive({ url: databaseUrl, logger });

const isShared = config.gateways > 1;

let state: SwitchState = {
  ready: false,
  node: config.nodeName,
  shards: {},
  waitsFor: ['the workers'],
};
const metricsAsked = new Questions<string | null>();
const posted = new Questions<AcquirerReply | null | undefined>();

function learnTariffs(told: readonly ToldTariff[], isWhole: boolean): void {
  for (const { id, name: called, revision } of tariffs.learn(told, isWhole)) {
    logger.error({ what: 'tariff.unread', id, called, revision }, 'tariff.unread');
  }
}

async function metricsText(): Promise<string> {
  const text = await metricsAsked.ask((seq) => say({ type: 'metrics', seq }));
  if (text === null) throw new Error('the threads could not be asked for their metrics');
  return text;
}

function postToAcquirer(
  token: string,
  given: PostedToAcquirer,
): Promise<AcquirerReply | null | undefined> {
  return posted.ask((seq) => say({ type: 'posted', seq, token, posted: given }));
}

/** As the configuration says them: 0 is no limit. */
function limitsOf(rate: number, sockets: number): Limits {
  return { requestsPerSecond: rate || null, burst: rate || null, sockets: sockets || null };
}

/** Now and then, has the other gateways know what this one has taken of limits. */
function tellUse(gateway: Gateway): void {
  const uses = gateway.tellUse();
  if (uses.length > 0) say({ type: 'used', uses });
  systemClock.after(USE_MS, () => tellUse(gateway));
}

function gatewayMetrics(own: Metrics): GatewayMetrics {
  return {
    answered(call, transport, status, durationMs) {
      own
        .route(transport === 'websocket' ? 'ws' : transport, call)
        .answered(status, durationMs / 1000);
    },
    eventsSent(count, isRepeat) {
      for (let i = 0; i < count; i++) own.eventPushed(isRepeat);
    },
    socketClosed: (code) => own.connectionClosed(code),
    limited: (limit) => own.requestLimited(limit),
  };
}

learnTariffs(task.tariffs, true);
try {
  const gateway = await startGateway({
    host: config.host,
    port: task.port,
    door,
    clock: systemClock,
    presenter,
    publicBaseUrl,
    limits: {
      ...GATEWAY_LIMITS,
      reconnectsAtOnce: config.reconnectsAtOnce,
      socketBufferBytes: config.socketBufferMaxBytes,
      parties: {
        holder: limitsOf(config.holderRequestsPerSecond, config.holderSocketsMax),
        institution: limitsOf(config.institutionRequestsPerSecond, config.institutionSocketsMax),
      },
      drainMs: config.drainSeconds * 1000,
    },
    log: logger,
    metrics: gatewayMetrics(metrics),
    newRequestId: randomUUID,
    directory,
    crowd,
    isShared,
    replays: new Replays(task.replays),
    signedSince: task.signedSince,
    certificateToken: setting.certificateToken,
    codes,
    hosted,
    acquirers: setting.acquirers,
    payers,
    tariffs,
    listings,
    archive,
    desk,
    webhooks,
    ways,
    tariffDesk,
    payerDesk,
    wallets: directory,
    postToAcquirer,
    ready: () => ({ ...state }),
    metricsText,
  });
  metrics.watchGateway(() => {
    const { requestsUnderWay, terminalSessions, paychannelSessions } = gateway.stats();
    return {
      requestsHeld: requestsUnderWay,
      requestsWaiting: door.waiting,
      requestsDelayedMs: crowd.delayMs,
      requestsShed: crowd.refused,
      terminalConnections: terminalSessions,
      paychannelConnections: paychannelSessions,
    };
  });
  process.on('uncaughtException', endOf(gateway));
  serve({ hear: (message) => hear(gateway, message), drain: () => drain(gateway) });
  if (isShared) tellUse(gateway);
  say({ type: 'listening', port: gateway.port });
} catch (error) {
  say({ type: 'failed', reason: error instanceof Error ? error.message : String(error) });
}

/**
 * A mistake of ours in a gateway costs that gateway its connections, not the process its life: they are closed before
 * the thread ends, because a thread that ends with one open takes the process along. Main begins another in its place.
 */
function endOf(gateway: Gateway): (error: unknown) => void {
  return (error) => {
    logger.error({ what: 'gateway.failed', err: error }, 'gateway.failed');
    gateway.close();
    process.exit(1);
  };
}

function hear(gateway: Gateway, message: Exclude<ToGatewayThread, ToAnyThread>): void {
  switch (message.type) {
    case 'state':
      state = message.state;
      break;
    case 'directory':
      gateway.hear(message.isHearing, message.changes);
      break;
    case 'tariffs':
      learnTariffs(message.tariffs, message.isWhole);
      break;
    case 'driverAsked':
      driverDoor.hear(message);
      break;
    case 'used':
      gateway.hearUse(message.gateway, message.uses);
      break;
    case 'metrics':
      metricsAsked.hear(message.seq, message.text);
      break;
    case 'replied':
      posted.hear(message.seq, message.reply);
      break;
  }
}

/** The listen socket is closed first: a thread that ends with one open would take the process along. */
async function drain(gateway: Gateway) {
  await gateway.drain();
  gateway.close();
  stopWatching();
  courier.close();
  return [directory, desk, payerDesk, tariffDesk, webhooks, listings, archive];
}
