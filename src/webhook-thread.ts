// The whole program of the sender of webhooks: links to the workers in front, receivers behind. It has a thread of its
// own, so that what is slow or dies there harms no gateway.

import { randomUUID } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { must } from './domain/assert.ts';
import { deliveryWays } from './drivers/delivery-ways.ts';
import { makeQrCodes } from './drivers/qr/codes.ts';
import { openCourier } from './drivers/webhook/courier.ts';
import { makeWebhooks } from './drivers/webhook/driver.ts';
import { DataKeys } from './persistence/data-keys.ts';
import { PostgresListings } from './persistence/history/postgres-listings.ts';
import { PostgresWebhookBook } from './persistence/webhook-book.ts';
import { PluginDoor } from './plugin-door.ts';
import { makePresenter } from './protocols/presenter.ts';
import { GatewayLink } from './protocols/shard/gateway-link.ts';
import { Deliverer } from './protocols/webhooks/deliverer.ts';
import { WEBHOOK_LIMITS, webhookPace } from './protocols/webhooks/options.ts';
import { systemClock } from './system-clock.ts';
import { openLog } from './telemetry/log.ts';
import { openMetrics } from './telemetry/metrics.ts';
import type { FromWebhookThread, ToWebhookThread, WebhookTask } from './threads.ts';

const CLOSE_MS = 6_000;

const main = must(parentPort, 'the main thread');
const { setting, drivers } = workerData as WebhookTask;
const { config, databaseUrl, publicBaseUrl } = setting;
const logger = openLog({ level: config.logLevel, node: config.nodeName, thread: 'webhooks' });
const metrics = openMetrics('webhooks');
const presenter = makePresenter({
  publicBaseUrl,
  codes: makeQrCodes({ publicBaseUrl, key: Buffer.from(setting.qrKey, 'base64url') }),
});
const door = new GatewayLink({
  shards: config.shards,
  workers: config.workers,
  clock: systemClock,
  presenter,
});
const book = new PostgresWebhookBook({
  url: databaseUrl,
  dataKeys: new DataKeys(config.dataKeys, setting.dataKey),
});
const listings = new PostgresListings({ url: databaseUrl, logger });
const courier = openCourier(config.webhookAllow);
const plugins = new PluginDoor((message) => say(message));
const ways = deliveryWays({
  webhooks: makeWebhooks(courier, systemClock),
  loaded: drivers.ways,
  ask: (way, call, args) => plugins.ask({ kind: way.kind, name: way.name, call, args }),
});
const deliverer = new Deliverer({
  door,
  listings,
  presenter,
  clock: systemClock,
  book,
  ways,
  log: logger,
  metrics: {
    delivered: (outcome, durationMs) => metrics.webhookSent(outcome, durationMs / 1_000),
    died: (count) => metrics.webhooksDied(count),
  },
  limits: { ...WEBHOOK_LIMITS, pace: webhookPace(config.webhookFirstRetryMs) },
  newRequestId: randomUUID,
  chance: Math.random,
});

function say(message: FromWebhookThread): void {
  main.postMessage(message);
}

// Told from the beginning: a rise from nothing to 1 is none to whoever asks for the increase.
metrics.webhooksDied(0);
metrics.watchWebhooks(() => deliverer.stats());
main.on('message', (message: ToWebhookThread) => {
  switch (message.type) {
    case 'worker':
      door.attach(message.index, message.port);
      break;
    case 'shards':
      deliverer.serve(message.shards);
      break;
    case 'look':
      deliverer.look();
      break;
    case 'driverAsked':
      plugins.hear(message);
      break;
    case 'tell':
      say({ type: 'told', seq: message.seq, snapshot: metrics.snapshot() });
      break;
    case 'drain':
      void drain();
      break;
  }
});
deliverer.start();
say({ type: 'begun' });

async function drain(): Promise<void> {
  await deliverer.drain(config.drainSeconds * 1_000);
  courier.close();
  door.close();
  const closed = Promise.allSettled([book.close(), listings.close()]);
  await Promise.race([closed, new Promise<void>((late) => systemClock.after(CLOSE_MS, late))]);
  metrics.close();
  main.close();
  process.exit(0);
}
