// Makes a driver of its module: checks that it speaks this contract, that its settings fit, and that it says what it can.

import type { TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { Value } from '@sinclair/typebox/value';
import type { BillDriverModule } from './bill-driver.ts';
import type { PaychannelDriverModule, TerminalDriverModule } from './delivery-driver.ts';
import { CONTRACT_VERSION, type DriverKind, type DriverModule } from './driver-module.ts';
import type { QrDriverModule } from './qr-driver.ts';

/** The settings do not fit, or the module is none; the message says which and why. */
export class DriverRefused extends Error {
  override readonly name = 'DriverRefused';
}

export type AnyModule =
  | BillDriverModule
  | QrDriverModule
  | TerminalDriverModule
  | PaychannelDriverModule;

const KINDS: readonly string[] = ['bill', 'qr', 'terminal', 'paychannel'] satisfies DriverKind[];
/** What a driver of each kind must have: it is seen when it is made, and not when it is first asked. */
const METHODS: Readonly<Record<DriverKind, readonly string[]>> = {
  bill: ['register', 'look', 'cancel', 'refund', 'readNotification', 'close'],
  qr: ['issue', 'read', 'close'],
  terminal: ['prove', 'deliver', 'close'],
  paychannel: ['prove', 'deliver', 'close'],
};
const NAME = /^[a-z0-9-]{1,32}$/;
const FLAWS_MAX = 10;

/** What has been imported from a package, as its modules of this contract: at least one. */
export function modulesIn(exported: unknown): readonly AnyModule[] {
  const found = (exported as { driver?: unknown } | null)?.driver;
  if (typeof found !== 'object' || found === null) {
    throw new DriverRefused('the package exports no `driver`');
  }
  const all: readonly unknown[] = Array.isArray(found) ? found : [found];
  if (all.length === 0) throw new DriverRefused('the package exports no `driver`');
  const modules = all.map(asModule);
  const twice = modules.find((module, at) => modules.findIndex(isSame(module)) !== at);
  if (twice === undefined) return modules;
  throw new DriverRefused(`two of its drivers are of kind ${twice.kind} and called ${twice.name}`);
}

function isSame({ kind, name }: AnyModule): (other: AnyModule) => boolean {
  return (other) => other.kind === kind && other.name === name;
}

/** The package's module of a kind and a name; null: the only one of that kind. */
export function moduleOf<Kind extends DriverKind>(
  { kind, name }: { readonly kind: Kind; readonly name: string | null },
  exported: unknown,
): Extract<AnyModule, { kind: Kind }> {
  const modules = modulesIn(exported);
  const ofKind = modules.filter((module) => module.kind === kind);
  const found = ofKind.filter((module) => name === null || module.name === name);
  const [first] = found;
  if (first !== undefined && found.length === 1) {
    return first as Extract<AnyModule, { kind: Kind }>;
  }
  const all = modules.map((module) => `${module.name} of kind ${module.kind}`).join(', ');
  const asked = name === null ? `one of kind ${kind}` : `${name} of kind ${kind}`;
  const more = found.length > 1 ? ': say which by driverName' : '';
  throw new DriverRefused(`it has the drivers ${all}, and ${asked} is asked for${more}`);
}

function asModule(found: unknown): AnyModule {
  const module = found as Partial<AnyModule>;
  if (module?.contract !== CONTRACT_VERSION) {
    throw new DriverRefused(
      `it is written for contract ${String(module?.contract)}, and this is ${CONTRACT_VERSION}`,
    );
  }
  if (!KINDS.includes(String(module.kind))) {
    throw new DriverRefused(
      `it is a driver of ${String(module.kind)}, and this contract has ${KINDS.join(', ')}`,
    );
  }
  if (!NAME.test(module.name ?? '')) throw new DriverRefused('its name is not 1 to 32 of a-z0-9-');
  if (typeof module.make !== 'function') throw new DriverRefused('it has no `make`');
  refuseNoSchema('settings', module.settings);
  if (module.kind === 'terminal' || module.kind === 'paychannel') {
    refuseNoSchema('an endpoint', (module as Partial<TerminalDriverModule>).endpoint);
  }
  return module as AnyModule;
}

function refuseNoSchema(of: string, schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) {
    throw new DriverRefused(`it has no schema of ${of}`);
  }
  try {
    TypeCompiler.Code(schema as TSchema);
  } catch (error) {
    throw new DriverRefused(`its schema of ${of} is not made with TypeBox, or not all of it is`, {
      cause: error,
    });
  }
}

/** The driver, with settings that fit: what is left out of them is filled in from the schema. */
export function openDriver<Driver, Around>(
  module: DriverModule<Driver, Around>,
  given: unknown,
  surroundings: Around,
): Driver {
  const fitted = fitTo(module.settings, given);
  if ('flaws' in fitted) throw new DriverRefused(`${module.name}: ${fitted.flaws}`);
  let driver: Driver;
  try {
    driver = module.make(fitted.value, surroundings);
  } catch (error) {
    throw new DriverRefused(`${module.name}: ${(error as Error).message}`, { cause: error });
  }
  const missing = missingOf(module.kind, driver);
  if (missing.length === 0) return driver;
  throw new DriverRefused(`${module.name}: what it makes has no ${missing.join(', no ')}`);
}

function missingOf(kind: DriverKind, driver: unknown): readonly string[] {
  const made = (driver ?? {}) as Readonly<Record<string, unknown>>;
  const missing = METHODS[kind].filter((name) => typeof made[name] !== 'function');
  return typeof made.capabilities === 'object' ? missing : ['capabilities', ...missing];
}

/** What was given with the defaults of its schema in place of what was left out; or what is wrong with it. */
export function fitTo(
  schema: TSchema,
  given: unknown,
): { readonly value: unknown } | { readonly flaws: string } {
  const value: unknown = Value.Default(schema, structuredClone(given));
  if (Value.Check(schema, value)) return { value };
  const flaws = [...Value.Errors(schema, value)]
    .slice(0, FLAWS_MAX)
    .map(({ path, message }) => `${path === '' ? 'settings' : path.slice(1)}: ${message}`);
  return { flaws: [...new Set(flaws)].join('; ') };
}

/** Whether a schema refuses members that it does not name, as the contract asks. */
export function isClosed(schema: TSchema): boolean {
  return (schema as { additionalProperties?: unknown }).additionalProperties === false;
}
