// Runs all checks of a driver's kind against it, each on surroundings of its own, and tells what came of each.

import type { BillDriverModule } from '../contract/bill-driver.ts';
import type { DeliveryDriver } from '../contract/delivery-driver.ts';
import { type AnyModule, modulesIn } from '../contract/open-driver.ts';
import { billChecks } from './bill-checks.ts';
import type { Check } from './check.ts';
import { type DeliveryTrial, deliveryChecks, openDelivery } from './delivery-checks.ts';
import { KitClock } from './kit-clock.ts';
import { qrChecks } from './qr-checks.ts';
import type { StartTestBank, Subject } from './test-bank.ts';
import type { StartTestReceiver } from './test-receiver.ts';
import { CheckFailed, Trial } from './trial.ts';

export interface Checked {
  readonly name: string;
  /** What the check saw instead; undefined: it passed. */
  readonly flaw: string | undefined;
}

/** A check that hangs is one that fails. */
const CHECK_MS = 30_000;

export interface Running {
  readonly report?: (checked: Checked) => void;
  /** Ends with the first check that fails. */
  readonly isOneEnough?: boolean;
}

/** The package has nothing to try its driver on; the message says what to export. */
export class NothingToTryOn extends Error {
  override readonly name = 'NothingToTryOn';
}

/** One after the other. Throws where what the package exports is no driver at all. */
export async function runChecks(
  subject: Subject,
  { report, isOneEnough = false }: Running = {},
): Promise<readonly Checked[]> {
  const all: Checked[] = [];
  for (const module of modulesIn(subject.exported)) {
    for (const check of checksOf(module, subject)) {
      const checked = { name: check.name, flaw: await flawOf(check) };
      report?.(checked);
      all.push(checked);
      if (isOneEnough && checked.flaw !== undefined) return all;
    }
  }
  return all;
}

/** The checks of a module's kind, with all that they need. */
function checksOf(module: AnyModule, subject: Subject): readonly Check<void>[] {
  switch (module.kind) {
    case 'bill': {
      const { startTestBank } = subject;
      if (startTestBank === undefined) throw new NothingToTryOn('startTestBank');
      return billChecks.map(({ name, run }) => ({
        name,
        run: () => onBank(module, startTestBank, (trial) => run(trial, module)),
      }));
    }
    case 'qr': {
      const settings = subject.testSettings;
      if (settings === undefined) throw new NothingToTryOn('testSettings');
      return boundTo({ module, settings }, qrChecks);
    }
    case 'terminal':
    case 'paychannel': {
      const { startTestReceiver } = subject;
      if (startTestReceiver === undefined) throw new NothingToTryOn('startTestReceiver');
      return deliveryChecks.map(({ name, run }) => ({
        name,
        run: () => onReceiver(module, startTestReceiver, run),
      }));
    }
  }
}

function boundTo<Needed>(needed: Needed, all: readonly Check<Needed>[]): readonly Check<void>[] {
  return all.map(({ name, run }) => ({ name, run: () => inTime(run(needed)) }));
}

async function onBank(
  module: BillDriverModule,
  startTestBank: StartTestBank,
  run: (trial: Trial) => Promise<void>,
): Promise<void> {
  const clock = new KitClock();
  const bank = await startTestBank(clock);
  let trial: Trial | undefined;
  try {
    trial = new Trial(module, bank, clock);
    await inTime(run(trial));
  } finally {
    await (trial ?? bank).close();
  }
}

async function onReceiver(
  module: DeliveryTrial['module'],
  startTestReceiver: StartTestReceiver,
  run: (trial: DeliveryTrial) => Promise<void>,
): Promise<void> {
  const clock = new KitClock();
  const receiver = await startTestReceiver(clock);
  const { settings } = receiver;
  let driver: DeliveryDriver | undefined;
  try {
    driver = openDelivery({ module, clock }, settings);
    await inTime(run({ module, settings, receiver, clock, driver }));
  } finally {
    await driver?.close();
    await receiver.close();
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

async function inTime(running: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CheckFailed('it hangs')), CHECK_MS);
  });
  try {
    await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}
