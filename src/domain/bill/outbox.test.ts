import { describe, expect, test } from 'vitest';
import {
  acknowledge,
  create,
  given,
  inSeconds,
  pay,
  type Step,
} from '../../../tests/support/bill-spec.ts';
import { DAY_MS, plus } from '../time.ts';
import { touchedBy } from './touched.ts';
import { EVENT_LIFE_MS } from './vocabulary.ts';

const RECEIPT = { number: 7, lines: ['tea', { price: 100 }] };

describe('an event', () => {
  test('is a dead letter after its life, and leaves with the next transition', () => {
    const paid = given(create({ confirmWithinMs: 90 * DAY_MS }), [pay(1000), inSeconds(1)]);
    const attach = { type: 'AttachReceipt', receipt: RECEIPT } as const;
    expect(paid.when(attach, plus(inSeconds(1), EVENT_LIFE_MS)).bill.outbox).toHaveLength(1);
    expect(paid.when(attach, plus(inSeconds(1), EVENT_LIFE_MS + 1)).bill.outbox).toEqual([]);
  });

  test('can be acknowledged in the moment of its death', () => {
    const paid = given(create({ confirmWithinMs: 90 * DAY_MS }), [pay(1000), inSeconds(1)]);
    expect(paid.when(acknowledge([1]), plus(inSeconds(1), 2 * EVENT_LIFE_MS)).bill.outbox).toEqual(
      [],
    );
  });

  describe('that is dead', () => {
    const paid = given(create({ confirmWithinMs: 90 * DAY_MS }), [pay(1000), inSeconds(1)]);
    const [event] = paid.bill.outbox;
    const events = event === undefined ? [] : [event];
    const later = plus(inSeconds(1), EVENT_LIFE_MS + 1);
    const resend = { type: 'ResendEvents', events } as const;
    const attach = { type: 'AttachReceipt', receipt: RECEIPT } as const;
    // Whether the bill has let it go by now or not.
    const lives: [string, Step[]][] = [
      ['still stands in the bill', []],
      ['has left the bill', [[attach, later]]],
    ];
    const story: Step[] = [create({ confirmWithinMs: 90 * DAY_MS }), [pay(1000), inSeconds(1)]];

    test.each(lives)('and %s is sent again once, and says what it said', (_name, more) => {
      const before = given(...story, ...more);
      const then = before.when(resend, plus(later, 5));
      then.decides('EventResent');
      const again = { ...event, no: 2, resentAt: plus(later, 5), resends: 1 };
      expect(then.bill.outbox).toEqual([again]);
      expect(then.bill.version).toBe(before.bill.version);
      expect(touchedBy(before.bill, then.bill, then.facts)).toMatchObject({
        eventsRaised: [again],
        eventsEnded: [{ event: { no: 1, recipient: event?.recipient }, how: 'replaced' }],
      });
      const sent = given(...story, ...more, [resend, plus(later, 5)]);
      sent.when(resend, plus(later, 6)).decidesNothing();
      // It has a life of its own, and its acknowledgement is noted.
      expect(sent.when(attach, plus(later, EVENT_LIFE_MS)).bill.outbox).toEqual([again]);
      const heard = sent.when(acknowledge([2]), plus(later, 7)).bill;
      expect([heard.outbox, heard.payments[0]?.notifiedAt]).toEqual([[], plus(later, 7)]);
    });

    test('is sent again only once it is dead', () => {
      paid.when(resend, plus(inSeconds(1), EVENT_LIFE_MS)).decidesNothing();
    });
  });
});
