import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  billId,
  makeAnswer,
  makeBill,
  NOON,
  paychannelId,
} from '../../../tests/support/bill-fixtures.ts';
import { BASE, type Bench, keys, passing, startBench } from '../../../tests/support/fake-door.ts';
import { call, problemOf } from '../../../tests/support/http-client.ts';
import { codesAt } from '../../../tests/support/qr-claims.ts';
import type { PresentBill } from '../../domain/bill/state.ts';
import { minor } from '../../domain/money.ts';
import { plus } from '../../domain/time.ts';
import type { ListFilter } from '../../switch/listings-port.ts';
import { PROBLEM_CODES } from '../problems.ts';
import { drawCode } from './codes.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(() => {
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

const bill = (created = false) => ({ kind: 'bill', bill: makeBill(), created, now: NOON }) as const;

describe('a wait', () => {
  test('goes to the shard, and ends at once when the gateway drains', async () => {
    bench.door.script = ({ operation }) =>
      operation.op === 'bill.get' && operation.waitMs > 0 ? 'hold' : bill();
    const path = `/v1/terminal/bills/${billId(1)}?wait=20&afterVersion=3`;
    const answer = call(bench, 'GET', path);
    await expect.poll(() => bench.door.held.length).toBe(1);
    expect(bench.door.held[0]?.request.operation).toMatchObject({
      waitMs: 20_000,
      afterVersion: 3,
    });
    const drained = bench.gateway.drain();
    expect((await answer).status).toBe(200);
    await passing(bench.clock, drained);
    await expect(call(bench, 'GET', '/healthz')).rejects.toThrow();
  });
});

describe('an order', () => {
  test('is found with its own terminal first', async () => {
    bench.door.script = () => bill();
    const response = await call(bench, 'GET', '/v1/terminal/bills?orderId=order-1');
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
    expect((await call(bench, 'GET', path)).status).toBe(200);
    expect(bench.door.asked('bill.get')[0]?.operation).toMatchObject({ billId: billId(9) });
    expect((await call(bench, 'GET', path, { key: keys.restricted })).status).toBe(404);
    expect((await call(bench, 'GET', path, { key: keys.merchant })).status).toBe(200);
    expect((await call(bench, 'GET', path, { key: keys.operator })).status).toBe(403);
  });
});

describe('a scanned text', () => {
  const codes = codesAt(BASE);
  const ours = codes.payloadOf({ id: billId(1), qrFormat: 'url' });

  test.each([
    [ours, 'bill.view', 200],
    [`${BASE}/q/${billId(1)}`, 'bill.view', 200],
    [` ${BASE.toUpperCase()}/Q/${billId(1).toLowerCase()}\n`, 'bill.view', 200],
    ['https://elsewhere.example/q/1', null, 404],
    [`${BASE}/q/nonsense`, null, 404],
    [`${ours}0`, null, 422],
  ])('%s', async (qr, op, status) => {
    bench.door.script = () => ({ kind: 'view', bill: makeBill(), paychannelId, now: NOON });
    const response = await call(bench, 'POST', '/v1/paychannel/resolve', {
      body: { qr },
      key: keys.paychannel,
    });
    expect(response.status).toBe(status);
    if (status === 422) expect(await problemOf(response)).toMatchObject({ code: 'qr.tampered' });
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
    ['one written with dots', { ...payment, payer: '4111.1111.1111.1111' }, 'payer'],
    ['a method of 33', { ...payment, method: 'x'.repeat(33) }, 'method'],
  ])('with %s is 400', async (_name, body, field) => {
    const response = await call(bench, 'POST', path, { body, key: keys.paychannel });
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
    expect((await call(bench, 'POST', path, { body, key: keys.paychannel })).status).toBe(200);
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
    const first = await (await call(bench, 'GET', '/v1/terminal/bills?limit=2&status=open')).json();
    expect(first).toMatchObject({
      asOf: '2026-01-05T12:00:00.000Z',
      nextCursor: expect.any(String),
    });
    expect((first as { items: unknown[] }).items).toHaveLength(2);
    bench.door.reachedAt = plus(NOON, 1_000);
    const { nextCursor } = first as { nextCursor: string };
    const second = await (
      await call(bench, 'GET', `/v1/terminal/bills?limit=2&cursor=${nextCursor}`)
    ).json();
    expect(second).toMatchObject({ asOf: '2026-01-05T12:00:00.000Z', nextCursor: null });
    expect(filters[1]).toMatchObject({ asOf: NOON, after: { at: NOON, id: billId(4), no: 0 } });
  });

  test('is 503 while a store is away', async () => {
    bench.gateway.close();
    const away = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    bench = await startBench({ listings: { credits: () => Promise.reject(away) } });
    const response = await call(bench, 'GET', '/v1/paychannel/credits', { key: keys.paychannel });
    expect(await problemOf(response)).toMatchObject({ status: 503, code: 'history.unavailable' });
    bench.errors.length = 0;
  });

  test('is 500 where a mistake of ours is found by Node.js, which names it as stores name theirs', async () => {
    bench.gateway.close();
    const wrong = Object.assign(new TypeError('of type string'), { code: 'ERR_INVALID_ARG_TYPE' });
    bench = await startBench({ listings: { credits: () => Promise.reject(wrong) } });
    const response = await call(bench, 'GET', '/v1/paychannel/credits', { key: keys.paychannel });
    expect(await problemOf(response)).toMatchObject({ status: 500, code: 'internal' });
    bench.errors.length = 0;
  });

  test('of a bill’s payments is for those who see the bill', async () => {
    expect((await call(bench, 'GET', `/v1/terminal/bills/${billId(1)}/payments`)).status).toBe(404);
    bench.door.script = () => bill();
    const response = await call(bench, 'GET', `/v1/terminal/bills/${billId(1)}/payments`);
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
    expect((await call(bench, 'GET', path)).status).toBe(404);
    bench.door.script = () => bill();
    const response = await call(bench, 'GET', `${path}?size=128&margin=1&ecc=H`);
    expect(response.headers.get('content-type')).toBe(type);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.toString(form === 'png' ? 'latin1' : 'utf8')).toContain(begin);
  });

  test('that no picture has room for is refused, and is missing on its page', async () => {
    const made = makeBill({ qrFormat: 'meadow', qrPayload: 'ж'.repeat(2_000) });
    bench.door.script = ({ operation }) =>
      operation.op === 'bill.page'
        ? { kind: 'page', bill: made, now: NOON }
        : { kind: 'bill', bill: made, created: false, now: NOON };
    const path = `/v1/terminal/bills/${billId(1)}/qr`;
    for (const form of ['svg', 'png', 'txt']) {
      const response = await call(bench, 'GET', `${path}.${form}`);
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({ code: 'qr.tooDense' });
    }
    const page = await call(bench, 'GET', `/q/${billId(1)}`, { key: null });
    expect(page.status).toBe(200);
    const html = await page.text();
    expect(html).toContain('The code of this bill cannot be shown here.');
    expect(html).toContain('It can be paid in First Wallet.');
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
    const response = await call(bench, 'GET', `/q/${billId(1)}`, { key: null });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-/,
    );
    expect(response.headers.get('cache-control')).toBe('no-store');
    const html = await response.text();
    expect(html).not.toContain('<script');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).toContain('1\u00a0234.56\u00a0EUR');
    expect(bench.door.requests[0]).toMatchObject({
      principal: null,
      operation: { op: 'bill.page' },
    });
  });

  test('of a bill to be paid has its code and its wallets, and of one that is paid neither', async () => {
    const codes = codesAt('https://pay.example');
    const shown = async (given: PresentBill): Promise<string> => {
      bench.door.script = () => ({ kind: 'page', bill: given, now: NOON });
      return (await call(bench, 'GET', `/q/${billId(1)}`, { key: null })).text();
    };
    const open = makeBill();
    const code = drawCode(codes.payloadOf(open.terms), 'svg', { size: 512 });
    const html = await shown(open);
    expect(html).toContain('body' in code ? code.body : '');
    expect(html).toContain('It can be paid in First Wallet.');
    const paid = await shown(makeBill({}, { status: 'paid' }));
    expect(paid).not.toContain('<svg');
    expect(paid).not.toContain('First Wallet');
  });

  test.each([`/q/${billId(1)}`, '/q/nonsense', '/problems/nonsense'])(
    '%s that does not exist is 404',
    async (path) => {
      const response = await call(bench, 'GET', path, { key: null });
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    },
  );

  test('stands for each problem, and one for all', async () => {
    const table = await (await call(bench, 'GET', '/docs/errors', { key: null })).text();
    for (const code of PROBLEM_CODES) {
      expect((await call(bench, 'GET', `/problems/${code}`, { key: null })).status).toBe(200);
      expect(table).toContain(`/problems/${code}`);
    }
  });

  test('answers a HEAD without a body', async () => {
    const response = await call(bench, 'HEAD', '/docs', { key: null });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(1_000);
  });
});

test('health, readiness and metrics need no key', async () => {
  expect(await (await call(bench, 'GET', '/healthz', { key: null })).json()).toEqual({
    status: 'ok',
  });
  expect(await (await call(bench, 'GET', '/readyz', { key: null })).json()).toEqual({
    ready: true,
  });
  expect(await (await call(bench, 'GET', '/metrics', { key: null })).text()).toBe(
    'qrswitch_up 1\n',
  );
});
