import { describe, expect, test } from 'vitest';
import {
  ALFA,
  createTimer,
  type Given,
  given,
  inSeconds,
  PARKING,
} from '../../tests/support/bill-spec.ts';
import { codesAt } from '../../tests/support/qr-claims.ts';
import type { Tariff } from '../domain/tariff/tariff.ts';
import { JSON_NUMBERS, Shapes } from './shapes.ts';

const publicBaseUrl = 'https://pay.example';
const shapes = new Shapes({ publicBaseUrl, codes: codesAt(publicBaseUrl) }, JSON_NUMBERS);

/** A stay by a tariff that counts how often it is charged: each charge asks for the time zone once. */
function countedStay(): { parked: Given; charges: () => number } {
  let charges = 0;
  const tariff: Tariff = {
    ...PARKING,
    get timeZone() {
      charges += 1;
      return PARKING.timeZone;
    },
  };
  const parked = given(createTimer({ tariff }));
  charges = 0;
  return { parked, charges: () => charges };
}

describe('the shapes of a stay', () => {
  test.each([
    ['free so far', 300, { due: 0, reason: 'notYetValid', retryAt: '2030-01-01T00:10:00.001Z' }],
    ['that costs', 3_000, { due: 200, reason: null, retryAt: null }],
  ] as const)('tell all of one %s by one look at its tariff', (_what, seconds, expected) => {
    const { parked, charges } = countedStay();
    const view = shapes.view(parked.bill, ALFA, inSeconds(seconds));
    expect(view).toMatchObject(expected);
    expect(view.quote === null).toBe(expected.due === 0);
    expect(charges()).toBe(1);
  });

  test('tell it on its page by one look, too', () => {
    const { parked, charges } = countedStay();
    const page = shapes.page(parked.bill, inSeconds(3_000));
    expect(page).toMatchObject({ amount: 200, due: 200 });
    expect(charges()).toBe(1);
  });
});
