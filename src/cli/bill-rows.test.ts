import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BillRow, readBillRows, requestOf } from './bill-rows.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qrswitch-rows-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function rowsOf(content: string | Buffer): Promise<BillRow[]> {
  const file = join(folder, 'bills.csv');
  writeFileSync(file, content);
  const rows: BillRow[] = [];
  for await (const row of readBillRows(file)) rows.push(row);
  return rows;
}

const asJson = (rows: readonly BillRow[]): unknown => JSON.parse(JSON.stringify(rows));

describe('a CSV file of bills', () => {
  const expected = [
    { line: 2, request: { orderId: 'a-1', amount: 1250, description: 'Water; May' } },
    { line: 5, request: { orderId: 'a-2', amount: 900, description: 'two\nlines' } },
  ];

  test.each([
    [
      'as it stands in RFC 4180',
      'orderId,amount,description\r\na-1,1250,Water; May\r\n\r\na-2,900,"two\nlines"\r\n',
    ],
    [
      'with semicolons',
      'orderId;amount;description\na-1;1250;"Water; May"\n\na-2;900;"two\nlines"',
    ],
    [
      'with tabs and spaces',
      'orderId\tamount\tdescription\na-1\t 1250 \tWater; May\n\na-2\t900\t"two\nlines"\n',
    ],
    [
      'with a byte order mark',
      '\ufeff"orderId",amount,description\na-1,1250,Water; May\n,,\na-2,900,"two\nlines"',
    ],
  ])('%s', async (_name, content) => {
    expect(asJson(await rowsOf(content))).toEqual(expected);
  });

  test.each([
    ['amount,currency\n1,EUR\n', /no column orderId/],
    ['orderId,amount,amount\na,1,2\n', /two columns amount/],
    ['orderId,,amount\na,1,2\n', /a column has no name/],
    ['orderId,metadata,metadata.table\na,{},7\n', /the column metadata does not go with/],
    ['orderId,amount\na,1,2\n', /line 2/],
    ['orderId,amount\n"a,1\n', /Quote/],
  ])('is refused where it cannot be read: %j', async (content, message) => {
    await expect(rowsOf(content)).rejects.toThrow(message);
  });
});

describe('a cell', () => {
  test.each([
    ['amount', '1250', 1250],
    ['amount', '12.50', 12.5],
    ['amount', '1 250', '1 250'],
    ['amount', '99999999999999999999', '99999999999999999999'],
    ['amount', '0x10', '0x10'],
    ['orderId', '0017', '0017'],
    ['description', '1250', '1250'],
    ['expiresIn', '86400', 86400],
    ['lines', '[{"name":"Tea"}]', [{ name: 'Tea' }]],
    ['lines', '[', '['],
    ['nobodyKnows', '7', '7'],
  ])('of %s that says %j is sent as its field takes it', (column, text, value) => {
    expect({ ...requestOf({ [column]: text }) }).toEqual({ [column]: value });
  });

  test('may be of a field within a field', () => {
    const request = requestOf({
      orderId: 'a',
      'metadata.meter': '0042',
      'policies.unconfirmed': 'reverse',
    });
    expect(JSON.parse(JSON.stringify(request))).toEqual({
      orderId: 'a',
      metadata: { meter: '0042' },
      policies: { unconfirmed: 'reverse' },
    });
  });

  test('that is empty is no field', () => {
    expect(Object.keys(requestOf({ orderId: 'a', description: '' }))).toEqual(['orderId']);
  });

  test('reaches no prototype', () => {
    const request = requestOf({ '__proto__.amount': '1', 'constructor.prototype.amount': '1' });
    expect(Object.keys(request)).toEqual(['__proto__', 'constructor']);
    expect((Object.prototype as { amount?: unknown }).amount).toBeUndefined();
  });
});
