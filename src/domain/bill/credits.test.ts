import { describe, expect, test } from 'vitest';
import {
  BETA,
  confirm,
  create,
  given,
  inSeconds,
  pay,
  RUN_TIMER,
  refund,
  settle,
} from '../../../tests/support/bill-spec.ts';
import { DAY_MS, NEVER, plus } from '../time.ts';
import { nextDueOf } from './bill.ts';
import { isOverdue } from './credits.ts';
import { CREDIT_REPEATS_MAX } from './vocabulary.ts';

describe('a credit', () => {
  const owed = given(create(), pay(1000), [confirm(700), inSeconds(10)]);

  test('is settled by its paychannel, once, and the terminal is told', () => {
    const then = owed.when(settle(1, { reference: 'W1', reason: 'ok' }), inSeconds(60));
    then.decides('CreditSettled', 'EventRaised');
    expect(then.told).toEqual(['terminal:term-1 credit.settled']);
    expect(then.bill).toMatchObject({
      books: { reversed: 300, unreturned: 0 },
      credits: [{ status: 'settled', reference: 'W1', reason: 'ok', settledAt: inSeconds(60) }],
    });
    expect(then.bill.outbox.at(-1)).toMatchObject({ credit: { status: 'settled' } });
  });

  test('that is rejected stays unreturned', () => {
    const then = owed.when(settle(1, { status: 'rejected', reason: 'closed account' }));
    expect(then.told).toEqual(['terminal:term-1 credit.rejected']);
    expect(then.bill.books).toMatchObject({ reversed: 300, unreturned: 300 });
  });

  test('is not settled otherwise later', () => {
    const settled = given(
      create(),
      pay(1000),
      confirm(),
      refund(300, { reason: 'broken' }),
      settle(1),
    );
    settled.when(settle(1)).decidesNothing();
    const otherwise = { rejected: 'credit.settledOtherwise', status: 'settled' } as const;
    settled.when(settle(1, { status: 'rejected' })).rejects(otherwise);
    settled.when(settle(1, { reference: 'W1' })).rejects(otherwise);
    settled.when(settle(1, { reason: 'broken' })).rejects(otherwise);
    expect(settled.bill.credits).toMatchObject([{ reason: 'broken' }]);
  });

  test('is nobody else’s to settle', () => {
    owed.when(settle(1, { paychannelId: BETA })).rejects({ rejected: 'credit.notFound' });
    owed.when(settle(2)).rejects({ rejected: 'credit.notFound' });
    owed.when(settle(0)).rejects({ rejected: 'credit.notFound' });
  });

  test('is asked for again each day, in place of the earlier event', () => {
    const day = plus(inSeconds(10), DAY_MS);
    expect(nextDueOf(owed.bill)).toBe(day);
    const then = owed.when(RUN_TIMER, day).decides('CreditRepeated', 'EventRaised');
    expect(then.bill.outbox.filter(({ type }) => type === 'credit.requested')).toMatchObject([
      { no: 3, occurredAt: day, credit: { repeats: 1 } },
    ]);
    expect(then.bill.version).toBe(owed.bill.version);
    expect(isOverdue(then.bill.credits[0] ?? never(), day)).toBe(false);
    expect(isOverdue(then.bill.credits[0] ?? never(), plus(day, 1))).toBe(true);
  });

  test('is asked for once for all the days that were missed', () => {
    const late = owed.later(plus(inSeconds(10), 3.5 * DAY_MS));
    expect(late.bill.credits).toMatchObject([{ repeats: 3 }]);
    expect(late.bill.counts.events).toBe(owed.bill.counts.events + 1);
    expect(nextDueOf(late.bill)).toBe(plus(inSeconds(10), 4 * DAY_MS));
  });

  test('is asked for before those that were requested later', () => {
    const two = given(
      create(),
      pay(1000),
      [confirm(700), inSeconds(10)],
      [refund(1), inSeconds(20)],
    );
    const then = two.when(RUN_TIMER, plus(inSeconds(20), DAY_MS));
    expect(then.facts[0]).toEqual({ type: 'CreditRepeated', no: 1 });
  });

  test('is asked for at most CREDIT_REPEATS_MAX times, and not once it is settled', () => {
    const last = owed.later(plus(inSeconds(10), CREDIT_REPEATS_MAX * DAY_MS));
    expect(nextDueOf(last.bill)).toBe(NEVER);
    expect(nextDueOf(owed.when(settle(1)).bill)).toBe(NEVER);
  });
});

function never(): never {
  throw new Error('missing');
}
