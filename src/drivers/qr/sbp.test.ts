import { describe, expect, test } from 'vitest';
import { claimOf, KEY } from '../../../tests/support/qr-claims.ts';
import { crc16 } from './crc16.ts';
import { formatSbpLink, makeSbpDriver, parseSbpLink } from './sbp.ts';
import { makeTagger } from './tag.ts';

const driver = makeSbpDriver(makeTagger(KEY, 'sbp'));
const roubles = { currency: 'RUB', amount: 125_000 };

const VECTORS = [
  [
    'https://qr.nspk.ru/AD10001BJPGUR9P18FHR8H8QLFMLV8SH?type=02&bank=100000000111&sum=3&cur=RUB&crc=1ABE',
    { id: 'AD10001BJPGUR9P18FHR8H8QLFMLV8SH', usage: 'single', bank: '100000000111', sum: 3 },
  ],
  [
    'https://qr.nspk.ru/AD100004BAL7227F9BNP6KNE007J9B3K?type=02&bank=100000000007&sum=1&cur=RUB&crc=AB75',
    { id: 'AD100004BAL7227F9BNP6KNE007J9B3K', usage: 'single', bank: '100000000007', sum: 1 },
  ],
  [
    'https://qr.nspk.ru/AS100001ORTF4GAF80KPJ53K186D9A3G?type=01&bank=100000000007&crc=0C8A',
    { id: 'AS100001ORTF4GAF80KPJ53K186D9A3G', usage: 'many', bank: '100000000007', sum: null },
  ],
] as const;

function payloadOf(changes: Parameters<typeof claimOf>[0] = {}): string {
  const issue = driver.issue(claimOf({ ...roubles, ...changes }));
  if ('unfit' in issue) throw new Error(issue.unfit);
  return issue.payload;
}

describe('the checksum', () => {
  test.each([
    ['123456789', '29B1'],
    ['', 'FFFF'],
  ])('of “%s” is %s', (text, sum) => {
    expect(crc16(text)).toBe(sum);
  });
});

describe('a published SBP link', () => {
  test.each(VECTORS)('%s is read, and written as it was', (text, link) => {
    expect(parseSbpLink(text)).toEqual(link);
    expect(formatSbpLink(link)).toBe(text);
  });

  test('is none of ours', () => {
    for (const [text] of VECTORS) expect(driver.read(text)).toBe('foreign');
  });

  test('is none of ours even where its id has nothing but characters that ours have', () => {
    const [, link] = VECTORS[0];
    const like = { ...link, id: `AD10001BJPGVR9P18FHR8H8Q0FM0V8SH` };
    expect(driver.read(formatSbpLink(like))).toBe('foreign');
    expect(driver.read(formatSbpLink({ ...like, id: like.id.replace('AD1', 'AD0') }))).toBe(
      'tampered',
    );
  });
});

describe('an SBP link', () => {
  const [dynamic] = VECTORS[0];
  test.each([
    ['with another checksum', dynamic.replace('1ABE', 'C08B'), 'crc'],
    ['with another sum', dynamic.replace('sum=3', 'sum=30'), 'crc'],
    ['in small letters', dynamic.toLowerCase(), 'form'],
    ['with an id of 31', dynamic.replace('8SH?', '8S?'), 'form'],
    ['with a sum of nothing', dynamic.replace('sum=3', 'sum=0'), 'form'],
    ['in euros', dynamic.replace('RUB', 'EUR'), 'form'],
    ['of another kind', dynamic.replace('type=02', 'type=03'), 'form'],
    ['of another place', dynamic.replace('nspk', 'nspx'), 'form'],
    ['for one payment, without a sum', dynamic.replace('&sum=3&cur=RUB', ''), 'has a sum'],
  ])('%s is refused', (_name, text, fault) => {
    expect(parseSbpLink(text)).toEqual({ fault: expect.stringContaining(fault) });
  });
});

describe('an SBP link of ours', () => {
  test('carries the bill and its kopecks', () => {
    const { billId } = claimOf();
    const link = parseSbpLink(payloadOf());
    expect(link).toEqual({
      id: expect.stringMatching(new RegExp(`^AD${billId}[0-9A-Z]{4}$`)),
      usage: 'single',
      bank: '100000000999',
      sum: 125_000,
    });
    expect(driver.read(payloadOf())).toEqual({ billId });
  });

  test('for many payments is static, and may leave the amount to the payer', () => {
    const link = parseSbpLink(payloadOf({ usage: 'many', amount: null }));
    expect(link).toMatchObject({ id: expect.stringMatching(/^AS/), usage: 'many', sum: null });
    expect(driver.read(payloadOf({ usage: 'many', amount: null }))).toEqual({
      billId: claimOf().billId,
    });
  });

  test.each([
    ['in euros', { currency: 'EUR' }, {}, 'EUR'],
    ['of an institution that is no member', {}, { sbpMember: null }, 'member'],
    ['for one payment of any amount', { amount: null }, {}, 'amount'],
  ])('%s cannot be issued', (_name, changes, settings, why) => {
    expect(driver.issue(claimOf({ ...roubles, ...changes }, settings))).toEqual({
      unfit: expect.stringContaining(why),
    });
  });

  test.each([
    ['another sum', /sum=125000/, 'sum=1'],
    ['another bank', /bank=\d+/, 'bank=100000000998'],
    ['a static form', /AD(.*)type=02/, 'AS$1type=01'],
    ['no sum', /AD(.*)type=02(.*)&sum=125000&cur=RUB/, 'AS$1type=01$2'],
  ])('is refused with %s, though its checksum is made anew', (_name, from, to) => {
    const body = payloadOf()
      .replace(/&crc=.*/, '')
      .replace(from, to);
    const forged = `${body}&crc=${crc16(body)}`;
    expect(parseSbpLink(forged)).not.toHaveProperty('fault');
    expect(driver.read(forged)).toBe('tampered');
  });
});
