import { describe, expect, test } from 'vitest';
import {
  create,
  inSeconds,
  momentOf,
  pay,
  staticTerms,
  terms,
} from '../../tests/support/bill-spec.ts';
import { decide, evolve } from '../domain/bill/bill.ts';
import { ABSENT, isPresent, type PresentBill } from '../domain/bill/state.ts';
import { type BillCommand, type BillFact, EVENTS_KEPT } from '../domain/bill/vocabulary.ts';
import { partId, type ShardId, shardOfBill } from '../domain/ids.ts';
import { EventIndex } from './event-index.ts';

/** A bill of 1000, paid in two parts: two events for its terminal. */
function paidBill(): PresentBill {
  const commands: BillCommand[] = [create(), pay(400), pay(600, { paymentRef: 'p2' as never })];
  const bill = commands.reduce(
    (before, command, i) => {
      const at = inSeconds(i + 1);
      return evolve(before, decide(before, command, at) as readonly BillFact[], momentOf(at));
    },
    ABSENT as Parameters<typeof evolve>[0],
  );
  if (!isPresent(bill)) throw new Error('no bill');
  return bill;
}

const bill = paidBill();
const [first, second] = bill.outbox;
const recipient = `terminal:${bill.terms.terminalId}` as const;
const idOf = (no: number): string => partId(bill.terms.id, 'e', no);

function filled(): EventIndex {
  const index = new EventIndex();
  for (const event of bill.outbox.toReversed()) index.add(bill, event);
  return index;
}

describe('the index of events in memory', () => {
  test('gives what is pending, oldest first', () => {
    const { pending, ended } = filled().read(recipient);
    expect(pending.map(({ event }) => event.no)).toEqual([1, 2]);
    expect(ended).toEqual([]);
    expect(filled().pendingCount).toBe(2);
  });

  test('tells of an end until history shows it', () => {
    const index = filled();
    if (first === undefined) throw new Error('no event');
    index.end(bill.terms.id, first);
    expect(index.read(recipient).pending.map(({ event }) => event.no)).toEqual([2]);
    expect(index.read(recipient).ended).toEqual([idOf(1)]);
    index.endWritten(bill.terms.id, first);
    expect(index.read(recipient).ended).toEqual([]);
  });

  test('lets a bill’s pending events go with the bill, its ends not', () => {
    const index = filled();
    if (first === undefined || second === undefined) throw new Error('no events');
    index.end(bill.terms.id, first);
    index.forget({ ...bill, outbox: [second] });
    expect(index.read(recipient)).toEqual({ pending: [], ended: [idOf(1)] });
    expect(index.pendingCount).toBe(0);
  });

  test('lets all of a shard go with the shard, and nothing of others', () => {
    const index = filled();
    if (first === undefined) throw new Error('no event');
    index.end(bill.terms.id, first);
    const shard = shardOfBill(terms().id);
    index.forgetShard((shard + 1) as ShardId);
    expect(index.read(recipient).pending.map(({ event }) => event.no)).toEqual([2]);
    expect(index.read(recipient).ended).toEqual([idOf(1)]);
    index.forgetShard(shard);
    expect(index.read(recipient)).toEqual({ pending: [], ended: [] });
    expect(index.pendingCount).toBe(0);
  });

  test('lets a shard go whatever others have, as often as one in vain begins each second', () => {
    const index = new EventIndex();
    const [event] = bill.outbox;
    if (event === undefined) throw new Error('no event');
    for (let no = 1; no <= 20_000; no++) index.add(bill, { ...event, no });
    const other = (shardOfBill(bill.terms.id) + 1) as ShardId;

    // Would each go through all events, the test would run out of its time.
    for (let i = 0; i < 30_000; i++) index.forgetShard(other);
    expect(index.pendingCount).toBe(20_000);
  });

  test('counts an event once, however often it is added', () => {
    const index = filled();
    if (first === undefined) throw new Error('no event');
    index.add(bill, first);
    expect(index.pendingCount).toBe(2);
  });

  test('says which events may follow others that only history has', () => {
    const index = new EventIndex();
    const [event] = bill.outbox;
    if (event === undefined) throw new Error('no event');
    const many = { ...bill, terms: staticTerms() };
    const crowded = { ...many, counts: { ...many.counts, events: EVENTS_KEPT + 1 } };
    const late = { ...event, no: EVENTS_KEPT + 1 };
    expect(index.add(many, event).isAfterLetGo).toBeUndefined();
    expect(index.add(crowded, late).isAfterLetGo).toBe(true);
    expect(index.read(recipient).pending.map(({ isAfterLetGo }) => isAfterLetGo)).toEqual([
      true,
      true,
    ]);
    // A bill of which there is one payment lets nothing go, however many events it has had.
    const single = { ...bill, counts: crowded.counts };
    expect(new EventIndex().add(single, late).isAfterLetGo).toBeUndefined();
  });
});
