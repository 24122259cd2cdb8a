import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  billId,
  makeAnswer,
  makeBill,
  NOON,
  paychannelId,
} from '../../../test/support/bill-fixtures.ts';
import { BASE, type Bench, keys, passing, startBench } from '../../../test/support/fake-door.ts';
import { shardOfBill } from '../../domain/ids.ts';
import { minor } from '../../domain/money.ts';
import { plus } from '../../domain/time.ts';
import type { ListFilter } from '../../switch/ports.ts';
import { PROBLEM_CODES } from '../problems.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(() => {
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

interface Call {
  key?: string | null;
  body?: unknown;
  raw?: string | Uint8Array;
  headers?: Record<string, string>;
}

async function call(method: string, path: string, given: Call = {}): Promise<Response> {
  const key = given.key === undefined ? keys.terminal : given.key;
  const body = given.raw ?? (given.body === undefined ? undefined : JSON.stringify(given.body));
  return fetch(bench.url + path, {
    method,
    headers: {
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...given.headers,
    },
    ...(body === undefined ? {} : { body: body as string }),
  });
}

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return (await response.json()) as Record<string, unknown>;
}

const newBill = { orderId: 'order-1', amount: 1_000, currency: 'EUR' };

const bill = (created = false) => ({ kind: 'bill', bill: makeBill(), created, now: NOON }) as const;

describe('a create', () => {
  test('reaches the shard of its order with whole terms, and its answer is the shard’s', async () => {
    bench.door.script = () => bill(true);
    const response = await call('POST', '/v1/terminal/bills', {
      body: { ...newBill, metadata: { table: '7' }, policies: { unconfirmed: 'reverse' } },
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ id: billId(1), status: 'open', due: 1_000 });
    const [asked] = bench.door.asked('bill.create');
    expect(asked?.principal?.id).toBe('ter_1');
    expect(asked?.operation).toMatchObject({
      terms: {
        terminalId: 'ter_1',
        orderId: 'order-1',
        amount: 1_000,
        metadata: { table: '7' },
        unconfirmed: 'reverse',
        capture: 'manual',
        expiresInMs: 900_000,
        confirmWithinMs: 86_400_000,
      },
    });
    const { operation } = asked ?? {};
    if (operation?.op !== 'bill.create') throw new Error('no create');
    expect(shardOfBill(operation.terms.id)).toBe(asked?.shard);
  });

  test('has the same digest whatever the order of its fields', async () => {
    bench.door.script = () => bill(true);
    const { orderId, amount, currency } = newBill;
    await call('POST', '/v1/terminal/bills', { body: { orderId, amount, currency } });
    await call('POST', '/v1/terminal/bills', { body: { currency, orderId, amount } });
    await call('POST', '/v1/terminal/bills', { body: { currency, orderId, amount: amount + 1 } });
    const digests = bench.door
      .asked('bill.create')
      .map(({ operation }) => (operation.op === 'bill.create' ? operation.terms.digest : ''));
    expect(digests[0]).toBe(digests[1]);
    expect(digests[0]).not.toBe(digests[2]);
    expect(digests[0]).toHaveLength(22);
  });

  test.each([
    ['a missing field', { orderId: 'o', currency: 'EUR' }, 'amount'],
    ['a negative amount', { ...newBill, amount: -1 }, 'amount'],
    ['a fraction of a cent', { ...newBill, amount: 1.5 }, 'amount'],
    ['an amount beyond 10^12', { ...newBill, amount: 10 ** 12 + 1 }, 'amount'],
    ['an amount as text', { ...newBill, amount: '100' }, 'amount'],
    ['a currency that is none', { ...newBill, currency: 'EUX' }, 'currency'],
    ['a reference with a space', { ...newBill, orderId: 'a b' }, 'orderId'],
    ['an empty reference', { ...newBill, orderId: '' }, 'orderId'],
    ['a reference of 65', { ...newBill, orderId: 'x'.repeat(65) }, 'orderId'],
    ['an unknown field', { ...newBill, colour: 'red' }, 'colour'],
    [
      'a line without a price',
      { ...newBill, lines: [{ name: 'x', quantity: 1, amount: 1 }] },
      'lines[0].price',
    ],
    [
      '201 lines',
      { ...newBill, lines: Array(201).fill({ name: 'x', quantity: 1, price: 1, amount: 1 }) },
      'lines',
    ],
    ['metadata that is no text', { ...newBill, metadata: { a: 1 } }, 'metadata.a'],
    [
      '21 metadata',
      { ...newBill, metadata: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [i, ''])) },
      'metadata',
    ],
    ['an expiry of 0', { ...newBill, expiresIn: 0 }, 'expiresIn'],
    ['an expiry beyond 30 days', { ...newBill, expiresIn: 2_592_001 }, 'expiresIn'],
    ['a confirmWithin of a second', { ...newBill, confirmWithin: 1 }, 'confirmWithin'],
    [
      'a return address that is a script',
      { ...newBill, returnUrl: 'javascript:alert(1)' },
      'returnUrl',
    ],
    [
      'a policy that is none',
      { ...newBill, policies: { unconfirmed: 'ignore' } },
      'policies.unconfirmed',
    ],
    ['a related bill that is none', { ...newBill, relatedBillId: 'x' }, 'relatedBillId'],
    ['U+0000 in a text', { ...newBill, description: 'a\u0000b' }, 'description'],
    [
      'U+0000 deep inside',
      { ...newBill, lines: [{ name: '\u0000', quantity: 1, price: 1, amount: 1 }] },
      'lines[0].name',
    ],
    ['a lone surrogate', { ...newBill, metadata: { a: '\ud800' } }, 'metadata.a'],
    ['null for a field', { ...newBill, description: null }, 'description'],
  ])('with %s is 400 and names it', async (_name, body, path) => {
    const problem = await problemOf(await call('POST', '/v1/terminal/bills', { body }));
    expect(problem).toMatchObject({
      type: '/problems/request.invalid',
      status: 400,
      code: 'request.invalid',
      retryable: false,
      requestId: 'made-1',
      errors: [{ path, message: expect.any(String) }],
    });
    expect(bench.door.requests).toEqual([]);
  });

  test('names everything that is wrong at once, to a bound', async () => {
    const body = Object.fromEntries(Array.from({ length: 50 }, (_unused, i) => [`x${i}`, 1]));
    const problem = await problemOf(await call('POST', '/v1/terminal/bills', { body }));
    expect(problem.errors).toHaveLength(20);
  });

  test.each([
    ['type', { ...newBill, type: 'static' }],
    ['type', { ...newBill, type: 'timer' }],
    ['tip', { ...newBill, tip: { allowed: true } }],
    ['tariff', { orderId: 'o', currency: 'EUR', type: 'timer', tariff: {} }],
    ['acquirer', { ...newBill, acquirer: 'x' }],
    ['minAmount', { ...newBill, minAmount: 1 }],
    ['policies.late', { ...newBill, policies: { late: 'x' } }],
  ])('with %s, which comes later, is 422 and names it', async (path, body) => {
    const problem = await problemOf(await call('POST', '/v1/terminal/bills', { body }));
    expect(problem).toMatchObject({ status: 422, code: 'feature.notYet' });
    expect(problem.detail).toContain(path);
  });

  test('of nothing is 422', async () => {
    const response = await call('POST', '/v1/terminal/bills', { body: { ...newBill, amount: 0 } });
    expect(await problemOf(response)).toMatchObject({ status: 422, code: 'bill.amountZero' });
  });

  test.each([
    ['no JSON', '{"orderId":', 400],
    ['no UTF-8', new Uint8Array([0x22, 0xff, 0xfe, 0x22]), 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['a deep nest', '['.repeat(30_000), 400],
    ['a __proto__', '{"orderId":"o","amount":1,"currency":"EUR","__proto__":{"x":1}}', 400],
    [
      'a __proto__ in metadata',
      '{"orderId":"o","amount":1,"currency":"EUR","metadata":{"__proto__":"x"}}',
      400,
    ],
    ['more than 64 KB', `{"description":"${'x'.repeat(70_000)}"}`, 413],
  ])('whose body is %s is refused', async (_name, raw, status) => {
    expect((await call('POST', '/v1/terminal/bills', { raw })).status).toBe(status);
  });

  test('in chunks that grow too large is refused as it grows', async () => {
    const chunks = function* (): Generator<Uint8Array> {
      for (let i = 0; i < 20; i++) yield new Uint8Array(8_192).fill(0x20);
    };
    const answer = fetch(`${bench.url}/v1/terminal/bills`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${keys.terminal}`, 'Content-Type': 'application/json' },
      body: ReadableStream.from(chunks()),
      duplex: 'half',
    } as RequestInit);
    // The connection is cut with the answer, which a client that is still sending may not see.
    const status = await answer.then(
      (response) => response.status,
      () => 413,
    );
    expect(status).toBe(413);
    expect(bench.answered.at(-1)).toMatchObject({ status: 413 });
  });

  test('that is not JSON by its type is 415', async () => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const response = await call('POST', '/v1/terminal/bills', { raw: 'a=1', headers });
    expect(await problemOf(response)).toMatchObject({ status: 415 });
  });
});

describe('a refusal', () => {
  test('carries the members of its code', async () => {
    bench.door.script = () => ({
      kind: 'rejection',
      rejection: { rejected: 'order.reused', billId: billId(7) },
    });
    const response = await call('POST', '/v1/terminal/bills', { body: newBill });
    expect(await problemOf(response)).toMatchObject({
      status: 409,
      code: 'order.reused',
      billId: billId(7),
    });
  });

  test('of an unknown bill is the same bytes whoever knows it not', async () => {
    const bytes: string[] = [];
    for (const id of [billId(1), billId(2), 'nonsense', '0'.repeat(26), 'Z'.repeat(26)]) {
      const headers = { 'X-Request-Id': 'same' };
      const response = await call('GET', `/v1/terminal/bills/${id}`, { headers });
      bytes.push(`${response.status} ${await response.text()}`);
    }
    expect(new Set(bytes).size).toBe(1);
    expect(bytes[0]).toContain('404');
  });

  test('of a shard that is away says when to come again', async () => {
    bench.door.script = () => ({
      kind: 'fault',
      code: 'shard.unavailable',
      detail: 'It is starting.',
      retryAfterS: 7,
    });
    const response = await call('GET', `/v1/terminal/bills/${billId(1)}`);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await problemOf(response)).toMatchObject({ code: 'shard.unavailable', retryable: true });
  });
});

describe('a key', () => {
  test.each([
    ['none', null, {}],
    ['an unknown one', 'nobody', {}],
    ['a scheme that is not Bearer', null, { Authorization: 'Basic a2V5' }],
    ['one too long', 'x'.repeat(400), {}],
  ])('%s is 401', async (_name, key, headers) => {
    const response = await call('GET', '/v1/terminal/bills', { key, headers });
    expect(await problemOf(response)).toMatchObject({ status: 401 });
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });

  const creates = { body: newBill };
  test.each([
    ['terminal', 'GET', '/v1/paychannel/credits', {}, 403],
    ['paychannel', 'GET', '/v1/terminal/bills', {}, 403],
    ['paychannel', 'POST', '/v1/terminal/bills', creates, 403],
    ['merchant', 'POST', '/v1/terminal/bills', creates, 403],
    ['operator', 'POST', '/v1/terminal/bills', creates, 403],
    ['merchant', 'POST', '/v1/terminal/orders/o-1/resolve', { body: {} }, 403],
    ['merchant', 'GET', '/v1/terminal/events', {}, 403],
    ['operator', 'POST', '/v1/terminal/events/ack', { body: { ids: [] } }, 403],
    ['operator', 'GET', '/v1/paychannel/credits', {}, 403],
    ['merchant', 'GET', '/v1/terminal/bills', {}, 200],
    ['operator', 'GET', '/v1/terminal/bills', {}, 200],
    ['operator', 'POST', `/v1/terminal/bills/${billId(1)}/cancel`, { body: {} }, 200],
  ] as const)('of a %s on %s %s', async (kind, method, path, given, status) => {
    bench.door.script = () => bill();
    expect((await call(method, path, { ...given, key: keys[kind] })).status).toBe(status);
  });

  test('that is withdrawn stops within seconds', async () => {
    expect((await call('GET', '/v1/terminal/bills')).status).toBe(200);
    bench.principals.clear();
    expect((await call('GET', '/v1/terminal/bills')).status).toBe(200);
    bench.clock.advance(5_001);
    expect((await call('GET', '/v1/terminal/bills')).status).toBe(401);
  });
});

describe('an Idempotency-Key', () => {
  const refund = `/v1/terminal/bills/${billId(1)}/refund`;
  const cancel = `/v1/terminal/bills/${billId(1)}/cancel`;

  beforeEach(() => {
    bench.door.script = () => bill();
  });

  test.each([
    [refund, { amount: 5 }],
    [refund, {}],
    [cancel, { amount: 5 }],
  ])('is needed by %s', async (path, body) => {
    const problem = await problemOf(await call('POST', path, { body }));
    expect(problem).toMatchObject({ status: 400, code: 'request.keyMissing' });
  });

  test('is not needed by a full cancel, nor by a confirm', async () => {
    expect((await call('POST', cancel)).status).toBe(200);
    expect((await call('POST', `/v1/terminal/bills/${billId(1)}/confirm`)).status).toBe(200);
  });

  test.each([
    [refund, 'bill.refund'],
    [cancel, 'bill.cancel'],
  ])('goes to the shard with the digest of the body alone (%s)', async (path, op) => {
    for (const key of ['k-1', 'k-2']) {
      const headers = { 'Idempotency-Key': key };
      expect((await call('POST', path, { body: { amount: 5 }, headers })).status).toBe(200);
    }
    const [first, second] = bench.door.asked(op).map(({ operation }) => operation);
    expect(first).toMatchObject({ key: 'k-1', amount: 5 });
    expect(second).toMatchObject({ key: 'k-2' });
    expect((first as { digest: string }).digest).toBe((second as { digest: string }).digest);
  });

  test('that is no reference is refused by name', async () => {
    const headers = { 'Idempotency-Key': 'a b' };
    const problem = await problemOf(await call('POST', refund, { body: {}, headers }));
    expect(problem).toMatchObject({ status: 400, errors: [{ path: 'idempotencyKey' }] });
  });
});

describe('a body', () => {
  test('does not carry what stands in the path', async () => {
    const response = await call('POST', `/v1/terminal/bills/${billId(1)}/confirm`, {
      body: { billId: billId(2) },
    });
    expect(await problemOf(response)).toMatchObject({ status: 400, errors: [{ path: 'billId' }] });
  });

  test('that is a receipt is any object to 8 KB', async () => {
    bench.door.script = () => bill();
    const path = `/v1/terminal/bills/${billId(1)}/receipt`;
    const receipt = { fn: '9999', items: [{ deep: { deeper: [1, null, true] } }] };
    expect((await call('PUT', path, { body: receipt })).status).toBe(200);
    expect(bench.door.asked('bill.receipt')[0]?.operation).toMatchObject({ receipt });
    expect((await call('PUT', path, { body: { x: 'x'.repeat(8_192) } })).status).toBe(400);
    expect((await call('PUT', path, { body: [] })).status).toBe(400);
    const deep = `{"a":${'['.repeat(20)}${']'.repeat(20)}}`;
    expect((await call('PUT', path, { raw: deep })).status).toBe(400);
    const inexact = await problemOf(await call('PUT', path, { raw: '{"fn":99990789000060411}' }));
    expect(inexact).toMatchObject({ status: 400, errors: [{ path: 'receipt.fn' }] });
  });

  test('names no payment of another bill', async () => {
    bench.door.script = () => bill();
    const headers = { 'Idempotency-Key': 'k' };
    const path = `/v1/terminal/bills/${billId(1)}/refund`;
    await call('POST', path, { body: { paymentId: `${billId(1)}-p3` }, headers });
    await call('POST', path, { body: { paymentId: `${billId(2)}-p3` }, headers });
    const numbers = bench.door.asked('bill.refund').map(({ operation }) => operation);
    expect(numbers).toMatchObject([{ paymentNo: 3 }, { paymentNo: 0 }]);
  });
});

describe('an address', () => {
  test.each([
    ['GET', '/v1/nowhere', 404, 'route.notFound'],
    ['GET', '/v1/terminal/bills/', 404, 'route.notFound'],
    ['GET', '/v1/terminal/bills/%ff/qr.svg', 404, 'route.notFound'],
    ['DELETE', '/v1/terminal/bills', 405, 'method.notAllowed'],
    ['GET', '/v1/terminal/stream', 400, 'request.invalid'],
  ])('%s %s is %i', async (method, path, status, code) => {
    expect(await problemOf(await call(method, path))).toMatchObject({ status, code });
  });

  test('that takes other methods lists them', async () => {
    const response = await call('PUT', '/v1/terminal/bills');
    expect(response.headers.get('allow')).toBe('POST, GET');
  });

  test.each([
    ['/v1/terminal/bills?limit=0', 'limit'],
    ['/v1/terminal/bills?limit=101', 'limit'],
    ['/v1/terminal/bills?limit=x', 'limit'],
    ['/v1/terminal/bills?cursor=x', 'cursor'],
    ['/v1/terminal/bills?from=yesterday', 'from'],
    ['/v1/terminal/bills?status=odd', 'status'],
    ['/v1/terminal/bills?colour=red', 'colour'],
    ['/v1/terminal/bills?limit=1&limit=2', 'limit'],
    ['/v1/terminal/bills?orderId=a%20b', 'orderId'],
    ['/v1/terminal/bills?orderId=o&status=open', 'status'],
    [`/v1/terminal/bills/${billId(1)}?wait=31`, 'wait'],
    [`/v1/terminal/bills/${billId(1)}/qr.svg?size=9999`, 'size'],
    [`/v1/terminal/bills/${billId(1)}/qr.svg?ecc=Z`, 'ecc'],
    ['/v1/terminal/events?wait=99', 'wait'],
  ])('%s is refused by the name of its parameter', async (path, name) => {
    const problem = await problemOf(await call('GET', path));
    expect(problem).toMatchObject({ status: 400, errors: [{ path: name }] });
  });
});

describe('correlation', () => {
  test('takes the caller’s request id and echoes it with traceparent', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const response = await call('GET', '/healthz', {
      headers: { 'X-Request-Id': 'till-7.42', traceparent },
    });
    expect(response.headers.get('x-request-id')).toBe('till-7.42');
    expect(response.headers.get('traceparent')).toBe(traceparent);
  });

  test.each(['', 'a b', 'x'.repeat(129), '<script>'])('makes one for “%s”', async (given) => {
    const headers = { 'X-Request-Id': given, traceparent: 'nonsense' };
    const response = await call('GET', '/healthz', { headers });
    expect(response.headers.get('x-request-id')).toBe('made-1');
    expect(response.headers.get('traceparent')).toBeNull();
  });
});

describe('a wait', () => {
  test('goes to the shard, and ends at once when the gateway drains', async () => {
    bench.door.script = ({ operation }) =>
      operation.op === 'bill.get' && operation.waitMs > 0 ? 'hold' : bill();
    const path = `/v1/terminal/bills/${billId(1)}?wait=20&afterVersion=3`;
    const answer = call('GET', path);
    await expect.poll(() => bench.door.held.length).toBe(1);
    expect(bench.door.held[0]?.request.operation).toMatchObject({
      waitMs: 20_000,
      afterVersion: 3,
    });
    const drained = bench.gateway.drain();
    expect((await answer).status).toBe(200);
    await passing(bench.clock, drained);
    await expect(call('GET', '/healthz')).rejects.toThrow();
  });
});

describe('an order', () => {
  test('is found with its own terminal first', async () => {
    bench.door.script = () => bill();
    const response = await call('GET', '/v1/terminal/bills?orderId=order-1');
    expect(await response.json()).toMatchObject({ id: billId(1) });
    expect(bench.door.requests.map(({ operation }) => operation.op)).toEqual(['order.get']);
  });

  test('of another terminal is found in the merchant, unless the key is restricted', async () => {
    bench.gateway.close();
    bench = await startBench({ listings: { billOfOrder: () => Promise.resolve(billId(9)) } });
    bench.door.script = ({ operation }) =>
      operation.op === 'order.get'
        ? { kind: 'rejection', rejection: { rejected: 'bill.notFound' } }
        : bill();
    const path = '/v1/terminal/bills?orderId=order-1';
    expect((await call('GET', path)).status).toBe(200);
    expect(bench.door.asked('bill.get')[0]?.operation).toMatchObject({ billId: billId(9) });
    expect((await call('GET', path, { key: keys.restricted })).status).toBe(404);
    expect((await call('GET', path, { key: keys.merchant })).status).toBe(200);
    expect((await call('GET', path, { key: keys.operator })).status).toBe(403);
  });
});

describe('a scanned text', () => {
  test.each([
    [`${BASE}/q/${billId(1)}`, 'bill.view'],
    [` ${BASE.toUpperCase()}/Q/${billId(1).toLowerCase()}\n`, 'bill.view'],
    ['https://elsewhere.example/q/1', null],
    [`${BASE}/q/nonsense`, null],
  ])('%s', async (qr, op) => {
    bench.door.script = () => ({ kind: 'view', bill: makeBill(), paychannelId, now: NOON });
    const response = await call('POST', '/v1/paychannel/resolve', {
      body: { qr },
      key: keys.paychannel,
    });
    expect(response.status).toBe(op === null ? 404 : 200);
    expect(bench.door.requests.map(({ operation }) => operation.op)).toEqual(
      op === null ? [] : [op],
    );
  });
});

describe('a payment', () => {
  const path = `/v1/paychannel/bills/${billId(1)}/payments`;
  const payment = { paymentRef: 'p-1', amount: 5, currency: 'EUR' };

  test.each([
    ['an amount of 0', { ...payment, amount: 0 }, 'amount'],
    ['a time that is none', { ...payment, paidAt: '2026-02-30T00:00:00Z' }, 'paidAt'],
    ['a time beyond 2999', { ...payment, paidAt: '3000-01-01T00:00:00Z' }, 'paidAt'],
    ['a whole card number', { ...payment, payer: '4111 1111 1111 1111' }, 'payer'],
    ['a method of 33', { ...payment, method: 'x'.repeat(33) }, 'method'],
  ])('with %s is 400', async (_name, body, field) => {
    const response = await call('POST', path, { body, key: keys.paychannel });
    expect(await problemOf(response)).toMatchObject({ status: 400, errors: [{ path: field }] });
  });

  test('reaches the shard with its time in milliseconds', async () => {
    bench.door.script = () => ({
      kind: 'payment',
      bill: makeBill(),
      answer: makeAnswer(),
      created: false,
    });
    const body = { ...payment, paidAt: '2026-01-05T13:00:00.5+01:00', payer: '4111 **** 1111' };
    expect((await call('POST', path, { body, key: keys.paychannel })).status).toBe(200);
    expect(bench.door.requests[0]?.operation).toMatchObject({ paidAt: NOON + 500 });
  });
});

describe('a list', () => {
  test('goes on by its cursor, at the moment of its first page', async () => {
    const bills = [5, 4, 3].map((no) => makeBill({ id: billId(no) }));
    const filters: ListFilter[] = [];
    bench.gateway.close();
    bench = await startBench({
      listings: {
        bills: (_scope, filter) => {
          filters.push(filter);
          return Promise.resolve(filter.after === null ? bills : bills.slice(2));
        },
      },
    });
    const first = await (await call('GET', '/v1/terminal/bills?limit=2&status=open')).json();
    expect(first).toMatchObject({
      asOf: '2026-01-05T12:00:00.000Z',
      nextCursor: expect.any(String),
    });
    expect((first as { items: unknown[] }).items).toHaveLength(2);
    bench.door.reachedAt = plus(NOON, 1_000);
    const { nextCursor } = first as { nextCursor: string };
    const second = await (
      await call('GET', `/v1/terminal/bills?limit=2&cursor=${nextCursor}`)
    ).json();
    expect(second).toMatchObject({ asOf: '2026-01-05T12:00:00.000Z', nextCursor: null });
    expect(filters[1]).toMatchObject({ asOf: NOON, after: { at: NOON, id: billId(4), no: 0 } });
  });

  test('is 503 while a store is away', async () => {
    bench.gateway.close();
    const away = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    bench = await startBench({ listings: { credits: () => Promise.reject(away) } });
    const response = await call('GET', '/v1/paychannel/credits', { key: keys.paychannel });
    expect(await problemOf(response)).toMatchObject({ status: 503, code: 'history.unavailable' });
    bench.errors.length = 0;
  });

  test('of a bill’s payments is for those who see the bill', async () => {
    expect((await call('GET', `/v1/terminal/bills/${billId(1)}/payments`)).status).toBe(404);
    bench.door.script = () => bill();
    const response = await call('GET', `/v1/terminal/bills/${billId(1)}/payments`);
    expect(await response.json()).toMatchObject({ items: [], nextCursor: null });
  });
});

describe('a code', () => {
  test.each([
    ['svg', 'image/svg+xml', '<svg'],
    ['png', 'image/png', '\u0089PNG'],
    ['txt', 'text/plain; charset=utf-8', '█'],
  ])('is drawn as %s for those who see the bill', async (form, type, begin) => {
    const path = `/v1/terminal/bills/${billId(1)}/qr.${form}`;
    expect((await call('GET', path)).status).toBe(404);
    bench.door.script = () => bill();
    const response = await call('GET', `${path}?size=128&margin=1&ecc=H`);
    expect(response.headers.get('content-type')).toBe(type);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.toString(form === 'png' ? 'latin1' : 'utf8')).toContain(begin);
  });
});

describe('a page', () => {
  test('shows a bill to anybody, with what the merchant wrote escaped', async () => {
    const merchant = { name: '<script>alert(1)</script>', city: '"&\'' };
    bench.door.script = () => ({
      kind: 'page',
      bill: makeBill({ merchant, amount: minor(123_456) }),
      now: NOON,
    });
    const response = await call('GET', `/q/${billId(1)}`, { key: null });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-/,
    );
    const html = await response.text();
    expect(html).not.toContain('<script');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).toContain('1\u00a0234.56\u00a0EUR');
    expect(bench.door.requests[0]).toMatchObject({
      principal: null,
      operation: { op: 'bill.page' },
    });
  });

  test.each([`/q/${billId(1)}`, '/q/nonsense', '/problems/nonsense'])(
    '%s that does not exist is 404',
    async (path) => {
      const response = await call('GET', path, { key: null });
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    },
  );

  test('stands for each problem, and one for all', async () => {
    const table = await (await call('GET', '/docs/errors', { key: null })).text();
    for (const code of PROBLEM_CODES) {
      expect((await call('GET', `/problems/${code}`, { key: null })).status).toBe(200);
      expect(table).toContain(`/problems/${code}`);
    }
  });

  test('answers a HEAD without a body', async () => {
    const response = await call('HEAD', '/docs', { key: null });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(1_000);
  });
});

test('health, readiness and metrics need no key', async () => {
  expect(await (await call('GET', '/healthz', { key: null })).json()).toEqual({ status: 'ok' });
  expect(await (await call('GET', '/readyz', { key: null })).json()).toEqual({ ready: true });
  expect(await (await call('GET', '/metrics', { key: null })).text()).toBe('qrswitch_up 1\n');
});

test('a connection that idles is closed with the gateway, so that its thread can end', async () => {
  const socket = connectTcp(bench.gateway.port, '127.0.0.1');
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  bench.gateway.close();
  await closed;
});

test('a connection goes on after each kind of answer', async () => {
  bench.door.script = ({ operation }) =>
    operation.op === 'bill.release' ? { kind: 'released' } : bill();
  for (let i = 0; i < 3; i++) {
    const path = `/v1/paychannel/bills/${billId(1)}/reservations/r`;
    expect((await call('DELETE', path, { key: keys.paychannel })).status).toBe(204);
    expect((await call('GET', `/v1/terminal/bills/${billId(1)}`)).status).toBe(200);
    expect((await call('POST', '/v1/terminal/bills', { key: null, body: newBill })).status).toBe(
      401,
    );
  }
});
