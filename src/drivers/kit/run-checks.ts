// Runs all checks against a driver, each on an acquirer of its own, and tells what came of each.

import { asDriverModule } from '../contract/open-driver.ts';
import { type Check, checks } from './checks.ts';
import { KitClock } from './kit-clock.ts';
import type { Subject } from './test-bank.ts';
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

/** One after the other. Throws where what the package exports is no driver at all. */
export async function runChecks(
  { exported, startTestBank }: Subject,
  { report, isOneEnough = false }: Running = {},
): Promise<readonly Checked[]> {
  const module = asDriverModule(exported);
  const all: Checked[] = [];
  for (const check of checks) {
    const flaw = await flawOf(check, { exported: { driver: module }, startTestBank });
    const checked = { name: check.name, flaw };
    report?.(checked);
    all.push(checked);
    if (isOneEnough && flaw !== undefined) break;
  }
  return all;
}

async function flawOf(check: Check, subject: Subject): Promise<string | undefined> {
  const clock = new KitClock();
  const module = asDriverModule(subject.exported);
  const bank = await subject.startTestBank(clock);
  let trial: Trial | undefined;
  try {
    trial = new Trial(module, bank, clock);
    await inTime(check.run(trial, module));
    return undefined;
  } catch (error) {
    if (error instanceof CheckFailed) return error.message;
    return `it throws: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await (trial ?? bank).close();
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
