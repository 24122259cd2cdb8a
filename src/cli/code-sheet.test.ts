import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { inflateSync } from 'node:zlib';
import QRCode from 'qrcode';
import { describe, expect, test } from 'vitest';
import { CODES_PER_PAGE, CodeSheet, type SheetCode } from './code-sheet.ts';

const code = (no: number): SheetCode => ({
  payload: `https://pay.example/q/${String(no).padStart(26, '0')}`,
  description: `Вода и газ, май, квартира ${no}, ${'очень длинное описание '.repeat(10)}`,
  amount: `${no}.00 EUR`,
  orderId: `flat-${no}`,
});

async function drawn(codes: readonly SheetCode[]): Promise<Buffer> {
  const to = new PassThrough();
  const pieces: Buffer[] = [];
  to.on('data', (piece: Buffer) => pieces.push(piece));
  const ended = once(to, 'end');
  const sheet = new CodeSheet(to);
  for (const each of codes) sheet.add(each);
  await sheet.end();
  await ended;
  return Buffer.concat(pieces);
}

describe('a sheet of codes', () => {
  test('has every code on it, module by module, in order', async () => {
    const codes = Array.from({ length: 2 * CODES_PER_PAGE + 1 }, (_, index) => code(index + 1));
    const pdf = await drawn(codes);
    const pages = pagesOf(pdf);
    expect(pages.length).toBe(3);
    const read = pages.flatMap(codesOn);
    expect(read.length).toBe(codes.length);
    codes.forEach(({ payload }, index) => {
      expect(read[index], `code ${index + 1}`).toBe(modulesOf(payload));
    });
  });

  test('carries its font, so that any script can be read', async () => {
    expect((await drawn([code(1)])).toString('latin1')).toMatch(
      /\/FontFile2[\s\S]*DejaVuSans|DejaVuSans[\s\S]*\/FontFile2/,
    );
  });

  test('has room for a code that fits with the least error correction alone', async () => {
    const long = { ...code(1), payload: 'z'.repeat(2_900) };

    expect(pagesOf(await drawn([long])).length).toBe(1);
  });

  test('of no codes is a page that can be opened', async () => {
    expect((await drawn([])).toString('latin1')).toMatch(/^%PDF-[\s\S]*%%EOF\s*$/);
  });
});

/** What is drawn on each page: its content stream. */
function pagesOf(pdf: Buffer): string[] {
  const text = pdf.toString('latin1');
  return [...text.matchAll(/\/Filter \/FlateDecode\s*>>\s*stream\n/g)]
    .map((match) => {
      const from = match.index + match[0].length;
      return inflateSync(pdf.subarray(from, text.indexOf('\nendstream', from))).toString('latin1');
    })
    .filter((content) => content.includes(' re\n') && content.includes('BT'));
}

/** The codes of a page: each is what one filling fills. */
function codesOn(content: string): string[] {
  const codes: string[] = [];
  let runs: number[][] = [];
  for (const line of content.split('\n')) {
    const numbers = line.split(' ').slice(0, 4).map(Number);
    if (line.endsWith(' re')) runs.push(numbers);
    else if (line === 'f') codes.push(matrixOf(runs));
    if (line === 'f' || line === 'S') runs = [];
  }
  return codes;
}

function matrixOf(runs: readonly (readonly number[])[]): string {
  const at = (index: number): number[] => runs.map((run) => run[index] ?? Number.NaN);
  const [left, top, side] = [Math.min(...at(0)), Math.min(...at(1)), Math.min(...at(3))];
  const size = Math.round((Math.max(...at(1)) - top) / side) + 1;
  const rows = Array.from({ length: size }, () => Array.from({ length: size }, () => '.'));
  for (const [x = 0, y = 0, width = 0] of runs) {
    const column = Math.round((x - left) / side);
    for (let i = 0; i < Math.round(width / side); i++) {
      const row = rows[Math.round((y - top) / side)];
      if (row !== undefined) row[column + i] = '#';
    }
  }
  return rows.map((row) => row.join('')).join('\n');
}

function modulesOf(payload: string): string {
  const { modules } = QRCode.create(payload, { errorCorrectionLevel: 'M' });
  return Array.from({ length: modules.size }, (_, row) =>
    Array.from({ length: modules.size }, (_unused, column) =>
      modules.get(row, column) === 1 ? '#' : '.',
    ).join(''),
  ).join('\n');
}
