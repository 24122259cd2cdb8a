// Makes a call at an acquirer by the driver that knows how.

import type { Step } from '../../domain/acquiring/acquired-bill.ts';
import { DAY_MS, type Millis } from '../../domain/time.ts';
import type { BillDriver, Outcome, Registration, Sighting } from '../contract/bill-driver.ts';
import { keptRegistration, keptSighting } from '../contract/kept-texts.ts';

export type CallOutcome = Outcome<Registration> | Outcome<Sighting>;

/**
 * Makes the call, which was begun then: its driver sends nothing any more where too much time has gone by since. Nothing is
 * put off for longer than a day, whatever the driver says, and it says nothing that could not be kept.
 */
export async function callOf(
  driver: BillDriver,
  step: Step,
  begunAt: Millis,
): Promise<CallOutcome> {
  const outcome = kept(step, await made(driver, step, begunAt));
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

function kept({ call }: Step, outcome: CallOutcome): CallOutcome {
  return call === 'register'
    ? keptRegistration(outcome as Outcome<Registration>)
    : keptSighting(outcome as Outcome<Sighting>);
}
