import { describe, expect, test } from 'vitest';
import { EarlyFrames, EarlyRoom } from './early-frames.ts';

const FRAME = Buffer.alloc(65_536, 1);
const SMALL = Buffer.from('{"id":1,"op":"ping"}');

describe('frames that come before a key is known', () => {
  test('are kept as they were, in their order', () => {
    const early = new EarlyFrames(new EarlyRoom(), 3);
    const bytes = Buffer.from('first');
    expect(early.keep(bytes)).toBe(true);
    bytes.fill(0);
    expect(early.keep(Buffer.from('second'))).toBe(true);
    expect(early.takeAll().map(String)).toEqual(['first', 'second']);
    expect(early.takeAll()).toEqual([]);
  });

  test('are no more of one socket than it may send, in number and bytes', () => {
    const few = new EarlyFrames(new EarlyRoom(), 3);
    expect([1, 2, 3, 4].map(() => few.keep(SMALL))).toEqual([true, true, true, false]);
    const large = new EarlyFrames(new EarlyRoom(), 1_000);
    expect(Array.from({ length: 9 }, () => large.keep(FRAME)).lastIndexOf(true)).toBe(7);
  });

  test('are no more of all sockets than a gateway has room for, yet a little of each', () => {
    const room = new EarlyRoom();
    const strangers = Array.from({ length: 500 }, () => new EarlyFrames(room, 1_000));
    const kept = strangers.flatMap((early) => Array.from({ length: 8 }, () => early.keep(FRAME)));
    const mib = (kept.filter(Boolean).length * FRAME.length) / 1_048_576;
    expect(mib).toBeGreaterThan(60);
    expect(mib).toBeLessThan(72);

    const till = new EarlyFrames(room, 1_000);
    expect(till.keep(SMALL)).toBe(true);
    expect(till.keep(FRAME)).toBe(false);
    for (const early of strangers) early.takeAll();
    expect(till.keep(FRAME)).toBe(true);
    expect(till.takeAll()).toHaveLength(2);
  });
});
