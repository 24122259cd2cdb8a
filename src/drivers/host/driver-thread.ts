// The thread of one driver: imports its package, makes it, and passes calls to it and answers back.

import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../../domain/assert.ts';
import type { BillDriver, DriverClock } from '../contract/bill-driver.ts';
import { asDriverModule, openDriver } from '../contract/open-driver.ts';
import { type FromThread, PING, type ThreadData, type ToThread } from './messages.ts';

const port = must(parentPort, 'the port of a thread');
const { specifier, settings } = workerData as ThreadData;

const clock: DriverClock = {
  wall: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

function say(message: FromThread): void {
  port.postMessage(message);
}

async function answer(driver: BillDriver, { no, call, args }: ToThread): Promise<void> {
  try {
    const method = driver[call] as (...given: readonly unknown[]) => Promise<unknown>;
    say({ type: 'answer', no, answer: await method.apply(driver, [...args]) });
  } catch (error) {
    say({ type: 'threw', no, why: String(error) });
  }
}

try {
  const exported: unknown = await import(specifier);
  const driver = openDriver(asDriverModule(exported), settings, { clock });
  port.on('message', (message: ToThread | typeof PING) => {
    if (message === PING) say({ type: 'pong' });
    else void answer(driver, message);
  });
  say({ type: 'ready', capabilities: driver.capabilities });
} catch (error) {
  say({ type: 'refused', why: error instanceof Error ? error.message : String(error) });
}
