// Drivers that the operator has listed: each in a process of its own, begun before anything is served. All of the switch ask
// them through here, so that a driver runs once a node, and what it breaks is told in one place.

import { createHmac } from 'node:crypto';
import { isOwnFormat } from './domain/bill/vocabulary.ts';
import { type ListedDriver, type LoadedKind, readDriverList } from './driver-list.ts';
import type { DeliveryCapabilities } from './drivers/contract/delivery-driver.ts';
import type { QrCapabilities } from './drivers/contract/qr-driver.ts';
import type { LoadedWay } from './drivers/delivery-ways.ts';
import { deliveryShapes } from './drivers/host/delivery-shapes.ts';
import { type Asked, DriverProcess, type Ready } from './drivers/host/hosted-process.ts';
import type { KindShapes } from './drivers/host/kind-shapes.ts';
import { qrShapes } from './drivers/host/qr-shapes.ts';
import type { LoadedFormat } from './drivers/qr/hosted-formats.ts';
import { StartRefusal } from './start-refusal.ts';
import { WEBHOOK } from './switch/webhooks/ways.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';

const MEMORY_MB = 128;

/** Beside its shapes: how long a call of the kind may take, and how many there may be at once. */
interface Bounds {
  readonly shapes: KindShapes;
  readonly callMs: number;
  readonly callsMax: number;
}

const KINDS: Readonly<Record<LoadedKind, Bounds>> = {
  // A till waits for its code.
  qr: { shapes: qrShapes, callMs: 2_000, callsMax: 1_000 },
  // A receiver has fifteen seconds.
  terminal: { shapes: deliveryShapes, callMs: 20_000, callsMax: 2_000 },
  paychannel: { shapes: deliveryShapes, callMs: 20_000, callsMax: 2_000 },
};

/** Which driver is asked what. */
export interface DriverCall {
  readonly kind: LoadedKind;
  readonly name: string;
  readonly call: string;
  readonly args: readonly unknown[];
}

/** What other threads need to know of what has been loaded; plain. */
export interface Loaded {
  readonly formats: readonly LoadedFormat[];
  readonly ways: readonly LoadedWay[];
}

export interface DriverMetrics {
  driverLoaded(driver: string): void;
  driverAsked(driver: string, outcome: Asked['is']): void;
  driverEnded(driver: string): void;
}

interface LoadedDriver {
  readonly kind: LoadedKind;
  readonly ready: Ready;
  readonly host: DriverProcess;
}

export class LoadedDrivers {
  readonly #metrics: DriverMetrics;
  readonly #byName = new Map<string, LoadedDriver>();

  private constructor(metrics: DriverMetrics) {
    this.#metrics = metrics;
  }

  /** Loads what the file lists; null: nothing. Rejects with StartRefusal where one cannot be had. */
  static async load(of: {
    readonly file: string | null;
    /** The switch's key of tags: each format's own is made of it. */
    readonly qrKey: string;
    readonly logger: Logger;
    readonly metrics: DriverMetrics;
  }): Promise<LoadedDrivers> {
    const { file, logger, qrKey } = of;
    const drivers = new LoadedDrivers(of.metrics);
    if (file === null) return drivers;
    const list = readDriverList(file);
    refuseNames(list);
    // At once: the start waits for the slowest alone. Whoever cannot be had is told of once the others can be ended.
    const begun = await Promise.allSettled(list.map((each) => drivers.#begin(each, qrKey, logger)));
    const failures: unknown[] = [];
    for (const each of begun) {
      if (each.status === 'rejected') failures.push(each.reason);
      else drivers.#byName.set(keyOf(each.value.kind, each.value.ready.name), each.value);
    }
    if (failures.length === 0) return drivers;
    await drivers.close();
    throw failures[0];
  }

  get loaded(): Loaded {
    const formats: LoadedFormat[] = [];
    const ways: LoadedWay[] = [];
    for (const { kind, ready } of this.#byName.values()) {
      const { name, capabilities } = ready;
      if (kind === 'qr') formats.push({ name, capabilities: capabilities as QrCapabilities });
      else ways.push({ kind, name, capabilities: capabilities as DeliveryCapabilities });
    }
    return { formats, ways };
  }

  /** Never rejects. */
  ask = async ({ kind, name, call, args }: DriverCall): Promise<Asked> => {
    const driver = this.#byName.get(keyOf(kind, name));
    if (driver === undefined)
      return { is: 'notDone', code: 'unreachable', why: 'it is not loaded' };
    return driver.host.ask(call, args);
  };

  async close(): Promise<void> {
    await Promise.all([...this.#byName.values()].map(({ host }) => host.close()));
  }

  async #begin(listed: ListedDriver, qrKey: string, logger: Logger): Promise<LoadedDriver> {
    const { kind, name, specifier, settings, callMs = KINDS[kind].callMs } = listed;
    const { shapes, callsMax } = KINDS[kind];
    const host = new DriverProcess(
      {
        program: new URL('./drivers/host/driver-process.js', import.meta.url),
        kind,
        name,
        specifier,
        settings,
        tagKey: tagKeyOf(qrKey, listed),
        clock: systemClock,
        callMs,
        callsMax,
        memoryMb: MEMORY_MB,
        report: (said) =>
          logger.warn({ what: 'driver.failed', driver: name, said }, 'driver.failed'),
        onEnded: () => this.#metrics.driverEnded(name),
        onAsked: (is) => this.#metrics.driverAsked(name, is),
      },
      shapes,
    );
    let ready: Ready;
    try {
      ready = await host.start();
    } catch (error) {
      await host.close();
      throw refusal(listed, error instanceof Error ? error.message : String(error));
    }
    this.#metrics.driverLoaded(name);
    const { package: source } = listed;
    logger.info({ what: 'driver.loaded', driver: name, kind, package: source }, 'driver.loaded');
    return { kind, ready, host };
  }
}

/** Before any is begun. */
function refuseNames(list: readonly ListedDriver[]): void {
  const taken = new Set<string>();
  for (const listed of list) {
    const { kind, name } = listed;
    const key = keyOf(kind, name);
    if (kind === 'qr' && isOwnFormat(name)) {
      throw refusal(listed, `${name} is a format of the switch itself`);
    }
    if (kind !== 'qr' && name === WEBHOOK) {
      throw refusal(listed, `${name} is a way of the switch itself`);
    }
    if (taken.has(key)) throw refusal(listed, `another driver of ${kind} is called ${name}`);
    taken.add(key);
  }
}

function refusal(listed: ListedDriver, why: string): StartRefusal {
  return new StartRefusal(
    `the driver ${listed.name} (${listed.package}) of QRSWITCH_DRIVERS cannot be used: ${why}. Mend its entry in that file, or take it out.`,
  );
}

function keyOf(kind: LoadedKind, name: string): string {
  return `${kind} ${name}`;
}

/** Who has a format's key can make its codes, and no other's: the code of a driver can read what its process is given. */
function tagKeyOf(qrKey: string, { kind, name }: ListedDriver): string | null {
  if (kind !== 'qr') return null;
  const key = Buffer.from(qrKey, 'base64url');
  return createHmac('sha256', key).update(`driver ${name}`).digest('base64url');
}
