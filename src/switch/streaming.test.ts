import { describe, expect, test } from 'vitest';
import { AcquiredWorld } from '../../tests/support/acquired-world.ts';
import {
  cancel,
  confirm,
  createStatic,
  given,
  money,
  ref,
  refund,
  TERMINAL,
} from '../../tests/support/bill-spec.ts';
import { decide, evolve, nextDueOf } from '../domain/bill/bill.ts';
import { type BillCommand, type BillFact, isRejection } from '../domain/bill/vocabulary.ts';
import type { BillId } from '../domain/ids.ts';
import type { AcquiringNotice } from './acquirers.ts';
import { EventIndex } from './event-index.ts';
import { asCommitted } from './streaming.ts';

const unfinished: BillId[] = [];
const notices: AcquiringNotice[] = [];
const sink = {
  reply: () => undefined,
  event: () => undefined,
  eventEnded: () => undefined,
  unfinished: (billId: BillId) => unfinished.push(billId),
  acquiring: (notice: AcquiringNotice) => notices.push(notice),
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

describe('whoever makes the calls to an acquirer', () => {
  const ways = { partialRefund: true, cancelGivesBack: false };
  const told = (world: AcquiredWorld, command: BillCommand, facts?: readonly BillFact[]) => {
    notices.length = 0;
    const [before, stamp] = [world.bill, { at: world.now, actor: 'a', requestId: 'r' }];
    const decided = facts ?? decide(before, command, world.now);
    if (isRejection(decided)) throw new Error(decided.rejected);
    const after = evolve(before, decided, stamp);
    const { id: billId } = world.present.terms;
    const transition = {
      kind: 'bill',
      billId,
      command: command.type,
      facts: decided,
      ...stamp,
    } as const;
    asCommitted({ events: new EventIndex(), sink }, { kind: 'bill', before, after, transition });
    return notices.map(({ recipient, isAwaited }) => {
      expect(recipient).toBe('paychannel:acq_bank');
      return isAwaited;
    });
  };
  const timer = (world: AcquiredWorld) => {
    world.now = nextDueOf(world.bill);
    return told(world, { type: 'RunTimer' });
  };

  test('hears whether somebody waits for the next call, or it is but one look among many', () => {
    const world = new AcquiredWorld({ ...ways, closesByItself: true });
    expect(timer(world), 'a till waits for its code').toEqual([true]);
    world.visit('not');
    expect(timer(world), 'it is open').toEqual([false]);
    expect(told(world, cancel()), 'it is to be taken no more').toEqual([true]);
    world.pay();
    world.visit('not');
    expect(told(world, confirm()), 'it is paid').toEqual([]);
    world.command(confirm());
    expect(told(world, refund(300)), 'a payer waits for money').toEqual([true]);
    world.command(refund(300));
    expect(timer(world), 'it is not back yet').toEqual([true]);
  });

  test('need not end first what is merely over', () => {
    const world = new AcquiredWorld({ ...ways, closesByItself: false });
    world.visit('not');
    world.now = world.present.terms.expiresAt;

    expect(timer(world)).toEqual([false]);
  });
});
