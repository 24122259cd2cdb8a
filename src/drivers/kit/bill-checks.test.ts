// Drivers that would lose or double money, or never come to an end, and what the conformance kit says of them.

import { describe, expect, test } from 'vitest';
import { type Change, changed, withRegistration } from '../../../tests/support/changed-driver.ts';
import { startSberForKit, startTbankForKit } from '../../cli/driver-kit/test-banks.ts';
import type { Minor } from '../../domain/money.ts';
import {
  type BillDriverModule,
  done,
  notDone,
  type Outcome,
  type Sighting,
} from '../contract/bill-driver.ts';
import { driver as sber } from '../sber/driver.ts';
import { KitClock } from './kit-clock.ts';
import { runChecks } from './run-checks.ts';
import type { StartTestBank } from './test-bank.ts';

const SLOW = { timeoutMs: 31_000 };

async function seenAs(
  looking: Promise<Outcome<Sighting>>,
  change: (seen: Sighting) => Partial<Sighting>,
): Promise<Outcome<Sighting>> {
  const seen = await looking;
  return seen.outcome === 'done' ? done({ ...seen.value, ...change(seen.value) }) : seen;
}

const planted: readonly [string, string, Change][] = [
  [
    'waits too long for an answer to a registration',
    'does not come in time: register',
    (_driver, made) => ({ register: (...call) => made(SLOW).register(...call) }),
  ],
  [
    'waits too long for an answer to a look',
    'does not come in time: look',
    (_driver, made) => ({ look: (...call) => made(SLOW).look(...call) }),
  ],
  [
    'waits too long for an answer to a cancel',
    'does not come in time: cancel',
    (_driver, made) => ({ cancel: (...call) => made(SLOW).cancel(...call) }),
  ],
  [
    'waits too long for an answer to a refund',
    'does not come in time: refund',
    (_driver, made) => ({ refund: (...call) => made(SLOW).refund(...call) }),
  ],
  [
    'says that less was given back when it is asked again',
    'gives back once when the first call is disturbed',
    (driver) => ({
      refund: (registration, refund, attempt) =>
        seenAs(driver.refund(registration, refund, attempt), ({ returned }) =>
          attempt.lastSentAt === null ? {} : { returned: (returned - 1) as Minor },
        ),
    }),
  ],
  [
    'takes a lost cancel for one that is done',
    'ends what is unpaid when the first call is disturbed: requestLost',
    (driver) => ({
      cancel: async (...call) => {
        const outcome = await driver.cancel(...call);
        if (outcome.outcome !== 'unknown' || outcome.unsent !== undefined) return outcome;
        return seenAs(driver.look(call[0]), () => ({ status: 'cancelled' }));
      },
    }),
  ],
  [
    'loses a unit between roubles and kopecks',
    'to the last unit',
    (driver) => ({
      register: async (tender, attempt) => {
        const amount = Math.trunc((tender.amount / 100) * 100) as Minor;
        const made = await driver.register({ ...tender, amount }, attempt);
        return withRegistration(made, { amount: tender.amount });
      },
    }),
  ],
  [
    'takes a refund for the one before that was of as much',
    'gives back once more',
    (driver) => {
      const given = new Set<number>();
      return {
        refund: async (registration, refund, attempt) => {
          if (given.has(refund.amount)) return driver.look(registration);
          const outcome = await driver.refund(registration, refund, attempt);
          if (outcome.outcome === 'done') given.add(refund.amount);
          return outcome;
        },
      };
    },
  ],
  [
    'calls cancelled what was given back',
    'that it was paid',
    (driver) => ({
      look: (registration) =>
        seenAs(driver.look(registration), ({ paid, returned }) =>
          paid > 0 && paid === returned ? { status: 'cancelled' } : {},
        ),
    }),
  ],
  [
    'never says expired',
    'once its time is over',
    (driver) => ({
      look: (registration) =>
        seenAs(driver.look(registration), ({ status }) =>
          status === 'expired' ? { status: 'failed' } : {},
        ),
    }),
  ],
  [
    'reads another bill out of a notification',
    'reads a notification',
    (driver) => ({
      readNotification: async (posted) => {
        const reading = await driver.readNotification(posted);
        return 'about' in reading ? { ...reading, about: { ...reading.about, id: 'x' } } : reading;
      },
    }),
  ],
];

describe('a driver of an acquirer', () => {
  test.each(planted)('fails the conformance kit when it %s', async (_what, where, change) => {
    const [flawed] = await flawsOf(changed(change), startTbankForKit);

    expect(flawed?.name).toContain(where);
  });

  test('fails the conformance kit when it cannot end what is over', async () => {
    const begunAt = new KitClock().wall();
    const module: BillDriverModule = {
      ...sber,
      make: (settings, surroundings) => {
        const isLate = () => surroundings.clock.wall() - begunAt > 900_000;
        const late = changed(
          (driver) => ({
            cancel: async (...call) =>
              isLate() ? notDone('closed', '', { afterMs: 60_000 }) : driver.cancel(...call),
          }),
          sber,
        );
        return late.make(settings, surroundings);
      },
    };
    const [flawed] = await flawsOf(module, startSberForKit);

    expect(flawed?.name).toContain('once its time is over');
  });
});

async function flawsOf(module: BillDriverModule, startTestBank: StartTestBank) {
  const checked = await runChecks(
    { exported: { driver: module }, startTestBank },
    { isOneEnough: true },
  );
  return checked.filter(({ flaw }) => flaw !== undefined);
}
