// One switch a port. Two uWebSockets.js processes would share it in silence, and each would get half the requests.

import { createServer } from 'node:net';
import type { Config } from './config.ts';
import { StartRefusal } from './start-refusal.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';

const WAIT_MS = 1_000;
const PROBE_MS = 2_000;
const NO_CLAIM = { close: () => undefined };

/**
 * Resolves once nobody listens on the port and nobody else is about to; tells whom it waits for. Port 0 becomes a free
 * one. The claim holds until the process ends.
 */
export async function claimPort(config: Config, logger: Logger): Promise<number> {
  if (config.port === 0) return (await freePort(config.host, 0)) ?? 0;
  for (let told = ''; ; ) {
    const claim = await claimName(config.host, config.port);
    const port = claim === null ? null : await freePort(config.host, config.port);
    if (port !== null) return port;
    claim?.close();
    const whom = await whoListens(config, claim === null);
    if (whom !== told) logger.warn({ what: 'port.taken', port: config.port, whom }, 'port.taken');
    told = whom;
    await new Promise<void>((done) => systemClock.after(WAIT_MS, done));
  }
}

/**
 * Between the look at the port and the listening lies a whole start, and two may begin at one moment: so the port has a
 * name that one process at a time can hold, a socket in Linux's abstract namespace, which ends with the process. Null:
 * another holds it. Other systems have no such names: there the look alone decides.
 */
function claimName(host: string, port: number): Promise<{ close(): void } | null> {
  if (process.platform !== 'linux') return Promise.resolve(NO_CLAIM);
  return new Promise((done, failed) => {
    const claim = createServer((stranger) => stranger.destroy());
    claim.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') done(null);
      else failed(new StartRefusal(`cannot claim ${host}:${port}: ${error.message}`));
    });
    claim.listen(`\0qrswitch ${host}:${port}`, () => {
      claim.unref();
      done(claim);
    });
  });
}

/** The port if nobody listens on it. */
function freePort(host: string, port: number): Promise<number | null> {
  return new Promise((done, failed) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') done(null);
      else failed(new StartRefusal(`cannot listen on ${host}:${port}: ${error.message}`));
    });
    probe.listen({ host, port, exclusive: true }, () => {
      const address = probe.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      probe.close(() => done(bound));
    });
  });
}
async function whoListens(config: Config, isClaimed: boolean): Promise<string> {
  try {
    const url = `http://${config.host === '0.0.0.0' ? '127.0.0.1' : config.host}:${config.port}/readyz`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) });
    const body: unknown = await answer.json();
    const node =
      typeof body === 'object' && body !== null && 'node' in body ? body.node : undefined;
    return typeof node === 'string' ? `the switch ${node}` : 'another program';
  } catch {
    return isClaimed ? 'a switch that is starting' : 'another program';
  }
}
