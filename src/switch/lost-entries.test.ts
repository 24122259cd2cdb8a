import { describe, expect, test } from 'vitest';
import { makeBill, makePayment, NOON, shard } from '../../tests/support/bill-fixtures.ts';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import { ABSENT } from '../domain/bill/state.ts';
import { touchedBy } from '../domain/bill/touched.ts';
import { type EntryId, entryId, formatEntryId } from './entry-id.ts';
import type { CommittedEntry } from './history-queue.ts';
import { findLost, tell } from './lost-entries.ts';
import type { History } from './ports.ts';

const SHARD = shard(0);
const BEFORE = entryId(1, 10);
const NEXT_OWNER = entryId(2, 7_000);

const bill = makeBill(
  { metadata: { table: 'the bride’s' } },
  {
    payments: [makePayment({ payer: 'Jane Doe' })],
    counts: { payments: 1, credits: 0, events: 0, reservations: 0, accepted: 1 },
  },
);

/** One that pays the bill. */
function paid(entry: EntryId): CommittedEntry {
  const facts = [{ type: 'PaymentAccepted', payment: makePayment() }] as const;
  const touched = touchedBy(ABSENT, bill, facts);
  const at = NOON;
  const from = { actor: 'paychannel:wallet', requestId: 'r' };
  const who = { billId: bill.terms.id, at, command: 'PayBill', ...from };
  const transition = { kind: 'bill', ...who, facts } as const;
  return { entry, at, weight: 1, items: [{ kind: 'bill', after: bill, touched, transition }] };
}

const [first, second] = [paid(entryId(1, 11)), paid(entryId(1, 12))];
const opening: CommittedEntry = { entry: entryId(1, 13), at: NOON, weight: 0, items: [] };

describe('what a former owner has left', () => {
  /** Asks a second apart until what history has is told; null where it fails. */
  function look(answers: (readonly [EntryId, ...EntryId[]] | null)[]) {
    const clock = new ManualClock(NOON);
    const failures: unknown[] = [];
    const asked: string[] = [];
    const history: Partial<History> = {
      fetchEntries: async (_, entries) => {
        asked.push(entries.map(formatEntryId).join());
        const answer = answers.shift();
        if (answer == null) throw new Error('away');
        const [watermark, ...found] = answer;
        return { watermark, entries: new Set(found) };
      },
    };
    const given = {
      shard: SHARD,
      history: history as History,
      pause: () => new Promise<void>((done) => void clock.after(1_000, done)),
      failed: (error: unknown) => void failures.push(error),
    };
    const unwritten = { watermark: BEFORE, entries: [first, second, opening] };
    return { clock, failures, asked, lost: findLost(given, unwritten) };
  }

  test('is lost where history has gone on without it', async () => {
    const { asked, lost } = look([[NEXT_OWNER, first.entry]]);
    expect(await lost).toEqual([second]);
    expect(asked, 'of an opening there is no line').toEqual(['1-11,1-12']);
  });

  test('is not lost where history has all of it', async () => {
    expect(await look([[NEXT_OWNER, first.entry, second.entry]]).lost).toEqual([]);
    expect(await look([[opening.entry, first.entry, second.entry]]).lost).toEqual([]);
  });

  test('is waited for while history comes to it, is away, or has gone back', async () => {
    const { clock, failures, asked, lost } = look([
      [BEFORE],
      null,
      [entryId(1, 9)],
      [first.entry, first.entry],
      [NEXT_OWNER, first.entry],
    ]);
    await clock.pass(3_000);
    expect(asked).toHaveLength(4);
    await clock.pass(1_000);
    expect(await lost).toEqual([second]);
    expect(failures).toEqual([new Error('away')]);
  });

  test('is asked for by nobody where nothing was decided in it', async () => {
    const history = {} as History;
    const given = { shard: SHARD, history, pause: async () => undefined, failed: () => undefined };
    expect(await findLost(given, { watermark: BEFORE, entries: [opening] })).toEqual([]);
  });
});

test('a lost transition is told with what people need to mend it, and nothing of a person', () => {
  const { id, terminalId, orderId, amount, currency } = bill.terms;
  expect(tell(SHARD, first)).toEqual([
    {
      shard: SHARD,
      entry: '1-11',
      no: 0,
      ...{ bill: id, terminalId, orderId, amount, currency },
      version: bill.version,
      type: 'PayBill',
      outcome: 'PaymentAccepted',
      at: NOON,
      actor: 'paychannel:wallet',
      requestId: 'r',
      status: bill.status,
      paid: bill.books.paid,
      confirmed: bill.books.confirmed,
      payments: `1 accepted 1000+0 ${makePayment().paychannelId} payment-1`,
      credits: '',
    },
  ]);
});
