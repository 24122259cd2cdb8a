import { afterEach, describe, expect, test } from 'vitest';
import {
  type BankWorld,
  tbankWorld,
  type WorldOptions,
} from '../../../tests/support/bank-worlds.ts';
import {
  doneOf,
  NEVER_SENT,
  paid,
  refundOf,
  registered,
  seen,
  tender,
} from '../../../tests/support/tenders.ts';
import type { Minor } from '../../domain/money.ts';
import type { Millis } from '../../domain/time.ts';
import { saysHowItEnded } from './answers.ts';

let world: BankWorld | undefined;

afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function given(options: WorldOptions = {}): Promise<BankWorld> {
  world = await tbankWorld(options);
  return world;
}

describe('registering at T-Bank', () => {
  test('gives a code of SBP with the amount of the bill', async () => {
    const at = await given();
    const { payload, ref } = await registered(at);

    expect(payload).toMatch(/^https:\/\/qr\.nspk\.ru\/AD10\w{28}\?type=02&bank=\d{12}&sum=15000&/);
    expect(at.bank.books()).toMatchObject([{ ref, amount: 15_000, status: 'FORM_SHOWED' }]);
  });

  test('asked again after a lost answer finds what it has made, with the same code', async () => {
    const at = await given();
    at.bank.faults.add({ kind: 'lost', effect: 'now', path: '/Init' });

    expect(await at.driver.register(tender(at), NEVER_SENT)).toMatchObject({ outcome: 'unknown' });
    const lastSentAt = at.clock.wall() as Millis;
    const first = doneOf(await at.reopen().register(tender(at), { lastSentAt }));

    expect(doneOf(await at.driver.register(tender(at), { lastSentAt }))).toEqual(first);
    expect(at.bank.books()).toHaveLength(1);
  });

  test('finds what an earlier call makes while this one is on its way', async () => {
    const at = await given();
    const first = await registered(at);

    // The bank refuses a number that it has: that answers the question.
    expect(doneOf(await at.driver.register(tender(at), NEVER_SENT))).toEqual(first);
    expect(at.bank.books()).toHaveLength(1);
  });

  test.each([
    ['less than SBP takes', { amount: 9_99 as Minor }],
    ['more than SBP takes', { amount: 1_000_000_01 as Minor }],
    ['an end that is past', { expiresAt: 0 as Millis }],
  ])('is refused for good for %s', async (_what, change) => {
    const at = await given();

    expect(await at.driver.register(tender(at, change), NEVER_SENT)).toMatchObject({
      outcome: 'notDone',
      code: 'unfit',
      again: 'never',
    });
  });

  test.each([60_000, 5_000])('is done for a life of which %i ms are left', async (leftMs) => {
    const at = await given();
    const bill = tender(at, { expiresAt: (at.clock.wall() + leftMs) as Millis });
    at.clock.advance(5);

    const registration = doneOf(await at.driver.register(bill, NEVER_SENT));
    at.clock.advance(59_000);
    expect(await seen(at, registration)).toMatchObject({ status: 'open' });
    at.clock.advance(20_000);
    expect(await seen(at, registration)).toMatchObject({ status: 'expired' });
  });

  test('is not done where the bank is away, and unknown where its gateway gives up', async () => {
    const at = await given();
    at.bank.faults.add({ kind: 'status', status: 429, retryAfterS: 7 });
    expect(await at.driver.register(tender(at), NEVER_SENT)).toMatchObject({
      outcome: 'notDone',
      code: 'busy',
      again: { afterMs: 7_000 },
    });

    at.bank.faults.add({ kind: 'status', status: 502, effect: 'now' });
    expect(await at.driver.register(tender(at), NEVER_SENT)).toMatchObject({ outcome: 'unknown' });

    await at.close();
    expect(await at.driver.register(tender(at), NEVER_SENT)).toMatchObject({
      outcome: 'notDone',
      code: 'unreachable',
    });
  });

  test('is unknown once the bank has not answered in time', async () => {
    const at = await given({ driver: { timeoutMs: 5_000 } });
    at.bank.faults.add({ kind: 'slow', delayMs: 60_000, path: '/Init' });

    const asked = at.driver.register(tender(at), NEVER_SENT);
    await expect.poll(() => at.bank.books()).toHaveLength(1);
    at.clock.advance(5_000);

    expect(await asked).toMatchObject({ outcome: 'unknown', detail: 'no answer in 5000 ms' });
  });
});

describe('a bill at T-Bank', () => {
  test('is seen open, then paid, with no hold in between', async () => {
    const at = await given();
    const registration = await registered(at);

    expect(await seen(at, registration)).toMatchObject({ status: 'open', paid: 0 });
    at.bank.pay(registration.ref);
    expect(await seen(at, registration)).toMatchObject({
      status: 'paid',
      paid: 15_000,
      returned: 0,
    });
    expect(at.driver.capabilities.hold).toBe(false);
  });

  test('ends by itself after its time, and after three attempts that failed', async () => {
    const at = await given();
    const late = await registered(at);
    const unlucky = await registered(at, { id: 'another' });

    for (let i = 0; i < 2; i++) at.bank.failAttempt(unlucky.ref);
    expect(await seen(at, unlucky)).toMatchObject({ status: 'open' });
    at.bank.failAttempt(unlucky.ref);
    at.clock.advance(900_001);

    expect(await seen(at, unlucky)).toMatchObject({ status: 'failed' });
    expect(await seen(at, late)).toMatchObject({ status: 'expired' });
    expect(at.bank.pay(late.ref)).toBeDefined();
  });

  test('has failed where the bank says so as if it had not understood', async () => {
    const at = await given({ simulator: { failedIsSuccess: false } });
    const registration = await registered(at);
    for (let i = 0; i < 3; i++) at.bank.failAttempt(registration.ref);

    expect(await seen(at, registration)).toMatchObject({ status: 'failed' });
  });

  test.each([
    ['REJECTED', '103', true],
    ['ATTEMPTS_EXPIRED', '3042', true],
    ['REJECTED', '204', false],
    ['CONFIRMED', '103', false],
  ])('is believed to be %s with code %s: %s', (status, code, isBelieved) => {
    expect(saysHowItEnded(status, code)).toBe(isBelieved);
  });

  test('shows what somebody at the bank has given back', async () => {
    const at = await given();
    const registration = await paid(at);

    at.bank.refundByHand(registration.ref, 40_00);

    expect(await seen(at, registration)).toMatchObject({ status: 'paid', returned: 4_000 });
  });

  test('is unknown, and not half known, where the bank does not say how much went back', async () => {
    const at = await given({
      simulator: { amountIsCurrent: false },
      driver: { amountInState: 'original' },
    });
    const registration = await paid(at);
    at.bank.refundByHand(registration.ref, 40_00);

    expect(await at.driver.look(registration)).toMatchObject({ outcome: 'unknown' });
    expect(at.driver.capabilities.partialRefund).toBe(false);
    at.bank.refundByHand(registration.ref, 110_00);
    expect(await seen(at, registration)).toMatchObject({ returned: 15_000 });
  });
});

describe('cancelling at T-Bank', () => {
  test('ends what is unpaid, however often it is asked', async () => {
    const at = await given();
    const registration = await registered(at);

    for (const attempt of [NEVER_SENT, { lastSentAt: at.clock.wall() as Millis }]) {
      expect(doneOf(await at.driver.cancel(registration, attempt))).toMatchObject({
        status: 'cancelled',
      });
    }
    expect(at.bank.pay(registration.payload)).toBeDefined();
  });

  test('is not done to what is paid: Cancel would give the money back unasked', async () => {
    const at = await given();
    const registration = await paid(at);

    expect(await at.driver.cancel(registration, NEVER_SENT)).toMatchObject({
      outcome: 'notDone',
      code: 'paid',
    });
    expect(at.bank.books()).toMatchObject([{ paid: 15_000, returned: 0 }]);
  });

  test('tells that the money went back where the payer was quicker by a moment', async () => {
    const at = await given();
    const registration = await registered(at);
    // The look is answered before the payment; Cancel arrives after it.
    at.bank.faults.add({ kind: 'lost', effect: 'late', delayMs: 1_000, path: '/Cancel' });
    expect(await at.driver.cancel(registration, NEVER_SENT)).toMatchObject({ outcome: 'unknown' });
    const lastSentAt = at.clock.wall() as Millis;
    at.bank.pay(registration.ref);
    expect(await at.driver.cancel(registration, { lastSentAt })).toMatchObject({
      outcome: 'unknown',
    });
    at.clock.advance(1_000);

    expect(doneOf(await at.driver.cancel(registration, { lastSentAt }))).toMatchObject({
      status: 'paid',
      returned: 15_000,
    });
  });

  test('waits for the end of the payment where the bank does not cancel a shown form', async () => {
    const at = await given({ simulator: { formShownCancels: false } });
    const registration = await registered(at);

    expect(await at.driver.cancel(registration, NEVER_SENT)).toMatchObject({
      outcome: 'notDone',
      code: 'closed',
      again: { afterMs: 60_000 },
    });
  });
});

describe('a refund at T-Bank', () => {
  test('gives back parts until nothing is left', async () => {
    const at = await given();
    const registration = await paid(at);

    expect(doneOf(await at.driver.refund(registration, refundOf(50_00), NEVER_SENT))).toMatchObject(
      {
        returned: 5_000,
      },
    );
    const rest = { ...refundOf(100_00, 50_00), id: 'r2' };
    expect(doneOf(await at.driver.refund(registration, rest, NEVER_SENT))).toMatchObject({
      returned: 15_000,
    });
    const more = { ...refundOf(1, 150_00), id: 'r3' };
    expect(await at.driver.refund(registration, more, NEVER_SENT)).toMatchObject({
      outcome: 'notDone',
      code: 'exceeds',
    });
  });

  test('whose answer was lost is not made again', async () => {
    const at = await given();
    const registration = await paid(at);
    at.bank.faults.add({ kind: 'lost', effect: 'now', path: '/Cancel' });

    expect(await at.driver.refund(registration, refundOf(50_00), NEVER_SENT)).toMatchObject({
      outcome: 'unknown',
    });
    const lastSentAt = at.clock.wall() as Millis;
    const again = await at.reopen().refund(registration, refundOf(50_00), { lastSentAt });

    expect(doneOf(again)).toMatchObject({ returned: 5_000 });
    expect(at.bank.books()).toMatchObject([{ returned: 5_000, refunds: [{ amount: 5_000 }] }]);
  });

  test('whose answer was lost is not made again where Amount is not what the setting says', async () => {
    const at = await given({ simulator: { amountIsCurrent: false } });
    const registration = await paid(at);
    at.bank.faults.add({ kind: 'lost', effect: 'now', path: '/Cancel' });
    await at.driver.refund(registration, refundOf(50_00), NEVER_SENT);
    const lastSentAt = at.clock.wall() as Millis;
    at.clock.advance(61_000);

    const again = await at.driver.refund(registration, refundOf(50_00), { lastSentAt });
    expect(again).toMatchObject({
      outcome: 'unknown',
      detail: 'the bank says PARTIAL_REFUNDED of 15000',
      unsent: 'unclear',
    });
    expect(at.bank.books()).toMatchObject([{ returned: 5_000, refunds: [{ amount: 5_000 }] }]);
  });

  test('that a busy bank does not let in to be asked about is unknown, and says that it is busy', async () => {
    const at = await given();
    const registration = await paid(at);
    const lastSentAt = at.clock.wall() as Millis;
    at.bank.faults.add({ kind: 'status', status: 429, retryAfterS: 7, path: '/GetState' });

    expect(await at.driver.refund(registration, refundOf(50_00), { lastSentAt })).toMatchObject({
      outcome: 'unknown',
      unsent: 'busy',
      afterMs: 7_000,
    });
  });

  test('that may still arrive is waited for, and made once it cannot', async () => {
    const at = await given();
    const registration = await paid(at);
    at.bank.faults.add({ kind: 'lost', effect: 'none', path: '/Cancel' });
    await at.driver.refund(registration, refundOf(50_00), NEVER_SENT);
    const lastSentAt = at.clock.wall() as Millis;
    at.clock.advance(20_000);

    expect(await at.driver.refund(registration, refundOf(50_00), { lastSentAt })).toMatchObject({
      outcome: 'unknown',
      afterMs: 40_000,
    });
    at.clock.advance(40_000);
    expect(
      doneOf(await at.driver.refund(registration, refundOf(50_00), { lastSentAt })),
    ).toMatchObject({ returned: 5_000 });
  });

  test('is decided again where somebody gave back by hand meanwhile', async () => {
    const at = await given();
    const registration = await paid(at);
    at.bank.refundByHand(registration.ref, 20_00);

    expect(await at.driver.refund(registration, refundOf(50_00), NEVER_SENT)).toMatchObject({
      outcome: 'notDone',
      code: 'moved',
      again: { afterMs: 0 },
    });
    expect(at.bank.books()).toMatchObject([{ returned: 2_000 }]);
  });

  test('on its way at the bank is unknown until it has come', async () => {
    const at = await given({ simulator: { refundDelayMs: 30_000 } });
    const registration = await paid(at);

    expect(await at.driver.refund(registration, refundOf(50_00), NEVER_SENT)).toMatchObject({
      outcome: 'unknown',
    });
    expect(doneOf(await at.driver.look(registration))).toMatchObject({ isReturning: true });
    const attempt = { lastSentAt: at.clock.wall() as Millis };
    at.clock.advance(30_000);
    expect(doneOf(await at.driver.refund(registration, refundOf(50_00), attempt))).toMatchObject({
      returned: 5_000,
      isReturning: false,
    });
  });

  test('keeps to one failed attempt an hour and five a day', async () => {
    const at = await given();
    const registration = await paid(at);
    at.bank.refuseRefunds('3028', 5);
    const ask = () => at.driver.refund(registration, refundOf(50_00), NEVER_SENT);

    for (let hour = 0; hour < 5; hour++) {
      expect(await ask()).toMatchObject({ code: 'refused', again: { afterMs: 3_600_000 } });
      expect(await ask()).toMatchObject({ code: 'usedUp' });
      at.clock.advance(3_600_000);
    }
    expect(await ask()).toMatchObject({ code: 'usedUp', again: { afterMs: 86_400_000 } });
    at.clock.advance(86_400_000);
    expect(await ask()).toMatchObject({ outcome: 'done' });
  });
});
