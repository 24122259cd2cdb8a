import { describe, expect, test } from 'vitest';
import { createStatic, given, money, ref, TERMINAL } from '../../tests/support/bill-spec.ts';
import { decide, evolve, nextDueOf } from '../domain/bill/bill.ts';
import type { BillCommand, BillFact } from '../domain/bill/vocabulary.ts';
import type { BillId } from '../domain/ids.ts';
import { EventIndex } from './event-index.ts';
import { asCommitted } from './streaming.ts';

const unfinished: BillId[] = [];
const sink = {
  reply: () => undefined,
  event: () => undefined,
  eventEnded: () => undefined,
  unfinished: (billId: BillId) => unfinished.push(billId),
  acquiring: () => undefined,
  begun: () => undefined,
  flush: () => undefined,
};

describe('a committed transition', () => {
  test('of an arm that nobody has ended is told, so that some gateway drives it on', () => {
    const order = { terminalId: TERMINAL, orderId: ref('sale-1'), digest: 'sale' };
    const billId = '01JGF00000000000000000SALE' as BillId;
    const sale = { billId, ...order, amount: money(500), policies: null, ttlMs: 60_000 };
    const begun = given(createStatic());
    const arm = begun.when({ type: 'ArmSticker', sale });
    const { id } = begun.bill.terms;
    const commit = (
      before: typeof begun.bill,
      command: BillCommand,
      facts: readonly BillFact[],
    ) => {
      const at = nextDueOf(arm.bill);
      const stamp = { at, actor: 'switch:timer', requestId: 'timer' };
      const transition = {
        kind: 'bill',
        billId: id,
        command: command.type,
        facts,
        ...stamp,
      } as const;
      const after = evolve(before, facts, stamp);
      asCommitted({ events: new EventIndex(), sink }, { kind: 'bill', before, after, transition });
    };
    commit(begun.bill, { type: 'ArmSticker', sale }, arm.facts);
    expect(unfinished).toEqual([]);
    const timer = { type: 'RunTimer' } as const;
    commit(arm.bill, timer, decide(arm.bill, timer, nextDueOf(arm.bill)) as readonly BillFact[]);
    expect(unfinished).toEqual([id]);
  });
});
