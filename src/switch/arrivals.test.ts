// What is another's takes the same way as what is not there: the same questions to history, in the same number, and the
// same answer.

import { describe, expect, test } from 'vitest';
import {
  billId,
  institutionId,
  makeBill,
  merchantId,
  NOON,
  paychannelId,
  reference,
  terminalId,
} from '../../tests/support/bill-fixtures.ts';
import { ManualClock, settled } from '../../tests/support/manual-clock.ts';
import { ShardClock } from '../actors/shard-clock.ts';
import { ABSENT, type PresentBill } from '../domain/bill/state.ts';
import type { BillId, InstitutionId, MerchantId, ShardId, TerminalId } from '../domain/ids.ts';
import { type Currency, minor, ZERO } from '../domain/money.ts';
import { NEVER } from '../domain/time.ts';
import { makeBillPacker } from '../persistence/history/bill-packer.ts';
import { Agreements } from './agreements.ts';
import type { BillOperation } from './bill-commands.ts';
import { entryId, NO_ENTRY } from './entry-id.ts';
import { EventIndex } from './event-index.ts';
import { Lookups } from './lookups.ts';
import type { History } from './ports.ts';
import type { Principal } from './principal.ts';
import { NO_OBSERVER } from './reporter.ts';
import type { Operation, Reply } from './requests.ts';
import { SuspendedSellers } from './sellers.ts';
import { Shard } from './shard.ts';

const OPEN = billId(1);
const LET_GO = billId(2);
const UNKNOWN = billId(3);
const ENTRY = entryId(1, 1);

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
const bills = new Map<BillId, PresentBill>([
  [OPEN, makeBill({ id: OPEN })],
  [LET_GO, spilled],
]);

/** A shard on a history that counts what it is asked. */
function begin(suspended = new SuspendedSellers()) {
  const clock = new ManualClock(NOON);
  const questions: string[] = [];
  const marks = [{ shard: 0 as ShardId, entry: ENTRY, at: NOON }];
  const counted = (kind: string, count: number): void => {
    questions.push(`${count} ${kind}`);
  };
  const history = {
    fetchBills: async (ids: readonly BillId[]) => {
      counted('bills', ids.length);
      const found = ids.map((id) => {
        const bill = bills.get(id);
        return bill === undefined ? { bill: ABSENT, entry: NO_ENTRY } : { bill, entry: ENTRY };
      });
      return { bills: found, watermarks: marks };
    },
    fetchReferences: async (keys: readonly unknown[]) => {
      counted('references', keys.length);
      return { references: keys.map(() => null), watermarks: marks };
    },
    fetchParts: async (keys: readonly unknown[]) => {
      counted('parts', keys.length);
      const parts = keys.map(() => ({ payment: null, credits: [], event: null }));
      return { parts, watermarks: marks };
    },
  } as unknown as History;
  const reporter = { report: () => undefined };
  const lookups = new Lookups({
    history,
    clock,
    observer: NO_OBSERVER,
    reporter,
    knownWatermark: () => NO_ENTRY,
    settled: () => undefined,
  });
  let replies: Reply[] = [];
  const shard = new Shard({
    id: 0 as ShardId,
    clock,
    lookups,
    events: new EventIndex(),
    packer: makeBillPacker(),
    agreements: new Agreements(),
    suspended,
    sink: {
      reply: (_asked, reply) => replies.push(reply),
      event: () => undefined,
      eventEnded: () => undefined,
      unfinished: () => undefined,
      acquiring: () => undefined,
      begun: () => undefined,
      flush: () => undefined,
    },
    limits: {
      underWayMax: 100,
      mailboxMax: 100,
      unwrittenMax: 100,
      unwrittenInAllMax: 100,
      residentsMax: 100,
      filterOrdersMax: 100,
    },
    isLeased: () => true,
    unwritten: () => 0,
    unwrittenInAll: () => 0,
    defect: (bill, error) => {
      throw new Error(bill, { cause: error });
    },
    wake: () => undefined,
  });
  shard.serve(new ShardClock({ wall: NOON, monotonic: 0 }, 0));
  /** What is answered, and what history was asked for it, tick by tick. */
  const ask = async (principal: Principal, operation: Operation) => {
    replies = [];
    const before = questions.length;
    const common = { seq: 1, origin: 1, requestId: 'r', encoding: 'json' } as const;
    shard.receive({ ...common, shard: 0 as ShardId, principal, operation });
    let ticks = 0;
    for (; replies.length === 0 && ticks < 10; ticks++) {
      lookups.flush();
      await settled();
    }
    return { reply: replies[0], ticks, questions: questions.slice(before) };
  };
  return { ask, shard };
}

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
