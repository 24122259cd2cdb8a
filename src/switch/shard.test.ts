import { expect, test } from 'vitest';
import {
  billId,
  institutionId,
  makeBill,
  NOON,
  paychannelId,
  reference,
  terminalId,
} from '../../tests/support/bill-fixtures.ts';
import { startLoneShard } from '../../tests/support/lone-shard.ts';
import { ShardClock } from '../actors/shard-clock.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import { EVENTS_KEPT } from '../domain/bill/vocabulary.ts';
import { type Currency, minor, ZERO } from '../domain/money.ts';
import { NEVER } from '../domain/time.ts';
import type { Principal } from './principal.ts';
import type { Operation } from './requests.ts';

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

function payment(ref: string): Operation {
  return {
    op: 'payment.create',
    billId: CODE,
    paymentRef: reference(ref),
    digest: 'd',
    amount: minor(5),
    currency: 'EUR' as Currency,
    reservationNo: null,
    method: null,
    payer: null,
    paidAt: null,
  };
}

test('a shard that another node is to have answers what is under way, and begins nothing new until it was given up', async () => {
  const { ask, answers, commit, shard } = startLoneShard({ bills: new Map([[CODE, code]]) });
  expect((await ask(wallet, payment('p-1'))).reply).toBeUndefined();
  shard.leave();
  expect(shard.underWay).toBe(1);
  commit();
  expect(answers()).toMatchObject([{ kind: 'payment' }]);
  expect(shard.underWay).toBe(0);

  const time = new ShardClock({ wall: NOON, monotonic: 0 }, 0);
  const refused = { kind: 'fault', code: 'shard.unavailable' };
  expect((await ask(wallet, payment('p-2'))).reply).toMatchObject(refused);
  // It had recovered from an append meanwhile.
  shard.serve(time);
  expect((await ask(wallet, payment('p-2'))).reply).toMatchObject(refused);

  shard.drop('shard.unavailable');
  shard.serve(time);
  await ask(wallet, payment('p-2'));
  commit();
  expect(answers()).toMatchObject([{ kind: 'payment' }]);
});

test('a shard that is given up tells of no event any more, of none that its bill had let go either', async () => {
  const { ask, commit, events, shard } = startLoneShard({ bills: new Map([[CODE, code]]) });
  for (let i = 0; i <= EVENTS_KEPT + 1; i++) {
    await ask(wallet, payment(`p-${i}`));
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
