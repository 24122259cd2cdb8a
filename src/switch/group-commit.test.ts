import { describe, expect, test } from 'vitest';
import { create, inSeconds, momentOf, pay, START, terms } from '../../tests/support/bill-spec.ts';
import { decide, evolve } from '../domain/bill/bill.ts';
import { isPresent } from '../domain/bill/state.ts';
import type { BillCommand, BillFact } from '../domain/bill/vocabulary.ts';
import { isRejection } from '../domain/bill/vocabulary.ts';
import { type Cell, makeCell } from './cell.ts';
import { entryId } from './entry-id.ts';
import { GroupCommit } from './group-commit.ts';
import type { Asked } from './reply-sink.ts';

const asked = (requestId: string): Asked => ({ requestId }) as Asked;
const reply = { kind: 'released' } as const;

function stand() {
  const commit = new GroupCommit();
  const cell = makeCell(terms().id, true, 0);
  let seconds = 0;
  const apply = (command: BillCommand): number => {
    seconds += 1;
    const at = inSeconds(seconds);
    const facts = decide(cell.bill, command, at);
    if (isRejection(facts)) throw new Error(facts.rejected);
    const before = cell.bill;
    cell.bill = evolve(before, facts as readonly BillFact[], momentOf(at));
    const { type } = command;
    const who = { command: type, actor: 'terminal:t', requestId: `r${seconds}` };
    return commit.addBill(cell, before, { kind: 'bill', billId: cell.id, at, facts, ...who });
  };
  return { commit, cell, apply };
}

function versionOf(bill: Cell['bill']): number {
  return isPresent(bill) ? bill.version : -1;
}

describe('group commit', () => {
  test('holds a reply until the batch that it rests on is durable (G1)', () => {
    const { commit, apply } = stand();
    const first = apply(create());
    expect(commit.hold(first, asked('a'), reply)).toBe(true);
    commit.seal(entryId(1, 1));
    expect(commit.hold(first, asked('b'), reply)).toBe(true);
    const { batch } = commit.commit();
    expect(batch.releases.map((each) => each.asked.requestId)).toEqual(['a', 'b']);
    expect(commit.hold(first, asked('c'), reply)).toBe(false);
  });

  test('commits what was sealed, while the bill runs ahead (G2)', () => {
    const { commit, cell, apply } = stand();
    apply(create());
    commit.seal(entryId(1, 1));
    apply(pay(300));
    commit.commit();
    expect([versionOf(cell.committed), versionOf(cell.bill)]).toEqual([1, 2]);
    expect(cell.entry).toBe(entryId(1, 1));
    expect(commit.isReady).toBe(true);
  });

  test('puts back all that no commit covers, when the append was not done (G3)', () => {
    const { commit, cell, apply } = stand();
    apply(create());
    commit.seal(entryId(1, 1));
    commit.commit();
    apply(pay(300));
    commit.seal(entryId(1, 2));
    apply(pay(200, { paymentRef: 'p2' as never }));
    const failed = commit.settle(false);
    expect(failed).toHaveLength(2);
    expect([versionOf(cell.committed), versionOf(cell.bill)]).toEqual([1, 1]);
    expect(commit.depth).toBe(0);
    expect(commit.hold(cell.batch, asked('late'), reply)).toBe(false);
  });

  test('puts back only the open batch, when the append turns out to be done', () => {
    const { commit, cell, apply } = stand();
    apply(create());
    commit.seal(entryId(1, 1));
    apply(pay(300));
    expect(commit.settle(true)).toHaveLength(1);
    commit.commit();
    expect([versionOf(cell.committed), versionOf(cell.bill)]).toEqual([1, 1]);
    expect(commit.committedSerial).toBe(cell.batch);
  });

  test('puts back what else the batches changed, the latest first', () => {
    const { commit, apply } = stand();
    const undone: string[] = [];
    apply(create());
    commit.onPutBack(() => undone.push('first'));
    commit.seal(entryId(1, 1));
    apply(pay(300));
    commit.onPutBack(() => undone.push('second'));
    commit.onPutBack(() => undone.push('third'));
    commit.settle(false);
    expect(undone).toEqual(['third', 'second', 'first']);
  });

  test('tells the earliest time that is not durable', () => {
    const { commit, apply } = stand();
    expect(commit.earliest).toBeUndefined();
    apply(create());
    commit.seal(entryId(1, 1));
    apply(pay(300));
    expect(commit.earliest).toBe(START + 1_000);
    commit.commit();
    expect(commit.earliest).toBe(START + 2_000);
  });
});
