import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lines } from './lines.ts';

const BYTES_MAX = 8;

/** Every line that comes of these pieces: its number, and its text unless it is too long. */
function read(pieces: readonly string[], hasEnded = true): [number, string | null][] {
  const lines = new Lines(BYTES_MAX);
  const found: [number, string | null][] = [];
  const take = (): void => {
    for (let line = lines.next(); line !== null; line = lines.next()) {
      found.push([line.no, line.bytes === null ? null : line.bytes.toString()]);
    }
  };
  for (const piece of pieces) {
    lines.push(Buffer.from(piece));
    take();
  }
  if (hasEnded) lines.end();
  take();
  return found;
}

describe('a body of lines', () => {
  test.each([
    [
      'ends each with LF',
      'a\nb\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'ends each with CRLF',
      'a\r\nb\r\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'may end without a newline',
      'a\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'has blank ones counted and left out',
      '\n a\n \t\n\r\nb\n\n',
      [
        [2, ' a'],
        [5, 'b'],
      ],
    ],
    ['may be empty', '', []],
    ['may be a newline alone', '\n', []],
    [
      'has a longest line',
      '12345678\n123456789\n12345678',
      [
        [1, '12345678'],
        [2, null],
        [3, '12345678'],
      ],
    ],
    [
      'does not count what ends a line',
      '12345678\r\n123456789\r\n',
      [
        [1, '12345678'],
        [2, null],
      ],
    ],
    [
      'may end in a line that is too long',
      'a\n1234567890',
      [
        [1, 'a'],
        [2, null],
      ],
    ],
  ] as const)('%s', (_name, body, expected) => {
    expect(read([body])).toEqual(expected);
  });

  test('gives no line whose end has not come', () => {
    expect(read(['a\nbegun'], false)).toEqual([[1, 'a']]);
  });

  test('counts what waits to be read', () => {
    const lines = new Lines(BYTES_MAX);
    lines.push(Buffer.from('a\nb\nbeg'));
    lines.push(Buffer.from('un\n'));
    lines.next();
    expect(lines.waitingBytes).toBe(10);
    lines.next();
    expect(lines.next()?.bytes?.toString()).toBe('begun');
    expect(lines.waitingBytes).toBe(3);
    expect(lines.next()).toBeNull();
    expect(lines.waitingBytes).toBe(0);
  });

  test('is the same however it is cut into pieces', () => {
    const text = fc.array(fc.constantFrom('a', '\n', '\r', ' ', 'é', '12345'), { maxLength: 40 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(9), { maxLength: 60 }), (parts, lengths) => {
        const bytes = Buffer.from(parts.join(''));
        const lines = new Lines(BYTES_MAX);
        const found: unknown[] = [];
        let at = 0;
        for (const length of [...lengths, bytes.length]) {
          lines.push(bytes.subarray(at, at + length));
          at += length;
          for (let line = lines.next(); line !== null; line = lines.next()) found.push(line);
        }
        lines.end();
        for (let line = lines.next(); line !== null; line = lines.next()) found.push(line);
        expect(found).toEqual(slowLines(bytes));
      }),
    );
  });
});

/** The same by another way: everything at once. */
function slowLines(body: Buffer): unknown[] {
  return body
    .toString('latin1')
    .split('\n')
    .map((text, index) => ({ no: index + 1, text: text.replace(/\r$/, '') }))
    .filter(({ text }) => text.length > BYTES_MAX || !/^[ \t\r]*$/.test(text))
    .map(({ no, text }) => ({
      no,
      bytes: text.length > BYTES_MAX ? null : Buffer.from(text, 'latin1'),
    }));
}
