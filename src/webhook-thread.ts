// The whole program of the sender of webhooks: links to the workers in front, receivers behind. It has a thread of its
// own, so that what is slow or dies there harms no gateway.

import { randomUUID } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { DriverDoor } from './driver-door.ts';
import { deliveryWays } from './drivers/delivery-ways.ts';
import { openCourier } from './drivers/webhook/courier.ts';
import { makeWebhooks } from './drivers/webhook/driver.ts';
import { DataKeys } from './persistence/data-keys.ts';
import { PostgresListings } from './persistence/history/postgres-listings.ts';
import { PostgresWebhookBook } from './persistence/webhook-book.ts';
import { Deliverer } from './protocols/webhooks/deliverer.ts';
import { WEBHOOK_LIMITS, webhookPace } from './protocols/webhooks/options.ts';
import { systemClock } from './system-clock.ts';
import { openServingThread } from './thread-service.ts';
import type { FromWebhookThread, ToWebhookThread, WebhookTask } from './threads.ts';

const { setting, drivers } = workerData as WebhookTask;
const { config, databaseUrl } = setting;
const { logger, metrics, presenter, door, say, serve } = openServingThread<
  ToWebhookThread,
  FromWebhookThread
>('webhooks', setting);
const book = new PostgresWebhookBook({
  url: databaseUrl,
  logger,
  dataKeys: new DataKeys(config.dataKeys, setting.dataKey),
});
const listings = new PostgresListings({ url: databaseUrl, logger });
const courier = openCourier(config.webhookAllow);
const driverDoor = new DriverDoor(say);
const ways = deliveryWays({
  webhooks: makeWebhooks(courier, systemClock),
  loaded: drivers.ways,
  ask: (way, call, args) => driverDoor.ask({ kind: way.kind, name: way.name, call, args }),
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

// Told from the beginning: a rise from nothing to 1 is none to whoever asks for the increase.
metrics.webhooksDied(0);
metrics.watchWebhooks(() => deliverer.stats());
serve({
  hear: (message) => {
    if (message.type === 'shards') deliverer.serve(message.shards);
    else if (message.type === 'look') deliverer.look();
    else driverDoor.hear(message);
  },
  drain: async () => {
    await deliverer.drain(config.drainSeconds * 1_000);
    courier.close();
    return [book, listings];
  },
});
deliverer.start();
say({ type: 'begun' });
