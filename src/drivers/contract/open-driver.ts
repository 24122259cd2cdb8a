// Makes a driver of its module: checks that it speaks this contract, that its settings fit, and that it says what it can.

import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import {
  type BillDriver,
  type BillDriverModule,
  CONTRACT_VERSION,
  type Surroundings,
} from './bill-driver.ts';

/** The settings do not fit, or the module is none; the message says which and why. */
export class DriverRefused extends Error {
  override readonly name = 'DriverRefused';
}

const NAME = /^[a-z0-9-]{1,32}$/;
const FLAWS_MAX = 10;

/** What has been imported from a package, as a module of this contract. */
export function asDriverModule(exported: unknown): BillDriverModule {
  const found = (exported as { driver?: unknown } | null)?.driver;
  if (typeof found !== 'object' || found === null) {
    throw new DriverRefused('the package exports no `driver`');
  }
  const module = found as Partial<BillDriverModule>;
  if (module.contract !== CONTRACT_VERSION) {
    throw new DriverRefused(
      `it is written for contract ${String(module.contract)}, and this is ${CONTRACT_VERSION}`,
    );
  }
  if (module.kind !== 'bill') throw new DriverRefused(`it is a driver of ${String(module.kind)}`);
  if (!NAME.test(module.name ?? '')) throw new DriverRefused('its name is not 1 to 32 of a-z0-9-');
  if (typeof module.make !== 'function') throw new DriverRefused('it has no `make`');
  if (typeof module.settings !== 'object') throw new DriverRefused('it has no schema of settings');
  return module as BillDriverModule;
}

/** The driver, with settings that fit: what is left out of them is filled in from the schema. */
export function openDriver(
  module: BillDriverModule,
  given: unknown,
  surroundings: Surroundings,
): BillDriver {
  const settings = settingsFor(module, given);
  try {
    return module.make(settings, surroundings);
  } catch (error) {
    throw new DriverRefused(`${module.name}: ${(error as Error).message}`, { cause: error });
  }
}

function settingsFor({ name, settings: schema }: BillDriverModule, given: unknown): unknown {
  const settings: unknown = Value.Default(schema, structuredClone(given));
  if (Value.Check(schema, settings)) return settings;
  const flaws = [...Value.Errors(schema, settings)]
    .slice(0, FLAWS_MAX)
    .map(({ path, message }) => `${path === '' ? 'settings' : path.slice(1)}: ${message}`);
  throw new DriverRefused(`${name}: ${[...new Set(flaws)].join('; ')}`);
}

/** Whether a schema refuses members that it does not name, as the contract asks. */
export function isClosed(schema: TSchema): boolean {
  return (schema as { additionalProperties?: unknown }).additionalProperties === false;
}
