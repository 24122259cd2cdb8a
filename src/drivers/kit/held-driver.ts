// A driver as the switch hears it, from the other side of a thread: what goes over is a copy, and an answer that has not the
// shape of the contract is none.

import type { DriverKind } from '../contract/driver-module.ts';
import { billShapes } from '../host/bill-shapes.ts';
import { deliveryShapes } from '../host/delivery-shapes.ts';
import type { KindShapes } from '../host/kind-shapes.ts';
import { qrShapes } from '../host/qr-shapes.ts';
import { CheckFailed } from './check.ts';

const SHAPES: Readonly<Record<DriverKind, KindShapes>> = {
  bill: billShapes,
  qr: qrShapes,
  terminal: deliveryShapes,
  paychannel: deliveryShapes,
};
const SHOWN_MAX = 200;

type Called = (...args: readonly unknown[]) => unknown;

/** Throws CheckFailed where its capabilities are none, and with each answer that is none. */
export function heldDriver<Driver extends { readonly capabilities: unknown }>(
  kind: DriverKind,
  driver: Driver,
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
      if (typeof method !== 'function' || name === 'close') return bound(method, driver);
      return async (...args: readonly unknown[]) => {
        const given = await (method as Called).apply(driver, structuredClone(args) as unknown[]);
        const answer = copied(given, `its answer to ${String(name)}`);
        if (shapes.isAnswer(String(name), answer)) return answer;
        const what = `its answer to ${String(name)} has not the shape of the contract`;
        throw new CheckFailed(`${what}: ${shown(answer)}`);
      };
    },
  });
}

function bound(member: unknown, driver: unknown): unknown {
  return typeof member === 'function' ? member.bind(driver) : member;
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
