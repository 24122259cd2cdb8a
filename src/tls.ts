// The thread of the TLS front, begun again where it ends before its time.

import { Worker } from 'node:worker_threads';
import { StartRefusal } from './start-refusal.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';
import type { FromTlsThread, Setting, TlsTask } from './threads.ts';

const RESTART_MS = 250;

export interface TlsThread {
  stop(): Promise<void>;
}

/** Resolves once it listens; does nothing where no port is set. */
export async function startTls(options: {
  setting: Setting;
  gatewayPort: number;
  logger: Logger;
}): Promise<TlsThread> {
  const { setting, gatewayPort, logger } = options;
  let thread: Worker | null = null;
  let isStopping = false;
  const begin = (): Promise<void> => {
    const task: TlsTask = { setting, gatewayPort };
    const begun = new Worker(new URL('./tls-thread.js', import.meta.url), { workerData: task });
    thread = begun;
    return new Promise((listening, failed) => {
      let hasBegun = false;
      const ended = (reason: string): void => {
        if (!hasBegun || isStopping) return;
        logger.error({ what: 'tls.ended', reason }, 'tls.ended');
        systemClock.after(RESTART_MS, again);
      };
      begun.on('message', (message: FromTlsThread) => {
        hasBegun = message.type === 'listening';
        if (message.type === 'listening') listening();
        else failed(new StartRefusal(`TLS cannot be served: ${message.reason}`));
      });
      begun.once('error', failed);
      begun.once('exit', (code) => ended(`it ended with ${code}`));
    });
  };
  const again = (): void => {
    if (isStopping) return;
    begin().catch((error: unknown) => {
      logger.error({ what: 'tls.failed', err: error }, 'tls.failed');
      void thread?.terminate();
      systemClock.after(RESTART_MS, again);
    });
  };
  if (setting.config.tlsPort !== null) await begin();
  return {
    async stop() {
      isStopping = true;
      await thread?.terminate();
    },
  };
}
