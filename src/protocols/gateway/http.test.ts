import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { billId, makeBill, NOON } from '../../../tests/support/bill-fixtures.ts';
import { type Bench, keys, startBench } from '../../../tests/support/fake-door.ts';
import { call, problemOf } from '../../../tests/support/http-client.ts';
import { RawConnection, requestBytes } from '../../../tests/support/raw-http.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(() => {
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

const newBill = { orderId: 'order-1', amount: 1_000, currency: 'EUR' };

const bill = (created = false) => ({ kind: 'bill', bill: makeBill(), created, now: NOON }) as const;

describe('a refusal', () => {
  test('carries the members of its code', async () => {
    bench.door.script = () => ({
      kind: 'rejection',
      rejection: { rejected: 'order.reused', billId: billId(7) },
    });
    const response = await call(bench, 'POST', '/v1/terminal/bills', { body: newBill });
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
      const response = await call(bench, 'GET', `/v1/terminal/bills/${id}`, { headers });
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
    const response = await call(bench, 'GET', `/v1/terminal/bills/${billId(1)}`);
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
    const response = await call(bench, 'GET', '/v1/terminal/bills', { key, headers });
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
    expect((await call(bench, method, path, { ...given, key: keys[kind] })).status).toBe(status);
  });

  test('that is withdrawn stops within seconds', async () => {
    expect((await call(bench, 'GET', '/v1/terminal/bills')).status).toBe(200);
    bench.principals.clear();
    expect((await call(bench, 'GET', '/v1/terminal/bills')).status).toBe(200);
    bench.clock.advance(5_001);
    expect((await call(bench, 'GET', '/v1/terminal/bills')).status).toBe(401);
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
    const problem = await problemOf(await call(bench, 'POST', path, { body }));
    expect(problem).toMatchObject({ status: 400, code: 'request.keyMissing' });
  });

  test('is not needed by a full cancel, nor by a confirm', async () => {
    expect((await call(bench, 'POST', cancel)).status).toBe(200);
    expect((await call(bench, 'POST', `/v1/terminal/bills/${billId(1)}/confirm`)).status).toBe(200);
  });

  test.each([
    [refund, 'bill.refund'],
    [cancel, 'bill.cancel'],
  ])('goes to the shard with the digest of the body alone (%s)', async (path, op) => {
    for (const key of ['k-1', 'k-2']) {
      const headers = { 'Idempotency-Key': key };
      expect((await call(bench, 'POST', path, { body: { amount: 5 }, headers })).status).toBe(200);
    }
    const [first, second] = bench.door.asked(op).map(({ operation }) => operation);
    expect(first).toMatchObject({ key: 'k-1', amount: 5 });
    expect(second).toMatchObject({ key: 'k-2' });
    expect((first as { digest: string }).digest).toBe((second as { digest: string }).digest);
  });

  test('that is no reference is refused by name', async () => {
    const headers = { 'Idempotency-Key': 'a b' };
    const problem = await problemOf(await call(bench, 'POST', refund, { body: {}, headers }));
    expect(problem).toMatchObject({ status: 400, errors: [{ path: 'idempotencyKey' }] });
  });
});

describe('a body', () => {
  test('does not carry what stands in the path', async () => {
    const response = await call(bench, 'POST', `/v1/terminal/bills/${billId(1)}/confirm`, {
      body: { billId: billId(2) },
    });
    expect(await problemOf(response)).toMatchObject({ status: 400, errors: [{ path: 'billId' }] });
  });

  test('that is a receipt is any object to 8 KB', async () => {
    bench.door.script = () => bill();
    const path = `/v1/terminal/bills/${billId(1)}/receipt`;
    const receipt = { fn: '9999', items: [{ deep: { deeper: [1, null, true] } }] };
    expect((await call(bench, 'PUT', path, { body: receipt })).status).toBe(200);
    expect(bench.door.asked('bill.receipt')[0]?.operation).toMatchObject({ receipt });
    expect((await call(bench, 'PUT', path, { body: { x: 'x'.repeat(8_192) } })).status).toBe(400);
    expect((await call(bench, 'PUT', path, { body: [] })).status).toBe(400);
    expect((await call(bench, 'PUT', path, { raw: '' })).status).toBe(400);
    const deep = `{"a":${'['.repeat(20)}${']'.repeat(20)}}`;
    expect((await call(bench, 'PUT', path, { raw: deep })).status).toBe(400);
    const inexact = await problemOf(
      await call(bench, 'PUT', path, { raw: '{"fn":99990789000060411}' }),
    );
    expect(inexact).toMatchObject({ status: 400, errors: [{ path: 'receipt.fn' }] });
  });

  test('names no payment of another bill', async () => {
    bench.door.script = () => bill();
    const headers = { 'Idempotency-Key': 'k' };
    const path = `/v1/terminal/bills/${billId(1)}/refund`;
    await call(bench, 'POST', path, { body: { paymentId: `${billId(1)}-p3` }, headers });
    await call(bench, 'POST', path, { body: { paymentId: `${billId(2)}-p3` }, headers });
    const numbers = bench.door.asked('bill.refund').map(({ operation }) => operation);
    expect(numbers).toMatchObject([{ paymentNo: 3 }, { paymentNo: 0 }]);
  });
});

describe('an address', () => {
  test.each([
    ['GET', '/v1/nowhere', 404, 'route.notFound'],
    ['GET', '/v1/terminal/bills/', 404, 'route.notFound'],
    ['GET', '/v1/terminal/bills/%ff/qr.svg', 404, 'route.notFound'],
    ['GET', '/v1/terminal/bills/%00', 404, 'route.notFound'],
    ['DELETE', '/v1/terminal/bills', 405, 'method.notAllowed'],
    ['GET', '/v1/terminal/stream', 400, 'request.invalid'],
  ])('%s %s is %i', async (method, path, status, code) => {
    expect(await problemOf(await call(bench, method, path))).toMatchObject({ status, code });
  });

  test('that takes other methods lists them', async () => {
    const response = await call(bench, 'PUT', '/v1/terminal/bills');
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
    const problem = await problemOf(await call(bench, 'GET', path));
    expect(problem).toMatchObject({ status: 400, errors: [{ path: name }] });
  });

  test.each([
    ['/v1/terminal/bills?limit=0', 'must be a whole number from 1 to 100, not 0'],
    ['/v1/terminal/bills?limit=x', 'must be a whole number from 1 to 100, not "x"'],
    [`/v1/terminal/bills/${billId(1)}?wait=-1`, 'must be a number from 0 to 30, not "-1"'],
    [`/v1/terminal/bills/${billId(1)}?afterVersion=-1`, 'must be a whole number from 0, not "-1"'],
    [
      `/v1/terminal/bills/${billId(1)}/qr.svg?margin=-1`,
      'must be a whole number from 0 to 16, not "-1"',
    ],
    [
      '/v1/terminal/bills?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z',
      'must not be after `to`',
    ],
  ])('%s is told what it may be', async (path, message) => {
    const problem = await problemOf(await call(bench, 'GET', path));
    expect(problem).toMatchObject({ status: 400, errors: [{ message }] });
  });

  test('may name a time twice: nothing lies between', async () => {
    const path = '/v1/terminal/bills?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z';
    expect((await call(bench, 'GET', path)).status).toBe(200);
  });
});

describe('correlation', () => {
  test('takes the caller’s request id and echoes it with traceparent', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const response = await call(bench, 'GET', '/healthz', {
      headers: { 'X-Request-Id': 'till-7.42', traceparent },
    });
    expect(response.headers.get('x-request-id')).toBe('till-7.42');
    expect(response.headers.get('traceparent')).toBe(traceparent);
  });

  test.each(['', 'a b', 'x'.repeat(129), '<script>'])('makes one for “%s”', async (given) => {
    const headers = { 'X-Request-Id': given, traceparent: 'nonsense' };
    const response = await call(bench, 'GET', '/healthz', { headers });
    expect(response.headers.get('x-request-id')).toBe('made-1');
    expect(response.headers.get('traceparent')).toBeNull();
  });
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
  const release = `/v1/paychannel/bills/${billId(1)}/reservations/r`;
  const path = `/v1/terminal/bills/${billId(1)}`;
  const connection = await RawConnection.open(bench.gateway.port);
  const ask = async (method: string, path: string, key: string): Promise<number | undefined> => {
    const before = connection.statuses.length;
    await connection.write(requestBytes({ method, path, key }));
    await expect.poll(() => connection.statuses.length).toBe(before + 1);
    return connection.statuses.at(-1);
  };
  for (let i = 0; i < 2; i++) {
    expect(await ask('DELETE', release, keys.paychannel)).toBe(204);
    expect(await ask('GET', path, keys.terminal)).toBe(200);
    expect(await ask('HEAD', path, keys.terminal)).toBe(200);
    expect(await ask('GET', path, 'nobody')).toBe(401);
  }
  connection.abort();
  const [released = '', got = '', head = ''] = connection.heard.split(/(?=HTTP\/1\.1 )/);
  // RFC 9110, section 8.6: never with 204, and with HEAD what GET would say.
  expect(released).not.toMatch(/content-length/i);
  const lengthOf = (answer: string) => /content-length: (\d+)\r\n/i.exec(answer)?.[1];
  expect(lengthOf(head)).toBe(lengthOf(got));
  expect(head.endsWith('\r\n\r\n')).toBe(true);
});
