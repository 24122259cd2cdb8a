// The whole program of whoever makes the calls to acquirers: links to the workers in front, banks behind. It has a thread
// of its own, so that what is slow there harms no gateway and no shard.

import { randomUUID } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { openingOf } from './acquirers.ts';
import { must } from './domain/assert.ts';
import { openAcquirer } from './drivers/acquiring/configured.ts';
import { AcquirerDesk, type Served } from './drivers/acquiring/desk.ts';
import { makeQrCodes } from './drivers/qr/codes.ts';
import { makePresenter } from './protocols/presenter.ts';
import { GatewayLink } from './protocols/shard/gateway-link.ts';
import type { PostedToAcquirer } from './switch/acquirers.ts';
import { systemClock } from './system-clock.ts';
import { openLog } from './telemetry/log.ts';
import { openMetrics } from './telemetry/metrics.ts';
import type { AcquirerTask, FromAcquirerThread, ToAcquirerThread } from './threads.ts';

const main = must(parentPort, 'the main thread');
const { setting, file } = workerData as AcquirerTask;
const { config, publicBaseUrl } = setting;
const logger = openLog({ level: config.logLevel, node: config.nodeName, thread: 'acquirers' });
const metrics = openMetrics('acquirers');
const door = new GatewayLink({
  shards: config.shards,
  workers: config.workers,
  clock: systemClock,
  presenter: makePresenter({
    publicBaseUrl,
    codes: makeQrCodes({ publicBaseUrl, key: Buffer.from(setting.qrKey, 'base64url') }),
  }),
});
const opening = openingOf(file, logger);
const served = await Promise.all(
  file.entries.map(async (entry): Promise<Served> => {
    const known = must(
      setting.acquirers.find(({ at }) => at.name === entry.name),
      `what is known of ${entry.name}`,
    );
    const { callsPerSecond, callsAtOnce } = entry;
    const driver = await openAcquirer(entry, opening);
    const { at, notificationToken } = known;
    return { at, driver, notificationToken, callsPerSecond, callsAtOnce };
  }),
);
const desk = new AcquirerDesk({
  door,
  served,
  clock: systemClock,
  newRequestId: randomUUID,
  called: (acquirer, call, outcome) =>
    logger.debug({ what: 'acquirer.called', acquirer, call, outcome }, 'acquirer.called'),
  warn: (what, fields) => logger.warn({ what, ...fields }, what),
});

function say(message: FromAcquirerThread): void {
  main.postMessage(message);
}

main.on('message', (message: ToAcquirerThread) => {
  switch (message.type) {
    case 'worker':
      door.attach(message.index, message.port);
      break;
    case 'posted':
      void reply(message.seq, message.token, message.posted);
      break;
    case 'tell':
      say({ type: 'told', seq: message.seq, snapshot: metrics.snapshot() });
      break;
    case 'drain':
      void drain();
      break;
  }
});
desk.start();
say({ type: 'begun' });

async function reply(seq: number, token: string, posted: PostedToAcquirer): Promise<void> {
  const answer = await desk.notified(token, posted);
  say({ type: 'replied', seq, reply: answer ?? null });
}

async function drain(): Promise<void> {
  await desk.stop();
  door.close();
  metrics.close();
  main.close();
  process.exit(0);
}
