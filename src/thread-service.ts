// What every thread beside the workers has that serves somebody: its log and metrics, links to the workers, and the other
// end of what main says to it. Its program adds whom it serves.

import { parentPort } from 'node:worker_threads';
import { must } from './domain/assert.ts';
import { makeQrCodes } from './drivers/qr/codes.ts';
import { makePresenter } from './protocols/presenter.ts';
import { GatewayLink } from './protocols/shard/gateway-link.ts';
import type { IntakeLimits } from './protocols/shard/intake.ts';
import type { Crowd } from './switch/crowd.ts';
import { systemClock } from './system-clock.ts';
import { openLog } from './telemetry/log.ts';
import { openMetrics } from './telemetry/metrics.ts';
import type { FromAnyThread, Setting, ToAnyThread } from './threads.ts';

/** How long pools may take to close at the end; main leaves a thread that takes longer (stopping.ts). */
const CLOSE_MS = 3_000;

interface Closing {
  close(): Promise<unknown>;
}

interface Serves<To> {
  /** What main says to this kind of thread alone. */
  hear(message: Exclude<To, ToAnyThread>): void;
  /** Takes nothing new and ends what is under way; resolves with the stores that are to be closed then. */
  drain(): Promise<readonly Closing[]>;
}

/** Opens it in the thread that calls; `serve` begins to listen to main, which speaks once it has been spoken to. */
export function openServingThread<To extends { readonly type: string }, From>(
  thread: string,
  setting: Setting,
  of: { readonly limits?: IntakeLimits; readonly crowd?: Crowd } = {},
) {
  const main = must(parentPort, 'the main thread');
  const { config, publicBaseUrl } = setting;
  const logger = openLog({ level: config.logLevel, node: config.nodeName, thread });
  const metrics = openMetrics(thread);
  const codes = makeQrCodes({ publicBaseUrl, key: Buffer.from(setting.qrKey, 'base64url') });
  const presenter = makePresenter({ publicBaseUrl, codes });
  const door = new GatewayLink({
    shards: config.shards,
    workers: config.workers,
    clock: systemClock,
    presenter,
    ...of,
  });

  function say(message: From | FromAnyThread): void {
    main.postMessage(message);
  }

  function serve({ hear, drain }: Serves<To>): void {
    main.on('message', (message: ToAnyThread | Exclude<To, ToAnyThread>) => {
      if (isOwn(message)) {
        hear(message);
      } else if (message.type === 'worker') {
        door.attach(message.index, message.port);
      } else if (message.type === 'tell') {
        say({ type: 'told', seq: message.seq, snapshot: metrics.snapshot() });
      } else {
        void end(drain);
      }
    });
  }

  async function end(drain: Serves<To>['drain']): Promise<void> {
    const stores = await drain();
    door.close();
    // A pool that lost its connections while Postgres was out of reach may never close, or go on connecting for ever:
    // neither may keep a switch from ending.
    const closed = Promise.allSettled(stores.map((store) => store.close()));
    await Promise.race([closed, new Promise<void>((late) => systemClock.after(CLOSE_MS, late))]);
    metrics.close();
    main.close();
    process.exit(0);
  }

  return { logger, metrics, codes, presenter, door, say, serve };
}

const OF_ANY: readonly string[] = ['worker', 'tell', 'drain'] satisfies ToAnyThread['type'][];

function isOwn<To extends { readonly type: string }>(
  message: ToAnyThread | Exclude<To, ToAnyThread>,
): message is Exclude<To, ToAnyThread> {
  return !OF_ANY.includes(message.type);
}
