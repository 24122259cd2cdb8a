import { describe, expect, test } from 'vitest';
import {
  acknowledge,
  cancel,
  create,
  inSeconds,
  momentOf,
  pay,
  terms,
} from '../../tests/support/bill-spec.ts';
import { decide, evolve } from '../domain/bill/bill.ts';
import { ABSENT, type Bill } from '../domain/bill/state.ts';
import { touchedBy } from '../domain/bill/touched.ts';
import { type BillCommand, isRejection } from '../domain/bill/vocabulary.ts';
import type { Reference, ShardId } from '../domain/ids.ts';
import { type EntryId, entryId } from './entry-id.ts';
import { fold } from './fold.ts';
import type { CommittedEntry, CommittedItem } from './history-queue.ts';

const SHARD = 0 as ShardId;
const FROM = entryId(1, 0);
const id = (sequence: number): EntryId => entryId(1, sequence);

/** One entry a list of commands on the one bill of `terms()`. */
function entriesOf(...lists: readonly (readonly BillCommand[])[]): CommittedEntry[] {
  let bill: Bill = ABSENT;
  let seconds = 0;
  return lists.map((commands, i) => {
    const items = commands.map((command): CommittedItem => {
      seconds += 1;
      const at = inSeconds(seconds);
      const facts = decide(bill, command, at);
      if (isRejection(facts)) throw new Error(facts.rejected);
      const after = evolve(bill, facts, momentOf(at));
      const touched = touchedBy(bill, after, facts);
      bill = after;
      const who = { command: command.type, actor: 'terminal:t', requestId: `r${seconds}` };
      const transition = { kind: 'bill', billId: terms().id, at, facts, ...who } as const;
      return { kind: 'bill', after, touched, transition };
    });
    return { entry: id(i + 1), at: inSeconds(seconds), weight: items.length, items };
  });
}

describe('folding committed entries', () => {
  test('leaves one row a key, the last one, and every line of the audit trail', () => {
    const entries = entriesOf([create(), pay(400)], [pay(600, { paymentRef: 'p2' as Reference })]);
    const batch = fold([{ shard: SHARD, from: FROM, entries }]);
    expect(batch.moves).toEqual([{ shard: SHARD, from: FROM, to: id(2), at: inSeconds(3) }]);
    expect(batch.bills.map(({ entry, bill }) => [entry, bill.status])).toEqual([[id(2), 'paid']]);
    expect(batch.payments.map(({ payment, entry }) => [payment.no, entry])).toEqual([
      [1, id(1)],
      [2, id(2)],
    ]);
    expect(batch.transitions.map(({ entry, no, type }) => [entry, no, type])).toEqual([
      [id(1), 0, 'CreateBill'],
      [id(1), 1, 'PayBill'],
      [id(2), 0, 'PayBill'],
    ]);
    expect(batch.orders.map(({ billId }) => billId)).toEqual([terms().id]);
    expect(batch.references.map(({ reference }) => reference.ref)).toEqual(['p1', 'p2']);
  });

  test('ends an event within its own row where both happen in one batch', () => {
    const recipient = `terminal:${terms().terminalId}` as const;
    const entries = entriesOf([create(), pay(1000)], [acknowledge([1], recipient)]);
    const together = fold([{ shard: SHARD, from: FROM, entries }]);
    expect(together.eventEnds).toEqual([]);
    expect(together.events.map(({ acknowledgedAt }) => acknowledgedAt)).toEqual([inSeconds(3)]);
    const later = fold([{ shard: SHARD, from: id(1), entries: entries.slice(1) }]);
    expect(later.events).toEqual([]);
    expect(later.eventEnds.map(({ no, acknowledgedAt }) => [no, acknowledgedAt])).toEqual([
      [1, inSeconds(3)],
    ]);
  });

  test('names why a payment was refused', () => {
    const entries = entriesOf([create(), pay(2000)], [cancel()]);
    const batch = fold([{ shard: SHARD, from: FROM, entries }]);
    expect(batch.transitions.map(({ outcome }) => outcome)).toEqual([
      'BillCreated',
      'payment.exceedsDue',
      'BillCancelled',
    ]);
    expect(batch.payments).toHaveLength(1);
  });

  test('moves the watermark over an opening, which holds nothing', () => {
    const opening = { entry: entryId(2, 0), at: 5, weight: 0, items: [] };
    const batch = fold([{ shard: SHARD, from: FROM, entries: [opening] }]);
    expect(batch.moves.map(({ to }) => to)).toEqual([entryId(2, 0)]);
    expect(batch.bills).toEqual([]);
  });
});
