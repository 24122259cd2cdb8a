import { describe, expect, test } from 'vitest';
import { clientFrame, FrameReader } from './frames.ts';

/** As a server sends it: without a mask. */
function serverFrame(payload: string, opcode = 2): Buffer {
  const length = Buffer.from(payload, 'latin1').length;
  const head =
    length < 126
      ? [0x80 | opcode, length]
      : length < 65_536
        ? [0x80 | opcode, 126, length >> 8, length & 0xff]
        : [0x80 | opcode, 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.from(payload, 'latin1')]);
}

function read(pieces: readonly Buffer[]): string[] {
  const seen: string[] = [];
  const reader = new FrameReader((opcode, payload) => seen.push(`${opcode} ${payload}`));
  for (const piece of pieces) reader.push(piece);
  return seen;
}

describe('a client frame', () => {
  test('is final, masked with zeros, and tells a short length in one byte', () => {
    const bytes = Buffer.from(clientFrame(1, 'hello'), 'latin1');
    expect([...bytes.subarray(0, 6)]).toEqual([0x81, 0x85, 0, 0, 0, 0]);
    expect(bytes.toString('latin1', 6)).toBe('hello');
  });

  test('tells a longer length in two more bytes', () => {
    const bytes = Buffer.from(clientFrame(2, 'x'.repeat(300)), 'latin1');
    expect([...bytes.subarray(0, 8)]).toEqual([0x82, 0xfe, 1, 44, 0, 0, 0, 0]);
    expect(bytes).toHaveLength(308);
  });
});

describe('a frame reader', () => {
  const payloads = ['', 'short', 'x'.repeat(125), 'y'.repeat(126), 'z'.repeat(70_000)];
  const stream = Buffer.concat(payloads.map((payload) => serverFrame(payload)));
  const expected = payloads.map((payload) => `2 ${payload}`);

  test('finds every frame in one piece of bytes', () => {
    expect(read([stream])).toEqual(expected);
  });

  test('finds the same frames however the bytes are cut', () => {
    for (const size of [1, 2, 3, 7, 126, 129, 60_000]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size) pieces.push(stream.subarray(at, at + size));
      expect(read(pieces)).toEqual(expected);
    }
  });

  test('keeps what is not yet whole, though the buffer that brought it is used again', () => {
    const frame = serverFrame('whole');
    const reused = Buffer.alloc(4);
    const seen: string[] = [];
    const reader = new FrameReader((_, payload) => seen.push(payload));
    frame.copy(reused, 0, 0, 4);
    reader.push(reused);
    reused.fill(0);
    reader.push(frame.subarray(4));
    expect(seen).toEqual(['whole']);
  });
});
