import { describe, expect, test } from 'vitest';
import type { ShardId } from '../../domain/ids.ts';
import {
  type Notices,
  RecordPacker,
  RecordUnpacker,
  readToGateway,
  type ToWorker,
  transferable,
  writeToGateway,
} from './messages.ts';

const NOTHING: Notices = {
  answers: [],
  failures: [],
  events: [],
  ended: [],
  unfinished: [],
  acquiring: [],
  hasBegun: false,
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function read(message: Uint8Array): { replies: unknown[]; packed: Uint8Array | null } {
  const replies: unknown[] = [];
  const packed = readToGateway(message, (seq, status, body) => {
    replies.push({ seq, status, body: new TextDecoder().decode(body) });
  });
  return { replies, packed };
}

describe('a message to a gateway', () => {
  test('holds replies as they were written, empty bodies and large numbers too', () => {
    const seq = Number.MAX_SAFE_INTEGER;
    const written = [
      { seq, status: 201, body: bytes('{"paid":1}') },
      { seq: 2, status: 204, body: bytes('') },
      { seq: 3, status: 504, body: bytes('€') },
    ];
    expect(read(writeToGateway(written, null))).toEqual({
      replies: [
        { seq, status: 201, body: '{"paid":1}' },
        { seq: 2, status: 204, body: '' },
        { seq: 3, status: 504, body: '€' },
      ],
      packed: null,
    });
  });

  test('holds notices behind the replies, whose records are defined once a link', () => {
    const packer = new RecordPacker();
    const unpacker = new RecordUnpacker<Notices>();
    const sizes: number[] = [];
    for (const detail of ['first', 'again']) {
      const notices = { ...NOTHING, failures: [{ seq: 1, detail }], hasBegun: true };
      const reply = { seq: 9, status: 200, body: bytes('x') };
      const message = writeToGateway([reply], packer.pack(notices));
      sizes.push(message.length);
      const { replies, packed } = read(message);
      expect(replies).toEqual([{ seq: 9, status: 200, body: 'x' }]);
      expect(packed === null ? null : unpacker.unpack(packed)).toEqual(notices);
    }
    expect(sizes[1]).toBeLessThan(sizes[0] ?? 0);
  });
});

describe('a message to a worker', () => {
  test('is read as it was sent, amounts of any size included', () => {
    const packer = new RecordPacker();
    const unpacker = new RecordUnpacker<ToWorker>();
    const amount = 999_999_999_999 as never;
    const request = {
      seq: 1,
      shard: 3 as ShardId,
      principal: null,
      requestId: 'r',
      encoding: 'json',
      operation: { op: 'bill.confirm', billId: 'B' as never, amount, receipt: { a: [1.5, null] } },
    } as const;
    const message: ToWorker = { requests: [request], queries: [] };
    expect(unpacker.unpack(transferable(packer.pack(message)))).toEqual(message);
  });
});
