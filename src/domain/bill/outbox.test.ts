import { describe, expect, test } from 'vitest';
import { acknowledge, create, given, inSeconds, pay } from '../../../tests/support/bill-spec.ts';
import { DAY_MS, plus } from '../time.ts';
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
});
