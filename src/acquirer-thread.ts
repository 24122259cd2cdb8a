// The whole program of whoever makes the calls to acquirers: links to the workers in front, banks behind. It has a thread
// of its own, so that what is slow there harms no gateway and no shard.

import { randomUUID } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { openingOf } from './acquirers.ts';
import { must } from './domain/assert.ts';
import { type AcquirerEntry, isBundled, openAcquirer } from './drivers/acquiring/configured.ts';
import { AcquirerDesk, type Served } from './drivers/acquiring/desk.ts';
import { Openings } from './drivers/acquiring/openings.ts';
import type { BillDriver } from './drivers/contract/bill-driver.ts';
import { AcquirerRefs } from './persistence/acquirer-refs.ts';
import { OpenAtAcquirers } from './persistence/open-at-acquirers.ts';
import type { AcquirerReply } from './switch/acquirers.ts';
import { systemClock } from './system-clock.ts';
import { openServingThread } from './thread-service.ts';
import type { AcquirerTask, FromAcquirerThread, ToAcquirerThread } from './threads.ts';

const { setting, file } = workerData as AcquirerTask;
const { logger, metrics, door, say, serve } = openServingThread<
  ToAcquirerThread,
  FromAcquirerThread
>('acquirers', setting);
const drivers = new Map(file.entries.map(({ name, driver }) => [name, driver]));
const open = new OpenAtAcquirers({ url: setting.databaseUrl, logger });
const refs = new AcquirerRefs({ url: setting.databaseUrl, logger });
const desk = new AcquirerDesk({
  door,
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
  claimRef: (...claim) => refs.claim(...claim),
  info: (what, fields) => logger.info({ what, ...fields }, what),
  warn: (what, fields) => logger.warn({ what, ...fields }, what),
  error: (what, fields) => logger.error({ what, ...fields }, what),
});

const openings = new Openings({
  clock: systemClock,
  open: (entry) =>
    openAcquirer(entry, openingOf(file, logger, metrics.driverEnded, metrics.driverAsked)),
  opened: (entry, driver) => {
    if (!isBundled(entry.driver)) metrics.driverLoaded(entry.name);
    desk.serve(servedOf(entry, driver));
  },
  failed: ({ name: acquirer }, error, againMs) => {
    const why = error instanceof Error ? error.message : String(error);
    logger.error({ what: 'acquirer.notOpened', acquirer, why, againMs }, 'acquirer.notOpened');
  },
});

function servedOf(entry: AcquirerEntry, driver: BillDriver): Served {
  const known = must(
    setting.acquirers.find(({ at }) => at.name === entry.name),
    `what is known of ${entry.name}`,
  );
  const { at, notificationToken } = known;
  const { callsPerSecond, callsAtOnce } = entry;
  return { at, driver, notificationToken, callsPerSecond, callsAtOnce };
}

/** Its driver is not open yet: who posted it does so again. */
const NOT_OPEN: AcquirerReply = { status: 503, headers: {}, body: '' };

metrics.watchAcquirers(() => desk.stats());
serve({
  hear: ({ seq, token, posted }) => {
    void desk.notified(token, posted).then((answer) => {
      say({ type: 'replied', seq, reply: answer ?? NOT_OPEN });
    });
  },
  drain: async () => {
    openings.stop();
    await desk.stop();
    return [open, refs];
  },
});
desk.start();
for (const entry of file.entries) openings.begin(entry);
say({ type: 'begun' });
