// A bill whose older events are pending in Postgres alone comes into memory while a gateway cannot ask Postgres: what
// happens to it then must not pass what happened before, by whichever way its terminal listens.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { billId, makeBill, makeEvent, NOON } from '../../tests/support/bill-fixtures.ts';
import { type Bench, keys, startBench } from '../../tests/support/fake-door.ts';
import { openDeliverer } from '../../tests/support/lone-deliverer.ts';
import { startLoneShard } from '../../tests/support/lone-shard.ts';
import { settled } from '../../tests/support/manual-clock.ts';
import { TestSocket } from '../../tests/support/socket.ts';
import { pushed } from '../../tests/support/stream-events.ts';
import { must } from '../domain/assert.ts';
import { EVENT_LIFE_MS } from '../domain/bill/vocabulary.ts';
import { partId } from '../domain/ids.ts';
import { plus } from '../domain/time.ts';
import { eventBillOf } from '../switch/event-index.ts';
import type { Listings } from '../switch/listings-port.ts';
import type { Principal } from '../switch/principal.ts';
import { hashOfKey } from './gateway/principals.ts';

const BILL = billId(1);

/** A bill with a dead letter, and an event that its terminal has not acknowledged. */
const dead = makeEvent({ no: 1, occurredAt: plus(NOON, -EVENT_LIFE_MS - 1) });
const pending = makeEvent({ no: 2, occurredAt: plus(NOON, -1) });
const counts = { payments: 0, credits: 0, events: 2, reservations: 0, accepted: 0 };
const bill = makeBill({ id: BILL }, { outbox: [dead, pending], counts });
/** What was pending, then what the bill's cancel adds. */
const IN_ORDER = [partId(BILL, 'e', 2), partId(BILL, 'e', 3)];

let bench: Bench;
let lone: ReturnType<typeof startLoneShard>;
let isHistoryAway: boolean;
let historyAsked: number;
/** What the shard has answered a gateway is on its way until it is let go. */
let letGo: () => void;

const listings: Partial<Listings> = {
  pendingEvents: async () => {
    historyAsked += 1;
    if (isHistoryAway) throw new Error('postgres is away');
    return [{ bill: eventBillOf(bill.terms), event: pending }];
  },
};

beforeEach(async () => {
  isHistoryAway = true;
  historyAsked = 0;
  bench = await startBench({ listings });
  bench.door.script = () => ({ kind: 'acknowledged', count: 1 });
  lone = startLoneShard({
    bills: new Map([[BILL, bill]]),
    onEvent: (event) => bench.door.push(event),
  });
  const { ask } = bench.door;
  const held = new Promise<void>((go) => {
    letGo = go;
  });
  bench.door.ask = async (query) => {
    if (query.query === 'subscribe' || query.query === 'events') {
      bench.door.memory.pending = lone.events.read(query.recipient).pending;
    }
    const answer = await ask.call(bench.door, query);
    await held;
    return answer;
  };
});

afterEach(() => {
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

const principalOf = (key: string): Principal =>
  must(bench.principals.get(hashOfKey(key)), 'a principal');

/** Somebody listens, and has all that can be had without history. */
async function whatThereIsWasRead(): Promise<void> {
  letGo();
  await expect.poll(() => historyAsked).toBe(1);
  await settled();
}

/** The merchant cancels the bill, so that its terminal is to hear of it. */
async function cancel(): Promise<void> {
  const order = { amount: null, key: null, digest: '' };
  await lone.ask(principalOf(keys.merchant), { op: 'bill.cancel', billId: BILL, ...order });
  lone.commit();
}

describe('a bill that is fetched while Postgres does not answer the gateway', () => {
  test('tells a socket of what was pending before what happens to it then', async () => {
    const socket = await TestSocket.open(`${bench.ws}/v1/terminal/stream`, { key: keys.terminal });
    await whatThereIsWasRead();
    await cancel();
    await expect.poll(() => pushed(socket.frames)).toEqual(IN_ORDER);
    isHistoryAway = false;
    bench.clock.advance(1_000);
    await expect.poll(() => historyAsked).toBe(2);
    expect(pushed(socket.frames)).toEqual(IN_ORDER);
    socket.close();
  });

  test('tells a poll that is under way of both, in order', async () => {
    const headers = { Authorization: `Bearer ${keys.terminal}` };
    const answer = fetch(`${bench.url}/v1/terminal/events`, { headers });
    await expect.poll(() => bench.door.queries.length).toBe(1);
    await cancel();
    letGo();
    const { events } = (await (await answer).json()) as { events: { id: string }[] };
    expect(events.map(({ id }) => id)).toEqual(IN_ORDER);
  });

  test('has both posted to a webhook, in order', async () => {
    const posted: string[] = [];
    const deliverer = openDeliverer(bench, listings, posted);
    deliverer.serve([0]);
    deliverer.start();
    await whatThereIsWasRead();
    await cancel();
    await expect.poll(() => posted).toEqual(IN_ORDER);
    await deliverer.drain(0);
  });
});
