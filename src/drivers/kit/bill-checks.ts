// The checks of the contract, each by itself on an acquirer of its own. A name says what a driver does; the check throws
// what it saw instead. The rules D1 to D4 stand in bill-driver.ts.

import type { Attempt, BillDriverModule } from '../contract/bill-driver.ts';
import { isClosed } from '../contract/open-driver.ts';
import { apartChecks } from './apart-checks.ts';
import { demand } from './check.ts';
import { moneyChecks } from './money-checks.ts';
import { patienceChecks } from './patience-checks.ts';
import { canReturnParts, type Disturbance } from './test-bank.ts';
import { nextAttempt, type Trial } from './trial.ts';

export interface BillCheck {
  readonly name: string;
  readonly run: (trial: Trial, module: BillDriverModule) => Promise<void>;
}

const NEVER_SENT = { lastSentAt: null };
const PART = 50_00;
/** Far beyond any time-out. */
const LONG_MS = 300_000;
/** Someone who asks so often has no patience. */
const OFTEN_MS = 5_000;
const REGISTRATION_BYTES_MAX = 4_096;
/** What leaves open whether a call has had its effect. */
const DISTURBED = ['requestLost', 'answerLost', 'late', 'failed', 'garbled'] as const;

const registering: readonly BillCheck[] = [
  {
    name: 'refuses settings that it does not know, and those that lack what it needs',
    run: async (trial, module) => {
      demand(
        isClosed(module.settings),
        'its schema of settings takes members that it does not name',
      );
      for (const settings of [{}, { ...trial.bank.settings, surprise: 1 }]) {
        let isRefused = false;
        try {
          trial.open(module, settings);
        } catch {
          isRefused = true;
        }
        demand(isRefused, `it takes ${Object.keys(settings).length} settings that do not fit`);
      }
    },
  },
  {
    name: 'registers a bill of the exact amount, and gives a code that can be paid',
    run: async (trial) => {
      const registration = await trial.registered();
      const { amount } = trial.tender();
      demand(registration.payload !== '', 'there is no code');
      demand((await trial.entry(registration)).amount === amount, `it is not of ${amount}`);
      const bytes = JSON.stringify(registration).length;
      demand(bytes <= REGISTRATION_BYTES_MAX, `the registration has ${bytes} bytes`);
      demand(await trial.bank.pay(registration), 'its code could not be paid');
    },
  },
  ...DISTURBED.map(
    (how): BillCheck => ({
      name: `registers once when the first call is disturbed: ${how}`,
      run: async (trial) => {
        await trial.bank.disturb('register', how);
        const sentAt = trial.now();
        const first = await trial.driver.register(trial.tender(), NEVER_SENT);
        demand(first.outcome !== 'done', 'it says done of what it cannot know');
        await trial.restart();
        const registration = await trial.registered({ lastSentAt: sentAt });
        trial.clock.pass(LONG_MS);
        const open = (await trial.bank.books()).filter(
          ({ id, isOpen }) => isOpen && !trial.givenUp.has(id),
        );
        demand(await trial.bank.pay(registration), 'its code could not be paid');
        // A call that arrives late makes an order whose code nobody has; it cannot be known.
        demand(how === 'late' || open.length === 1, `${open.length} orders can be paid`);
      },
    }),
  ),
  {
    name: 'waits as long as a busy acquirer says, and does not insist',
    run: async (trial) => {
      const before = trial.bank.calls();
      await trial.bank.disturb('register', 'busy');
      const outcome = await trial.driver.register(trial.tender(), NEVER_SENT);
      demand(outcome.outcome === 'notDone', `429 is ${outcome.outcome}`);
      const again = outcome.outcome === 'notDone' ? outcome.again : 'never';
      demand(
        typeof again === 'object' && again.afterMs >= 7_000,
        'it does not wait as it was told',
      );
      demand(trial.bank.calls() - before <= 3, 'it insists');
    },
  },
];

const looking: readonly BillCheck[] = [
  {
    name: 'sees a bill open, then paid, with a driver made anew',
    run: async (trial) => {
      const registration = await trial.registered();
      await trial.restart();
      const open = await trial.seen(registration);
      demand(open.status === 'open' && open.paid === 0, `it says ${open.status}`);
      await trial.bank.pay(registration);
      await trial.restart();
      const paid = await trial.seen(registration);
      const { amount } = registration;
      demand(
        paid.status === 'paid' && paid.paid === amount,
        `it says ${paid.status} of ${paid.paid}`,
      );
    },
  },
  {
    name: 'finds what was given back by hand',
    run: async (trial) => {
      const registration = await trial.paid();
      const amount = canReturnParts(trial.driver.capabilities) ? PART : registration.amount;
      await trial.bank.giveBackByHand(registration, amount);
      const { returned } = await trial.seen(registration);
      demand(returned === amount, `it sees ${returned} of ${amount}`);
    },
  },
  {
    name: 'says that it does not know where it cannot see',
    run: async (trial) => {
      const registration = await trial.paid();
      for (const how of ['requestLost', 'failed', 'garbled'] as const) {
        await trial.bank.disturb('look', how);
        const { outcome } = await trial.driver.look(registration);
        demand(outcome !== 'done', `it sees through ${how}`);
      }
    },
  },
];

const cancelling: readonly BillCheck[] = [
  {
    name: 'ends what is unpaid, however often it is asked',
    run: async (trial) => {
      const registration = await trial.registered();
      for (const attempt of [NEVER_SENT, { lastSentAt: trial.now() }]) {
        const sighting = trial.doneOf(await trial.driver.cancel(registration, attempt), 'cancel');
        demand(sighting.status === 'cancelled', `it says ${sighting.status}`);
        await trial.restart();
      }
      demand(!(await trial.bank.pay(registration)), 'it can be paid all the same');
    },
  },
  {
    name: 'does not call cancelled what is paid, and moves no money',
    run: async (trial) => {
      const registration = await trial.paid();
      const outcome = await trial.driver.cancel(registration, NEVER_SENT);
      demand(
        outcome.outcome === 'notDone' && outcome.code === 'paid',
        `it says ${outcome.outcome}`,
      );
      const { returned } = await trial.entry(registration);
      demand(returned === 0, `${returned} went back`);
    },
  },
  ...DISTURBED.map(
    (how): BillCheck => ({
      name: `ends what is unpaid when the first call is disturbed: ${how}`,
      run: async (trial) => {
        const registration = await trial.registered();
        await trial.bank.disturb('cancel', how);
        const lastSentAt = trial.now();
        const first = await trial.driver.cancel(registration, NEVER_SENT);
        demand(first.outcome === 'unknown', `it says ${first.outcome} of what it cannot know`);
        const { status } = await trial.cancelled(registration, { lastSentAt });
        demand(status === 'cancelled', `it says ${status}`);
        demand(!(await trial.bank.pay(registration)), 'it can be paid all the same');
      },
    }),
  ),
];

const refunding: readonly BillCheck[] = [
  {
    name: 'gives back to the exact amount, and no more than there is',
    run: async (trial) => {
      const registration = await trial.paid();
      const { amount } = registration;
      const parts = canReturnParts(trial.driver.capabilities) ? [PART, amount - PART] : [amount];
      let returned = 0;
      for (const [no, part] of parts.entries()) {
        const refund = trial.refund(part, returned, `a-refund-${no}`);
        const sighting = trial.doneOf(
          await trial.driver.refund(registration, refund, NEVER_SENT),
          'refund',
        );
        returned += part;
        demand(sighting.returned === returned, `it says ${sighting.returned} of ${returned}`);
        demand(
          (await trial.entry(registration)).returned === returned,
          'the acquirer says otherwise',
        );
      }
      const more = trial.refund(1, returned, 'one-too-many');
      const outcome = await trial.driver.refund(registration, more, NEVER_SENT);
      demand(outcome.outcome === 'notDone' && outcome.again === 'never', 'it gives back more');
    },
  },
  ...DISTURBED.map(refundOnce),
  ...(['look', 'refund'] as const).map(
    (call): BillCheck => ({
      name: `does not say no of a lost refund that it was not let in to ask about: busy at ${call}`,
      run: async (trial) => {
        const registration = await trial.paid();
        const refund = trial.refund(registration.amount);
        await trial.bank.disturb('refund', 'answerLost');
        const lastSentAt = trial.now();
        await trial.driver.refund(registration, refund, NEVER_SENT);
        trial.clock.pass(LONG_MS);
        await trial.restart();
        await trial.bank.disturb(call, 'busy');
        const { outcome } = await trial.driver.refund(registration, refund, { lastSentAt });
        demand(outcome !== 'notDone', `it says ${outcome} of what was given`);
      },
    }),
  ),
  {
    name: 'gives back what was lost, though it is asked all the time',
    run: async (trial) => {
      const registration = await trial.paid();
      await trial.bank.disturb('refund', 'requestLost');
      const refund = trial.refund(registration.amount);
      let attempt: Attempt = NEVER_SENT;
      const until = trial.now() + LONG_MS;
      while (trial.now() < until) {
        const outcome = await trial.driver.refund(registration, refund, attempt);
        if (outcome.outcome === 'done') return;
        attempt = nextAttempt(attempt, trial.now(), outcome);
        trial.clock.pass(OFTEN_MS);
      }
      demand(
        false,
        `it waits for more than ${LONG_MS / 1_000} s: does it say what it has not sent?`,
      );
    },
  },
  {
    name: 'gives back no more when somebody gives back by hand meanwhile',
    run: async (trial) => {
      const registration = await trial.paid();
      await trial.bank.giveBackByHand(registration, registration.amount);
      const refund = trial.refund(registration.amount, 0);
      const outcome = await trial.driver.refund(registration, refund, NEVER_SENT);
      demand(outcome.outcome === 'notDone', `it says ${outcome.outcome}`);
      demand(
        (await trial.entry(registration)).returned === registration.amount,
        'more went back than came',
      );
    },
  },
];

function refundOnce(how: Disturbance): BillCheck {
  return {
    name: `gives back once when the first call is disturbed: ${how}`,
    run: async (trial) => {
      const registration = await trial.paid();
      const amount = canReturnParts(trial.driver.capabilities) ? PART : registration.amount;
      await trial.bank.disturb('refund', how);
      const refund = trial.refund(amount);
      const lastSentAt = trial.now();
      const first = await trial.driver.refund(registration, refund, NEVER_SENT);
      demand(first.outcome === 'unknown', `it says ${first.outcome} of what it cannot know`);
      const isUnsent = first.outcome === 'unknown' && first.unsent !== undefined;
      demand(!isUnsent, 'it says that it has sent nothing');
      const sighting = await trial.refunded(registration, refund, { lastSentAt });
      trial.clock.pass(LONG_MS);
      const { returned } = await trial.entry(registration);
      demand(returned === amount, `${returned} went back, where ${amount} was asked`);
      demand(sighting.returned === amount, `it says ${sighting.returned}`);
    },
  };
}

const notifying: readonly BillCheck[] = [
  {
    name: 'reads a notification as a reason to look, and refuses a forged one',
    run: async (trial) => {
      const { notifications } = trial.driver.capabilities;
      const registration = await trial.paid();
      const posted = trial.bank.notificationOf?.(registration);
      if (notifications === 'none' || posted === undefined) return;
      const reading = await trial.driver.readNotification(posted);
      const { id, ref } = 'about' in reading ? reading.about : { id: '', ref: '' };
      demand(id === registration.id && ref === registration.ref, 'it does not know it');
      if (notifications === 'unsigned') return;
      const forged = { ...posted, body: posted.body.replaceAll(registration.id, 'another-bill') };
      demand(
        'refused' in (await trial.driver.readNotification(forged)),
        'it believes a forged one',
      );
    },
  },
  {
    name: 'reads whatever is posted, and throws nothing',
    run: async (trial) => {
      for (const body of ['', '{', 'null', '[]', '{}', '"x"', '\u0000', '{"a":'.repeat(500)]) {
        const reading = await trial.driver.readNotification({ headers: {}, body });
        demand('refused' in reading, `it believes ${body.slice(0, 10)}`);
      }
    },
  },
];

export const billChecks: readonly BillCheck[] = [
  ...registering,
  ...looking,
  ...cancelling,
  ...refunding,
  ...notifying,
  ...apartChecks,
  ...moneyChecks,
  ...patienceChecks,
];
