// Preloaded into every thread of a switch under test (`--import`): a thread of the kind that a file names dies in the way
// that the file says. Nothing of it is in the product.

import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, workerData } from 'node:worker_threads';

const POLL_MS = 5;
const folder = process.env.DEADLY_FOLDER;

if (!isMainThread && folder !== undefined) {
  const kind = typeof workerData?.port === 'number' ? 'gateway' : 'worker';
  for (const way of ['throw', 'exit', 'memory']) {
    const order = join(folder, `${kind}-${way}`);
    setInterval(() => {
      if (existsSync(order) && isMine(order)) die(way);
    }, POLL_MS).unref();
  }
}

/** The thread that renames the order is the one that it is for. */
function isMine(order) {
  try {
    renameSync(order, `${order}-taken`);
    return true;
  } catch {
    return false;
  }
}

function die(way) {
  if (way === 'throw') throw new Error('killed by the test');
  if (way === 'exit') process.exit(3);
  const hoard = [];
  for (;;) hoard.push(new Array(100_000).fill(hoard.length));
}
