import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { type Change, changed, withRegistration } from '../../tests/support/changed-driver.ts';
import { qrswitch } from '../../tests/support/command-line.ts';
import type { Minor } from '../domain/money.ts';
import {
  type BillDriverModule,
  done,
  notDone,
  type Registration,
  unknown,
} from '../drivers/contract/bill-driver.ts';
import { type Checked, runChecks } from '../drivers/kit/run-checks.ts';
import { driver as tbank } from '../drivers/tbank/driver.ts';
import { startTbankForKit } from './driver-kit/test-banks.ts';

describe('qrswitch driver check', () => {
  test.each(['tbank', 'sber'])('passes %s', async (name) => {
    const { code, stdout } = await qrswitch('driver', 'check', name);

    expect(stdout).not.toContain('FAIL');
    expect(stdout).toMatch(/4\d passed, 0 failed\n$/);
    expect(code).toBe(0);
  });

  test.each(['url', 'emvco', 'sbp'])('passes %s', async (name) => {
    const { code, stdout } = await qrswitch('driver', 'check', name);

    expect(stdout).toMatch(/^(ok {4}.*\n)+10 passed, 0 failed\n$/);
    expect(code).toBe(0);
  });

  test('passes webhooks, for terminals and for paychannels', async () => {
    const { code, stdout } = await qrswitch('driver', 'check', 'webhook');

    expect(stdout).toMatch(/^(ok {4}.*\n)+30 passed, 0 failed\n$/);
    expect(stdout).toContain('ok    terminal webhook refuses settings');
    expect(stdout).toContain('ok    paychannel webhook refuses settings');
    expect(code).toBe(0);
  });

  test('says what cannot be loaded, or is no driver', async () => {
    const missing = await qrswitch('driver', 'check', './nowhere.mjs');
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('cannot be loaded');

    const other = await qrswitch('driver', 'check', 'commander');
    expect(other.stderr).toContain('exports no `driver`');
  });
});

const NEVER_SENT = { lastSentAt: null };
let registrations = 0;
let last: Registration | undefined;

const planted: readonly [string, string, Change][] = [
  [
    'registers anew without asking',
    'registers once when',
    (driver) => ({
      register: async (tender) => {
        registrations += 1;
        const anew = { ...tender, id: `${tender.id}-${registrations}` };
        return withRegistration(await driver.register(anew, NEVER_SENT), { id: tender.id });
      },
    }),
  ],
  [
    'gives back again without asking',
    'gives back once when',
    (driver) => ({
      refund: async (registration, refund) => {
        const seen = await driver.look(registration);
        const returnedBefore =
          seen.outcome === 'done' ? seen.value.returned : refund.returnedBefore;
        return driver.refund(registration, { ...refund, returnedBefore }, NEVER_SENT);
      },
    }),
  ],
  [
    'takes a lost answer for a no',
    'gives back once when',
    (driver) => ({
      refund: async (...call) => {
        const outcome = await driver.refund(...call);
        return outcome.outcome === 'unknown' ? notDone('refused', '', { afterMs: 0 }) : outcome;
      },
    }),
  ],
  [
    'takes a lost answer for a yes',
    'gives back once when',
    (driver) => ({
      refund: async (registration, refund, attempt) => {
        const outcome = await driver.refund(registration, refund, attempt);
        if (outcome.outcome !== 'unknown') return outcome;
        return driver.look(registration);
      },
    }),
  ],
  [
    'says of a lost call that it was not sent',
    'gives back once when',
    (driver) => ({
      refund: async (...call) => {
        const outcome = await driver.refund(...call);
        return outcome.outcome === 'unknown' ? { ...outcome, unsent: 'early' } : outcome;
      },
    }),
  ],
  [
    'takes a busy bank for a no',
    'does not say no of a lost refund',
    (driver) => ({
      refund: async (...call) => {
        const outcome = await driver.refund(...call);
        const isBusy = outcome.outcome === 'unknown' && outcome.unsent === 'busy';
        return isBusy ? notDone('busy', '', { afterMs: outcome.afterMs }) : outcome;
      },
    }),
  ],
  [
    'lets whoever asks all the time wait for ever',
    'though it is asked all the time',
    (driver) => ({
      refund: async (...call) => {
        const outcome = await driver.refund(...call);
        return outcome.outcome === 'unknown' ? unknown(outcome.detail, outcome.afterMs) : outcome;
      },
    }),
  ],
  [
    'does not wait for calls that may still arrive',
    'gives back once when the first call is disturbed: late',
    (driver) => ({
      refund: (registration, refund, { lastSentAt }) =>
        driver.refund(registration, refund, {
          lastSentAt: lastSentAt === null ? null : ((lastSentAt - 3_600_000) as typeof lastSentAt),
        }),
    }),
  ],
  [
    'sees only its own refunds',
    'finds what was given back by hand',
    (driver) => ({
      look: async (registration) => {
        const outcome = await driver.look(registration);
        return outcome.outcome === 'done'
          ? done({ ...outcome.value, returned: 0 as Minor })
          : outcome;
      },
    }),
  ],
  [
    'calls cancelled what is paid',
    'does not call cancelled',
    (driver) => ({
      cancel: async (registration, attempt) => {
        const outcome = await driver.cancel(registration, attempt);
        if (outcome.outcome !== 'notDone' || outcome.code !== 'paid') return outcome;
        const seen = await driver.look(registration);
        return seen.outcome === 'done' ? done({ ...seen.value, status: 'cancelled' }) : seen;
      },
    }),
  ],
  [
    'believes any notification',
    'refuses a forged one',
    (driver) => ({
      readNotification: async (posted) => {
        const reading = await driver.readNotification(posted);
        if ('about' in reading) return reading;
        return { about: { id: '', ref: '' }, reply: { ...reading.reply, status: 200 } };
      },
    }),
  ],
  [
    'throws when the bank is away',
    'registers once when',
    (driver) => ({
      register: async (...call) => {
        const outcome = await driver.register(...call);
        if (outcome.outcome === 'unknown') throw new Error('ECONNRESET');
        return outcome;
      },
    }),
  ],
  [
    'reckons in roubles',
    'of the exact amount',
    (driver) => ({
      register: (tender, attempt) =>
        driver.register({ ...tender, amount: (tender.amount * 100) as Minor }, attempt),
    }),
  ],
  [
    'insists when the bank is busy',
    'waits as long as a busy',
    (driver) => ({
      register: async (...call) => {
        let outcome = await driver.register(...call);
        for (let i = 0; i < 5 && outcome.outcome === 'notDone'; i++) {
          outcome = await driver.register(...call);
        }
        return outcome;
      },
    }),
  ],
  [
    'gives all bills one code',
    'keeps bills apart',
    (driver) => {
      let payload: string | undefined;
      return {
        register: async (...call) => {
          const made = await driver.register(...call);
          if (made.outcome === 'done') payload ??= made.value.payload;
          return withRegistration(made, payload === undefined ? {} : { payload });
        },
      };
    },
  ],
  [
    'looks at the last order, whichever it is asked about',
    'keeps bills apart',
    (driver) => ({
      register: async (...call) => {
        const made = await driver.register(...call);
        if (made.outcome === 'done') last = made.value;
        return made;
      },
      look: (registration) => driver.look(last ?? registration),
    }),
  ],
  [
    'names another bill in its registration',
    'of the exact amount',
    (driver) => ({
      register: async (...call) => withRegistration(await driver.register(...call), { id: 'x' }),
    }),
  ],
  [
    'takes a currency that its bank does not',
    'in each of its currencies',
    (driver) => ({ capabilities: { ...driver.capabilities, currencies: ['RUB', 'EUR'] } }),
  ],
  [
    'lets its bank take money long after the time of a bill',
    'has what nobody pays ended',
    (driver) => ({
      register: (tender, attempt) => {
        const expiresAt = (tender.expiresAt + 86_400_000) as typeof tender.expiresAt;
        return driver.register({ ...tender, expiresAt }, attempt);
      },
    }),
  ],
  [
    'answers with more than can be passed on',
    'sees a bill open',
    (driver) => ({
      look: async (registration) => {
        const seen = await driver.look(registration);
        return seen.outcome === 'done' ? done({ ...seen.value, raw: () => 1 }) : seen;
      },
    }),
  ],
  [
    'leaves out what a sighting must say',
    'sees a bill open',
    (driver) => ({
      look: async (registration) => {
        const seen = await driver.look(registration);
        if (seen.outcome !== 'done') return seen;
        const { payer: _payer, ...rest } = seen.value;
        return done(rest as typeof seen.value);
      },
    }),
  ],
  [
    'says no by a word that there is not',
    'gives back to the exact amount',
    (driver) => ({
      refund: async (...call) => {
        const outcome = await driver.refund(...call);
        return outcome.outcome === 'notDone' ? { ...outcome, code: 'sold' as 'paid' } : outcome;
      },
    }),
  ],
  [
    'says by a word that there is not that an order is unknown',
    'which its acquirer does not have',
    (driver) => ({
      look: async (registration) => {
        const seen = await driver.look(registration);
        return seen.outcome === 'notDone' ? { ...seen, code: 'gone' as 'paid' } : seen;
      },
    }),
  ],
  [
    'tells more of what is amiss than is read',
    'registers once when',
    (driver) => ({
      register: async (...call) => {
        const outcome = await driver.register(...call);
        return outcome.outcome === 'unknown' ? { ...outcome, detail: 'x'.repeat(3_000) } : outcome;
      },
    }),
  ],
  [
    'has fractions of milliseconds to wait',
    'waits as long as a busy',
    (driver) => ({
      register: async (...call) => {
        const outcome = await driver.register(...call);
        if (outcome.outcome !== 'notDone' || typeof outcome.again !== 'object') return outcome;
        return { ...outcome, again: { afterMs: outcome.again.afterMs + 0.5 } };
      },
    }),
  ],
  [
    'has bills live for ever',
    'refuses settings',
    (driver) => ({
      capabilities: { ...driver.capabilities, lifetimeMaxMs: Number.POSITIVE_INFINITY },
    }),
  ],
];

describe('a driver with a fault', () => {
  test.each(planted)('fails when it %s', async (_what, where, change) => {
    const [flawed] = await flawsOf(changed(change));

    expect(flawed?.name).toContain(where);
  });

  test('fails when it keeps in memory what it must know again', async () => {
    const module = changed((inner) => {
      const known = new Map<string, Registration>();
      return {
        register: async (tender, attempt) => {
          const outcome = await inner.register(tender, attempt);
          if (outcome.outcome === 'done') known.set(tender.id, outcome.value);
          return outcome;
        },
        look: async (registration) => {
          const kept = known.get(registration.id);
          return kept === undefined ? notDone('unregistered', '', 'never') : inner.look(kept);
        },
      };
    });
    const [flawed] = await flawsOf(module);

    expect(flawed).toMatchObject({ flaw: expect.stringContaining('unregistered') });
  });

  test('fails when it keeps in its module what it must know again', async () => {
    const inOneLife = (): BillDriverModule => {
      const known = new Set<string>();
      return changed((inner) => ({
        register: async (...call) => {
          const outcome = await inner.register(...call);
          if (outcome.outcome === 'done') known.add(outcome.value.ref);
          return outcome;
        },
        look: async (registration) =>
          known.has(registration.ref)
            ? inner.look(registration)
            : notDone('unregistered', '', 'never'),
      }));
    };
    const checked = await runChecks(
      {
        exported: { driver: inOneLife() },
        anew: async () => ({ driver: inOneLife() }),
        startTestBank: startTbankForKit,
      },
      { isOneEnough: true },
    );

    expect(checked.at(-1)).toMatchObject({ flaw: expect.stringContaining('unregistered') });
  });

  test('fails when it hangs, and its checks come to their end', async () => {
    let looks = 0;
    const checked = await runChecks(
      {
        exported: { driver: changed(() => ({ register: () => new Promise(() => {}) })) },
        startTestBank: async (clock) => {
          const bank = await startTbankForKit(clock);
          const books = () => {
            looks += 1;
            return bank.books();
          };
          return { ...bank, books };
        },
      },
      { checkMs: 100 },
    );
    const looked = looks;
    for (let turn = 0; turn < 20; turn++) await new Promise((go) => setImmediate(go));

    expect(looked).toBeGreaterThan(0);
    expect(looks).toBe(looked);
    const stalled = checked.find(({ name }) => name.endsWith('come in time: register'));
    expect(stalled?.flaw).toBe('register hangs');
  });

  test('fails when it takes any settings', async () => {
    const module = { ...tbank, settings: Type.Object({}), make: tbank.make };
    const [flawed] = await flawsOf(module);

    expect(flawed?.name).toContain('refuses settings');
  });

  test.each([
    [{}, 'no `driver`'],
    [{ driver: { ...tbank, contract: 2 } }, 'contract 2'],
    [{ driver: { ...tbank, kind: 'lamp' } }, 'driver of lamp'],
    [{ driver: { ...tbank, name: 'T Bank' } }, 'its name'],
  ])('is not tried at all where it is none: %#', async (exported, said) => {
    await expect(runChecks({ exported, startTestBank: startTbankForKit })).rejects.toThrow(said);
  });
});

async function flawsOf(module: BillDriverModule): Promise<readonly Checked[]> {
  const subject = { exported: { driver: module }, startTestBank: startTbankForKit };
  const checked = await runChecks(subject, { isOneEnough: true });
  return checked.filter(({ flaw }) => flaw !== undefined);
}
