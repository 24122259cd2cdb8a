// Makes a call at an acquirer by the driver that knows how.

import type { Step } from '../../domain/acquiring/acquired-bill.ts';
import { isOf } from '../../domain/acquiring/belief.ts';
import { DAY_MS, MINUTE_MS, type Millis } from '../../domain/time.ts';
import { QR_BYTES_MAX } from '../../switch/qr.ts';
import {
  type BillDriver,
  type Outcome,
  type Registration,
  type Sighting,
  unknown,
} from '../contract/bill-driver.ts';
import { keptRegistration, keptSighting } from '../contract/kept-texts.ts';

export type CallOutcome = Outcome<Registration> | Outcome<Sighting>;

/** What cannot be believed is asked again a while later. */
const DOUBTED_MS = MINUTE_MS;

export interface Believing {
  /** The other bill that has this reference of the acquirer's; null: none. */
  readonly otherOf: (ref: string) => Promise<string | null>;
  /** Told of an answer that nobody may act on. */
  readonly doubted: (why: string) => void;
}

/**
 * Makes the call, which was begun then: its driver sends nothing any more where too much time has gone by since. Nothing is
 * put off for longer than a day, whatever the driver says, and it says nothing that could not be kept.
 */
export async function callOf(
  driver: BillDriver,
  step: Step,
  begunAt: Millis,
  { otherOf, doubted }: Believing,
): Promise<CallOutcome> {
  const said = kept(step, await made(driver, step, begunAt));
  const doubt = await doubtOf(step, said, otherOf);
  if (doubt !== undefined) doubted(doubt);
  const outcome = doubt === undefined ? said : unknown(doubt, DOUBTED_MS);
  if (outcome.outcome === 'unknown') return { ...outcome, ...soonEnough(outcome) };
  const isPutOff = outcome.outcome === 'notDone' && typeof outcome.again === 'object';
  return isPutOff ? { ...outcome, again: soonEnough(outcome.again) } : outcome;
}

/** Why a registration is not to be handed out: it is another bill's, or no code has room for it. */
async function doubtOf(
  step: Step,
  outcome: CallOutcome,
  otherOf: Believing['otherOf'],
): Promise<string | undefined> {
  if (step.call !== 'register' || outcome.outcome !== 'done') return undefined;
  const registration = outcome.value as Registration;
  if (!isOf(step.tender, registration)) {
    const { id, amount, currency } = registration;
    return `it has registered ${id} of ${amount} ${currency}, and was asked for another`;
  }
  const bytes = Buffer.byteLength(registration.payload);
  if (bytes > QR_BYTES_MAX) return `its code has ${bytes} bytes, which fit no QR code`;
  const other = await otherOf(registration.ref);
  return other === null ? undefined : `its reference ${registration.ref} is that of bill ${other}`;
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
