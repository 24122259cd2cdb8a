// The operator's list of drivers to load: a JSON file that QRSWITCH_DRIVERS names.
//
//   [{ "kind": "qr", "name": "meadow", "package": "./meadow-codes.mjs", "settings": { "prefix": "MEADOW" } }]
//
// `name` is what the driver calls itself. `callMs`, how long one call of it may take, may be said, too. A path is relative to
// the file; else `package` is one that is installed beside the switch.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DriverKind } from './drivers/contract/driver-module.ts';
import { readJsonText } from './json-text.ts';
import { StartRefusal } from './start-refusal.ts';

/** What may be loaded from the list, by the places in the switch that ask it. */
const LOADED_KINDS = ['qr', 'terminal', 'paychannel'] as const satisfies readonly DriverKind[];
export type LoadedKind = (typeof LOADED_KINDS)[number];

export interface ListedDriver {
  /** As the list has it. */
  readonly package: string;
  /** What is imported. */
  readonly specifier: string;
  readonly kind: LoadedKind;
  readonly name: string;
  readonly settings: unknown;
  /** How long a call of it may take; undefined: as long as its kind's. */
  readonly callMs: number | undefined;
}

const NAME = /^[a-z0-9-]{1,32}$/;
const CALL_MIN_MS = 10;
const CALL_MAX_MS = 60_000;
const MEMBERS: readonly string[] = ['kind', 'name', 'package', 'settings', 'callMs'];
const SHAPE = `an array of { "kind": ${LOADED_KINDS.map((kind) => `"${kind}"`).join(' or ')}, "name": …, "package": …, "settings": { … }, "callMs": … }`;

/** Throws StartRefusal, which names the file and what to mend in it. */
export function readDriverList(file: string): readonly ListedDriver[] {
  const content = contentOf(file);
  if (!Array.isArray(content)) {
    throw new StartRefusal(`QRSWITCH_DRIVERS: the file ${file} must be ${SHAPE}.`);
  }
  return content.map((entry: unknown, index) => {
    const listed = listedDriver(entry, dirname(resolve(file)));
    if (listed !== undefined) return listed;
    throw new StartRefusal(
      `QRSWITCH_DRIVERS: entry ${index + 1} of ${file} is none: it must be ${SHAPE}.`,
    );
  });
}

function contentOf(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartRefusal(`QRSWITCH_DRIVERS: the file ${file} cannot be read (${why}).`);
  }
  const read = readJsonText(text);
  if ('value' in read) return read.value;
  throw new StartRefusal(`QRSWITCH_DRIVERS: the file ${file} ${read.flaw}.`);
}

function listedDriver(entry: unknown, folder: string): ListedDriver | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  if (Object.keys(entry).some((name) => !MEMBERS.includes(name))) return undefined;
  const { package: source, kind, name, settings = {}, callMs } = entry as Record<string, unknown>;
  const known = LOADED_KINDS.find((one) => one === kind);
  if (typeof source !== 'string' || source === '' || known === undefined) return undefined;
  if (typeof name !== 'string' || !NAME.test(name)) return undefined;
  if (!isCallMs(callMs)) return undefined;
  const isPath = source.startsWith('.') || source.startsWith('/');
  const specifier = isPath ? pathToFileURL(resolve(folder, source)).href : source;
  return { package: source, specifier, kind: known, name, settings, callMs };
}

function isCallMs(value: unknown): value is number | undefined {
  if (value === undefined) return true;
  return Number.isInteger(value) && Number(value) >= CALL_MIN_MS && Number(value) <= CALL_MAX_MS;
}
