// Checks of the contract for a bill's driver that go beyond one bill in one currency: bills at once, each of its currencies,
// and what becomes of a bill that nobody pays.

import type { Check } from './check.ts';
import { demand } from './check.ts';
import type { Trial } from './trial.ts';

const NEVER_SENT = { lastSentAt: null };
/** What an acquirer may take to end what is due. */
const LONG_MS = 300_000;

export const apartChecks: readonly Check<Trial>[] = [
  {
    name: 'keeps bills apart that are registered at once: the one is paid, and the other is not',
    run: async (trial) => {
      const [one, other] = await Promise.all([
        trial.registered(NEVER_SENT, { name: 'one' }),
        trial.registered(NEVER_SENT, { name: 'other', more: 1 }),
      ]);
      demand(one.ref !== other.ref, `two bills have one ref, ${one.ref}`);
      demand(one.payload !== other.payload, `two bills have one code, ${one.payload}`);
      demand(await trial.bank.pay(one), 'its code could not be paid');
      await trial.restart();
      const [paid, open] = [await trial.seen(one), await trial.seen(other)];
      demand(
        paid.status === 'paid' && paid.paid === one.amount,
        `it says ${paid.status} of the paid`,
      );
      demand(open.status === 'open' && open.paid === 0, `it says ${open.status} of the other`);
      const [first, second] = [await trial.entry(one), await trial.entry(other)];
      demand(first.id === one.id && second.id === other.id, 'a ref names another bill’s order');
    },
  },
  {
    name: 'registers in each of its currencies, and in that one',
    run: async (trial) => {
      const { currencies } = trial.driver.capabilities;
      for (const currency of currencies) {
        const registration = await trial.registered(NEVER_SENT, { name: currency, currency });
        const entry = await trial.entry(registration);
        if (currencies.length === 1 && entry.currency === undefined) continue;
        demand(
          entry.currency === currency,
          `asked for ${currency}, its acquirer has an order in ${entry.currency ?? 'nobody knows what'}`,
        );
      }
    },
  },
  {
    name: 'has what nobody pays ended once its time is over, by its acquirer or when it is told to',
    run: async (trial) => {
      const { closesByItself } = trial.driver.capabilities;
      const { expiresAt } = trial.tender();
      const registration = await trial.registered();
      trial.clock.pass(expiresAt - trial.now() + LONG_MS);
      await trial.restart();
      if (!closesByItself) await trial.cancelled(registration, NEVER_SENT);
      const { status } = await trial.seen(registration);
      const isEnded = closesByItself
        ? status === 'expired'
        : !['open', 'paying', 'paid'].includes(status);
      demand(isEnded, `it says ${status} long after its time`);
      demand(!(await trial.bank.pay(registration)), 'it can be paid long after its time');
    },
  },
  {
    name: 'does not say that it sees an order which its acquirer does not have',
    run: async (trial) => {
      const registration = await trial.registered();
      const ref = '999999999';
      const { outcome } = await trial.driver.look({ ...registration, id: 'no-tender', ref });
      demand(outcome !== 'done', 'it sees it');
    },
  },
];
