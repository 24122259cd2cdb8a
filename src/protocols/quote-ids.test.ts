import { describe, expect, test } from 'vitest';
import { billId, NOON } from '../../tests/support/bill-fixtures.ts';
import type { Quote } from '../domain/bill/vocabulary.ts';
import { AMOUNT_MAX, minor } from '../domain/money.ts';
import { NEVER, plus } from '../domain/time.ts';
import { makeQrCodes } from '../drivers/qr/codes.ts';
import { quoteIdOf, readQuote } from './quote-ids.ts';

const codesWith = (byte: number) =>
  makeQrCodes({ publicBaseUrl: 'https://pay.example', key: Buffer.alloc(32, byte) });
const codes = codesWith(7);
const quote: Quote = { total: minor(1_250), coveredUntil: NOON, until: plus(NOON, 300_000) };
const id = quoteIdOf(codes, billId(1), quote);
const RUN_OUT = { total: 0, coveredUntil: 0, until: 0 };

describe('the id of a quote', () => {
  test('says all of it to who has the key, after a restart too', () => {
    expect(readQuote(codesWith(7), billId(1), id)).toEqual(quote);
    const endless = { total: AMOUNT_MAX, coveredUntil: NEVER, until: NOON };
    const longest = quoteIdOf(codes, billId(1), endless);
    expect(readQuote(codes, billId(1), longest)).toEqual(endless);
    // What a request may hold as an id.
    expect(longest.length).toBeLessThanOrEqual(64);
  });

  test('is none of another bill, nor of another switch', () => {
    expect(readQuote(codes, billId(2), id)).toEqual(RUN_OUT);
    expect(readQuote(codesWith(8), billId(1), id)).toEqual(RUN_OUT);
  });

  test('is none once any character of it has changed', () => {
    for (let i = 0; i < id.length; i++) {
      const other = id[i] === '1' ? '2' : '1';
      const changed = id.slice(0, i) + other + id.slice(i + 1);
      expect(readQuote(codes, billId(1), changed)).toEqual(RUN_OUT);
    }
    for (const odd of ['', '.', 'quote', `${id}0`, id.toUpperCase(), `0${id}`]) {
      expect(readQuote(codes, billId(1), odd)).toEqual(RUN_OUT);
    }
  });
});
