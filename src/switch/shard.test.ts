import { expect, test } from 'vitest';
import {
  billId,
  institutionId,
  makeBill,
  paychannelId,
  reference,
  terminalId,
} from '../../tests/support/bill-fixtures.ts';
import { startLoneShard } from '../../tests/support/lone-shard.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import { EVENTS_KEPT } from '../domain/bill/vocabulary.ts';
import { type Currency, minor, ZERO } from '../domain/money.ts';
import { NEVER } from '../domain/time.ts';
import type { Principal } from './principal.ts';

const CODE = billId(1);
/** A code for many payments, each of which raises an event for its terminal. */
const code = makeBill({
  id: CODE,
  type: 'static',
  amount: ZERO,
  expiresAt: NEVER,
  capture: 'auto',
  offer: {
    usage: 'many',
    minAmount: minor(1),
    maxAmount: minor(1_000),
    maxPayments: null,
    maxTotal: null,
    validFrom: null,
  },
});
const wallet: Principal = {
  kind: 'paychannel',
  id: paychannelId,
  institutionId,
  merchantId: null,
  merchant: null,
  restricted: false,
  subscribed: false,
};

test('a shard that is given up tells of no event any more, of none that its bill had let go either', async () => {
  const { ask, commit, events, shard } = startLoneShard({ bills: new Map([[CODE, code]]) });
  for (let i = 0; i <= EVENTS_KEPT + 1; i++) {
    await ask(wallet, {
      op: 'payment.create',
      billId: CODE,
      paymentRef: reference(`p-${i}`),
      digest: 'd',
      amount: minor(5),
      currency: 'EUR' as Currency,
      reservationNo: null,
      method: null,
      payer: null,
      paidAt: null,
    });
    commit();
  }
  const recipient = `terminal:${terminalId}` as const;
  const bill = shard.residents.get(CODE)?.bill as PresentBill;
  expect(bill.outbox.length).toBeLessThan(EVENTS_KEPT);
  expect(events.read(recipient).pending).toHaveLength(EVENTS_KEPT + 2);

  shard.drop('shard.unavailable');

  expect(events.read(recipient)).toEqual({ pending: [], ended: [] });
  expect(events.pendingCount).toBe(0);
});
