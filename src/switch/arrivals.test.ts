// What is another's takes the same way as what is not there: the same questions to history, in the same number, and the
// same answer.

import { describe, expect, test } from 'vitest';
import {
  billId,
  institutionId,
  makeBill,
  merchantId,
  paychannelId,
  reference,
  terminalId,
} from '../../tests/support/bill-fixtures.ts';
import { startLoneShard } from '../../tests/support/lone-shard.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import { EVENTS_KEPT } from '../domain/bill/vocabulary.ts';
import type { BillId, InstitutionId, MerchantId, TerminalId } from '../domain/ids.ts';
import { type Currency, minor, ZERO } from '../domain/money.ts';
import { NEVER } from '../domain/time.ts';
import type { BillOperation } from './bill-commands.ts';
import type { Principal } from './principal.ts';
import type { Operation } from './requests.ts';
import { SuspendedSellers } from './sellers.ts';

const OPEN = billId(1);
const LET_GO = billId(2);
const UNKNOWN = billId(3);
const CODE = billId(4);

/** A code for many payments that has let go of most of what came for it: of it, history is asked for references and parts. */
const spilled = makeBill(
  {
    id: LET_GO,
    type: 'static',
    amount: ZERO,
    expiresAt: NEVER,
    offer: {
      usage: 'many',
      minAmount: minor(1),
      maxAmount: minor(1_000_000),
      maxPayments: null,
      maxTotal: null,
      validFrom: null,
    },
  },
  { spilled: true },
);
/** Another, which had let go of one payment before it came here. */
const code = makeBill(
  { ...spilled.terms, id: CODE, capture: 'auto' },
  { counts: { payments: 1, credits: 0, events: 1, reservations: 0, accepted: 1 } },
);
const bills = new Map<BillId, PresentBill>([
  [OPEN, makeBill({ id: OPEN })],
  [LET_GO, spilled],
  [CODE, code],
]);

const begin = (suspended?: SuspendedSellers) => startLoneShard({ bills, suspended });

const nobody = { merchantId: null, merchant: null, restricted: false, subscribed: false } as const;
const merchant = { name: 'Other', city: 'Shop' };
const other = 'ins_2' as InstitutionId;
const owner: Principal = {
  ...nobody,
  kind: 'terminal',
  id: terminalId,
  institutionId,
  merchantId,
  merchant,
};
const strangers: Readonly<Record<string, Principal>> = {
  'a terminal of another institution': {
    ...nobody,
    kind: 'terminal',
    id: 'ter_x',
    institutionId: other,
    merchantId: 'mer_x' as MerchantId,
    merchant,
  },
  'a terminal of another merchant': { ...owner, id: 'ter_x', merchantId: 'mer_x' as MerchantId },
  'a restricted terminal': { ...owner, id: 'ter_x', restricted: true },
  'a merchant': {
    ...nobody,
    kind: 'merchant',
    id: 'mer_x',
    institutionId,
    merchantId: 'mer_x' as MerchantId,
    merchant,
  },
  'an operator': { ...nobody, kind: 'operator', id: 'opr_x', institutionId: other },
  'a paychannel': { ...nobody, kind: 'paychannel', id: 'pay_x', institutionId: other },
  'a paychannel with the id of one that has paid': {
    ...nobody,
    kind: 'paychannel',
    id: paychannelId,
    institutionId: other,
  },
};

const keyed = { key: reference('k'), digest: 'd' } as const;
const paid = { paymentRef: reference('payment-9') } as const;
const sale = {
  billId: UNKNOWN,
  terminalId,
  orderId: reference('sale'),
  digest: 'd',
  amount: minor(1),
  policies: null,
  ttlMs: 1_000,
} as const;

/** Each operation on a bill, as anybody might ask it: an operation without a row here does not compile. */
const OPERATIONS: { readonly [Op in BillOperation['op']]: object } = {
  'bill.get': { afterVersion: null, waitMs: 0 },
  'bill.confirm': { amount: null, receipt: null },
  'acquiring.begin': { acquirer: 'bank' },
  'acquiring.finish': { acquirer: 'bank', no: 1, step: { call: 'look' } },
  'bill.cancel': { amount: minor(1), ...keyed },
  'bill.refund': { amount: null, paymentNo: 1, reason: null, receipt: null, ...keyed },
  'bill.receipt': { receipt: {} },
  'bill.view': {},
  'bill.page': {},
  'bill.arm': { sale },
  'bill.reserve': { reservationRef: reference('r-9'), digest: 'd', amount: null },
  'bill.release': { reservationNo: 1 },
  'payment.create': {
    ...paid,
    digest: 'd',
    amount: minor(1),
    currency: 'EUR' as Currency,
    reservationNo: null,
    method: null,
    payer: null,
    paidAt: null,
  },
  'payment.get': paid,
  'payment.void': paid,
  'payment.confirm': { paymentNo: 1, amount: null },
  'payment.cancel': { paymentNo: 1, amount: minor(1), ...keyed },
  'payment.refund': { paymentNo: 1, amount: null, reason: null, ...keyed },
  'credit.get': { creditNo: 1 },
  'credit.settle': { creditNo: 1, status: 'settled', reference: null, reason: null },
  'credit.request': { creditNo: 1 },
  'credit.close': { creditNo: 1, reference: 'T1' },
  'event.resend': { events: [] },
  'event.ack': { nos: [1] },
  'order.cancel': {},
  'sticker.get': {},
  'sticker.end': {
    terminalId: 'ter_x' as TerminalId,
    orderId: reference('o'),
    attempt: UNKNOWN,
    saleId: null,
  },
};

describe('a request of a stranger', () => {
  test.each(Object.entries(strangers))(
    'that is %s goes one way, whether the bill is there or not',
    async (_name, who) => {
      for (const [op, rest] of Object.entries(OPERATIONS)) {
        const about = (id: BillId) => ({ op, billId: id, ...rest }) as unknown as Operation;
        const { ask, shard } = begin();
        const unknown = await ask(who, about(UNKNOWN));
        expect(unknown, op).toMatchObject({ reply: { kind: 'rejection' }, questions: ['1 bills'] });
        for (const id of [OPEN, LET_GO]) {
          expect(shard.residents.get(id)).toBeUndefined();
          expect(await ask(who, about(id)), `${op}: ${id} in history`).toEqual(unknown);
          expect(shard.residents.get(id)).toBeDefined();
          expect(await ask(who, about(id)), `${op}: ${id} in memory`).toEqual(unknown);
        }
        expect(shard.underWay).toBe(0);
      }
    },
  );

  test('leaves no less to the owner, who is asked of history no more than before', async () => {
    const { ask, shard } = begin();
    const get = { op: 'bill.get', billId: OPEN, afterVersion: null, waitMs: 0 } as const;
    expect(await ask(owner, get)).toMatchObject({
      reply: { kind: 'bill' },
      questions: ['1 bills'],
    });
    expect(await ask(owner, get)).toMatchObject({ reply: { kind: 'bill' }, questions: [] });
    // An owner's question that waits for history is not answered by a stranger's.
    const stranger = strangers['a paychannel'] as Principal;
    expect(await ask(stranger, { op: 'bill.view', billId: OPEN })).toMatchObject({
      questions: ['1 bills'],
    });
    shard.suspend();
    expect(shard.underWay).toBe(0);
  });
});

describe('a payment of a bill that has let go of references', () => {
  const REFERENCES_KEPT = 64;
  const wallet = { ...(strangers['a paychannel'] as Principal), institutionId };
  const pay = (id: BillId, ref: string) =>
    ({
      op: 'payment.create',
      billId: id,
      ...(OPERATIONS['payment.create'] as object),
      paymentRef: reference(ref),
      amount: minor(1),
    }) as unknown as Operation;

  /** Pays parts until the bill has let go of the first `gone` references. */
  async function letGo(id: BillId, gone: number) {
    const begun = begin();
    const { ask, commit } = begun;
    for (let i = 0; i < REFERENCES_KEPT + gone; i++) {
      await ask(wallet, pay(id, `p-${i}`));
      commit();
    }
    return begun;
  }

  test('asks nobody for a new one, where the bill has been here since before the first', async () => {
    const { ask, shard } = await letGo(OPEN, 30);
    expect(shard.residents.get(OPEN)?.bill).toMatchObject({ spilled: true });
    for (let i = 0; i < 20; i++) {
      expect((await ask(wallet, pay(OPEN, `new-${i}`))).questions).toEqual([]);
    }
  });

  test('asks history for one that it has let go of, once that is written', async () => {
    const { ask, shard } = await letGo(OPEN, 30);
    // What is not in history yet stands beside the bill.
    expect((await ask(wallet, pay(OPEN, 'p-0'))).questions).toEqual([]);
    const cell = shard.residents.get(OPEN);
    if (cell !== undefined) cell.unwritten = null;
    expect((await ask(wallet, pay(OPEN, 'p-0'))).questions).toEqual(['1 references']);
    expect((await ask(wallet, pay(OPEN, 'p-29'))).questions).toEqual(['1 references']);
    expect((await ask(wallet, pay(OPEN, 'p-30'))).questions).toEqual([]);
  });

  test('asks history for every unknown one, where the bill came from there so', async () => {
    const { ask } = await letGo(LET_GO, 1);
    expect((await ask(wallet, pay(LET_GO, 'new'))).questions).toEqual(['1 references']);
  });
});

describe('a part that stands beside its code while a request for it waits', () => {
  const HISTORIC = 1;
  const BESIDE = 2;
  const wallet = { ...(strangers['a paychannel'] as Principal), institutionId };
  const pay = { ...OPERATIONS['payment.create'], op: 'payment.create', billId: CODE };
  const acknowledge = (...nos: number[]): Operation => ({ op: 'event.ack', billId: CODE, nos });

  /** The code lets go of payments and of the events that told of them. History has all of it once it is asked for the nth part. */
  async function letGo(nth: number) {
    let asked = 0;
    const begun = startLoneShard({
      bills,
      onQuestion: (question) => {
        if (question === '1 parts') asked += 1;
        if (asked === nth) begun.write();
      },
    });
    const { ask, commit } = begun;
    for (let i = 0; i <= EVENTS_KEPT + 1; i++) {
      await ask(wallet, { ...pay, paymentRef: reference(`p-${i}`) } as unknown as Operation);
      commit();
    }
    return begun;
  }

  test('is acknowledged, though history has it before the request runs', async () => {
    const { ask, commit, answers, shard } = await letGo(1);
    // It changes something, and so is answered once that is durable.
    const asked = await ask(owner, acknowledge(HISTORIC, BESIDE));
    expect(asked).toMatchObject({ reply: undefined, questions: ['1 parts'] });
    const { unwritten } = shard.residents.get(CODE) ?? {};
    expect(unwritten, 'all but its end is written').toMatchObject([{ parts: { ended: [BESIDE] } }]);
    commit();
    expect(answers()).toEqual([{ kind: 'acknowledged', count: 1 }]);
  });

  test('is refunded, though history has it before the request runs', async () => {
    const { ask, commit, answers } = await letGo(2);
    const refund = { ...OPERATIONS['payment.refund'], op: 'payment.refund', billId: CODE };
    // The second waits for history after the first, and takes the refund with it.
    await Promise.all([
      ask(owner, acknowledge(HISTORIC)),
      ask(owner, acknowledge(HISTORIC)),
      ask(owner, { ...refund, paymentNo: BESIDE } as unknown as Operation),
    ]);
    commit();
    const nothing = { kind: 'acknowledged', count: 0 };
    const refunded = { kind: 'paymentNow', payment: { no: BESIDE, status: 'refunded' } };
    expect(answers()).toMatchObject([nothing, nothing, refunded]);
  });
});

describe('a suspended seller', () => {
  const suspend = (id: string) => ({ isWhole: false, suspended: [id], others: [] });
  const resume = (id: string) => ({ isWhole: false, suspended: [], others: [id] });
  const { terms } = makeBill();

  test.each([terms.institutionId, terms.merchantId, terms.terminalId])(
    'makes no bill as soon as the worker knows, whatever its gateway has heard: %s',
    async (id) => {
      const sellers = new SuspendedSellers();
      const { ask, shard } = begin(sellers);
      shard.orders.filterIsComplete();
      const proposed = { ...terms, id: UNKNOWN, expiresInMs: 1_000 };
      const create = { op: 'bill.create', terms: proposed } as unknown as Operation;
      sellers.learn(suspend(id));
      expect((await ask(owner, create)).reply).toEqual({
        kind: 'rejection',
        rejection: { rejected: 'request.suspended' },
      });
      sellers.learn(resume(id));
      // It is answered once it is durable, and nothing is written here.
      expect((await ask(owner, create)).reply).toBeUndefined();
      expect(shard.commit.depth).toBe(1);
    },
  );

  test('has bills that no wallet looks at any more', async () => {
    const sellers = new SuspendedSellers();
    const { ask } = begin(sellers);
    const wallet = { ...(strangers['a paychannel'] as Principal), institutionId };
    const view = { op: 'bill.view', billId: OPEN } as const;
    sellers.learn(suspend(terms.merchantId));
    expect((await ask(wallet, view)).reply).toMatchObject({
      rejection: { rejected: 'request.suspended' },
    });
    const get = { op: 'bill.get', billId: OPEN, afterVersion: null, waitMs: 0 } as const;
    expect((await ask(owner, get)).reply).toMatchObject({ kind: 'bill' });
    sellers.learn(resume(terms.merchantId));
    expect((await ask(wallet, view)).reply).toMatchObject({ kind: 'view' });
  });
});
