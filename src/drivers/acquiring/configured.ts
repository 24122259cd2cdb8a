// The file that says which acquirers there are, and the driver of each. Secrets stand in that file alone: nothing of its
// text is ever told.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { Clock } from '../../switch/ports.ts';
import { ANSWER_MS, type BillDriver, type BillDriverModule } from '../contract/bill-driver.ts';
import { DriverRefused, moduleOf, openDriver } from '../contract/open-driver.ts';
import { hostDriver } from '../host/host-driver.ts';
import type { Asked } from '../host/hosted-process.ts';
import { driver as sber } from '../sber/driver.ts';
import { driver as tbank } from '../tbank/driver.ts';

const ids = Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }));

const entry = Type.Object(
  {
    /** What a bill's `acquirer` names. */
    name: Type.String({ pattern: '^[a-z0-9-]{1,32}$' }),
    institution: Type.String({ minLength: 1 }),
    merchants: ids,
    terminals: ids,
    /** `tbank`, `sber`, a package, or a file beside this one. */
    driver: Type.String({ minLength: 1, maxLength: 500 }),
    /** Which driver of the package, where it has more than one of kind `bill`. */
    driverName: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,32}$' })),
    settings: Type.Unknown(),
    notificationToken: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{16,64}$' })),
    callsPerSecond: Type.Number({ minimum: 0.1, maximum: 10_000, default: 20 }),
    callsAtOnce: Type.Integer({ minimum: 1, maximum: 1_000, default: 8 }),
  },
  { additionalProperties: false },
);

const file = Type.Object({ acquirers: Type.Array(entry) }, { additionalProperties: false });

export type AcquirerEntry = Static<typeof entry>;

/** What the file says, secrets included: for the thread that makes the calls alone. */
export interface AcquirerFile {
  readonly entries: readonly AcquirerEntry[];
  readonly folder: string;
}

const BUNDLED: ReadonlyMap<string, BillDriverModule> = new Map([
  ['tbank', tbank],
  ['sber', sber],
]);
const FLAWS_MAX = 10;
/** Of a driver of other people's. */
const MEMORY_MB = 128;

/** Reads the file's text; throws DriverRefused with what is wrong where, and nothing of what it says. */
export function readAcquirers(text: string): AcquirerEntry[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new DriverRefused('the file is not JSON');
  }
  const filled = Value.Default(file, content);
  if (!Value.Check(file, filled)) {
    const flaws = [...Value.Errors(file, filled)].map(
      ({ path, message }) => `${path === '' ? 'the file' : path.slice(1)}: ${message}`,
    );
    throw new DriverRefused([...new Set(flaws)].slice(0, FLAWS_MAX).join('; '));
  }
  const { acquirers } = filled;
  refuseRepeats(
    acquirers.map(({ name }) => name),
    'name',
  );
  refuseRepeats(
    acquirers.flatMap(({ notificationToken }) => notificationToken ?? []),
    'notificationToken',
  );
  return acquirers;
}

function refuseRepeats(values: readonly string[], member: string): void {
  const at = values.findIndex((value, index) => values.indexOf(value) !== index);
  if (at >= 0) throw new DriverRefused(`acquirers/${at}/${member}: another one has it too`);
}

/** What a driver is opened with. */
export interface Opening {
  /** The folder of the file: a driver's path counts from there. */
  readonly folder: string;
  /** The program of a driver's own process, built. */
  readonly program: URL;
  readonly clock: Pick<Clock, 'wall' | 'after'>;
  /** Told of what goes wrong in such a process. */
  readonly report: (acquirer: string, what: string) => void;
  /** Told of each end of such a process that nobody asked for. */
  readonly ended: (acquirer: string) => void;
  /** Told of what came of each call of one. */
  readonly asked: (acquirer: string, is: Asked['is']) => void;
}

/** Whether a driver comes with the switch, and so has no process of its own. */
export function isBundled(driver: string): boolean {
  return BUNDLED.has(driver);
}

/** The driver with its settings; one that does not come with the switch lives in a process of its own. */
export async function openAcquirer(
  { name, driver, driverName, settings, callsAtOnce }: AcquirerEntry,
  { folder, program, clock, report, ended, asked }: Opening,
): Promise<BillDriver> {
  try {
    const wanted = { kind: 'bill', name: driverName ?? null } as const;
    const bundled = BUNDLED.get(driver);
    if (bundled !== undefined) {
      return openDriver(moduleOf(wanted, { driver: bundled }), settings, { clock });
    }
    const isPath = driver.startsWith('.') || driver.startsWith('/');
    return await hostDriver({
      name: wanted.name,
      specifier: isPath ? pathToFileURL(resolve(folder, driver)).href : driver,
      settings,
      program,
      clock,
      callMs: ANSWER_MS,
      callsMax: 4 * callsAtOnce,
      memoryMb: MEMORY_MB,
      report: (what) => report(name, what),
      onEnded: () => ended(name),
      onAsked: (is) => asked(name, is),
    });
  } catch (error) {
    throw new DriverRefused(`acquirer ${name}: ${(error as Error).message}`, { cause: error });
  }
}
