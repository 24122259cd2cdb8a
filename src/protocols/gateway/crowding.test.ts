// What the doors of a gateway say while all are late, to whoever has more under way than its part.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { billId } from '../../../tests/support/bill-fixtures.ts';
import { type Bench, keys, startBench } from '../../../tests/support/fake-door.ts';
import { call, problemOf } from '../../../tests/support/http-client.ts';
import { TestSocket } from '../../../tests/support/socket.ts';

const create = { orderId: 'order-1', amount: 1_000, currency: 'EUR' };

let bench: Bench;
let asked: string[];
let isAdmitted: boolean;

beforeEach(async () => {
  asked = [];
  isAdmitted = false;
  bench = await startBench({
    options: {
      crowd: {
        admits(institution, operation) {
          asked.push(`${institution} ${operation}`);
          return isAdmitted;
        },
      },
    },
  });
});
afterEach(() => bench.gateway.close());

describe('a request of whoever has more under way than its part', () => {
  test('gets 503 over HTTP with Retry-After, before its body is read and anything is done', async () => {
    const refused = await call(bench, 'POST', '/v1/terminal/bills', { raw: '{ no JSON' });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await problemOf(refused)).toMatchObject({
      code: 'overloaded',
      retryable: true,
      retryAfter: 1,
    });
    expect(bench.door.requests).toEqual([]);
    expect(asked).toEqual(['ins_1 bill.create']);
  });

  test('gets the same in its frame over WebSocket, and its socket stays open', async () => {
    const socket = await TestSocket.open(`${bench.ws}/v1/terminal/stream`, { key: keys.terminal });
    const frame = { op: 'bill.create', body: create };
    expect(await socket.ask({ id: 1, ...frame })).toMatchObject({
      id: 1,
      status: 503,
      body: { code: 'overloaded', retryAfter: 1 },
    });
    expect(bench.door.requests).toEqual([]);
    isAdmitted = true;
    const bill = { id: 2, op: 'bill.get', body: { billId: billId(1) } };
    expect(await socket.ask(bill)).toMatchObject({ id: 2, status: 404 });
    expect(asked).toEqual(['ins_1 bill.create', 'ins_1 bill.get']);
    socket.ws.terminate();
  });
});
