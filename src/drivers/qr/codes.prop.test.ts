import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { claimOf, KEY } from '../../../tests/support/qr-claims.ts';
import type { QrFormat, Terms } from '../../domain/bill/vocabulary.ts';
import { makeBillId, type Reference, type ShardId, type TerminalId } from '../../domain/ids.ts';
import { millis } from '../../domain/time.ts';
import type { QrClaim } from '../../switch/qr.ts';
import { makeQrCodes } from './codes.ts';
import { contentOf, type EmvcoObject, formatEmvco, parseEmvco } from './emvco-tlv.ts';
import { formatSbpLink, parseSbpLink, type SbpLink } from './sbp.ts';

const BASE = 'https://pay.example';
const codes = makeQrCodes({ publicBaseUrl: BASE, key: KEY });

const billId = fc
  .record({
    at: fc.integer({ min: 1_700_000_000_000, max: 32_503_679_999_999 }),
    shard: fc.nat(7),
    random: fc.uint8Array({ minLength: 13, maxLength: 13 }),
  })
  .map(({ at, shard, random }) => makeBillId(millis(at), shard as ShardId, random));
const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...'Aa é Жж щ 最 す Ω 🚕 "'), maxLength: 60 }),
);
const amount = fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 10 ** 12 }));
const reference = fc.string({ unit: fc.constantFrom(...'Aa0._:-'), minLength: 1, maxLength: 64 });

const claim: fc.Arbitrary<QrClaim> = fc
  .record({
    billId,
    usage: fc.constantFrom('single' as const, 'many' as const),
    amount: fc.option(amount, { nil: null }),
    currency: fc.constantFrom('RUB', 'RUB', 'EUR', 'JPY', 'KWD'),
    merchant: fc.record({ name, city: name }),
    takesTip: fc.boolean(),
    orderId: reference.map((text) => text as Reference),
    terminalId: reference.map((text) => text as TerminalId),
    country: fc.constantFrom('RU', 'DE', 'CN', 'ZZ'),
  })
  .map(({ country, ...rest }) => claimOf(rest, { country }));

const format = fc.constantFrom<QrFormat>('url', 'emvco', 'sbp');

function textOf(as: QrFormat, of: QrClaim): string | undefined {
  const issue = codes.issue(as, of);
  return 'unfit' in issue ? undefined : codes.payloadOf({ ...issue, id: of.billId } as Terms);
}

function changedAt(text: string, place: number, how: string, put: string): string {
  const characters = Array.from(text);
  const at = place % characters.length;
  const old = characters[at] ?? '';
  const instead = { put, drop: '', double: old + old }[how] ?? '';
  return [...characters.slice(0, at), instead, ...characters.slice(at + 1)].join('');
}

describe('a code', () => {
  test('of any bill is read as that bill, in every format that can carry it', () => {
    const issued = new Map<QrFormat, number>();
    fc.assert(
      fc.property(format, claim, (as, of) => {
        const text = textOf(as, of);
        if (text === undefined) return;
        issued.set(as, (issued.get(as) ?? 0) + 1);
        expect(codes.read(text)).toEqual({ billId: of.billId });
      }),
      { numRuns: 1_000 },
    );
    for (const as of ['url', 'emvco', 'sbp'] as const) expect(issued.get(as)).toBeGreaterThan(20);
  });

  test('with any one character changed, dropped or doubled is refused or none of ours', () => {
    const change = fc.constantFrom('put', 'drop', 'double');
    const character = fc.oneof(
      fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcxyz.:/?&=-'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    );
    fc.assert(
      fc.property(format, claim, fc.nat(), change, character, (as, of, place, how, put) => {
        const text = textOf(as, of);
        if (text === undefined) return;
        const changed = changedAt(text, place, how, put);
        // A scanner's change of case is none, and neither is white space around a code.
        if (changed.trim().toLowerCase() === text.toLowerCase()) return;
        const reading = codes.read(changed);
        expect(typeof reading === 'string' ? 'refused' : changed).toBe('refused');
      }),
      { numRuns: 3_000 },
    );
  });

  test('of EMVCo says the claim, by its own words', () => {
    fc.assert(
      fc.property(claim, (of) => {
        const parsed = parseEmvco(textOf('emvco', of) ?? '');
        if ('fault' in parsed) throw new Error(parsed.fault);
        const { objects } = parsed;
        const decimals = { JPY: 0, KWD: 3 }[String(of.currency)] ?? 2;
        const told = contentOf(objects, '54');
        expect(told === undefined ? null : Math.round(Number(told) * 10 ** decimals)).toBe(
          of.amount,
        );
        expect(contentOf(objects, '59')).toMatch(/^[ -~]{1,25}$/);
        expect(contentOf(objects, '60')).toMatch(/^[ -~]{1,15}$/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('what is written', () => {
  const digits = (length: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length });
  const text = (maxLength: number) => fc.string({ unit: 'binary', minLength: 1, maxLength });
  const objects: fc.Arbitrary<EmvcoObject[]> = fc
    .tuple(text(90), digits(4), digits(3), text(25), text(15), fc.option(text(10)), fc.boolean())
    .map(([account, category, currency, who, city, postal, isReversed]) => {
      const middle: EmvcoObject[] = [
        ['02', account],
        ['52', category],
        ['53', currency],
        ['58', 'RU'],
        ['59', who],
        ['60', city],
      ];
      if (postal !== null) middle.push(['61', postal]);
      return [['00', '01'], ...(isReversed ? middle.reverse() : middle)];
    });

  test('as EMVCo objects is read as they were', () => {
    fc.assert(
      fc.property(objects, (of) => {
        expect(parseEmvco(formatEmvco(of))).toEqual({ objects: of });
      }),
      { numRuns: 500 },
    );
  });

  test('as an SBP link is read as it was', () => {
    const link: fc.Arbitrary<SbpLink> = fc
      .record({
        id: fc.string({
          unit: fc.constantFrom(...'0123456789ABCXYZ'),
          minLength: 32,
          maxLength: 32,
        }),
        bank: digits(12),
        sum: fc.option(amount, { nil: null }),
      })
      .map((of) => ({ ...of, usage: of.sum === null ? 'many' : 'single' }));
    fc.assert(
      fc.property(link, (of) => {
        expect(parseSbpLink(formatSbpLink(of))).toEqual(of);
      }),
    );
  });
});
