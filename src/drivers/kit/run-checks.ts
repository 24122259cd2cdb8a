// Runs all checks of a driver's kind against it, each on surroundings of its own, and tells what came of each.

import type { BillDriverModule } from '../contract/bill-driver.ts';
import type { DeliveryDriver } from '../contract/delivery-driver.ts';
import { type AnyModule, modulesIn } from '../contract/open-driver.ts';
import { billChecks } from './bill-checks.ts';
import { type Check, CheckFailed } from './check.ts';
import { type DeliveryTrial, deliveryChecks, openDelivery } from './delivery-checks.ts';
import { KitClock } from './kit-clock.ts';
import { qrChecks } from './qr-checks.ts';
import type { StartTestBank, Subject } from './test-bank.ts';
import type { StartTestReceiver } from './test-receiver.ts';
import { type Anew, Trial } from './trial.ts';

export interface Checked {
  readonly name: string;
  /** What the check saw instead; undefined: it passed. */
  readonly flaw: string | undefined;
}

/** A check that hangs is one that fails. */
const CHECK_MS = 30_000;

/** Waits so long for what a check does, and then says that it hangs. */
type InTime = (running: Promise<unknown>) => Promise<void>;

export interface Running {
  readonly report?: (checked: Checked) => void;
  /** Ends with the first check that fails. */
  readonly isOneEnough?: boolean;
  /** How long a check may take. */
  readonly checkMs?: number;
}

/** The package has nothing to try its driver on; the message says what to export. */
export class NothingToTryOn extends Error {
  override readonly name = 'NothingToTryOn';
}

/** One after the other. Throws where what the package exports is no driver at all. */
export async function runChecks(
  subject: Subject,
  { report, isOneEnough = false, checkMs = CHECK_MS }: Running = {},
): Promise<readonly Checked[]> {
  const all: Checked[] = [];
  for (const module of modulesIn(subject.exported)) {
    for (const check of checksOf(module, subject, within(checkMs))) {
      const checked = { name: check.name, flaw: await flawOf(check) };
      report?.(checked);
      all.push(checked);
      if (isOneEnough && checked.flaw !== undefined) return all;
    }
  }
  return all;
}

/** The checks of a module's kind, with all that they need. */
function checksOf(module: AnyModule, subject: Subject, inTime: InTime): readonly Check<void>[] {
  switch (module.kind) {
    case 'bill': {
      const anew = importing(module, subject);
      const { startTestBank } = subject;
      if (startTestBank === undefined) throw new NothingToTryOn('startTestBank');
      return billChecks.map(({ name, run }) => ({
        name,
        run: () => onBank({ module, anew, startTestBank, inTime }, (trial) => run(trial, module)),
      }));
    }
    case 'qr': {
      const anew = importing(module, subject);
      const settings = subject.testSettings;
      if (settings === undefined) throw new NothingToTryOn('testSettings');
      const needed = { module, anew, settings };
      return qrChecks.map(({ name, run }) => ({ name, run: () => inTime(run(needed)) }));
    }
    case 'terminal':
    case 'paychannel': {
      const { startTestReceiver } = subject;
      if (startTestReceiver === undefined) throw new NothingToTryOn('startTestReceiver');
      return deliveryChecks.map(({ name, run }) => ({
        name,
        run: () => onReceiver({ module, startTestReceiver, inTime }, run),
      }));
    }
  }
}

/** What gives the module again, as a thread begun anew would import it. */
function importing<Module extends AnyModule>(module: Module, { anew }: Subject): Anew<Module> {
  if (anew === undefined) return async () => module;
  return async () => {
    const modules = modulesIn(await anew());
    const same = modules.find(({ kind, name }) => kind === module.kind && name === module.name);
    return (same ?? module) as Module;
  };
}

async function onBank(
  {
    module,
    anew,
    startTestBank,
    inTime,
  }: {
    readonly module: BillDriverModule;
    readonly anew: Anew<BillDriverModule>;
    readonly startTestBank: StartTestBank;
    readonly inTime: InTime;
  },
  run: (trial: Trial) => Promise<void>,
): Promise<void> {
  const clock = new KitClock();
  const bank = await startTestBank(clock);
  let trial: Trial | undefined;
  try {
    trial = new Trial({ module, anew }, bank, clock);
    await inTime(run(trial));
  } finally {
    await inTime((trial ?? bank).close());
  }
}

async function onReceiver(
  {
    module,
    startTestReceiver,
    inTime,
  }: {
    readonly module: DeliveryTrial['module'];
    readonly startTestReceiver: StartTestReceiver;
    readonly inTime: InTime;
  },
  run: (trial: DeliveryTrial) => Promise<void>,
): Promise<void> {
  const clock = new KitClock();
  const receiver = await startTestReceiver(clock);
  const { settings } = receiver;
  let driver: DeliveryDriver | undefined;
  let isOver = false;
  try {
    driver = openDelivery({ module, clock }, settings);
    await inTime(run({ module, settings, receiver, clock, driver, isOver: () => isOver }));
  } finally {
    isOver = true;
    await inTime(Promise.all([driver?.close(), receiver.close()]));
  }
}

async function flawOf(check: Check<void>): Promise<string | undefined> {
  try {
    await check.run();
    return undefined;
  } catch (error) {
    if (error instanceof CheckFailed) return error.message;
    return `it throws: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function within(checkMs: number): InTime {
  return async (running) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new CheckFailed('it hangs')), checkMs);
    });
    try {
      await Promise.race([running, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
