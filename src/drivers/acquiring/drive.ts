// Takes a bill at an acquirer one step further: the intent is kept, then the call is made, then its outcome is kept. The
// switch keeps in its log, a test in a variable; either way a life that ends between two of these is gone on with.

import {
  begin,
  finish,
  nextStep,
  pastExpiry,
  type Step,
} from '../../domain/acquiring/acquired-bill.ts';
import type { AcquiredBill } from '../../domain/acquiring/record.ts';
import { DAY_MS, type Millis } from '../../domain/time.ts';
import type { BillDriver, Outcome, Registration, Sighting } from '../contract/bill-driver.ts';

/** One bill's record. What is kept is durable when `keep` resolves. */
export interface BillRecord {
  /** As it stands now, with what was wanted meanwhile. */
  readonly current: AcquiredBill;
  keep(bill: AcquiredBill): Promise<void>;
}

export interface Driving {
  readonly driver: BillDriver;
  readonly now: () => Millis;
}

/** What was called, and what came of it. */
export interface Taken {
  readonly call: Step['call'];
  readonly outcome: CallOutcome;
}

/** Makes the call that is due, if one is. */
export async function takeStep(
  record: BillRecord,
  { driver, now }: Driving,
): Promise<Taken | undefined> {
  const today = pastExpiry(record.current, now());
  if (today !== record.current) await record.keep(today);
  const step = nextStep(record.current, now(), driver.capabilities);
  if (step === undefined) return undefined;
  const begunAt = now();
  const begun = begin(record.current, step, begunAt);
  if (begun !== record.current) await record.keep(begun);
  const outcome = await callOf(driver, step, begunAt);
  await record.keep(finish(record.current, step, outcome, now()));
  return { call: step.call, outcome };
}

export type CallOutcome = Outcome<Registration> | Outcome<Sighting>;

/**
 * Makes the call, which was begun then: its driver sends nothing any more where too much time has gone by since. Nothing is
 * put off for longer than a day, whatever the driver says.
 */
export async function callOf(
  driver: BillDriver,
  step: Step,
  begunAt: Millis,
): Promise<CallOutcome> {
  const outcome = await made(driver, step, begunAt);
  if (outcome.outcome === 'unknown') return { ...outcome, ...soonEnough(outcome) };
  const isPutOff = outcome.outcome === 'notDone' && typeof outcome.again === 'object';
  return isPutOff ? { ...outcome, again: soonEnough(outcome.again) } : outcome;
}

function soonEnough({ afterMs }: { readonly afterMs: number }): { readonly afterMs: number } {
  return { afterMs: Math.min(afterMs, DAY_MS) };
}

function made(driver: BillDriver, step: Step, begunAt: Millis): Promise<CallOutcome> {
  if (step.call === 'look') return driver.look(step.registration);
  const attempt = { ...step.attempt, begunAt };
  switch (step.call) {
    case 'register':
      return driver.register(step.tender, attempt);
    case 'cancel':
      return driver.cancel(step.registration, attempt);
    case 'refund':
      return driver.refund(step.registration, step.refund, attempt);
  }
}
