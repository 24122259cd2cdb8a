// Runs all checks of a driver's kind against it, each on surroundings of its own, and tells what came of each.

import type { DeliveryDriver } from '../contract/delivery-driver.ts';
import { type AnyModule, modulesIn } from '../contract/open-driver.ts';
import { billChecks } from './bill-checks.ts';
import { Calls, named } from './calls.ts';
import { type Check, CheckFailed } from './check.ts';
import { type DeliveryTrial, deliveryChecks, openDelivery } from './delivery-checks.ts';
import { KitClock } from './kit-clock.ts';
import { qrChecks } from './qr-checks.ts';
import type { StartTestBank, Subject } from './test-bank.ts';
import type { StartTestReceiver, TestReceiver } from './test-receiver.ts';
import { type Anew, Trial, type Tried } from './trial.ts';

export interface Checked {
  readonly name: string;
  /** What the check saw instead; undefined: it passed. */
  readonly flaw: string | undefined;
}

/** A check that hangs is one that fails. */
const CHECK_MS = 30_000;

/** Waits so long for what a check does, and then says that it hangs. */
type InTime = (running: Promise<unknown>) => Promise<void>;

/** By what a check is watched: the calls of its own, and its time. */
interface Watching {
  readonly calls: Calls;
  readonly inTime: InTime;
}

export interface Running {
  /** Told of each check before it is made. */
  readonly begins?: (name: string) => void;
  /** Told of each call that begins before it does, and when one has ended: which are under way. */
  readonly called?: (underWay: readonly string[]) => void;
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
  { begins, called, report, isOneEnough = false, checkMs = CHECK_MS }: Running = {},
): Promise<readonly Checked[]> {
  const all: Checked[] = [];
  const modules = modulesIn(subject.exported);
  for (const module of modules) {
    const whose = modules.length === 1 ? '' : `${module.kind} ${module.name} `;
    for (const check of checksOf(module, subject)) {
      const name = whose + check.name;
      begins?.(name);
      const calls = new Calls(called);
      const watching = { calls, inTime: within(checkMs, calls) };
      const checked = { name, flaw: await flawOf(check, watching) };
      report?.(checked);
      all.push(checked);
      if (isOneEnough && checked.flaw !== undefined) return all;
    }
  }
  return all;
}

/** The checks of a module's kind, with all that they need. */
function checksOf(module: AnyModule, subject: Subject): readonly Check<Watching>[] {
  switch (module.kind) {
    case 'bill': {
      const anew = importing(module, subject);
      const { startTestBank } = subject;
      if (startTestBank === undefined) throw new NothingToTryOn('startTestBank');
      return billChecks.map(({ name, run }) => ({
        name,
        run: (watching) =>
          onBank({ module, anew, startTestBank, ...watching }, (trial) => run(trial, module)),
      }));
    }
    case 'qr': {
      const anew = importing(module, subject);
      const { testSettings } = subject;
      if (testSettings === undefined) throw new NothingToTryOn('testSettings');
      const isFunction = typeof testSettings === 'function';
      const settings = isFunction ? testSettings(module.name) : testSettings;
      return qrChecks.map(({ name, run }) => ({
        name,
        run: ({ calls, inTime }) => inTime(run({ module, anew, settings, calls })),
      }));
    }
    case 'terminal':
    case 'paychannel': {
      const { startTestReceiver } = subject;
      if (startTestReceiver === undefined) throw new NothingToTryOn('startTestReceiver');
      return deliveryChecks.map(({ name, run }) => ({
        name,
        run: (watching) => onReceiver({ module, startTestReceiver, ...watching }, run),
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
  { startTestBank, inTime, ...tried }: Tried & Watching & { readonly startTestBank: StartTestBank },
  run: (trial: Trial) => Promise<void>,
): Promise<void> {
  const clock = new KitClock();
  const bank = await startTestBank(clock, tried.module.name);
  let trial: Trial | undefined;
  try {
    trial = new Trial(tried, bank, clock);
    await inTime(run(trial));
  } finally {
    await inTime((trial ?? bank).close());
  }
}

async function onReceiver(
  {
    module,
    startTestReceiver,
    calls,
    inTime,
  }: Watching & {
    readonly module: DeliveryTrial['module'];
    readonly startTestReceiver: StartTestReceiver;
  },
  run: (trial: DeliveryTrial) => Promise<void>,
): Promise<void> {
  const clock = new KitClock();
  const receivers: TestReceiver[] = [];
  const another = async (): Promise<TestReceiver> => {
    const more = await startTestReceiver(clock, module.name);
    receivers.push(more);
    return more;
  };
  const receiver = await another();
  const { settings } = receiver;
  let driver: DeliveryDriver | undefined;
  let isOver = false;
  try {
    driver = openDelivery({ module, clock, calls }, settings);
    const around = { module, settings, receiver, another, clock, calls };
    await inTime(run({ ...around, driver, isOver: () => isOver }));
  } finally {
    isOver = true;
    await inTime(Promise.all([driver?.close(), ...receivers.map((one) => one.close())]));
  }
}

async function flawOf(check: Check<Watching>, watching: Watching): Promise<string | undefined> {
  try {
    await check.run(watching);
    return undefined;
  } catch (error) {
    if (error instanceof CheckFailed) return error.message;
    return `it throws: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function within(checkMs: number, calls: Calls): InTime {
  return async (running) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const hangs = (): void => reject(new CheckFailed(`${named(calls.underWay)} hangs`));
      timer = setTimeout(hangs, checkMs);
    });
    try {
      await Promise.race([running, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
