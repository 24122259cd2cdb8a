import { describe, expect, test } from 'vitest';
import {
  institutionId,
  makeBill,
  makePayment,
  NOON,
  paychannelId,
} from '../../tests/support/bill-fixtures.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import type { InstitutionId } from '../domain/ids.ts';
import { HOUR_MS, MINUTE_MS, type Millis, plus } from '../domain/time.ts';
import { type Agreement, Agreements } from './agreements.ts';
import type { Principal } from './principal.ts';

const wallet: Principal = {
  kind: 'paychannel',
  id: paychannelId,
  institutionId: 'ins_2' as InstitutionId,
  merchantId: null,
  merchant: null,
  restricted: false,
  subscribed: false,
};

const between = (given: Partial<Agreement> = {}): Agreement => ({
  billingInstitutionId: institutionId,
  payingInstitutionId: 'ins_2',
  since: plus(NOON, -HOUR_MS),
  endedAt: null,
  ...given,
});

const later = (ms: number): Millis => plus(NOON, ms);
const hour = later(HOUR_MS);

const reach = (
  agreements: readonly Agreement[],
  bill: PresentBill = makeBill(),
  now = hour,
  by = wallet,
): string => new Agreements(agreements).reach(by, bill, now);

describe('a paychannel', () => {
  test('has to do with the bills of its own institution, whatever is agreed', () => {
    expect(reach([], makeBill(), hour, { ...wallet, institutionId })).toBe('whole');
  });

  test('has to do with another institution’s bills while an agreement is in force', () => {
    expect(reach([])).toBe('none');
    expect(reach([between()])).toBe('whole');
    expect(reach([between({ since: later(HOUR_MS + 1) })])).toBe('none');
    expect(reach([between({ since: hour })])).toBe('whole');
  });

  test('has nothing to do with them by an agreement the other way round, or of others', () => {
    const reversed = { billingInstitutionId: 'ins_2', payingInstitutionId: institutionId };
    expect(reach([between(reversed)])).toBe('none');
    expect(reach([between({ payingInstitutionId: 'ins_3' })])).toBe('none');
    expect(reach([between({ billingInstitutionId: 'ins_3' })])).toBe('none');
  });

  test('ends what it has begun with the bills of before an agreement’s end, and sees none of after it', () => {
    const ended = between({ endedAt: later(MINUTE_MS) });
    expect(reach([ended])).toBe('begun');
    const made = makeBill({ createdAt: later(10 * MINUTE_MS) });
    expect(reach([ended], made)).toBe('none');
    // An end may be heard of late, so that one more payment was taken.
    const paid = { ...made, payments: [makePayment()] };
    expect(reach([ended], paid)).toBe('begun');
    expect(reach([ended], made, hour, { ...wallet, id: 'pay_other' })).toBe('none');
    expect(reach([ended], paid, hour, { ...wallet, id: 'pay_other' })).toBe('none');
  });

  test('begins again by another agreement, and by the last end of several otherwise', () => {
    const first = between({ endedAt: later(MINUTE_MS) });
    const second = between({ since: later(2 * MINUTE_MS) });
    for (const both of [
      [first, second],
      [second, first],
    ]) {
      expect(reach(both)).toBe('whole');
    }
    const made = makeBill({ createdAt: later(10 * MINUTE_MS) });
    const last = between({ since: later(2 * MINUTE_MS), endedAt: later(20 * MINUTE_MS) });
    expect(reach([last, first], made)).toBe('begun');
    expect(reach([first, last], made)).toBe('begun');
  });

  test('has nothing to do with them where the agreement ended before it began', () => {
    expect(reach([between({ since: hour, endedAt: later(MINUTE_MS) })])).toBe('none');
  });

  test('of a test institution never meets live, whatever a table says', () => {
    const tested: Principal = { ...wallet, mode: 'test' };
    expect(reach([between()], makeBill(), hour, tested)).toBe('none');
    expect(reach([between()], makeBill({ mode: 'test' }))).toBe('none');
    expect(reach([between()], makeBill({ mode: 'test' }), hour, tested)).toBe('whole');
  });

  test('learns what is agreed anew, whole', () => {
    const agreements = new Agreements([between()]);
    agreements.learn([between({ endedAt: later(MINUTE_MS) })]);
    expect(agreements.reach(wallet, makeBill(), hour)).toBe('begun');
    agreements.learn([]);
    expect(agreements.reach(wallet, makeBill(), hour)).toBe('none');
  });
});
