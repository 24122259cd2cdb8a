import { afterEach, describe, expect, test } from 'vitest';
import {
  type BankWorld,
  SBER_CLIENT,
  SBER_OUTLET,
  sberWorld,
  type WorldOptions,
} from '../../../tests/support/bank-worlds.ts';
import {
  doneOf,
  NEVER_SENT,
  paid,
  refundOf,
  registered,
  seen,
  sentNow,
  tender,
} from '../../../tests/support/tenders.ts';
import type { Currency } from '../../domain/money.ts';
import { millis } from '../../domain/time.ts';

let world: BankWorld | undefined;

afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function given(options: WorldOptions = {}): Promise<BankWorld> {
  world = await sberWorld(options);
  return world;
}

describe('registering at Sber', () => {
  test('gives a code of SBP, or one of Sber’s own', async () => {
    const at = await given();
    expect((await registered(at)).payload).toMatch(
      /^https:\/\/qr\.nspk\.ru\/AD10.*&bank=100000000111&sum=15000/,
    );
    await at.close();

    const own = await registered(await given({ driver: { code: 'own' } }));
    expect(own.payload).toBe(`https://sberbank.ru/qr/?dynamicQr=${own.ref}`);
  });

  test('finds an order of its own kind whose answer was lost: its code follows from it', async () => {
    const at = await given({ driver: { code: 'own' } });
    at.bank.faults.add({ kind: 'lost', effect: 'now', path: '/creation' });
    expect(await at.driver.register(tender(at), NEVER_SENT)).toMatchObject({ outcome: 'unknown' });

    const found = doneOf(await at.reopen().register(tender(at), sentNow(at)));

    expect(at.bank.books()).toMatchObject([{ ref: found.ref, payload: found.payload }]);
  });

  test('leaves an SBP order whose answer was lost as it is, and wants another number', async () => {
    const at = await given();
    at.bank.faults.add({ kind: 'lost', effect: 'now', path: '/creation' });
    await at.driver.register(tender(at), NEVER_SENT);

    expect(await at.driver.register(tender(at), sentNow(at))).toMatchObject({
      outcome: 'notDone',
      again: 'anew',
    });
    expect(at.bank.books()).toMatchObject([{ status: 'CREATED' }]);
  });

  test.each([null, 1])(
    'ends no order whose code another may have shown since (%s)',
    async (ago) => {
      const at = await given();
      const { payload } = await registered(at);
      const lastSentAt = ago === null ? null : millis(at.clock.wall() - ago);

      // Whoever comes late was asked before there was one.
      await at.reopen().register(tender(at), { lastSentAt });

      expect(at.bank.pay(payload)).toBe(undefined);
    },
  );

  test.each(['own', 'sbp'])('finds what is there when its number is refused (%s)', async (code) => {
    const at = await given({ driver: { code } });
    await registered(at);

    const again = await at.driver.register(tender(at), NEVER_SENT);
    expect(again.outcome).toBe(code === 'own' ? 'done' : 'notDone');
    expect(at.bank.books()).toHaveLength(1);
  });

  test('waits long enough before it sends again that anything is sent at all', async () => {
    await expect(given({ driver: { settleMs: 0 } })).rejects.toThrow('settleMs');
  });

  test('is not done without a token, and asks for one each time', async () => {
    const at = await given({ driver: { clientSecret: 'wrong' } });
    expect(await at.driver.register(tender(at), NEVER_SENT)).toMatchObject({
      outcome: 'notDone',
      code: 'unauthorised',
    });
    await at.close();

    const other = await given();
    const registration = await registered(other);
    other.clock.advance(61_000);
    expect(await seen(other, registration)).toMatchObject({ status: 'open' });
    other.bank.faults.add({ kind: 'lost', path: '/oauth' });
    expect(await other.driver.look(registration)).toMatchObject({
      outcome: 'notDone',
      code: 'unreachable',
    });
  });

  test('keeps to the pace that the bank’s gateway asks for', async () => {
    const at = await given({ simulator: { rateLimit: 1 } });
    const registration = await registered(at);

    expect(await at.driver.look(registration)).toMatchObject({ outcome: 'notDone', code: 'busy' });
    at.clock.advance(1_000);
    expect(await at.driver.look(registration)).toMatchObject({ outcome: 'done' });
  });

  test('says roubles whatever the tender says: the contract names the currencies', async () => {
    const at = await given();
    expect(at.driver.capabilities.currencies).toEqual(['RUB']);
    await registered(at, { currency: 'RUB' as Currency });
  });
});

describe('a bill at Sber', () => {
  test('stays open after its time: the switch ends it', async () => {
    const at = await given();
    const registration = await registered(at);
    at.clock.advance(10 * 86_400_000);

    expect(await seen(at, registration)).toMatchObject({ status: 'open' });
    expect(at.driver.capabilities.closesByItself).toBe(false);
    expect(doneOf(await at.driver.cancel(registration, NEVER_SENT))).toMatchObject({
      status: 'cancelled',
    });
    expect(await seen(at, registration)).toMatchObject({ status: 'cancelled' });
  });

  test('is being paid while SBP has not confirmed it, and cannot be ended then', async () => {
    const at = await given({ simulator: { sbpConfirmMs: 5_000 } });
    const registration = await paid(at);

    expect(await seen(at, registration)).toMatchObject({ status: 'paying', paid: 0 });
    expect(await at.driver.cancel(registration, NEVER_SENT)).toMatchObject({ outcome: 'unknown' });
    at.clock.advance(5_000);
    expect(await seen(at, registration)).toMatchObject({ status: 'paid', paid: 15_000 });
    expect(await at.driver.cancel(registration, NEVER_SENT)).toMatchObject({ code: 'paid' });
  });

  test('is open after an attempt that failed, and paid after a refund that failed', async () => {
    const at = await given();
    const registration = await registered(at);
    at.bank.failAttempt(registration.ref);
    expect(await seen(at, registration)).toMatchObject({ status: 'open' });

    at.bank.pay(registration.ref);
    at.bank.refuseRefunds('130000', 1);
    expect(await at.driver.refund(registration, refundOf(50_00), NEVER_SENT)).toMatchObject({
      outcome: 'notDone',
      code: 'refused',
      again: { afterMs: 3_600_000 },
    });
    expect(await seen(at, registration)).toMatchObject({ status: 'paid', returned: 0 });
  });

  test('tells a part given back from the whole, which the bank calls by one name', async () => {
    const at = await given();
    const registration = await paid(at);
    expect(doneOf(await at.driver.refund(registration, refundOf(50_00), NEVER_SENT))).toMatchObject(
      { returned: 5_000 },
    );
    at.bank.refundByHand(registration.ref, 20_00);

    expect(at.bank.books()).toMatchObject([{ status: 'REFUNDED' }]);
    expect(await seen(at, registration)).toMatchObject({ status: 'paid', returned: 7_000 });
  });

  test('is looked at, given back and ended where it was made, though the settings name another outlet now', async () => {
    const other = { idQr: '1000100099', tid: '87654321' };
    const at = await given({ simulator: { outlets: [SBER_OUTLET, other] } });
    const [registration, waiting] = [await paid(at), await registered(at, { id: 'another' })];
    const driver = at.reopen(other);

    expect(doneOf(await driver.refund(registration, refundOf(50_00), NEVER_SENT))).toMatchObject({
      returned: 5_000,
    });
    expect(doneOf(await driver.look(registration))).toMatchObject({ returned: 5_000 });
    expect(doneOf(await driver.cancel(waiting, NEVER_SENT))).toMatchObject({ status: 'cancelled' });
  });

  test('that keeps no outlet is that of the settings', async () => {
    const at = await given();
    const registration = { ...(await paid(at)), notes: {} };

    expect(await seen(at, registration)).toMatchObject({ status: 'paid' });
    expect(doneOf(await at.driver.refund(registration, refundOf(50_00), NEVER_SENT))).toMatchObject(
      { returned: 5_000 },
    );
  });

  test('gives nothing back twice where the answer was lost', async () => {
    const at = await given();
    const registration = await paid(at);
    at.bank.faults.add({ kind: 'lost', effect: 'now', path: '/cancel' });
    await at.driver.refund(registration, refundOf(50_00), NEVER_SENT);

    const again = await at.reopen().refund(registration, refundOf(50_00), sentNow(at));
    expect(doneOf(again)).toMatchObject({ returned: 5_000 });
    expect(at.bank.books()).toMatchObject([{ returned: 5_000 }]);
  });

  test('that a busy bank does not let in to be asked about is unknown, and says that it is busy', async () => {
    const at = await given();
    const registration = await paid(at);
    const lastSentAt = millis(at.clock.wall());
    at.bank.faults.add({ kind: 'status', status: 429, retryAfterS: 7, path: '/status' });

    expect(await at.driver.refund(registration, refundOf(50_00), { lastSentAt })).toMatchObject({
      outcome: 'unknown',
      unsent: 'busy',
      afterMs: 7_000,
    });
  });

  test('that is asked about too often waits until the bank counts anew', async () => {
    const at = await given({ simulator: { rateLimit: 3, rateWindowMs: 30_000 } });
    const registration = await paid(at);
    await seen(at, registration);
    at.clock.advance(10_000);
    await seen(at, registration);

    expect(await at.driver.look(registration)).toMatchObject({
      outcome: 'notDone',
      code: 'busy',
      again: { afterMs: 20_000 },
    });
  });

  test('waits while SBP has not confirmed a refund, and gives nothing more back meanwhile', async () => {
    const at = await given({ simulator: { sbpRefundConfirmMs: 90_000 } });
    const registration = await paid(at);
    const refund = refundOf(50_00);
    expect(await at.driver.refund(registration, refund, NEVER_SENT)).toMatchObject({
      outcome: 'unknown',
    });
    const lastSentAt = millis(at.clock.wall());
    at.clock.advance(61_000);

    expect(await seen(at, registration)).toMatchObject({ isReturning: true, returned: 0 });
    expect(await at.driver.refund(registration, refund, { lastSentAt })).toMatchObject({
      outcome: 'unknown',
      unsent: 'unclear',
    });
    at.clock.advance(30_000);
    expect(doneOf(await at.driver.refund(registration, refund, { lastSentAt }))).toMatchObject({
      isReturning: false,
      returned: 5_000,
    });
    expect(at.bank.books()).toMatchObject([{ returned: 5_000 }]);
  });

  test('that was held up by its own questions is not sent any more: another may have been since', async () => {
    const at = await given({ driver: { timeoutMs: 60_000, settleMs: 60_000 } });
    const registration = await paid(at);
    at.bank.faults.add({ kind: 'slow', effect: 'now', delayMs: 25_000, count: 3 });
    const refund = at.driver.refund(registration, refundOf(50_00), NEVER_SENT);
    // A token, the status, another token: a time-out of ours and an answer of the bank's wait each time.
    for (let i = 0; i < 3; i++) {
      await expect.poll(() => at.clock.timers).toBe(2);
      at.clock.advance(25_000);
    }
    expect(await refund).toMatchObject({ outcome: 'notDone', again: { afterMs: 2_000 } });
    expect(at.bank.books()).toMatchObject([{ returned: 0 }]);
    expect(doneOf(await at.driver.refund(registration, refundOf(50_00), NEVER_SENT))).toMatchObject(
      {
        returned: 5_000,
      },
    );
  });
});

describe('a notification of Sber', () => {
  const message = {
    rqUid: 'a'.repeat(32),
    rqTm: '2026-01-31T09:30:00Z',
    memberId: SBER_CLIENT.memberId,
    orderId: 'o-1',
    partnerOrderNumber: 'n-1',
  };

  test('says which order is worth a look, and is answered with its own number', async () => {
    const { driver } = await given();
    const reading = await driver.readNotification({ headers: {}, body: JSON.stringify(message) });

    expect(reading).toMatchObject({ about: { id: 'n-1', ref: 'o-1' }, reply: { status: 200 } });
    expect(JSON.parse(reading.reply.body)).toEqual({ rqUid: message.rqUid, rqTm: message.rqTm });
  });

  test.each(['', '[]', '{}', JSON.stringify({ ...message, memberId: 'other' })])(
    'is refused where it is none of ours: %s',
    async (body) => {
      const { driver } = await given();

      expect(await driver.readNotification({ headers: {}, body })).toHaveProperty('refused');
    },
  );
});
