// The process of one driver: imports its package, makes it, and passes calls to it and answers back. It ends with whoever
// has begun it, whatever the driver does (driver-watch.ts).

import { must } from '../../domain/assert.ts';
import type { DeliveryDriver } from '../contract/delivery-driver.ts';
import type { DriverClock } from '../contract/driver-module.ts';
import { fitTo, moduleOf, openDriver } from '../contract/open-driver.ts';
import { makeTagger } from '../qr/tag.ts';
import { watched } from './held-process.ts';
import { CLOSE, type DriverTask, type FromProcess, PING, type ToProcess } from './messages.ts';

const clock: DriverClock = {
  wall: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

function say(message: FromProcess, said: () => void = () => undefined): void {
  process.send?.(message, undefined, undefined, said);
}

/** What of it may be called, by name; `capabilities` is told once. */
interface Opened {
  readonly capabilities: unknown;
  readonly close?: () => unknown;
  readonly [call: string]: unknown;
}

async function answer(driver: Opened, { no, call, args }: ToProcess): Promise<void> {
  try {
    const method = driver[call] as (...given: readonly unknown[]) => unknown;
    say({ type: 'answer', no, answer: await method.apply(driver, [...args]) });
  } catch (error) {
    say({ type: 'threw', no, why: String(error) });
  }
}

function opened(
  { kind, name: asked, settings, tagKey }: DriverTask,
  exported: unknown,
): { readonly name: string; readonly driver: Opened } {
  const module = moduleOf({ kind, name: asked }, exported);
  const { name } = module;
  const surroundings =
    module.kind === 'qr'
      ? { clock, tag: makeTagger(Buffer.from(must(tagKey, 'a key of tags'), 'base64url'), name) }
      : { clock };
  const driver = openDriver<unknown, typeof surroundings>(module, settings, surroundings) as Opened;
  if (!('endpoint' in module)) return { name, driver };
  const { prove, deliver, capabilities, close } = driver as unknown as DeliveryDriver;
  const fitted: Opened = {
    capabilities,
    prove: prove.bind(driver),
    deliver: deliver.bind(driver),
    close: close?.bind(driver),
    checkEndpoint: (given: unknown) => fitTo(module.endpoint, given),
  };
  return { name, driver: fitted };
}

async function end(driver: Opened): Promise<void> {
  try {
    await driver.close?.();
  } finally {
    process.exit(0);
  }
}

async function begin(task: DriverTask): Promise<void> {
  try {
    await watched();
    const { name, driver } = opened(task, await import(task.specifier));
    process.on('message', (message: ToProcess | typeof PING | typeof CLOSE) => {
      if (message === PING) say({ type: 'pong' });
      else if (message === CLOSE) void end(driver);
      else void answer(driver, message);
    });
    say({ type: 'ready', name, capabilities: driver.capabilities });
  } catch (error) {
    say({ type: 'refused', why: error instanceof Error ? error.message : String(error) });
  }
}

// Told to all of a process's group: when this one ends is its host's matter, which still asks it things.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('uncaughtException', (error) => {
  say({ type: 'fell', why: String(error) }, () => process.exit(1));
});
process.once('message', (task: DriverTask) => void begin(task));
