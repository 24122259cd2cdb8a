import { describe, expect, test } from 'vitest';
import type { BillId } from '../domain/ids.ts';
import { DataKeys } from './data-keys.ts';
import { payerLabels } from './payer-labels.ts';

const OWN = 'the database has drawn this for itself';
const OLD = 'an operator has configured this one first';
const NEW = 'and this one, later, in front of the first';
const LABEL = 'M*** G*****, +7 *** ***-42-17';

const place = { billId: 'B1' as BillId, paychannelId: 'pay_1', paymentRef: 'p' };
const labels = (configured: readonly string[], digestKey = 'digests') =>
  payerLabels(new DataKeys(configured, OWN), digestKey);

describe('labels of payers', () => {
  test('are sealed, each time otherwise, and open where they belong', () => {
    const sealed = labels([OLD]).seal(LABEL, place);
    expect(sealed).not.toContain(LABEL);
    expect(labels([OLD]).seal(LABEL, place)).not.toBe(sealed);
    expect(labels([OLD]).open(sealed, place)).toBe(LABEL);
  });

  test.each([
    ['bill', { billId: 'B2' as BillId }],
    ['paychannel', { paychannelId: 'pay_2' }],
    ['payment', { paymentRef: 'q' }],
  ])('open for no other %s', (_, other) => {
    const sealed = labels([OLD]).seal(LABEL, place);
    expect(labels([OLD]).open(sealed, { ...place, ...other })).toBeNull();
  });

  test('open while the key that sealed them is on the list, and no longer', () => {
    const sealed = labels([OLD]).seal(LABEL, place);
    expect(labels([NEW, OLD]).open(sealed, place)).toBe(LABEL);
    expect(labels([NEW]).open(sealed, place)).toBeNull();
    expect(labels([]).open(sealed, place)).toBeNull();
  });

  test('that were never sealed are shown to nobody', () => {
    expect(labels([OLD]).open(LABEL, place)).toBeNull();
  });

  test('are compared by a digest that their keys leave as it is, and that cannot be tried without its own', () => {
    const digest = labels([OLD]).digest(LABEL);
    expect(labels([NEW, OLD]).digest(LABEL)).toBe(digest);
    expect(labels([OLD]).digest(`${LABEL}.`)).not.toBe(digest);
    expect(labels([OLD], 'another').digest(LABEL)).not.toBe(digest);
  });
});
