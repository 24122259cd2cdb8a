// What every history must do, as the port says.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ABSENT, type PresentBill } from '../../src/domain/bill/state.ts';
import type { BillId, ShardId, TerminalId } from '../../src/domain/ids.ts';
import { AMOUNT_MAX, minor, ZERO } from '../../src/domain/money.ts';
import { millis, NEVER, plus } from '../../src/domain/time.ts';
import { NO_ENTRY } from '../../src/switch/entry-id.ts';
import type { Listings } from '../../src/switch/listings-port.ts';
import type { PartKey } from '../../src/switch/part-keys.ts';
import { type History, HistoryRefusal, type OrderRow } from '../../src/switch/ports.ts';
import {
  billId,
  makeBill,
  makeCredit,
  makeEvent,
  makeFullBill,
  makePayment,
  makeRefusal,
  NOON,
  paychannelId,
  reference,
  shard,
} from '../support/bill-fixtures.ts';
import {
  batch,
  billRow,
  creditRow,
  entry,
  eventRow,
  move,
  paymentRow,
  referenceRow,
  transitionRow,
} from '../support/history-batch.ts';
import { ALL, describeListings, type HistoryUnderTest, type World } from './history-listings.ts';

/** Each test uses shards of its own, so that one store serves all. */
export function describeHistory(name: string, open: () => Promise<HistoryUnderTest>): void {
  let history: History;
  let listings: Listings;
  let opened: HistoryUnderTest;
  let shards = 0;
  const freshShard = (): ShardId => shard(shards++);
  const world = (): World => ({ ...opened, freshShard });

  beforeAll(async () => {
    opened = await open();
    ({ history, listings } = opened);
  });
  afterAll(() => opened.close());

  async function entryOf(of: ShardId): Promise<number> {
    const [watermark] = await history.watermarks([of]);
    return watermark?.entry ?? -1;
  }

  describe(`${name}: the watermark`, () => {
    test('is before the first entry where nothing was written', async () => {
      const s = freshShard();
      expect(await history.watermarks([s])).toEqual([{ shard: s, entry: NO_ENTRY, at: 0 }]);
    });

    test('moves from exactly the entry expected, and carries the time given', async () => {
      const s = freshShard();
      expect(await history.write(batch({ moves: [move(s, 0, 3)] }))).toEqual(new Set([s]));
      const next = move(s, 3, 9, plus(NOON, 5));
      expect(await history.write(batch({ moves: [next] }))).toEqual(new Set([s]));
      expect(await history.watermarks([s])).toEqual([
        { shard: s, entry: entry(9), at: plus(NOON, 5) },
      ]);
    });

    test('stays where another entry was expected, and all rows of its shard with it', async () => {
      const [stuck, fine] = [freshShard(), freshShard()];
      await history.write(batch({ moves: [move(stuck, 0, 1), move(fine, 0, 1)] }));
      const left = makeFullBill({ id: billId(1, stuck), terminalId: 'ter_stuck' as TerminalId });
      const right = makeFullBill({ id: billId(1, fine), terminalId: 'ter_fine' as TerminalId });
      const order = (bill: PresentBill, of: ShardId): OrderRow => ({
        shard: of,
        entry: entry(2),
        terminalId: bill.terms.terminalId,
        orderId: bill.terms.orderId,
        billId: bill.terms.id,
        digest: 'd',
        at: NOON,
      });
      const moved = await history.write(
        batch({
          moves: [move(stuck, 7, 8), move(fine, 1, 2)],
          bills: [billRow(left, 2), billRow(right, 2)],
          payments: [paymentRow(left, 2, makePayment()), paymentRow(right, 2, makePayment())],
          credits: [creditRow(left, 2, makeCredit()), creditRow(right, 2, makeCredit())],
          events: [eventRow(left, 2, makeEvent()), eventRow(right, 2, makeEvent())],
          orders: [order(left, stuck), order(right, fine)],
          references: [left, right].flatMap((bill) =>
            bill.references.map((kept) => referenceRow(bill, 2, kept)),
          ),
          transitions: [transitionRow(left, 2), transitionRow(right, 2)],
        }),
      );

      expect(moved).toEqual(new Set([fine]));
      expect(await entryOf(stuck)).toBe(entry(1));
      const { bills } = await history.fetchBills([left.terms.id, right.terms.id]);
      expect(bills[0]).toEqual({ bill: ABSENT, entry: NO_ENTRY });
      expect(bills[1]).toStrictEqual({ bill: right, entry: entry(2) });
      for (const [bill, count] of [
        [left, 0],
        [right, 1],
      ] as const) {
        expect(await listings.payments({ billId: bill.terms.id }, ALL)).toHaveLength(count);
        expect(await listings.credits({ billId: bill.terms.id }, ALL)).toHaveLength(count);
        const place = await listings.eventPlace(makeEvent().recipient, bill.terms.id, 1);
        expect(place === null ? 0 : 1).toBe(count);
        const { terminalId: till, orderId } = bill.terms;
        const asked = { terminalId: till, orderId, shard: stuck };
        const { orders } = await history.fetchOrders([asked]);
        expect(orders.filter(Boolean)).toHaveLength(count);
        const { references } = await history.fetchReferences(
          bill.references.map((kept) => ({ billId: bill.terms.id, ...kept })),
        );
        expect(references.filter(Boolean)).toHaveLength(count * bill.references.length);
      }
    });

    test('is not opened twice', async () => {
      const s = freshShard();
      await history.write(batch({ moves: [move(s, 0, 5)] }));
      expect(await history.write(batch({ moves: [move(s, 0, 6)] }))).toEqual(new Set());
      expect(await entryOf(s)).toBe(entry(5));
    });

    test('takes one of two writers that race', async () => {
      const s = freshShard();
      await history.write(batch({ moves: [move(s, 0, 1)] }));
      const moved = await Promise.all([
        history.write(batch({ moves: [move(s, 1, 2)] })),
        history.write(batch({ moves: [move(s, 1, 2)] })),
      ]);
      expect(moved.map((set) => set.size).sort()).toEqual([0, 1]);
    });
  });

  describe(`${name}: a bill`, () => {
    test('comes back as it was written, to the last member, in the order asked', async () => {
      const s = freshShard();
      const full = makeFullBill({ id: billId(1, s) });
      const plain = makeBill({ id: billId(2, s) });
      await history.write(
        batch({ moves: [move(s, 0, 2)], bills: [billRow(full, 1), billRow(plain, 2)] }),
      );
      const absent = billId(3, s);
      const { bills, watermarks } = await history.fetchBills([
        plain.terms.id,
        absent,
        full.terms.id,
      ]);
      expect(bills).toStrictEqual([
        { bill: plain, entry: entry(2) },
        { bill: ABSENT, entry: NO_ENTRY },
        { bill: full, entry: entry(1) },
      ]);
      expect(watermarks).toEqual([{ shard: s, entry: entry(2), at: NOON }]);
    });

    test('is not taken back by rows of an earlier entry', async () => {
      const s = freshShard();
      const id = billId(1, s);
      const later = makeBill({ id }, { version: 5 });
      await history.write(batch({ moves: [move(s, 0, 9)], bills: [billRow(later, 9)] }));
      const earlier = makeBill({ id }, { version: 4 });
      await history.write(batch({ moves: [move(s, 9, 10)], bills: [billRow(earlier, 8)] }));
      expect((await history.fetchBills([id])).bills[0]).toStrictEqual({
        bill: later,
        entry: entry(9),
      });
    });

    test('is found by the sweep when it falls due, earliest first', async () => {
      const [one, two] = [freshShard(), freshShard()];
      const due = (no: number, of: ShardId, afterMs: number): PresentBill =>
        makeBill({ id: billId(no, of), expiresAt: plus(NOON, afterMs) });
      const bills = [due(1, one, 300), due(2, two, 100), due(3, one, 200), due(4, two, 10_000)];
      const closed = makeBill({ id: billId(5, one) }, { status: 'expired' });
      await history.write(
        batch({
          moves: [move(one, 0, 1), move(two, 0, 1)],
          bills: [...bills, closed].map((bill) => billRow(bill, 1)),
        }),
      );
      const ids = (nos: readonly number[]): (BillId | undefined)[] =>
        nos.map((no) => bills[no - 1]?.terms.id);
      expect(await history.fetchDue([one, two], plus(NOON, 300), 10)).toEqual(ids([2, 3, 1]));
      expect(await history.fetchDue([one, two], plus(NOON, 300), 2)).toEqual(ids([2, 3]));
      expect(await history.fetchDue([one], plus(NOON, 299), 10)).toEqual(ids([3]));
    });
  });

  describe(`${name}: references`, () => {
    test('are kept for ever, with what became of each', async () => {
      const s = freshShard();
      const bill = makeFullBill({ id: billId(1, s) });
      const rows = bill.references.map((kept) => referenceRow(bill, 1, kept));
      await history.write(
        batch({ moves: [move(s, 0, 1)], bills: [billRow(bill, 1)], references: rows }),
      );
      // The bill lets them go; history does not.
      const bare = makeBill({ id: bill.terms.id }, { spilled: true });
      await history.write(batch({ moves: [move(s, 1, 2)], bills: [billRow(bare, 2)] }));
      const unknown = { kind: 'payment', scope: paychannelId, ref: reference('unknown') } as const;
      const { references, watermarks } = await history.fetchReferences(
        [...bill.references, unknown].map(({ kind, scope, ref }) => ({
          billId: bill.terms.id,
          kind,
          scope,
          ref,
        })),
      );
      expect(references).toStrictEqual([...bill.references, null]);
      expect(watermarks).toEqual([{ shard: s, entry: entry(2), at: NOON }]);
    });
  });

  describe(`${name}: parts`, () => {
    const accepted = makePayment({ no: 2, paymentRef: reference('NULL'), payer: null });
    const credits = [3, 5].map((no) => makeCredit({ no, paymentNo: 2, amount: minor(10 + no) }));
    const told = makeEvent({ no: 7, type: 'payment.received', payment: accepted });
    const ask = (s: ShardId, kind: PartKey['kind'], no: number): PartKey => ({
      billId: billId(1, s),
      kind,
      no,
    });

    async function written(s: ShardId): Promise<void> {
      const bill = makeBill({ id: billId(1, s) });
      const other = makeBill({ id: billId(2, s) });
      await history.write(
        batch({
          moves: [move(s, 0, 1)],
          payments: [
            paymentRow(bill, 1, accepted),
            paymentRow(bill, 1, makePayment({ no: 4, amount: AMOUNT_MAX })),
            paymentRow(bill, 1, makeRefusal({ no: 3 })),
            paymentRow(other, 1, makePayment({ no: 2 })),
          ],
          credits: [
            ...credits.map((credit) => creditRow(bill, 1, credit)),
            creditRow(bill, 1, makeCredit({ no: 4, paymentNo: 4 })),
            creditRow(other, 1, makeCredit({ no: 3, paymentNo: 2 })),
          ],
          events: [
            eventRow(bill, 1, told),
            eventRow(bill, 1, makeEvent({ no: 8 }), { acknowledgedAt: NOON }),
          ],
        }),
      );
    }

    test('are found in the order asked: a payment with all its credits, also by one of them', async () => {
      const s = freshShard();
      await written(s);
      const keys = [
        ask(s, 'credit', 5),
        ask(s, 'payment', 4),
        ask(s, 'payment', 2),
        ask(s, 'event', 7),
      ];
      const { parts, watermarks } = await history.fetchParts(keys);
      expect(parts[0]).toStrictEqual({ payment: accepted, credits, event: null });
      expect(parts[1]).toMatchObject({ payment: { no: 4, amount: AMOUNT_MAX } });
      expect(parts[1]?.credits.map(({ no }) => no)).toEqual([4]);
      expect(parts[2]).toStrictEqual(parts[0]);
      expect(parts[3]).toStrictEqual({ payment: null, credits: [], event: told });
      expect(watermarks).toEqual([{ shard: s, entry: entry(1), at: NOON }]);
    });

    test('that are refused, acknowledged or unknown are not found', async () => {
      const s = freshShard();
      await written(s);
      const keys = [
        ask(s, 'payment', 3),
        ask(s, 'event', 8),
        ask(s, 'credit', 1),
        ask(s, 'payment', 9),
      ];
      const { parts } = await history.fetchParts(keys);
      const nothing = { payment: null, credits: [], event: null };
      expect(parts).toEqual([nothing, nothing, nothing, nothing]);
    });

    test('of a bill for many may be held while others are confirmed', async () => {
      const s = freshShard();
      const books = { paid: 900, confirmed: 300, reversed: 100, refunded: 300, unreturned: 0 };
      const offer = {
        usage: 'many',
        minAmount: minor(100),
        maxAmount: minor(500),
        maxPayments: null,
        maxTotal: null,
        validFrom: null,
      } as const;
      const write = (type: 'static' | 'dynamic', no: number): Promise<unknown> => {
        const terms = { id: billId(no, s), type, amount: ZERO, expiresAt: NEVER };
        const bill = makeBill(type === 'static' ? { ...terms, offer } : terms, {
          books: books as PresentBill['books'],
        });
        return history.write(batch({ moves: [move(s, 0, 1)], bills: [billRow(bill, 1)] }));
      };
      await expect(write('dynamic', 1)).rejects.toBeInstanceOf(HistoryRefusal);
      await expect(write('static', 2)).resolves.toEqual(new Set([s]));
      const { bills } = await history.fetchBills([billId(2, s)]);
      expect(bills[0]?.bill).toMatchObject({ books, terms: { expiresAt: NEVER, offer } });
    });
  });

  describe(`${name}: orders`, () => {
    test('are found with their bills and tombstones, and a later use replaces an earlier', async () => {
      const s = freshShard();
      const till = 'ter_orders' as TerminalId;
      const order = (orderId: string, at: number, bill: BillId | null): OrderRow => ({
        shard: s,
        entry: entry(at),
        terminalId: till,
        orderId: reference(orderId),
        billId: bill,
        digest: `digest-${at}`,
        at: plus(NOON, at),
      });
      await history.write(
        batch({
          moves: [move(s, 0, 2)],
          orders: [order('null', 1, billId(1, s)), order('void', 2, null)],
        }),
      );
      await history.write(
        batch({ moves: [move(s, 2, 3)], orders: [order('null', 3, billId(3, s))] }),
      );
      const asked = ['void', 'unknown', 'null'].map((orderId) => ({
        terminalId: till,
        orderId: reference(orderId),
        shard: s,
      }));
      const { orders, watermarks } = await history.fetchOrders(asked);
      expect(orders).toEqual([
        { billId: null, digest: 'digest-2', at: plus(NOON, 2) },
        null,
        { billId: billId(3, s), digest: 'digest-3', at: plus(NOON, 3) },
      ]);
      expect(watermarks).toEqual([{ shard: s, entry: entry(3), at: NOON }]);
    });

    test('of a shard are scanned from a time on, to the last one', async () => {
      const s = freshShard();
      const till = 'ter_scan' as TerminalId;
      const count = 6_000;
      const orders = Array.from({ length: count }, (_, no) => ({
        shard: s,
        entry: entry(1),
        terminalId: till,
        orderId: reference(`order-${no}`),
        billId: null,
        digest: '',
        at: plus(NOON, no),
      }));
      await history.write(batch({ moves: [move(s, 0, 1)], orders }));
      const seen = new Set<string>();
      await history.scanOrders(s, plus(NOON, 10), (page) => {
        for (const { orderId, terminalId: of } of page) {
          expect(of).toBe(till);
          seen.add(orderId);
        }
        return true;
      });
      expect(seen.size).toBe(count - 10);
      expect(seen.has('order-9')).toBe(false);
      expect(seen.has('order-10')).toBe(true);
      let last = NOON;
      await history.scanOrders(s, NOON, (page) => {
        for (const { at } of page) {
          expect(at).toBeGreaterThanOrEqual(last);
          last = at;
        }
        return false;
      });
      // Whoever has enough is told no more.
      expect(last).toBeLessThan(plus(NOON, count - 1));
    });
  });

  describeListings(name, world);

  describe(`${name}: a batch`, () => {
    test('that breaks a rule of the data is refused whole, and the next one is taken', async () => {
      const s = freshShard();
      const bad = makeBill({ id: billId(1, s), description: null });
      const broken = { ...bad, books: { ...bad.books, paid: -1 as typeof bad.books.paid } };
      const write = (bill: PresentBill): Promise<unknown> =>
        history.write(batch({ moves: [move(s, 0, 1)], bills: [billRow(bill, 1)] }));
      const refusal = await write(broken).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(HistoryRefusal);
      expect(String(refusal)).toContain(bad.terms.id);
      expect(await entryOf(s)).toBe(NO_ENTRY);
      await expect(write(bad)).resolves.toEqual(new Set([s]));
    });

    test('with a text that no store takes is refused', async () => {
      const s = freshShard();
      const bill = makeBill({ id: billId(1, s), orderId: reference('nul\u0000') });
      const write = history.write(batch({ moves: [move(s, 0, 1)], bills: [billRow(bill, 1)] }));
      await expect(write).rejects.toBeInstanceOf(HistoryRefusal);
    });

    test('with a value missing is refused', async () => {
      const s = freshShard();
      const bill = makeBill({ id: billId(1, s) });
      const { actor: _, ...row } = transitionRow(bill, 1);
      const write = history.write(batch({ moves: [move(s, 0, 1)], transitions: [row as never] }));
      await expect(write).rejects.toBeInstanceOf(HistoryRefusal);
      expect(await entryOf(s)).toBe(NO_ENTRY);
    });

    test('of a thousand bills is written and read whole', async () => {
      const s = freshShard();
      const bills = Array.from({ length: 1_000 }, (_, no) =>
        no % 2 === 0
          ? makeFullBill({ id: billId(no, s) })
          : makeBill({ id: billId(no, s), orderId: reference(`order-${no}`) }),
      );
      await history.write(
        batch({
          moves: [move(s, 0, 1)],
          bills: bills.map((bill) => billRow(bill, 1)),
          references: bills.flatMap((bill) =>
            bill.references.map((kept) => referenceRow(bill, 1, kept)),
          ),
          events: bills.flatMap((bill) =>
            bill.outbox.map((event) => eventRow(bill, 1, { ...event, recipient: 'terminal:many' })),
          ),
          transitions: bills.map((bill, no) => transitionRow(bill, 1, no)),
        }),
      );
      const fetched = await history.fetchBills(bills.map(({ terms }) => terms.id));
      expect(fetched.bills.map(({ bill }) => bill)).toStrictEqual(bills);
      const pending = await listings.pendingEvents('terminal:many', null, 5_000, millis(0));
      expect(pending).toHaveLength(1_000);
    });
  });

  // The reader of the watermark must be able to see that a fetch is older than what it knows.
  test(`${name}: a fetch shows the watermark of each shard that it concerns, once`, async () => {
    const [one, two] = [freshShard(), freshShard()];
    await history.write(batch({ moves: [move(one, 0, 4)] }));
    const { watermarks } = await history.fetchBills([
      billId(1, one),
      billId(2, one),
      billId(1, two),
    ]);
    expect(watermarks).toEqual([
      { shard: one, entry: entry(4), at: NOON },
      { shard: two, entry: NO_ENTRY, at: 0 },
    ]);
  });

  test(`${name}: entries are found by their lines, each once, with their shard’s watermark`, async () => {
    const [s, other, empty] = [freshShard(), freshShard(), freshShard()];
    const [bill, stranger] = [makeBill({ id: billId(1, s) }), makeBill({ id: billId(1, other) })];
    const lines = [transitionRow(bill, 2), transitionRow(bill, 2, 1), transitionRow(bill, 4)];
    const transitions = [...lines, transitionRow(stranger, 3)];
    await history.write(batch({ moves: [move(s, 0, 5), move(other, 0, 3)], transitions }));
    const asked = [1, 2, 3, 4].map(entry);
    expect(await history.fetchEntries(s, asked)).toEqual({
      entries: new Set([entry(2), entry(4)]),
      watermark: entry(5),
    });
    expect(await history.fetchEntries(empty, asked)).toEqual({
      entries: new Set(),
      watermark: NO_ENTRY,
    });
  });

  test(`${name}: nothing asked is nothing found`, async () => {
    expect(await history.watermarks([])).toEqual([]);
    expect(await history.fetchBills([])).toEqual({ bills: [], watermarks: [] });
    expect(await history.fetchReferences([])).toEqual({ references: [], watermarks: [] });
    expect(await history.fetchOrders([])).toEqual({ orders: [], watermarks: [] });
    expect(await history.fetchParts([])).toEqual({ parts: [], watermarks: [] });
    expect(await history.fetchDue([], NOON, 10)).toEqual([]);
    expect(await history.write(batch())).toEqual(new Set());
  });
}
