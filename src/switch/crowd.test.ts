// Who is let in while requests stand longer than they should, by a clock that stands until it is told.

import { beforeEach, describe, expect, test } from 'vitest';
import { Crowd, type InstitutionLoad, LOOK_MS } from './crowd.ts';

const TARGET_MS = 10;
const LATE_MS = 40;
const MUCH_TOO_LATE_MS = 300;
const LOOKS_MAX = 200;

let crowd: Crowd;
let now: number;
let underWay: Map<string, InstitutionLoad[]>;

beforeEach(() => {
  crowd = new Crowd(TARGET_MS);
  now = 0;
  underWay = new Map();
});

function begin(name: string, count: number): void {
  const own = underWay.get(name) ?? [];
  for (let i = 0; i < count; i++) own.push(crowd.begun(name, now));
  underWay.set(name, own);
}

function end(name: string, count = Number.POSITIVE_INFINITY): void {
  for (const party of underWay.get(name)?.splice(0, count) ?? []) crowd.ended(party);
}

/** As many as it is let in with, of so many that it tries; each of them stays under way. */
function admitted(name: string, tries: number, operation = 'bill.create'): number {
  let count = 0;
  for (let i = 0; i < tries; i++) {
    if (!crowd.admits(name, operation)) continue;
    begin(name, 1);
    count += 1;
  }
  return count;
}

/** Looks go by in which this was heard. */
function looks(count: number, ...delaysMs: readonly number[]): void {
  for (let i = 0; i < count; i++) {
    for (const delayMs of delaysMs) crowd.heard(delayMs);
    now += LOOK_MS;
    crowd.look(now);
  }
}

/** Under way of a loud institution once the room has stopped shrinking, with one request of a quiet one beside. */
function crowdedTo(delayMs: number): number {
  begin('quiet', 1);
  begin('loud', 2_000);
  for (let look = 0; look < LOOKS_MAX; look++) {
    looks(1, delayMs);
    end('loud', 200);
    admitted('loud', 400);
  }
  return underWay.get('loud')?.length ?? 0;
}

describe('a crowd', () => {
  test('C1: lets an institution in that is alone, though it is later than it might be beside others', () => {
    begin('loud', 5_000);
    expect(crowd.isWatched).toBe(true);
    looks(20, LATE_MS);
    expect(admitted('loud', 1_000)).toBe(1_000);
    expect(crowd.refused).toBe(0);
  });

  test('C1: refuses one that is alone what would wait far too long', () => {
    begin('loud', 5_000);
    looks(20, MUCH_TOO_LATE_MS);
    expect(admitted('loud', 10)).toBe(0);
    expect(crowd.admits('loud', 'payment.create')).toBe(true);
  });

  test('C1: hears how long one that is alone waits in its own line, and does not while others are there', () => {
    const wait = (): void => {
      for (let i = 0; i < 20; i++) {
        crowd.waited(MUCH_TOO_LATE_MS);
        looks(1, 1);
      }
    };
    begin('loud', 5_000);
    begin('quiet', 1);
    wait();
    expect(admitted('loud', 10)).toBe(10);
    end('quiet');
    looks(200, 1);
    wait();
    expect(admitted('loud', 10)).toBe(0);
  });

  test('C1: asks nothing while few requests are under way, or where no delay is too long', () => {
    begin('a', 20);
    begin('b', 20);
    expect(crowd.isWatched).toBe(false);
    begin('b', 100);
    expect(crowd.isWatched).toBe(true);
    crowd = new Crowd(0);
    begin('a', 1_000);
    begin('b', 1_000);
    expect(crowd.isWatched).toBe(false);
  });

  test('C2: refuses nobody for a pause, though it is long', () => {
    begin('quiet', 1);
    begin('loud', 2_000);
    // One of them was caught by a pause.
    looks(50, 1, 300, 2);
    looks(2, 300);
    looks(1, 1);
    looks(2, 300);
    expect(admitted('loud', 100)).toBe(100);
  });

  test('C3, C4: gives the room that there is to whoever asks most, once others have had theirs', () => {
    begin('quiet', 1);
    begin('loud', 2_000);
    looks(3, LATE_MS);
    expect(admitted('loud', 100)).toBe(0);
    expect(crowd.refused).toBe(100);
    // Its part of the room is far more than it asks for.
    expect(admitted('quiet', 100)).toBe(100);
    // As some of it is answered, more of the loud one comes in; beyond the room nothing does.
    end('loud', 1_900);
    const room = 201 + admitted('loud', 5_000);
    expect(room).toBeGreaterThan(1_000);
    expect(room).toBeLessThan(2_000);
  });

  test('C3: leaves a least room, and all of it where nothing is late any more', () => {
    expect(crowdedTo(LATE_MS)).toBeLessThanOrEqual(255);
    expect(admitted('loud', 100)).toBe(0);
    looks(100, 1);
    expect(admitted('loud', 10_000)).toBe(10_000);
  });

  test('C3: forgets a delay once the quiet one has gone', () => {
    crowdedTo(LATE_MS);
    expect(admitted('loud', 10)).toBe(0);
    end('quiet');
    looks(200, LATE_MS);
    expect(admitted('loud', 1_000)).toBe(1_000);
  });

  test('C4: refuses nothing that ends something or asks what became of it', () => {
    crowdedTo(LATE_MS);
    for (const operation of [
      'payment.create',
      'payment.get',
      'payment.void',
      'bill.confirm',
      'bill.get',
      'event.ack',
      'credit.settle',
      'order.resolve',
    ]) {
      expect(crowd.admits('loud', operation), operation).toBe(true);
    }
    admitted('loud', 10_000, 'bill.view');
    for (const operation of ['bill.create', 'bill.view', 'bill.reserve', 'bill.arm']) {
      expect(crowd.admits('loud', operation), operation).toBe(false);
    }
  });

  test('C5: lets a payer come to a bill where no bill is begun any more, up to three times the room', () => {
    const room = crowdedTo(LATE_MS);
    expect(admitted('loud', 10)).toBe(0);
    const payers = admitted('loud', 10_000, 'bill.view');
    expect(payers).toBeGreaterThan(room);
    expect(payers).toBeLessThanOrEqual(2 * room + 2);
    expect(admitted('loud', 10, 'bill.reserve')).toBe(0);
  });

  test('C4: lets in whoever has less under way than the average, however small the room', () => {
    begin('loud', 300);
    begin('quiet', 100);
    looks(20, LATE_MS);
    expect(admitted('loud', 10)).toBe(0);
    expect(admitted('quiet', 1_000)).toBe(200);
  });

  test('C4: lets in a few of everybody, however many institutions there are', () => {
    for (let i = 0; i < 500; i++) begin(`bank-${i}`, 1);
    begin('loud', 1_000);
    looks(20, LATE_MS);
    expect(admitted('loud', 10)).toBe(0);
    expect(admitted('bank-7', 100)).toBe(7);
    expect(admitted('new', 100)).toBe(8);
  });
});
