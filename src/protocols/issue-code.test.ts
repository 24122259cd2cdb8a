import { describe, expect, test } from 'vitest';
import { billId } from '../../tests/support/bill-fixtures.ts';
import { keys, makePrincipals } from '../../tests/support/fake-door.ts';
import { codesAt, SETTINGS } from '../../tests/support/qr-claims.ts';
import type { QrFormat, Terms } from '../domain/bill/vocabulary.ts';
import type { Principal } from '../switch/ports.ts';
import type { QrSettings } from '../switch/qr.ts';
import { hashOfKey } from './gateway/principals.ts';
import { issueCode } from './issue-code.ts';

const terminal = makePrincipals().get(hashOfKey(keys.terminal)) as Principal;
const codes = codesAt('https://pay.example');

function issued(
  asked: { qrFormat?: QrFormat; currency?: string },
  settings: Partial<QrSettings> | null = {},
): ReturnType<typeof issueCode> {
  const request = { orderId: 'order-1', amount: 1_250, currency: 'RUB', ...asked };
  const principal =
    settings === null ? terminal : { ...terminal, qr: { ...SETTINGS, ...settings } };
  return issueCode(request, billId(1), principal, codes);
}

describe('a new bill’s code', () => {
  test.each([
    ['the format asked for', { qrFormat: 'sbp' }, { format: 'emvco' }, 'sbp'],
    ['else the one that is set', {}, { format: 'emvco' }, 'emvco'],
    ['else ours', {}, {}, 'url'],
    ['ours where nothing is set', {}, null, 'url'],
    ['ours where it is asked for', { qrFormat: 'url' }, { format: 'sbp' }, 'url'],
  ] as const)('is in %s', (_name, asked, settings, format) => {
    const code = issued(asked, settings) as Pick<Terms, 'qrFormat' | 'qrPayload'>;
    expect(code.qrFormat).toBe(format);
    expect('qrPayload' in code).toBe(format !== 'url');
    expect(codes.read(codes.payloadOf({ ...code, id: billId(1) }))).toEqual({ billId: billId(1) });
  });

  test.each([
    ['asked for', { qrFormat: 'sbp', currency: 'EUR' }, {}, /^In the format sbp: SBP .*EUR/],
    ['set', { currency: 'EUR' }, { format: 'sbp' }, /^In the format sbp, which is set .*EUR/],
    ['of a terminal without a country', { qrFormat: 'emvco' }, null, /country/],
  ] as const)(
    'is refused, and says why, in a format %s that cannot carry it',
    (_name, asked, settings, why) => {
      expect(issued(asked, settings)).toEqual({
        code: 'qr.formatUnfit',
        detail: expect.stringMatching(why),
      });
    },
  );
});
