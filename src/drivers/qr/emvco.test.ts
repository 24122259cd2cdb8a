import { describe, expect, test } from 'vitest';
import { claimOf, KEY } from '../../../tests/support/qr-claims.ts';
import { ACCOUNT_ID, makeEmvcoDriver } from './emvco.ts';
import { contentOf, type EmvcoObject, formatEmvco, parseEmvco, parseObjects } from './emvco-tlv.ts';
import { makeTagger } from './tag.ts';

const driver = makeEmvcoDriver(makeTagger(KEY, 'emvco'));

/** The specification's own example, the Pix manual's, and one of a BR Code library. */
const VECTORS = {
  specification:
    '00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A',
  pix: '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D',
  'two accounts':
    '00020104141234567890123426580014BR.GOV.BCB.PIX0136123e4567-e12b-12d1-a456-42665544000027300012BR.COM.OUTRO011001234567895204000053039865406123.455802BR5917NOME DO RECEBEDOR6008BRASILIA61087007490062190515RP12345678-201980390012BR.COM.OUTRO01190123.ABCD.3456.WXYZ6304AD38',
};

function objectsOf(text: string): readonly EmvcoObject[] {
  const parsed = parseEmvco(text);
  if ('fault' in parsed) throw new Error(parsed.fault);
  return parsed.objects;
}

function fieldsOf(text: string | undefined): Record<string, string> {
  const parsed = parseObjects(text ?? '');
  if ('fault' in parsed) throw new Error(parsed.fault);
  return Object.fromEntries(parsed);
}

function payloadOf(...changes: Parameters<typeof claimOf>): string {
  const issue = driver.issue(claimOf(...changes));
  if ('unfit' in issue) throw new Error(issue.unfit);
  return issue.payload;
}

describe('a published EMVCo code', () => {
  test.each(Object.entries(VECTORS))('%s is read, and written as it was', (_name, text) => {
    expect(formatEmvco(objectsOf(text))).toBe(text);
  });

  test('is read by characters, not by bytes', () => {
    const objects = objectsOf(VECTORS.specification);
    expect(fieldsOf(contentOf(objects, '64'))).toEqual({
      '00': 'ZH',
      '01': '最佳运输',
      '02': '北京',
    });
    expect(contentOf(objects, '54')).toBe('23.72');
    expect(fieldsOf(contentOf(objects, '62'))).toMatchObject({ '06': '***', '09': 'ME' });
  });

  test('is none of ours', () => {
    for (const text of Object.values(VECTORS)) expect(driver.read(text)).toBe('foreign');
  });
});

describe('an EMVCo code', () => {
  const fixed = (text: string): string => text.slice(0, -4);
  const pix = objectsOf(VECTORS.pix);
  const changed = (id: string, value: string): string =>
    formatEmvco(pix.map((object) => (object[0] === id ? [id, value] : object)));
  const added = (id: string, value: string): string => formatEmvco([...pix, [id, value]]);
  const without = (id: string): string => formatEmvco(pix.filter(([known]) => known !== id));

  test.each([
    [
      'with the checksum of the hobby sample',
      `${fixed(VECTORS.pix).replace('5802BR', '54040.005802BR')}E2CA`,
      'crc',
    ],
    ['with a checksum in small letters', `${fixed(VECTORS.pix)}1d3d`, 'crc'],
    ['that begins with another object', VECTORS.pix.slice(6), '00 is not the first'],
    ['of another format', changed('00', '02'), '00 has not'],
    ['that ends without a checksum', VECTORS.pix.slice(0, -8), '63 is not the last'],
    ['with something behind its checksum', `${VECTORS.pix}8003ABC`, '63 is not the last'],
    ['with a length of 00', `000201${'5400'}${VECTORS.pix.slice(6)}`, '54 is empty'],
    ['that is cut off', VECTORS.pix.slice(0, 60), 'cut off'],
    ['with an id of letters', `000201A101X${VECTORS.pix.slice(6)}`, 'no id and length'],
    ['with an object twice', added('58', 'BR'), '58 is there twice'],
    ['without a currency', without('53'), '53 is missing'],
    ['without a merchant account', without('26'), 'no merchant account'],
    ['with an account without a unique id', changed('26', '0103ABC'), 'in object 26: object 00'],
    ['with an account that is none', changed('26', 'ABC'), 'in object 26: no id'],
    ['with an amount of commas', added('54', '1,5'), '54 has not'],
    ['with an amount of 14 characters', added('54', '12345678901.23'), '54 has not'],
    ['with a name of 26 characters', changed('59', 'N'.repeat(26)), '59 has not'],
    ['with a city of 16 characters', changed('60', 'C'.repeat(16)), '60 has not'],
    [
      'with a label of 26 characters',
      changed('62', `0526${'L'.repeat(26)}`),
      'in object 62: object 05',
    ],
    ['with a name in no language', added('64', '0104Name'), 'in object 64: object 00'],
    ['with a fixed fee that none announces', added('56', '1.00'), '56 and object 55'],
    ['with a fixed fee announced and not told', added('55', '02'), '56 and object 55'],
    ['of nothing', '', '00 is not the first'],
  ])('%s is refused', (_name, text, fault) => {
    expect(parseEmvco(text)).toEqual({ fault: expect.stringContaining(fault) });
  });
});

describe('an EMVCo code of ours', () => {
  test('says what the bill is, by the rules of the format', () => {
    const objects = objectsOf(payloadOf());
    const { billId } = claimOf();
    expect(Object.fromEntries(objects)).toMatchObject({
      '00': '01',
      '01': '12',
      '52': '5814',
      '53': '978',
      '54': '12.50',
      '58': 'DE',
      '59': 'Corner Coffee',
      '60': 'Springfield',
    });
    expect(objects[0]?.[0]).toBe('00');
    expect(fieldsOf(contentOf(objects, '26'))).toEqual({
      '00': ACCOUNT_ID,
      '01': billId,
      '02': expect.stringMatching(/^[0-9A-Z]{10}$/),
    });
    expect(fieldsOf(contentOf(objects, '62'))).toEqual({
      '01': 'order-1',
      '05': billId.slice(1),
      '07': 'ter_1',
    });
    expect(contentOf(objects, '64')).toBeUndefined();
    expect(driver.read(payloadOf())).toEqual({ billId });
  });

  test('has wallets ask for a tip where the bill takes one, by our tag as by the format', () => {
    const payload = payloadOf({ takesTip: true });
    expect(contentOf(objectsOf(payload), '55')).toBe('01');
    expect(contentOf(objectsOf(payloadOf()), '55')).toBeUndefined();
    expect(driver.read(payload)).toEqual({ billId: claimOf().billId });
    expect(driver.read(payloadOf().replace('5802DE', '5502015802DE'))).toBe('tampered');
  });

  test('for many payments is static, and leaves the amount to the payer where there is none', () => {
    const objects = objectsOf(payloadOf({ usage: 'many', amount: null }));
    expect(contentOf(objects, '01')).toBe('11');
    expect(contentOf(objects, '54')).toBeUndefined();
  });

  test.each([
    ['EUR', 1, '0.01'],
    ['EUR', 1_250, '12.50'],
    ['EUR', 999_999_999_999, '9999999999.99'],
    ['EUR', 1_000_000_000_000, '10000000000'],
    ['JPY', 1_250, '1250'],
    ['KWD', 1_250, '1.250'],
    ['KWD', 999_999_999_999, '999999999.999'],
  ])('tells %s %i as %s', (currency, amount, text) => {
    expect(contentOf(objectsOf(payloadOf({ currency, amount })), '54')).toBe(text);
  });

  test.each([
    ['Café Zoë', 'Rīga', 'LV', 'Cafe Zoe', 'Riga', { '00': 'LV', '01': 'Café Zoë', '02': 'Rīga' }],
    [
      'Пекарня «Щука»',
      'Москва',
      'RU',
      'Pekarnya "Shchuka"',
      'Moskva',
      { '00': 'RU', '01': 'Пекарня «Щука»', '02': 'Москва' },
    ],
    ['ЇЖАЧОК', 'Київ', 'UA', 'YIZHACHOK', 'Kiyiv', { '00': 'UK', '01': 'ЇЖАЧОК', '02': 'Київ' }],
    ['最佳运输', '北京', 'CN', 'ter_1', 'CN', { '00': 'ZH', '01': '最佳运输', '02': '北京' }],
    ['すし', '東京', 'JP', 'ter_1', 'JP', { '00': 'JA', '01': 'すし', '02': '東京' }],
    [
      'Πλατεία',
      'Athens',
      'GR',
      'Plateia',
      'Athens',
      { '00': 'EL', '01': 'Πλατεία', '02': 'Athens' },
    ],
    ['Straße 9', 'Köln', 'DE', 'Strasse 9', 'Koln', { '00': 'DE', '01': 'Straße 9', '02': 'Köln' }],
    ['A\u0000B\tC \u00a0', 'X', 'US', 'A B C', 'X', undefined],
    ['Taxi 🚕', 'Oslo', 'NO', 'Taxi', 'Oslo', { '00': 'NB', '01': 'Taxi 🚕', '02': 'Oslo' }],
    ['Taxi', 'İzmir', 'TR', 'Taxi', 'Izmir', { '00': 'TR', '01': 'Taxi', '02': 'İzmir' }],
  ])(
    'tells %s of %s in Latin letters, and as it is written',
    (name, city, country, latinName, latinCity, original) => {
      const objects = objectsOf(payloadOf({ merchant: { name, city } }, { country }));
      expect(contentOf(objects, '59')).toBe(latinName);
      expect(contentOf(objects, '60')).toBe(latinCity);
      const written = contentOf(objects, '64');
      expect(written === undefined ? undefined : fieldsOf(written)).toEqual(original);
    },
  );

  test('cuts long names by characters, and keeps no half of one', () => {
    const merchant = { name: '🚕'.repeat(40), city: 'Ж'.repeat(40) };
    const objects = objectsOf(payloadOf({ merchant }));
    expect(contentOf(objects, '60')).toBe('ZHZHZHZHZHZHZHZ');
    expect(fieldsOf(contentOf(objects, '64'))).toMatchObject({
      '01': '🚕'.repeat(25),
      '02': 'Ж'.repeat(15),
    });
  });

  test('cannot be issued without a country', () => {
    expect(driver.issue(claimOf({}, { country: null }))).toEqual({
      unfit: expect.stringContaining('country'),
    });
  });

  test.each([
    ['another amount', '54', '1.00'],
    ['another currency', '53', '840'],
    ['another merchant', '59', 'Mallory'],
    ['for many payments', '01', '11'],
  ])('is refused with %s, though its checksum is made anew', (_name, id, value) => {
    const objects = objectsOf(payloadOf()).map(
      (object): EmvcoObject => (object[0] === id ? [id, value] : object),
    );
    expect(parseEmvco(formatEmvco(objects))).not.toHaveProperty('fault');
    expect(driver.read(formatEmvco(objects))).toBe('tampered');
  });

  test('is refused with another switch’s tag', () => {
    const other = makeEmvcoDriver(makeTagger(Buffer.from('another key'), 'emvco')).issue(claimOf());
    expect(driver.read('payload' in other ? other.payload : '')).toBe('tampered');
  });

  test('is refused with a second account, which others might read', () => {
    const objects = objectsOf(payloadOf());
    const more = formatEmvco([...objects, ['27', '0003ABC']]);
    expect(driver.read(more)).toBe('tampered');
  });
});
