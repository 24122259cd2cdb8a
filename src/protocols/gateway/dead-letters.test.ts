// Dead letters by the gateway: what is asked of history, of the shards, and answered.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { billId, makeEvent, NOON, shard } from '../../../tests/support/bill-fixtures.ts';
import { type Bench, keys, startBench } from '../../../tests/support/fake-door.ts';
import { partId } from '../../domain/ids.ts';
import { plus } from '../../domain/time.ts';
import type { Archive, EventFate, EventSearch, FoundEvent } from '../../switch/archive.ts';
import { hashOfKey } from './principals.ts';

const BILL = billId(1, shard(0));
const OTHER = billId(2, shard(1));

function found(id: typeof BILL, no: number, fate: EventFate = 'dead'): FoundEvent {
  const bill = { id, orderId: 'o', amount: 1, currency: 'EUR', purpose: 'sale', policies: {} };
  const streamed = { bill, event: makeEvent({ no, occurredAt: plus(NOON, no) }) };
  return { streamed, fate, acknowledgedAt: null } as unknown as FoundEvent;
}

describe('dead letters', () => {
  let bench: Bench;
  let searches: EventSearch[] = [];
  let page: FoundEvent[] = [];

  beforeEach(async () => {
    searches = [];
    page = [];
    const archive = {
      event: (_id: string, no: number) =>
        Promise.resolve(no === 9 ? null : found(BILL, no, no === 1 ? 'dead' : 'acknowledged')),
      events: (_of: unknown, search: EventSearch) => {
        searches.push(search);
        return Promise.resolve(page);
      },
    } as unknown as Archive;
    bench = await startBench({ options: { archive } });
    const operator = bench.principals.get(hashOfKey(keys.operator));
    if (operator === undefined) throw new Error('no operator');
    bench.principals.set(hashOfKey(keys.operator), { ...operator, role: 'institutionAdmin' });
    bench.door.script = ({ operation }) => ({
      kind: 'acknowledged',
      count: operation.op === 'event.resend' ? operation.events.length : 0,
    });
  });
  afterEach(() => bench.gateway.close());

  const post = async (path: string, body: object = {}): Promise<[number, unknown]> => {
    const answer = await fetch(`${bench.url}/v1/operator/events/${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${keys.operator}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    return [answer.status, await answer.json()];
  };
  const sent = (): unknown[] =>
    bench.door
      .asked('event.resend')
      .flatMap(({ operation }) => (operation.op === 'event.resend' ? operation.events : []))
      .map(({ no }) => no);

  test('are sent again one by one, as history has them', async () => {
    expect(await post(`${partId(BILL, 'e', 1)}/resend`)).toEqual([200, { resent: 1 }]);
    expect(sent()).toEqual([1]);
    expect(await post(`${partId(BILL, 'e', 2)}/resend`)).toEqual([200, { resent: 0 }]);
    expect(sent()).toEqual([1]);
    for (const id of [partId(BILL, 'e', 9), 'nonsense']) {
      expect(await post(`${id}/resend`)).toMatchObject([404, { code: 'event.notFound' }]);
    }
  });

  test('are sent again by the page, each bill’s together, until there are no more', async () => {
    page = Array.from({ length: 100 }, (_, i) => found(i % 2 === 0 ? BILL : OTHER, 200 - i));
    const [status, told] = await post('resend', { type: 'bill.paid', terminalId: 'ter_1' });
    expect([status, told]).toMatchObject([200, { resent: 100, nextCursor: expect.any(String) }]);
    expect(bench.door.asked('event.resend')).toHaveLength(2);
    page = [found(BILL, 1)];
    const { nextCursor } = told as { nextCursor: string };
    expect(await post('resend', { type: 'bill.paid', cursor: nextCursor })).toMatchObject([
      200,
      { resent: 1, nextCursor: null },
    ]);
    expect(searches[0]).toMatchObject({ status: 'dead', type: 'bill.paid', terminalId: 'ter_1' });
    expect(searches[1]).toMatchObject({ after: { id: OTHER, no: 101, at: plus(NOON, 101) } });
    expect(searches[1]?.asOf).toBe(searches[0]?.asOf);
  });

  test('of bills that are another’s are none; what cannot be read is refused', async () => {
    bench.door.script = () => ({ kind: 'rejection', rejection: { rejected: 'event.notFound' } });
    expect((await post(`${partId(BILL, 'e', 1)}/resend`))[0]).toBe(404);
    expect((await post('resend', { cursor: 'nonsense' }))[0]).toBe(400);
    expect((await post('resend', { status: 'pending' }))[0]).toBe(400);
    expect(sent()).toEqual([]);
  });
});
