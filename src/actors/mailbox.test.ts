import { describe, expect, test } from 'vitest';
import { Mailbox } from './mailbox.ts';

describe('a mailbox', () => {
  test('gives back what came first', () => {
    const mailbox = new Mailbox<number>(3);
    for (const item of [1, 2, 3]) expect(mailbox.push(item)).toBe(true);
    expect(mailbox.peek()).toBe(1);
    expect([mailbox.shift(), mailbox.shift(), mailbox.shift(), mailbox.shift()]).toEqual([
      1,
      2,
      3,
      undefined,
    ]);
  });

  test('refuses what it has no room for, and takes again once there is room', () => {
    const mailbox = new Mailbox<string>(2);
    mailbox.push('a');
    mailbox.push('b');
    expect(mailbox.push('c')).toBe(false);
    expect(mailbox.depth).toBe(2);
    mailbox.shift();
    expect(mailbox.push('c')).toBe(true);
    expect([...mailbox]).toEqual(['b', 'c']);
  });

  test('is empty once drained, and goes on', () => {
    const mailbox = new Mailbox<number>(10);
    for (let i = 0; i < 5; i++) mailbox.push(i);
    mailbox.shift();
    expect(mailbox.drain()).toEqual([1, 2, 3, 4]);
    expect(mailbox.depth).toBe(0);
    expect(mailbox.peek()).toBeUndefined();
    mailbox.push(9);
    expect(mailbox.shift()).toBe(9);
  });

  test('keeps its order while it drifts, because it lets go of what was taken out', () => {
    const mailbox = new Mailbox<number>(5_000);
    let next = 0;
    let expected = 0;
    for (let round = 0; round < 2_000; round++) {
      for (let i = 0; i < 3 && mailbox.push(next); i++) next += 1;
      expect(mailbox.shift()).toBe(expected);
      expected += 1;
    }
    expect([...mailbox]).toEqual(Array.from({ length: next - expected }, (_, i) => expected + i));
  });
});
