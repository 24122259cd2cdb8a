import { describe, expect, test } from 'vitest';
import { billPage, type PageBody } from './bill-page.ts';

const body: PageBody = {
  id: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  institutionId: 'ins_1',
  status: 'open',
  mode: 'live',
  merchant: { name: 'Corner Coffee', city: 'Springfield' },
  description: null,
  currency: 'EUR',
  amount: 1_250,
  minAmount: 1_250,
  maxAmount: 1_250,
  due: 1_250,
  isLate: false,
  isPayable: true,
  isByAcquirer: false,
  payload: 'https://pay.example/q/1',
  tipMax: null,
};
const code = '<svg id="code"></svg>';
const page = (given: Partial<PageBody>, names: readonly string[] = [], isMore = false): string =>
  billPage({ ...body, ...given }, { code, wallets: { names, isMore } });

describe('the page of a bill', () => {
  test('has its code, and the wallets that it can be paid in, escaped', () => {
    const html = page({}, ['Green & Co', '<b>Blue</b>']);
    expect(html).toContain(code);
    expect(html).toContain('It can be paid in Green &amp; Co, &lt;b&gt;Blue&lt;/b&gt;.');
    expect(page({}, ['Green', 'Blue'], true)).toContain('in Green, Blue and others.');
    expect(page({})).not.toContain('It can be paid in');
  });

  test.each([
    ['is paid', { status: 'confirmed', due: 0 }, 'Paid'],
    ['is late', { isLate: true }, 'Expired'],
    ['has come to its limit', {}, 'Not to be paid now'],
  ] as const)('that %s has neither', (_what, given, state) => {
    const html = page({ ...given, isPayable: false, payload: null }, ['Green']);
    expect(html).not.toContain(code);
    expect(html).not.toContain('Green');
    expect(html).toContain(`<span class="state">${state}</span>`);
    expect(html).toContain('There is nothing to pay here now.');
  });
});
