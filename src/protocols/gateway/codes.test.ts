import { inflateSync } from 'node:zlib';
import qrcode from 'qrcode';
import { describe, expect, test } from 'vitest';
import { QR_BYTES_MAX } from '../../switch/qr.ts';
import { type Drawn, drawCode } from './codes.ts';
import type { QueryValues } from './query.ts';

const PAYLOAD = 'https://pay.example/q/01KE70EHG00000000000000001.N7FX0HVR';

function drawn(payload: string, form: 'svg' | 'png' | 'txt', values: QueryValues): Drawn {
  const result = drawCode(payload, form, values);
  if ('code' in result) throw new Error(result.detail);
  return result;
}

/** Rows of `#` and `.`, a character a pixel. */
type Picture = readonly string[];

/** Reads back what `encodePng` writes: one bit a pixel, no filters. */
function pictureOfPng(png: Buffer): Picture {
  const size = png.readUInt32BE(16);
  const length = png.readUInt32BE(33);
  const pixels = inflateSync(png.subarray(41, 41 + length));
  const rowBytes = pixels.length / size;
  return Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_, x) => {
      const byte = pixels[y * rowBytes + 1 + (x >> 3)] ?? 0;
      return byte & (0x80 >> (x & 7)) ? '.' : '#';
    }).join(''),
  );
}

/** Paints rectangles, which is all that our path has. */
function pictureOfSvg(svg: string): Picture {
  const size = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const rows = Array.from({ length: size }, () => Array<string>(size).fill('.'));
  for (const match of svg.matchAll(/M(\d+) (\d+)h(\d+)v(\d+)h-\3z/g)) {
    const [x = 0, y = 0, width = 0, height = 0] = match.slice(1).map(Number);
    for (let row = y; row < y + height; row++) rows[row]?.fill('#', x, x + width);
  }
  return rows.map((row) => row.join(''));
}

/** The modules of a code with this error correction, each so many pixels wide, in the middle of white. */
function pictureOf(payload: string, ecc: 'L' | 'M' | 'H', scale: number, size: number): Picture {
  const { modules } = qrcode.create(payload, { errorCorrectionLevel: ecc });
  const offset = Math.floor((size - modules.size * scale) / 2);
  const at = (pixel: number): number => Math.floor((pixel - offset) / scale);
  const isIn = (place: number): boolean => place >= 0 && place < modules.size;
  return Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_, x) =>
      isIn(at(x)) && isIn(at(y)) && modules.get(at(y), at(x)) === 1 ? '#' : '.',
    ).join(''),
  );
}

const bothOf = (payload: string, values: QueryValues): Picture[] => [
  pictureOfPng(Buffer.from(drawn(payload, 'png', values).body)),
  pictureOfSvg(String(drawn(payload, 'svg', values).body)),
];

describe('a drawn code', () => {
  test.each([
    ['2 cm at 203 dots an inch', { size: 160 }, 'M', 3],
    ['without a margin', { size: 133, margin: 0 }, 'M', 4],
    ['with all the error correction there is', { size: 256, ecc: 'H' }, 'H', 5],
    ['as large as it may be', { size: 1_024, margin: 16 }, 'M', 15],
    ['by default', {}, 'M', 6],
  ] as const)('%s has modules of whole pixels, in both forms', (_name, values, ecc, scale) => {
    const size = 'size' in values ? values.size : 256;
    const expected = pictureOf(PAYLOAD, ecc, scale, size);
    for (const picture of bothOf(PAYLOAD, values)) expect(picture).toEqual(expected);
  });

  test('keeps the quiet zone that was asked for', () => {
    for (const picture of bothOf(PAYLOAD, { size: 160, margin: 4 })) {
      for (const row of [...picture.slice(0, 12), ...picture.slice(-12)]) {
        expect(row).toBe('.'.repeat(160));
      }
      for (const row of picture) expect(row).toMatch(/^\.{12}.*\.{12}$/);
    }
  });

  test('gives up error correction before it gives up pixels, unless it was asked for', () => {
    const long = 'é'.repeat(200);
    // 400 bytes: 77 modules at M, 69 at L, and 8 of margin.
    for (const picture of bothOf(long, { size: 160 })) {
      expect(picture).toEqual(pictureOf(long, 'L', 2, 160));
    }
    for (const form of ['png', 'svg'] as const) {
      expect(drawCode(long, form, { size: 160, ecc: 'M' })).toMatchObject({
        code: 'qr.tooDense',
        members: { sizeMin: 170 },
      });
      expect(drawCode(long, form, { size: 153 })).toMatchObject({
        code: 'qr.tooDense',
        members: { sizeMin: 154 },
      });
    }
    expect(bothOf(long, { size: 170, ecc: 'M' })[0]).toEqual(pictureOf(long, 'M', 2, 170));
  });

  test('gives up error correction where its text would fit no code, unless it was asked for', () => {
    // 2,900 bytes: too many for M, and so for Q and H.
    const long = 'ж'.repeat(1_450);
    const size = 177 * 2 + 8 * 2;
    for (const picture of bothOf(long, { size })) {
      expect(picture).toEqual(pictureOf(long, 'L', 2, size));
    }
    expect(drawn(long, 'txt', { margin: 0 }).body).toHaveLength(89 * 178);
    for (const form of ['png', 'svg', 'txt'] as const) {
      for (const ecc of ['M', 'Q', 'H']) {
        expect(drawCode(long, form, { size: 1_024, ecc })).toEqual({
          code: 'qr.tooDense',
          detail: `This text fits no code with an ecc of ${ecc}.`,
        });
      }
    }
  });

  test.each(['1', 'A', 'z', 'ж', '漢', '1z', 'A漢1'])(
    'has room for each text of %s that a bill may have, and a longer one is refused',
    (of) => {
      const most = of.repeat(Math.floor(QR_BYTES_MAX / Buffer.byteLength(of)));
      const filled = most.padEnd(most.length + QR_BYTES_MAX - Buffer.byteLength(most), 'z');

      expect(Buffer.byteLength(filled)).toBe(QR_BYTES_MAX);
      expect(drawCode(filled, 'txt', {})).toHaveProperty('body');
      expect(drawCode('z'.repeat(QR_BYTES_MAX + 1), 'txt', {})).toMatchObject({
        code: 'qr.tooDense',
      });
    },
  );

  test('as text has two modules a character, and no size', () => {
    const lines = String(drawn(PAYLOAD, 'txt', { margin: 2 }).body).split('\n');
    const { size } = qrcode.create(PAYLOAD, { errorCorrectionLevel: 'M' }).modules;
    expect(lines).toHaveLength(Math.ceil((size + 4) / 2) + 1);
    for (const line of lines.slice(0, -1))
      expect(line).toMatch(new RegExp(`^[ ▄▀█]{${size + 4}}$`));
  });
});
