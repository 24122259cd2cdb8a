// What every history must let gateways read: streams of events, and lists.

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PresentBill } from '../../src/domain/bill/state.ts';
import type { Offer } from '../../src/domain/bill/vocabulary.ts';
import {
  type BillId,
  type InstitutionId,
  type MerchantId,
  type ShardId,
  shardOfBill,
  type TerminalId,
} from '../../src/domain/ids.ts';
import { minor } from '../../src/domain/money.ts';
import { millis, plus } from '../../src/domain/time.ts';
import type { ListFilter, Listings } from '../../src/switch/listings-port.ts';
import type { History } from '../../src/switch/ports.ts';
import {
  billId,
  institutionId,
  makeBill,
  makeCredit,
  makeEvent,
  makePayment,
  makeRefusal,
  NOON,
  type paychannelId,
  reference,
} from '../support/bill-fixtures.ts';
import {
  batch,
  billRow,
  creditRow,
  entry,
  eventRow,
  move,
  paymentRow,
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

export interface World extends HistoryUnderTest {
  /** A shard that no other test uses. */
  freshShard(): ShardId;
}

export const ALL: ListFilter = {
  status: null,
  from: null,
  to: null,
  asOf: millis(NOON + 1_000_000),
  after: null,
  limit: 100,
};

export function describeListings(name: string, world: () => World): void {
  let history: History;
  let listings: Listings;
  let freshShard: World['freshShard'];
  beforeEach(() => {
    ({ history, listings, freshShard } = world());
  });

  describe(`${name}: events`, () => {
    async function writeStream(recipient: `terminal:${string}`): Promise<BillId[]> {
      const s = freshShard();
      const bills = [1, 2].map((no) =>
        makeBill({ id: billId(no, s), orderId: reference(`o-${no}`) }),
      );
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
    test('show the policies of their bill', async () => {
      const s = freshShard();
      const recipient = 'terminal:ter_policies' as const;
      const offer = { usage: 'single', minAmount: 1_000, maxAmount: 1_000 } as const;
      const limits = { maxPayments: null, maxTotal: null, validFrom: null };
      const own = { late: 'accept', excess: 'reverse', part: 'forbid' } as const;
      const bills = [
        makeBill({ id: billId(1, s), policies: { ...own, late: 'refuse' } }),
        makeBill({ id: billId(2, s), unconfirmed: 'reverse' }),
        makeBill({ id: billId(3, s), type: 'static', offer: { ...offer, ...limits } as Offer }),
      ];
      await history.write(
        batch({
          moves: [move(s, 0, 1)],
          bills: bills.map((bill) => billRow(bill, 1)),
          events: bills.map((bill) => eventRow(bill, 1, makeEvent({ recipient }))),
        }),
      );
      const found = await listings.pendingEvents(recipient, null, 10, NOON);
      const usual = { late: 'refuse', excess: 'refuse', part: 'allow', unconfirmed: 'confirm' };
      expect(found.map(({ bill }) => bill.policies)).toEqual([
        { ...own, late: 'refuse', unconfirmed: 'confirm' },
        { ...usual, unconfirmed: 'reverse' },
        { ...usual, part: 'forbid' },
      ]);
    });

    const keyOf = ({ bill, event }: { bill: { id: string }; event: { no: number } }): string =>
      `${bill.id} ${event.no}`;

    test('are pending, oldest first, by bill and number where the time is the same', async () => {
      const recipient = 'terminal:ter_pending' as const;
      const [one, two] = await writeStream(recipient);
      const found = await listings.pendingEvents(recipient, null, 10, NOON);
      expect(found.map(keyOf)).toEqual([`${one} 1`, `${one} 2`, `${two} 1`, `${two} 2`]);
      expect(found[3]).toStrictEqual({
        bill: {
          id: two,
          orderId: 'o-2',
          amount: 1_000,
          currency: 'EUR',
          purpose: 'sale',
          mode: 'live',
          institutionId: 'ins_1',
          policies: { late: 'refuse', excess: 'refuse', part: 'allow', unconfirmed: 'confirm' },
        },
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
      const s = shardOfBill(one);
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

    test('are as they are at one time where all are read, whatever is written meanwhile', async () => {
      const s = freshShard();
      const recipient = 'terminal:ter_all' as const;
      const bill = makeBill({ id: billId(1, s) });
      const raised = (no: number, at: number) =>
        eventRow(bill, 1, makeEvent({ no, recipient, occurredAt: plus(NOON, at) }));
      const first = Array.from({ length: 2_500 }, (_, i) => raised(2 + i, 10 + i));
      const bills = [billRow(bill, 1)];
      await history.write(batch({ moves: [move(s, 0, 1)], bills, events: first }));
      const found: number[] = [];
      await listings.allPendingEvents(recipient, NOON, async (page) => {
        const isFirst = found.length === 0;
        found.push(...page.map(({ event }) => event.no));
        // One that has its place before all that was read, and one after it.
        const late = [raised(1, 0), raised(9_999, 9_999)];
        if (isFirst) await history.write(batch({ moves: [move(s, 1, 2)], bills, events: late }));
        return true;
      });
      expect(found).toEqual(first.map(({ event }) => event.no));

      let pages = 0;
      await listings.allPendingEvents(recipient, NOON, () => {
        pages += 1;
        return false;
      });
      expect(pages).toBe(1);
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
    const bills: PresentBill[] = [];

    beforeAll(async () => {
      ({ history, freshShard } = world());
      for (const terminal of [mine, next, sister]) await world().know(terminal);
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
    const nosOf = (found: readonly PresentBill[]): number[] =>
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
          const page: PresentBill[] = await listings.bills(institution, { ...ALL, limit, after });
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
      const each = <T, R>(parts: T[], row: (bill: PresentBill, part: T) => R): R[] =>
        pair.flatMap((bill) => parts.map((part) => row(bill, part)));
      await history.write(
        batch({
          moves: [move(s, 0, 1)],
          bills: pair.map((bill) => billRow(bill, 1)),
          payments: each(payments, (bill, payment) => paymentRow(bill, 1, payment)),
          credits: each(credits, (bill, credit) => creditRow(bill, 1, credit)),
        }),
      );
      const [one, two] = pair as [PresentBill, PresentBill];
      const ofBill = await listings.payments({ billId: two.terms.id }, ALL);
      expect(ofBill).toStrictEqual([1, 0, 2].map((i) => ({ bill: two, payment: payments[i] })));
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
      expect(settled).toStrictEqual(
        [two, one].map((bill) => ({ bill, credit: credits[1], payingInstitutionId: 'ins_1' })),
      );
      const creditsOfBill = await listings.credits({ billId: one.terms.id }, ALL);
      expect(creditsOfBill.map(({ credit }) => credit.no)).toEqual([2, 1]);
    });
  });
}
