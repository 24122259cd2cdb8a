// Checks of the contract for a bill's driver whose acquirer takes a call, and does not answer.

import { ANSWER_MS, type Registration } from '../contract/bill-driver.ts';
import { type Check, demand, untilThere } from './check.ts';
import { inTime } from './in-time.ts';
import type { DisturbedCall, TestBankEntry } from './test-bank.ts';
import type { Trial } from './trial.ts';

const NEVER_SENT = { lastSentAt: null };

export const patienceChecks: readonly Check<Trial>[] = [
  stalled('register', {
    prepare: async () => undefined,
    ask: (trial) => trial.driver.register(trial.tender(), NEVER_SENT),
    shows: (entry) => entry !== undefined,
  }),
  stalled('look', {
    prepare: (trial) => trial.paid(),
    ask: (trial, registration) => trial.driver.look(registration),
    shows: null,
  }),
  stalled('cancel', {
    prepare: (trial) => trial.registered(),
    ask: (trial, registration) => trial.driver.cancel(registration, NEVER_SENT),
    shows: (entry) => entry?.isOpen === false,
  }),
  stalled('refund', {
    prepare: (trial) => trial.paid(),
    ask: (trial, registration) =>
      trial.driver.refund(registration, trial.refund(registration.amount), NEVER_SENT),
    shows: (entry) => entry?.returned !== 0,
  }),
];

function stalled<Prepared extends Registration | undefined>(
  call: DisturbedCall,
  {
    prepare,
    ask,
    shows,
  }: {
    readonly prepare: (trial: Trial) => Promise<Prepared>;
    readonly ask: (trial: Trial, prepared: Prepared) => Promise<{ readonly outcome: string }>;
    /** Whether the acquirer's books say that it has taken the call; null: it leaves no trace there. */
    readonly shows: ((entry: TestBankEntry | undefined) => boolean) | null;
  },
): Check<Trial> {
  return {
    name: `says unknown when an answer does not come in time: ${call}`,
    run: async (trial) => {
      const prepared = await prepare(trial);
      await trial.bank.disturb(call, 'stalled');
      const before = trial.bank.calls();
      const asked = ask(trial, prepared);
      const isThere = async () =>
        shows === null ? trial.bank.calls() > before : shows((await trial.bank.books())[0]);
      await untilThere(isThere, asked, () => trial.isOver);
      const { outcome } = await inTime(asked, trial.clock, ANSWER_MS);
      demand(outcome === 'unknown', `it says ${outcome}`);
    },
  };
}
