// The TLS front in a thread of its own: handshakes cost a millisecond each, and the gateways have better to do.

import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { must } from './domain/assert.ts';
import { GATEWAY_LIMITS } from './protocols/gateway/options.ts';
import { startTlsFront, type TlsFiles, type TlsFront } from './protocols/tls/tls-front.ts';
import { systemClock } from './system-clock.ts';
import { openLog } from './telemetry/log.ts';
import type { FromTlsThread, TlsTask } from './threads.ts';

/** How soon renewed files are taken. */
const LOOK_MS = 10_000;

const main = must(parentPort, 'the main thread');
const { setting, gatewayPort } = workerData as TlsTask;
const { config } = setting;
const logger = openLog({ level: config.logLevel, node: config.nodeName, thread: 'tls' });
const say = (message: FromTlsThread): void => main.postMessage(message);

function readFiles(): TlsFiles {
  const read = (path: string): string => readFileSync(path, 'utf8');
  return {
    certificate: read(config.tlsCertificateFile ?? ''),
    key: read(config.tlsKeyFile ?? ''),
    clientAuthority: config.tlsClientCaFile === null ? null : read(config.tlsClientCaFile),
  };
}

/** Where the gateways listen, from this machine. */
function gatewayHost(): string {
  if (config.host === '0.0.0.0') return '127.0.0.1';
  return config.host === '::' ? '::1' : config.host;
}

/** Takes the files anew when they have changed; goes on with those of before where the new ones are no good. */
function watchFiles(front: TlsFront, files: TlsFiles): void {
  let known = JSON.stringify(files);
  const look = (): void => {
    try {
      const newer = readFiles();
      if (JSON.stringify(newer) !== known) {
        known = JSON.stringify(newer);
        front.renew(newer);
        logger.info({ what: 'tls.renewed' }, 'tls.renewed');
      }
    } catch (error) {
      logger.warn({ what: 'tls.unfit', err: error }, 'tls.unfit');
    }
    systemClock.after(LOOK_MS, look);
  };
  systemClock.after(LOOK_MS, look);
}

try {
  const files = readFiles();
  const front = await startTlsFront({
    host: config.host,
    port: config.tlsPort ?? 0,
    gateway: { host: gatewayHost(), port: gatewayPort },
    token: setting.certificateToken,
    files,
    connectionsMax: GATEWAY_LIMITS.sockets,
    clock: systemClock,
    onDebug: (error, message) => logger.debug({ err: error }, message),
  });
  watchFiles(front, files);
  logger.info({ what: 'tls.listening', port: front.port }, 'tls.listening');
  say({ type: 'listening', port: front.port });
} catch (error) {
  say({ type: 'failed', reason: error instanceof Error ? error.message : String(error) });
}
