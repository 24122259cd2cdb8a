// What an endpoint is owed by letter comes before what is pending of the same bill, after a start too.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, startBench } from '../../../tests/support/fake-door.ts';
import { openDeliverer } from '../../../tests/support/lone-deliverer.ts';
import { settled } from '../../../tests/support/manual-clock.ts';
import { eventNo, idsOf } from '../../../tests/support/stream-events.ts';
import { plus } from '../../domain/time.ts';
import type { Listings } from '../../switch/listings-port.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Letter } from '../../switch/webhooks/ports.ts';
import type { Deliverer } from './deliverer.ts';

/** Another endpoint has taken the first; this one has it in a letter. */
const owed = eventNo(1);
const pending: StreamedEvent = {
  ...owed,
  event: { ...owed.event, no: 2, occurredAt: plus(owed.event.occurredAt, 1) },
};
const { no, recipient, type, occurredAt } = owed.event;
const letter: Letter = { billId: owed.bill.id, no, recipient, type, occurredAt };
const inOrder = idsOf([owed, pending]);

const listings: Partial<Listings> = {
  pendingEvents: async () => [pending],
  eventPlace: async (_, billId, no) => ({ at: owed.event.occurredAt, billId, no }),
  events: async () => [owed],
};

let bench: Bench;
let deliverer: Deliverer;
let posted: string[];
/** The questions for letters that wait to be answered. */
let questions: ((isAway: boolean) => void)[];

beforeEach(async () => {
  bench = await startBench({ listings });
  bench.door.script = () => ({ kind: 'acknowledged', count: 1 });
  posted = [];
  questions = [];
  deliverer = openDeliverer(bench, listings, posted, {
    owed: () =>
      new Promise((done, failed) => {
        questions.push((isAway) =>
          isAway ? failed(new Error('away')) : done([{ letter, since: occurredAt }]),
        );
      }),
  });
  deliverer.serve([0]);
  deliverer.start();
  await pendingIsRead();
});

afterEach(async () => {
  await deliverer.drain(0);
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

/** What is pending would have been sent by now, if anything were. */
async function pendingIsRead(): Promise<void> {
  await expect.poll(() => questions.length).toBe(1);
  for (let turns = 0; turns < 20; turns++) await settled();
}

async function answer(isAway: boolean): Promise<void> {
  questions.shift()?.(isAway);
  await settled();
}

describe('an endpoint that has just been begun with', () => {
  test('gets nothing before it is known what it is owed', async () => {
    expect(posted).toEqual([]);
    await answer(false);
    await expect.poll(() => posted).toEqual(inOrder);
  });

  test('gets both in order where its letters could not be read at first', async () => {
    await answer(true);
    bench.clock.advance(1_000);
    await pendingIsRead();
    expect(posted).toEqual([]);
    await answer(false);
    await expect.poll(() => posted).toEqual(inOrder);
  });

  test('waits again where it is given other shards, whatever it is told of those before', async () => {
    const [before] = questions;
    deliverer.serve([0, 1]);
    await expect.poll(() => questions.length).toBe(2);
    before?.(false);
    for (let turns = 0; turns < 20; turns++) await settled();
    expect(posted).toEqual([]);
    questions[1]?.(false);
    await expect.poll(() => posted).toEqual(inOrder);
  });
});
