// What every history must do, as the port says.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ABSENT, type DynamicBill } from '../../src/domain/bill/state.ts';
import type { BillId, InstitutionId, MerchantId, ShardId, TerminalId } from '../../src/domain/ids.ts';
import { minor } from '../../src/domain/money.ts';
import { millis, plus } from '../../src/domain/time.ts';
import { NO_ENTRY } from '../../src/switch/entry-id.ts';
import {
  type History,
  HistoryRefusal,
  type ListFilter,
  type Listings,
  type OrderRow,
} from '../../src/switch/ports.ts';
import {
  billId,
  institutionId,
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

/** A terminal that lists know. */
export interface KnownTerminal {
  readonly institutionId: InstitutionId;
  readonly merchantId: MerchantId;
  readonly terminalId: TerminalId;
}

export interface HistoryUnderTest {
  readonly history: History;
  readonly listings: Listings;
  know(terminal: KnownTerminal): Promise<void>;
  close(): Promise<void>;
}

const ALL: ListFilter = {
  status: null,
  from: null,
  to: null,
  asOf: millis(NOON + 1_000_000),
  after: null,
  limit: 100,
};

/** Each test uses shards of its own, so that one store serves all. */
export function describeHistory(name: string, open: () => Promise<HistoryUnderTest>): void {
  let history: History;
  let listings: Listings;
  let opened: HistoryUnderTest;
  let shards = 0;
  const freshShard = (): ShardId => shard(shards++);

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
      const order = (bill: DynamicBill, of: ShardId): OrderRow => ({
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
      const { bills, watermarks } = await history.fetchBills([plain.terms.id, absent, full.terms.id]);
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
      const due = (no: number, of: ShardId, afterMs: number): DynamicBill =>
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
      await history.write(batch({ moves: [move(s, 2, 3)], orders: [order('null', 3, billId(3, s))] }));
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
      });
      expect(seen.size).toBe(count - 10);
      expect(seen.has('order-9')).toBe(false);
      expect(seen.has('order-10')).toBe(true);
    });
  });

  describe(`${name}: events`, () => {
    async function writeStream(recipient: `terminal:${string}`): Promise<BillId[]> {
      const s = freshShard();
      const bills = [1, 2].map((no) => makeBill({ id: billId(no, s), orderId: reference(`o-${no}`) }));
      // Two bills, two events each, all at one moment but the last.
      const rows = bills.flatMap((bill, i) =>
        [1, 2].map((no) =>
          eventRow(
            bill,
            1,
            makeEvent({ no, recipient, occurredAt: plus(NOON, i === 1 && no === 2 ? 1 : 0) }),
          ),
        ),
      );
      await history.write(
        batch({
          moves: [move(s, 0, 1)],
          bills: bills.map((bill) => billRow(bill, 1)),
          events: rows.reverse(),
        }),
      );
      return bills.map(({ terms }) => terms.id);
    }
    const keyOf = ({ bill, event }: { bill: { id: string }; event: { no: number } }): string =>
      `${bill.id} ${event.no}`;

    test('are pending, oldest first, by bill and number where the time is the same', async () => {
      const recipient = 'terminal:ter_pending' as const;
      const [one, two] = await writeStream(recipient);
      const found = await listings.pendingEvents(recipient, null, 10, NOON);
      expect(found.map(keyOf)).toEqual([`${one} 1`, `${one} 2`, `${two} 1`, `${two} 2`]);
      expect(found[3]).toStrictEqual({
        bill: { id: two, orderId: 'o-2', amount: 1_000, currency: 'EUR' },
        event: makeEvent({ no: 2, recipient, occurredAt: plus(NOON, 1) }),
      });
      const pages: string[] = [];
      for (let after = null; ; ) {
        const [next] = await listings.pendingEvents(recipient, after, 1, NOON);
        if (next === undefined) break;
        pages.push(keyOf(next));
        after = await listings.eventPlace(recipient, next.bill.id, next.event.no);
      }
      expect(pages).toEqual(found.map(keyOf));
    });

    test('are no longer pending once acknowledged or replaced, and dead letters never show', async () => {
      const recipient = 'terminal:ter_ends' as const;
      const [one, two] = (await writeStream(recipient)) as [BillId, BillId];
      const s = shard(shards - 1);
      await history.write(
        batch({
          moves: [move(s, 1, 2)],
          eventEnds: [
            { billId: one, shard: s, no: 1, acknowledgedAt: plus(NOON, 50) },
            { billId: one, shard: s, no: 2, acknowledgedAt: null },
          ],
        }),
      );
      const pending = await listings.pendingEvents(recipient, null, 10, NOON);
      expect(pending.map(keyOf)).toEqual([`${two} 1`, `${two} 2`]);
      const since = plus(NOON, 1);
      const young = await listings.pendingEvents(recipient, null, 10, since);
      expect(young.map(keyOf)).toEqual([`${two} 2`]);

      // Re-reading shows what was acknowledged, and the repeat instead of what it replaced.
      const window = { since: NOON, asOf: plus(NOON, 1) };
      const all = await listings.events(recipient, null, 10, window);
      expect(all.map(keyOf)).toEqual([`${one} 1`, `${two} 1`, `${two} 2`]);
      const place = await listings.eventPlace(recipient, one, 2);
      expect(place).toEqual({ at: NOON, billId: one, no: 2 });
      const rest = await listings.events(recipient, place, 10, { since: NOON, asOf: NOON });
      expect(rest.map(keyOf)).toEqual([`${two} 1`]);
    });

    test('may end within the batch that raised them', async () => {
      const s = freshShard();
      const recipient = 'terminal:ter_same_batch' as const;
      const bill = makeBill({ id: billId(1, s) });
      await history.write(
        batch({
          moves: [move(s, 0, 1)],
          bills: [billRow(bill, 1)],
          events: [
            eventRow(bill, 1, makeEvent({ no: 1, recipient }), { acknowledgedAt: NOON }),
            eventRow(bill, 1, makeEvent({ no: 2, recipient }), { replaced: true }),
            eventRow(bill, 1, makeEvent({ no: 3, recipient })),
          ],
        }),
      );
      const window = { since: NOON, asOf: plus(NOON, 10_000) };
      expect((await listings.pendingEvents(recipient, null, 9, NOON)).map(keyOf)).toEqual([
        `${bill.terms.id} 3`,
      ]);
      expect((await listings.events(recipient, null, 9, window)).map(keyOf)).toEqual([
        `${bill.terms.id} 1`,
        `${bill.terms.id} 3`,
      ]);
    });

    test('have a place only in the stream of their recipient', async () => {
      const [one] = (await writeStream('terminal:ter_place')) as [BillId];
      expect(await listings.eventPlace('terminal:ter_other', one, 1)).toBe(null);
      expect(await listings.eventPlace('terminal:ter_place', one, 9)).toBe(null);
    });
  });

  describe(`${name}: lists`, () => {
    const mine = {
      institutionId: 'ins_lists' as InstitutionId,
      merchantId: 'mer_lists' as MerchantId,
      terminalId: 'ter_lists' as TerminalId,
    };
    const next = { ...mine, terminalId: 'ter_lists_2' as TerminalId };
    const sister = {
      ...mine,
      merchantId: 'mer_sister' as MerchantId,
      terminalId: 'ter_sister' as TerminalId,
    };
    const bills: DynamicBill[] = [];

    beforeAll(async () => {
      for (const terminal of [mine, next, sister]) await opened.know(terminal);
      const s = freshShard();
      // Three bills at each of three moments, at the three terminals in turn.
      for (let no = 0; no < 9; no++) {
        bills.push(
          makeBill(
            {
              ...([mine, next, sister][no % 3] ?? mine),
              id: billId(no, s),
              orderId: reference(no < 6 ? `order-${no}` : 'order-again'),
              createdAt: plus(NOON, Math.floor(no / 3)),
            },
            { status: no === 4 ? 'partiallyPaid' : 'open' },
          ),
        );
      }
      await history.write(
        batch({
          moves: [move(s, 0, 1)],
          bills: bills.map((bill) => billRow(bill, 1)),
          orders: bills.map(({ terms: { id, terminalId: till, orderId, createdAt } }) => ({
            shard: s,
            entry: entry(1),
            terminalId: till,
            orderId,
            billId: id,
            digest: '',
            at: createdAt,
          })),
        }),
      );
    });

    const institution = { institutionId: mine.institutionId, merchantId: null, terminalId: null };
    const merchant = { ...institution, merchantId: mine.merchantId };
    const terminal = { ...merchant, terminalId: mine.terminalId };
    const nosOf = (found: readonly DynamicBill[]): number[] =>
      found.map((bill) => bills.findIndex(({ terms }) => terms.id === bill.terms.id));

    test('show the bills of an institution, a merchant or a terminal, newest first', async () => {
      expect(nosOf(await listings.bills(institution, ALL))).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
      expect(nosOf(await listings.bills(merchant, ALL))).toEqual([7, 6, 4, 3, 1, 0]);
      expect(nosOf(await listings.bills(terminal, ALL))).toEqual([6, 3, 0]);
      const foreign = { ...terminal, institutionId };
      expect(await listings.bills(foreign, ALL)).toEqual([]);
      const crossed = { ...terminal, terminalId: sister.terminalId };
      expect(await listings.bills(crossed, ALL)).toEqual([]);
      expect((await listings.bills(terminal, ALL))[0]).toStrictEqual(bills[6]);
    });

    test('go on exactly where a page ended, under equal times too', async () => {
      for (const limit of [1, 2, 4]) {
        const seen: number[] = [];
        for (let after: ListFilter['after'] = null; ; ) {
          const page: DynamicBill[] = await listings.bills(institution, { ...ALL, limit, after });
          seen.push(...nosOf(page));
          const last = page.at(-1);
          if (last === undefined) break;
          after = { at: last.terms.createdAt, id: last.terms.id, no: 0 };
        }
        expect(seen).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
      }
    });

    test('obey status, from (inclusive), to (exclusive) and asOf (inclusive)', async () => {
      const list = async (filter: Partial<ListFilter>): Promise<number[]> =>
        nosOf(await listings.bills(institution, { ...ALL, ...filter }));
      expect(await list({ status: 'partiallyPaid' })).toEqual([4]);
      expect(await list({ from: plus(NOON, 1), to: plus(NOON, 2) })).toEqual([5, 4, 3]);
      expect(await list({ asOf: NOON })).toEqual([2, 1, 0]);
    });

    test('find the newest bill of an order within the merchant', async () => {
      const find = (orderId: string): Promise<BillId | null> =>
        listings.billOfOrder(mine.merchantId, reference(orderId));
      expect(await find('order-1')).toBe(bills[1]?.terms.id);
      expect(await find('order-again')).toBe(bills[7]?.terms.id);
      expect(await find('order-2')).toBe(null);
    });

    test('show payments and credits of a bill or a paychannel, refusals included', async () => {
      const s = freshShard();
      const channel = { paychannelId: 'pay_lists' as typeof paychannelId };
      const at = plus(NOON, 9);
      const pair = [1, 2].map((no) => makeBill({ id: billId(no, s) }));
      const payments = [
        makePayment({ ...channel, no: 1, receivedAt: at, credited: minor(10) }),
        makeRefusal({ ...channel, no: 2, receivedAt: at }),
        makePayment({ ...channel, no: 3, receivedAt: NOON, payer: null, paidAt: null }),
      ];
      const credits = [
        makeCredit({ ...channel, no: 1, requestedAt: at }),
        makeCredit({ ...channel, no: 2, requestedAt: at, status: 'settled', settledAt: at }),
      ];
      const each = <T, R>(parts: T[], row: (bill: DynamicBill, part: T) => R): R[] =>
        pair.flatMap((bill) => parts.map((part) => row(bill, part)));
      await history.write(
        batch({
          moves: [move(s, 0, 1)],
          bills: pair.map((bill) => billRow(bill, 1)),
          payments: each(payments, (bill, payment) => paymentRow(bill, 1, payment)),
          credits: each(credits, (bill, credit) => creditRow(bill, 1, credit)),
        }),
      );
      const [one, two] = pair as [DynamicBill, DynamicBill];
      const ofBill = await listings.payments({ billId: two.terms.id }, ALL);
      expect(ofBill).toStrictEqual(
        [1, 0, 2].map((i) => ({ bill: two, payment: payments[i] })),
      );
      const seen: string[] = [];
      for (let after: ListFilter['after'] = null; ; ) {
        const page = await listings.payments(channel, { ...ALL, limit: 2, after });
        seen.push(...page.map(({ bill, payment }) => `${pair.indexOf(bill)} ${payment.no}`));
        const last = page.at(-1);
        if (last === undefined) break;
        after = { at: last.payment.receivedAt, id: last.bill.terms.id, no: last.payment.no };
      }
      expect(seen).toHaveLength(6);
      const refused = await listings.payments(channel, { ...ALL, status: 'refused' });
      expect(refused).toStrictEqual([two, one].map((bill) => ({ bill, payment: payments[1] })));
      const settled = await listings.credits(channel, { ...ALL, status: 'settled' });
      expect(settled).toStrictEqual([two, one].map((bill) => ({ bill, credit: credits[1] })));
      const creditsOfBill = await listings.credits({ billId: one.terms.id }, ALL);
      expect(creditsOfBill.map(({ credit }) => credit.no)).toEqual([2, 1]);
    });
  });

  describe(`${name}: a batch`, () => {
    test('that breaks a rule of the data is refused whole, and the next one is taken', async () => {
      const s = freshShard();
      const bad = makeBill({ id: billId(1, s), description: null });
      const broken = { ...bad, books: { ...bad.books, paid: -1 as typeof bad.books.paid } };
      const write = (bill: DynamicBill): Promise<unknown> =>
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
    const { watermarks } = await history.fetchBills([billId(1, one), billId(2, one), billId(1, two)]);
    expect(watermarks).toEqual([
      { shard: one, entry: entry(4), at: NOON },
      { shard: two, entry: NO_ENTRY, at: 0 },
    ]);
  });

  test(`${name}: nothing asked is nothing found`, async () => {
    expect(await history.watermarks([])).toEqual([]);
    expect(await history.fetchBills([])).toEqual({ bills: [], watermarks: [] });
    expect(await history.fetchReferences([])).toEqual({ references: [], watermarks: [] });
    expect(await history.fetchOrders([])).toEqual({ orders: [], watermarks: [] });
    expect(await history.fetchDue([], NOON, 10)).toEqual([]);
    expect(await history.write(batch())).toEqual(new Set());
  });
}
