// A driver as the switch hears it, from the other side of a thread: what goes over is a copy, and an answer that has not the
// shape of the contract is none.

import type { DriverKind, DriverModule } from '../contract/driver-module.ts';
import { openDriver } from '../contract/open-driver.ts';
import { billShapes } from '../host/bill-shapes.ts';
import { deliveryShapes } from '../host/delivery-shapes.ts';
import type { KindShapes } from '../host/kind-shapes.ts';
import { qrShapes } from '../host/qr-shapes.ts';
import type { Calls } from './calls.ts';
import { CheckFailed } from './check.ts';

const SHAPES: Readonly<Record<DriverKind, KindShapes>> = {
  bill: billShapes,
  qr: qrShapes,
  terminal: deliveryShapes,
  paychannel: deliveryShapes,
};
const SHOWN_MAX = 200;

type Called = (...args: readonly unknown[]) => unknown;

/** Made of its module, with settings that fit. Throws CheckFailed where its capabilities are none, and with each answer that is. */
export function openHeld<Driver extends { readonly capabilities: unknown }, Around>(
  module: DriverModule<Driver, Around>,
  {
    settings,
    surroundings,
    calls,
  }: { readonly settings: unknown; readonly surroundings: Around; readonly calls: Calls },
): Driver {
  const made = calls.begin('make');
  try {
    const driver = openDriver(module, settings, surroundings);
    return heldDriver(module.kind, driver, calls);
  } finally {
    made();
  }
}

function heldDriver<Driver extends { readonly capabilities: unknown }>(
  kind: DriverKind,
  driver: Driver,
  calls: Calls,
): Driver {
  const shapes = SHAPES[kind];
  const capabilities = copied(driver.capabilities, 'its capabilities');
  if (!shapes.areCapabilities(capabilities)) {
    throw new CheckFailed(
      `its capabilities have not the shape of the contract: ${shown(capabilities)}`,
    );
  }
  return new Proxy(driver, {
    get(_driver, name) {
      if (name === 'capabilities') return capabilities;
      const method = driver[name as keyof Driver];
      if (typeof method !== 'function') return method;
      const call = String(name);
      return async (...args: readonly unknown[]) => {
        const given = await calledIn(calls, call, () =>
          (method as Called).apply(driver, structuredClone(args) as unknown[]),
        );
        if (call === 'close') return undefined;
        const answer = copied(given, `its answer to ${call}`);
        if (shapes.isAnswer(call, answer)) return answer;
        const what = `its answer to ${call} has not the shape of the contract`;
        throw new CheckFailed(`${what}: ${shown(answer)}`);
      };
    },
  });
}

async function calledIn(calls: Calls, call: string, make: () => unknown): Promise<unknown> {
  const ended = calls.begin(call);
  try {
    return await make();
  } finally {
    ended();
  }
}

function copied(value: unknown, what: string): unknown {
  try {
    return structuredClone(value);
  } catch (error) {
    throw new CheckFailed(`${what} cannot be passed on: ${(error as Error).message}`);
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
