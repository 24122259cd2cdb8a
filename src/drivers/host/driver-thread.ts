// The thread of one driver: imports its package, makes it, and passes calls to it and answers back.

import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../../domain/assert.ts';
import type { DeliveryDriver } from '../contract/delivery-driver.ts';
import type { DriverClock } from '../contract/driver-module.ts';
import { fitTo, moduleOf, openDriver } from '../contract/open-driver.ts';
import { makeTagger } from '../qr/tag.ts';
import { type FromThread, PING, type ThreadData, type ToThread } from './messages.ts';

const port = must(parentPort, 'the port of a thread');
const { kind, specifier, settings, tagKey } = workerData as ThreadData;

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

/** What of it may be called, by name; `capabilities` is told once. */
interface Opened {
  readonly capabilities: unknown;
  readonly [call: string]: unknown;
}

async function answer(driver: Opened, { no, call, args }: ToThread): Promise<void> {
  try {
    const method = driver[call] as (...given: readonly unknown[]) => unknown;
    say({ type: 'answer', no, answer: await method.apply(driver, [...args]) });
  } catch (error) {
    say({ type: 'threw', no, why: String(error) });
  }
}

function opened(exported: unknown): { readonly name: string; readonly driver: Opened } {
  const module = moduleOf(kind, exported);
  const { name } = module;
  const surroundings =
    module.kind === 'qr'
      ? { clock, tag: makeTagger(Buffer.from(must(tagKey, 'a key of tags'), 'base64url'), name) }
      : { clock };
  const driver = openDriver<unknown, typeof surroundings>(module, settings, surroundings) as Opened;
  if (!('endpoint' in module)) return { name, driver };
  const { prove, deliver, capabilities } = driver as unknown as DeliveryDriver;
  const fitted: Opened = {
    capabilities,
    prove: prove.bind(driver),
    deliver: deliver.bind(driver),
    checkEndpoint: (given: unknown) => fitTo(module.endpoint, given),
  };
  return { name, driver: fitted };
}

try {
  const { name, driver } = opened(await import(specifier));
  port.on('message', (message: ToThread | typeof PING) => {
    if (message === PING) say({ type: 'pong' });
    else void answer(driver, message);
  });
  say({ type: 'ready', name, capabilities: driver.capabilities });
} catch (error) {
  say({ type: 'refused', why: error instanceof Error ? error.message : String(error) });
}
