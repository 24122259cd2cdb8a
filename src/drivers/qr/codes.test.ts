import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { billId as makeBillNo } from '../../../tests/support/bill-fixtures.ts';
import { claimOf, KEY } from '../../../tests/support/qr-claims.ts';
import type { QrFormat, Terms } from '../../domain/bill/vocabulary.ts';
import { makeQrCodes } from './codes.ts';
import { makeTagger, TAG_ALPHABET } from './tag.ts';

const BASE = 'https://pay.example';
const codes = makeQrCodes({ publicBaseUrl: BASE, key: KEY });
const { billId } = claimOf();

function textOf(format: QrFormat): string {
  const issue = codes.issue(format, claimOf({ currency: 'RUB' }));
  if ('unfit' in issue) throw new Error(issue.unfit);
  return codes.payloadOf({ ...issue, id: billId } as Terms);
}

describe('a tag', () => {
  test.each([1, 32, 64])('is HMAC-SHA256, cut, with a key of %i bytes', (length) => {
    const key = Buffer.alloc(length, 'k');
    const sum = createHmac('sha256', key).update('emvco\nÅ 最 🚕').digest();
    const expected = Array.from(sum.subarray(0, 10), (byte) => TAG_ALPHABET[byte & 31]).join('');
    expect(makeTagger(key, 'emvco')('Å 最 🚕', 10)).toBe(expected);
  });
});

describe('the formats together', () => {
  test.each(['url', 'emvco', 'sbp'] as const)('read what %s issues', (format) => {
    expect(codes.read(textOf(format))).toEqual({ billId });
    expect(codes.read(` ${textOf(format)}\n`)).toEqual({ billId });
  });

  test('let a bill keep its text only where it does not follow from its id', () => {
    expect(codes.issue('url', claimOf())).toEqual({ qrFormat: 'url' });
    expect(codes.issue('emvco', claimOf())).toEqual({
      qrFormat: 'emvco',
      qrPayload: expect.stringMatching(/^000201.*6304[0-9A-F]{4}$/),
    });
  });

  test.each(['', 'https://elsewhere.example/q/1', `${BASE}/q/`, `${BASE}/q/nonsense`, billId])(
    'know “%s” for no code of ours',
    (text) => {
      expect(codes.read(text)).toBe('foreign');
    },
  );
});

describe('an address of ours', () => {
  const text = textOf('url');

  test('is that of the bill’s page, with a tag', () => {
    expect(text).toMatch(new RegExp(`^${BASE}/q/${billId}\\.[0-9A-Z]{8}$`));
  });

  test('is read in any case, as scanners make it', () => {
    expect(codes.read(text.toLowerCase())).toEqual({ billId });
    expect(codes.read(text.toUpperCase())).toEqual({ billId });
  });

  test('is not read with letters that only become its own in capitals', () => {
    const some = Array.from({ length: 200 }, (_, no) =>
      codes.payloadOf({ id: makeBillNo(no), qrFormat: 'url' }),
    );
    const withS = some.filter((one) => one.includes('S'));
    expect(withS.length).toBeGreaterThan(10);
    for (const one of withS) expect(codes.read(one.replace('S', 'ſ'))).toBe('foreign');
  });

  test('without a tag, as it was printed before there were tags, is still read', () => {
    expect(codes.read(`${BASE}/q/${billId}`)).toEqual({ billId });
  });

  test.each([
    ['a shorter tag', text.slice(0, -1)],
    ['a longer tag', `${text}0`],
    ['an empty tag', text.slice(0, -8)],
    ['another mark before the tag', text.replace(/\.(?=[^.]*$)/, '-')],
    ['something behind it', `${text}?a=1`],
    [
      'the tag of another key',
      makeQrCodes({ publicBaseUrl: BASE, key: Buffer.of(1) }).payloadOf({
        id: billId,
        qrFormat: 'url',
      }),
    ],
  ])('with %s is refused', (_name, changed) => {
    expect(codes.read(changed)).toBe('tampered');
  });
});
