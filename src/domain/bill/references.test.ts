import { describe, expect, test } from 'vitest';
import {
  ALFA,
  create,
  given,
  pay,
  ref,
  reserve,
  voidPayment,
} from '../../../tests/support/bill-spec.ts';
import { findReference } from './references.ts';
import { REFERENCES_KEPT } from './vocabulary.ts';

describe('references', () => {
  test('are told apart by their kind', () => {
    const reserved = given(create(), reserve(400, { reservationRef: ref('same') }));
    const then = reserved.when(pay(400, { paymentRef: ref('same') }));
    then.decides('PaymentAccepted', 'EventRaised', 'PaymentAnswered');
    expect(findReference(then.bill, 'reservation', ALFA, ref('same'))?.outcome.type).toBe(
      'reserved',
    );
    expect(findReference(then.bill, 'payment', ALFA, ref('same'))?.outcome.type).toBe('accepted');
  });

  test('beyond REFERENCES_KEPT are let go, the oldest first, and the bill says so', () => {
    const voids = Array.from({ length: REFERENCES_KEPT }, (_, i) => voidPayment(`v${i}`));
    const full = given(create(), ...voids);
    expect(full.bill.spilled).toBe(false);
    const { bill } = full.when(voidPayment());
    expect(bill.spilled).toBe(true);
    expect(bill.references).toHaveLength(REFERENCES_KEPT);
    expect(findReference(bill, 'payment', ALFA, ref('v0'))).toBeNull();
    expect(findReference(bill, 'payment', ALFA, ref('v1'))).not.toBeNull();
  });
});
