// The whole program of whoever makes the calls to acquirers: links to the workers in front, banks behind. It has a thread
// of its own, so that what is slow there harms no gateway and no shard.

import { randomUUID } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { openingOf } from './acquirers.ts';
import { must } from './domain/assert.ts';
import { isBundled, openAcquirer } from './drivers/acquiring/configured.ts';
import { AcquirerDesk, type Served } from './drivers/acquiring/desk.ts';
import { OpenAtAcquirers } from './persistence/open-at-acquirers.ts';
import { systemClock } from './system-clock.ts';
import { openServingThread } from './thread-service.ts';
import type { AcquirerTask, FromAcquirerThread, ToAcquirerThread } from './threads.ts';

const { setting, file } = workerData as AcquirerTask;
const { logger, metrics, door, say, serve } = openServingThread<
  ToAcquirerThread,
  FromAcquirerThread
>('acquirers', setting);
const served = await Promise.all(
  file.entries.map(async (entry): Promise<Served> => {
    const known = must(
      setting.acquirers.find(({ at }) => at.name === entry.name),
      `what is known of ${entry.name}`,
    );
    const { callsPerSecond, callsAtOnce } = entry;
    const opening = openingOf(file, logger, () => metrics.driverEnded(entry.name));
    const driver = await openAcquirer(entry, opening);
    const { at, notificationToken } = known;
    return { at, driver, notificationToken, callsPerSecond, callsAtOnce };
  }),
);
const drivers = new Map(file.entries.map(({ name, driver }) => [name, driver]));
const open = new OpenAtAcquirers({ url: setting.databaseUrl, logger });
const desk = new AcquirerDesk({
  door,
  served,
  clock: systemClock,
  newRequestId: randomUUID,
  called: (call, tookMs) => {
    logger.debug({ what: 'acquirer.called', ...call, tookMs }, 'acquirer.called');
    metrics.acquirerCalled(
      { ...call, driver: must(drivers.get(call.acquirer), 'its driver') },
      tookMs / 1_000,
    );
  },
  openBills: (acquirer, limit) => open.youngest(acquirer, limit),
  info: (what, fields) => logger.info({ what, ...fields }, what),
  warn: (what, fields) => logger.warn({ what, ...fields }, what),
  error: (what, fields) => logger.error({ what, ...fields }, what),
});

metrics.watchAcquirers(() => desk.stats());
for (const { name, driver } of file.entries) if (!isBundled(driver)) metrics.driverLoaded(name);
serve({
  hear: ({ seq, token, posted }) => {
    void desk.notified(token, posted).then((answer) => {
      say({ type: 'replied', seq, reply: answer ?? null });
    });
  },
  drain: async () => {
    await desk.stop();
    return [open];
  },
});
desk.start();
say({ type: 'begun' });
