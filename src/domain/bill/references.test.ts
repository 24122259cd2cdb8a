import { describe, expect, test } from 'vitest';
import { ALFA, create, given, ref, voidPayment } from '../../../test/support/bill-spec.ts';
import { findReference } from './references.ts';
import { REFERENCES_KEPT } from './vocabulary.ts';

describe('references', () => {
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
