// Bills that are paid and that nobody confirms: they end by their policy, whatever happens to the switch meanwhile.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Bill, done, fresh } from '../support/client.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { showOutputOnFailure } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

/** The least that is taken, in seconds. */
const CONFIRM_WITHIN = 60;

describe('a bill that nobody confirms', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(redisAndPostgres, { QRSWITCH_IDLE_SECONDS: '0' });
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('is confirmed or reversed in time, though it left memory and the switch was killed', async () => {
    const sell = async (policies?: object): Promise<Bill> => {
      const [till, wallet] = [world.http('terminal'), world.http('paychannel')];
      const order = {
        orderId: fresh('order'),
        amount: 100,
        currency: 'EUR',
        confirmWithin: CONFIRM_WITHIN,
        ...(policies && { policies }),
      };
      const { id: billId } = await done(till, 'bill.create', order);
      await done(wallet, 'payment.create', {
        billId,
        paymentRef: 'p',
        amount: 100,
        currency: 'EUR',
      });
      return done(till, 'bill.get', { billId });
    };
    const bills = [
      await sell(),
      await sell({ unconfirmed: 'confirm' }),
      await sell({ unconfirmed: 'reverse' }),
    ];
    await world.crash();

    const wait = async ({ id: billId }: Bill): Promise<Bill> => {
      for (;;) {
        const bill = await done(world.http('terminal'), 'bill.get', {
          billId,
          wait: 30,
          afterVersion: 2,
        });
        if (bill.version > 2) return bill;
      }
    };
    // The last one is not waited for, and must be found out of memory by the clock alone.
    const [first, second] = await Promise.all(bills.slice(0, 2).map(wait));
    for (const bill of [first, second]) {
      expect(bill).toMatchObject({
        status: 'confirmed',
        cause: 'timeout',
        confirmed: 100,
        reversed: 0,
        version: 3,
      });
      const waited = Date.parse(bill?.confirmedAt ?? '') - Date.parse(bill?.paidAt ?? '');
      expect(waited).toBeGreaterThanOrEqual(CONFIRM_WITHIN * 1000);
      expect(waited).toBeLessThan((CONFIRM_WITHIN + 5) * 1000);
    }
    await world.process.until('through with its timers', async () => {
      const { events } = await done(world.http('terminal'), 'terminal.events', {});
      return events.some(
        ({ type, billId }) => type === 'bill.cancelled' && billId === bills[2]?.id,
      );
    });
    const reversed = await done(world.http('terminal'), 'bill.get', { billId: bills[2]?.id });
    expect(reversed).toMatchObject({
      status: 'cancelled',
      cause: 'timeout',
      confirmed: 0,
      reversed: 100,
    });
    expect(reversed.credits).toMatchObject([{ kind: 'reversal', amount: 100, status: 'pending' }]);
    const { events } = await done(world.http('paychannel'), 'paychannel.events', {});
    expect(events.filter(({ type }) => type === 'payment.confirmed')).toHaveLength(2);
    expect(events.filter(({ type }) => type === 'credit.requested')).toHaveLength(1);
  });
});
