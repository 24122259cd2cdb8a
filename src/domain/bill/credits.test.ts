import { describe, expect, test } from 'vitest';
import {
  BETA,
  closeCredit,
  confirm,
  create,
  given,
  inSeconds,
  pay,
  RUN_TIMER,
  refund,
  requestAgain,
  settle,
} from '../../../tests/support/bill-spec.ts';
import { DAY_MS, NEVER, plus } from '../time.ts';
import { decide, nextDueOf } from './bill.ts';
import { isOverdue } from './credits.ts';
import { CREDIT_REPEATS_MAX, CREDITS_MAX } from './vocabulary.ts';

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

  describe('that was rejected', () => {
    const story = [
      create(),
      pay(1000),
      confirm(),
      refund(300, { reason: 'broken' }),
      settle(1, { status: 'rejected', reason: 'closed account' }),
    ];
    const rejected = given(...story);
    const another = given(...story, [requestAgain(1), inSeconds(90)]);

    test('is requested again by another credit, which draws nothing more', () => {
      const then = rejected.when(requestAgain(1), inSeconds(90));
      then.decides('CreditRequestedAgain', 'EventRaised', 'EventRaised');
      expect(then.told).toEqual([
        'paychannel:alfa credit.requested',
        'terminal:term-1 credit.requested',
      ]);
      expect(then.bill).toMatchObject({
        version: rejected.bill.version + 1,
        books: { refunded: 300, unreturned: 0 },
        payments: [{ credited: 300 }],
        credits: [
          { no: 1, status: 'rejected', resolution: { how: 'requestedAgain', creditNo: 2 } },
          { no: 2, status: 'pending', amount: 300, replaces: 1, reason: null, repeats: 0 },
        ],
      });
      expect(then.bill.credits.every(({ paymentNo }) => paymentNo === 1)).toBe(true);
    });

    test('is requested again once, and its wallet may say the same of it as before', () => {
      another.when(requestAgain(1)).decidesNothing();
      another.when(settle(1, { status: 'rejected', reason: 'closed account' })).decidesNothing();
      another.when(settle(1)).rejects({ rejected: 'credit.settledOtherwise', status: 'rejected' });
      another
        .when(closeCredit(1))
        .rejects({ rejected: 'credit.notRejected', status: 'requestedAgain' });
      another.when(requestAgain(2)).rejects({ rejected: 'credit.notRejected', status: 'pending' });
      another.when(requestAgain(3)).rejects({ rejected: 'credit.notFound' });
    });

    test('is unreturned again where the wallet rejects the other too, and no more once that is settled', () => {
      const again = [...story, requestAgain(1), settle(2, { status: 'rejected' })];
      const twice = given(...again);
      expect(twice.bill.books.unreturned).toBe(300);
      twice.when(requestAgain(1)).decidesNothing();
      const third = given(...again, requestAgain(2));
      expect(third.bill.credits[2]).toMatchObject({ no: 3, replaces: 2, reason: null });
      const paid = given(...again, requestAgain(2), settle(3));
      expect(paid.bill.books).toMatchObject({ refunded: 300, unreturned: 0 });
      paid.when(requestAgain(3)).rejects({ rejected: 'credit.notRejected', status: 'settled' });
      paid.when(closeCredit(3)).rejects({ rejected: 'credit.notRejected', status: 'settled' });
    });

    test('is closed once it was returned otherwise, for good, and the terminal is told', () => {
      const then = rejected.when(closeCredit(1, 'SEPA 17'), inSeconds(90));
      expect(then.told).toEqual(['terminal:term-1 credit.settled']);
      expect(then.bill).toMatchObject({
        books: { refunded: 300, unreturned: 0 },
        credits: [
          {
            status: 'rejected',
            resolution: { how: 'returnedOtherwise', reference: 'SEPA 17', at: inSeconds(90) },
          },
        ],
      });
      const closed = given(...story, [closeCredit(1, 'SEPA 17'), inSeconds(90)]);
      closed.when(closeCredit(1, 'SEPA 17')).decidesNothing();
      closed.when(settle(1, { status: 'rejected', reason: 'closed account' })).decidesNothing();
      const done = { rejected: 'credit.notRejected', status: 'returnedOtherwise' } as const;
      closed.when(closeCredit(1, 'other')).rejects(done);
      closed.when(requestAgain(1)).rejects(done);
    });

    test('is asked for each day like any other, once it is requested again', () => {
      expect(nextDueOf(rejected.bill)).toBe(NEVER);
      expect(nextDueOf(another.bill)).toBe(plus(inSeconds(90), DAY_MS));
    });

    test('leaves to each payment the credits that returning it may need', () => {
      const crowded = {
        ...rejected.bill,
        counts: { ...rejected.bill.counts, credits: CREDITS_MAX - 3 },
      };
      // One payment is not returned whole, and a confirm of less might have split another.
      expect(decide(crowded, requestAgain(1), inSeconds(90))).toHaveLength(3);
      const full = { ...crowded, counts: { ...crowded.counts, credits: CREDITS_MAX - 2 } };
      expect(decide(full, requestAgain(1), inSeconds(90))).toMatchObject({
        rejected: 'bill.limitReached',
      });
      expect(decide(full, closeCredit(1), inSeconds(90))).toHaveLength(2);
    });
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
