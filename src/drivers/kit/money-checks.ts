// Checks of the contract for a bill's driver that count: sums that are easily got wrong, and what is paid or given back in
// more than one way.

import type { Refund, Registration } from '../contract/bill-driver.ts';
import { type Check, demand } from './check.ts';
import { canReturnParts } from './test-bank.ts';
import type { Trial } from './trial.ts';

const NEVER_SENT = { lastSentAt: null };
const PART = 50_00;
/** Of a hundred, as a binary fraction, most of these are a little less or more. */
const ODD_SUMS = [1, 29, 4_35, 10_07, 19_99, 1_001_10, 81_920_27];

export const moneyChecks: readonly Check<Trial>[] = [
  {
    name: 'keeps every amount to the last unit: registered, paid and given back',
    run: async (trial) => {
      const { amountMin, amountMax } = trial.driver.capabilities;
      const fitting = ODD_SUMS.filter((sum) => sum >= amountMin && sum <= amountMax);
      for (const amount of new Set([amountMin, ...fitting, amountMax])) {
        const registration = await trial.registered(NEVER_SENT, { name: `of-${amount}`, amount });
        await demandEntry(trial, registration, { amount });
        demand(await trial.bank.pay(registration), `its code of ${amount} could not be paid`);
        const { paid } = await trial.seen(registration);
        demand(paid === amount, `it says ${paid} of ${amount} that were paid`);
        await refunded(trial, registration, trial.refund(amount));
        await demandEntry(trial, registration, { returned: amount });
      }
    },
  },
  {
    name: 'gives back once more what is as much as the last time, and not again what it is asked for twice',
    run: async (trial) => {
      if (!canReturnParts(trial.driver.capabilities)) return;
      const registration = await trial.paid();
      const first = trial.refund(PART, 0, 'a-refund-1');
      await refunded(trial, registration, first);
      const lastSentAt = trial.now();
      const again = await trial.driver.refund(registration, first, { lastSentAt });
      demand(again.outcome !== 'notDone', `asked again, it says ${again.outcome}`);
      await demandEntry(trial, registration, { returned: PART });
      await refunded(trial, registration, trial.refund(PART, PART, 'a-refund-2'));
      await demandEntry(trial, registration, { returned: 2 * PART });
    },
  },
  {
    name: 'says of what is given back, all of it, that it was paid',
    run: async (trial) => {
      const registration = await trial.paid();
      const { amount } = registration;
      await refunded(trial, registration, trial.refund(amount));
      const { status, paid, returned } = await trial.seen(registration);
      demand(
        status === 'paid' && paid === amount && returned === amount,
        `it says ${status}, ${paid} paid and ${returned} given back`,
      );
    },
  },
  {
    name: 'tells a part that was paid from the whole, where its acquirer lets that be paid',
    run: async (trial) => {
      const registration = await trial.registered();
      const isPaid = await trial.bank.payPart?.(registration, PART);
      if (isPaid === undefined) return;
      demand(isPaid, 'a part of it could not be paid');
      const { status, paid } = await trial.seen(registration);
      demand(status === 'paid' && paid === PART, `it says ${status} of ${paid}, and ${PART} came`);
    },
  },
];

async function refunded(trial: Trial, registration: Registration, refund: Refund): Promise<void> {
  const outcome = await trial.driver.refund(registration, refund, NEVER_SENT);
  const { returned } = trial.doneOf(outcome, 'refund');
  const all = refund.returnedBefore + refund.amount;
  demand(returned === all, `it says ${returned} of ${all} that were given back`);
}

async function demandEntry(
  trial: Trial,
  registration: Registration,
  expected: { readonly amount: number } | { readonly returned: number },
): Promise<void> {
  const entry = await trial.entry(registration);
  for (const [member, value] of Object.entries(expected)) {
    const found = entry[member as keyof typeof expected];
    demand(found === value, `${member} is ${found} at its acquirer, and ${value} was asked`);
  }
}
