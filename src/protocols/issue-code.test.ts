import { describe, expect, test } from 'vitest';
import { billId, makeTerms } from '../../tests/support/bill-fixtures.ts';
import { codesAt, NO_FORMATS, SETTINGS } from '../../tests/support/qr-claims.ts';
import type { QrFormat } from '../domain/bill/vocabulary.ts';
import type { Currency } from '../domain/money.ts';
import type { QrSettings } from '../switch/qr.ts';
import type { ProposedTerms } from '../switch/requests.ts';
import { withCode } from './issue-code.ts';

const codes = codesAt('https://pay.example');

const hosted = NO_FORMATS;

function issued(
  { qrFormat, currency = 'RUB' }: { qrFormat?: QrFormat; currency?: string },
  settings: Partial<QrSettings> | null = {},
): ReturnType<typeof withCode> {
  const { createdAt, expiresAt, ...rest } = makeTerms({ currency: currency as Currency });
  const terms: ProposedTerms = { ...rest, expiresInMs: expiresAt - createdAt };
  return withCode(terms, qrFormat, settings === null ? undefined : { ...SETTINGS, ...settings }, {
    codes,
    hosted,
  });
}

describe('a new bill’s code', () => {
  test.each([
    ['the format asked for', { qrFormat: 'sbp' }, { format: 'emvco' }, 'sbp'],
    ['else the one that is set', {}, { format: 'emvco' }, 'emvco'],
    ['else ours', {}, {}, 'url'],
    ['ours where nothing is set', {}, null, 'url'],
    ['ours where it is asked for', { qrFormat: 'url' }, { format: 'sbp' }, 'url'],
  ] as const)('is in %s', (_name, asked, settings, format) => {
    const terms = issued(asked, settings) as ProposedTerms;
    expect(terms.qrFormat).toBe(format);
    expect('qrPayload' in terms).toBe(format !== 'url');
    expect(codes.read(codes.payloadOf(terms))).toEqual({ billId: billId(1) });
  });

  test.each([
    ['asked for', { qrFormat: 'sbp', currency: 'EUR' }, {}, /^In the format sbp: SBP .*EUR/],
    ['set', { currency: 'EUR' }, { format: 'sbp' }, /^In the format sbp, which is set .*EUR/],
    [
      'set that is no longer loaded',
      {},
      { format: 'gone' },
      /gone, which is set .* is loaded here/,
    ],
    ['of a terminal without a country', { qrFormat: 'emvco' }, null, /country/],
  ] as const)(
    'is refused, and says why, in a format %s that cannot carry it',
    (_name, asked, settings, why) => {
      expect(issued(asked, settings)).toEqual({
        rejected: 'qr.formatUnfit',
        detail: expect.stringMatching(why),
      });
    },
  );
});
