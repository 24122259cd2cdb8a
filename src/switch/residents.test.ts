import { describe, expect, test } from 'vitest';
import { billId, makeBill, makeEvent, NOON } from '../../tests/support/bill-fixtures.ts';
import { assert } from '../domain/assert.ts';
import type { Bill, PresentBill } from '../domain/bill/state.ts';
import { NEVER, plus } from '../domain/time.ts';
import type { Waiting } from './cell.ts';
import type { EntryId } from './entry-id.ts';
import { EventIndex } from './event-index.ts';
import { Residents } from './residents.ts';

const id = billId(1);
const open: PresentBill = {
  ...makeBill(),
  status: 'open',
  payments: [],
  credits: [],
  reservations: [],
  outbox: [],
};
const entry = 7 as EntryId;

/** Two seconds after its last use, with one second to rest and three to leave. */
const NOW = {
  count: 10,
  overBefore: 1_000,
  committedBatch: 0,
  watermark: entry,
  restBefore: 1_000,
  idleBefore: -1_000,
};

function withBill(bill: PresentBill = open): { residents: Residents; left: Bill[] } {
  const left: Bill[] = [];
  const residents = new Residents({
    packer: {
      pack: (each) => Buffer.from(JSON.stringify(each)),
      unpack: (packed) => JSON.parse(Buffer.from(packed).toString()),
    },
    events: new EventIndex(),
    mailboxMax: 10,
    left: (each) => left.push(each),
  });
  residents.fill(residents.add(id, true, 0), bill, entry);
  return { residents, left };
}

describe('the bills in memory', () => {
  test('rest when nobody has asked for them lately, and wake as they were', () => {
    const { residents, left } = withBill();
    residents.passivate(NOW);
    expect(residents.awake(id)).toBeUndefined();
    // Its order is history's to answer for, as if it had left.
    expect(left).toEqual([open]);
    expect(residents.count).toBe(1);
    expect(residents.get(id)).toMatchObject({ bill: open, committed: open, entry, loaded: true });
    expect(residents.awake(id)).toBeDefined();
    expect(residents.count).toBe(1);
  });

  test('stay awake while somebody asks, history lacks them, or an event of them is pending', () => {
    const asked = withBill();
    asked.residents.passivate({ ...NOW, restBefore: 0 });
    expect(asked.residents.awake(id)).toBeDefined();
    const unwritten = withBill();
    unwritten.residents.passivate({ ...NOW, watermark: 6 as EntryId });
    expect(unwritten.residents.awake(id)).toBeDefined();
    const pending = withBill({ ...open, outbox: [makeEvent()] });
    pending.residents.passivate(NOW);
    expect(pending.residents.awake(id)).toBeDefined();
  });

  test('have room for so many requests that wait for one of them', () => {
    const { residents } = withBill();
    const cell = residents.awake(id);
    assert(cell !== undefined, 'it is here');
    const waiting = { looked: false } as Waiting;
    const parked = Array.from({ length: 11 }, () => residents.park(cell, waiting));
    expect(parked).toEqual([...Array<boolean>(10).fill(true), false]);
    expect(residents.takeDeepest()).toBe(10);
    cell.waiting?.shift();
    expect(residents.park(cell, waiting)).toBe(true);
  });

  test('leave instead of resting where nothing is to come', () => {
    const { residents } = withBill({ ...open, status: 'confirmed' });
    expect(residents.passivate({ ...NOW, restBefore: 0 })).toBe(0);
    expect(residents.passivate(NOW)).toBe(1);
    expect(residents.get(id)).toBeUndefined();
  });

  test('leave soon once history has the last of them, however many others there are', () => {
    const bill: PresentBill = { ...open, status: 'confirmed' };
    const { residents } = withBill(bill);
    const cell = residents.get(id);
    assert(cell !== undefined, 'the cell');
    const soon = { ...NOW, count: 0, restBefore: -1_000 };
    expect(residents.passivate(soon)).toBe(0);
    residents.written(cell, { ...bill, status: 'paid' });
    expect(residents.passivate(soon)).toBe(0);
    residents.written(cell, bill);
    expect(residents.passivate({ ...soon, overBefore: 0 })).toBe(0);
    expect(residents.passivate({ ...soon, committedBatch: -1 })).toBe(0);
    residents.written(cell, bill);
    expect(residents.passivate({ ...soon, watermark: 6 as EntryId })).toBe(0);
    residents.written(cell, bill);
    expect(residents.passivate(soon)).toBe(1);
    expect(residents.get(id)).toBeUndefined();
  });

  test('stay when they are asked for again meanwhile, or something is to come for them', () => {
    for (const status of ['confirmed', 'open'] as const) {
      const bill: PresentBill = { ...open, status };
      const { residents } = withBill(bill);
      const cell = residents.get(id);
      assert(cell !== undefined, 'the cell');
      residents.written(cell, bill);
      if (status === 'confirmed') cell.usedAt = 500;
      expect(residents.passivate({ ...NOW, count: 0 })).toBe(0);
      expect(residents.awake(id)).toBeDefined();
    }
  });

  test('stay awake as codes that are open for good', () => {
    const { terms } = open;
    const { residents } = withBill({ ...open, terms: { ...terms, expiresAt: NEVER } });
    expect(residents.passivate(NOW)).toBe(0);
    expect(residents.awake(id)).toBeDefined();
  });

  test('wake for their timers', () => {
    const { residents } = withBill();
    residents.passivate(NOW);
    expect(residents.due(NOON)).toBeUndefined();
    expect(residents.awake(id)).toBeUndefined();
    const { expiresAt } = open.terms;
    expect(residents.due(plus(expiresAt, -1))).toBeUndefined();
    expect(residents.due(expiresAt)).toMatchObject({ id, dueAt: expiresAt });
    expect(residents.awake(id)).toBeDefined();
  });

  test('leave after a longer time, whether they rest or not', () => {
    for (const isResting of [true, false]) {
      const { residents } = withBill();
      if (isResting) residents.passivate(NOW);
      expect(residents.passivate({ ...NOW, idleBefore: 1 })).toBe(1);
      expect(residents.count).toBe(0);
      expect(residents.get(id)).toBeUndefined();
      expect(residents.due(open.terms.expiresAt)).toBeUndefined();
    }
  });

  test('are all forgotten when the shard begins anew', () => {
    const { residents } = withBill();
    residents.passivate(NOW);
    residents.clear();
    expect(residents.count).toBe(0);
    expect(residents.get(id)).toBeUndefined();
    expect(residents.due(open.terms.expiresAt)).toBeUndefined();
  });
});
