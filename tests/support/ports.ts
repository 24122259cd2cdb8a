// Ports for the servers that tests start, and start again on the same one.

import { createServer } from 'node:net';

/** Below the ports that systems give to whoever connects: while a server is down, no client may come to sit on its port. */
const FIRST = 20_000;
const COUNT = 12_000;
/** Far from where the process before and the one beside begin. */
let next = (process.pid * 101) % COUNT;

/** A port of 127.0.0.1 on which nobody listens, and which no other test process is given while this one runs. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if ((await hasClaimed(port)) && (await isFree(port))) return port;
  }
}

/** Between the choice and the listening lies a whole start. In Linux's abstract namespace a name ends with its process. */
function hasClaimed(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(true);
  return canListen({ path: `\0qrswitch test port ${port}` }, { isKept: true });
}

function isFree(port: number): Promise<boolean> {
  return canListen({ host: '127.0.0.1', port, exclusive: true }, { isKept: false });
}

function canListen(
  at: { path: string } | { host: string; port: number; exclusive: boolean },
  { isKept }: { isKept: boolean },
): Promise<boolean> {
  return new Promise((told) => {
    const server = createServer((stranger) => stranger.destroy());
    server.once('error', () => told(false));
    server.listen(at, () => {
      server.unref();
      if (isKept) told(true);
      else server.close(() => told(true));
    });
  });
}
