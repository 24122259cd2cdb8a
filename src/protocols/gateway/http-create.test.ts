import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { billId, makeBill, NOON } from '../../../tests/support/bill-fixtures.ts';
import { type Bench, startBench } from '../../../tests/support/fake-door.ts';
import { call, problemOf } from '../../../tests/support/http-client.ts';
import { must } from '../../domain/assert.ts';
import { shardOfBill } from '../../domain/ids.ts';
import { NEVER } from '../../domain/time.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(() => {
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

/** What a create asks for. */
function termsIn(request: ReturnType<Bench['door']['asked']>[number] | undefined): object {
  const { operation } = must(request, 'a request');
  return operation.op === 'bill.create' ? operation.terms : {};
}

const newBill = { orderId: 'order-1', amount: 1_000, currency: 'EUR' };

const poster = { ...newBill, type: 'static' };
const lateOf = (order: object): object => ({ ...order, policies: { late: 'accept' } });

const bill = (created = false) => ({ kind: 'bill', bill: makeBill(), created, now: NOON }) as const;

describe('a create', () => {
  test('reaches the shard of its order with whole terms, and its answer is the shard’s', async () => {
    bench.door.script = () => bill(true);
    const response = await call(bench, 'POST', '/v1/terminal/bills', {
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
    await call(bench, 'POST', '/v1/terminal/bills', { body: { orderId, amount, currency } });
    await call(bench, 'POST', '/v1/terminal/bills', { body: { currency, orderId, amount } });
    await call(bench, 'POST', '/v1/terminal/bills', {
      body: { currency, orderId, amount: amount + 1 },
    });
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
      'a return address of two lines',
      { ...newBill, returnUrl: 'https://a.example/\r\nb' },
      'returnUrl',
    ],
    [
      'a return address and a line’s end',
      { ...newBill, returnUrl: 'https://a.example\n' },
      'returnUrl',
    ],
    [
      'a policy that is none',
      { ...newBill, policies: { unconfirmed: 'ignore' } },
      'policies.unconfirmed',
    ],
    ['a policy unheard of', { ...newBill, policies: { early: 'x' } }, 'policies.early'],
    ['a late payment of a dynamic bill', lateOf({ ...newBill }), 'policies.late'],
    ['a late payment of many', lateOf({ ...poster, usage: 'many' }), 'policies.late'],
    ['parts of a static bill', { ...poster, policies: { part: 'allow' } }, 'policies.part'],
    ['a tip of no kind', { ...newBill, tip: { allowed: 'yes' } }, 'tip.allowed'],
    ['a tip of nothing', { ...newBill, tip: { allowed: true, max: 0 } }, 'tip.max'],
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
    const problem = await problemOf(await call(bench, 'POST', '/v1/terminal/bills', { body }));
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
    const problem = await problemOf(await call(bench, 'POST', '/v1/terminal/bills', { body }));
    expect(problem.errors).toHaveLength(20);
  });

  const { amount: _, ...unpriced } = newBill;
  const range = { ...unpriced, type: 'static', minAmount: 100, maxAmount: 500 };

  test.each([
    ['amount', unpriced],
    ['minAmount', { ...newBill, minAmount: 1 }],
    ['usage', { ...newBill, usage: 'many' }],
    ['validUntil', { ...newBill, validUntil: '2030-01-01T00:00:00Z' }],
    ['amount', { ...unpriced, type: 'static' }],
    ['amount', { ...newBill, type: 'static', amount: 0 }],
    ['amount', { ...range, amount: 200 }],
    ['minAmount', { ...unpriced, type: 'static', maxAmount: 5 }],
    ['maxAmount', { ...unpriced, type: 'static', minAmount: 5 }],
    ['maxAmount', { ...range, maxAmount: 99 }],
    ['maxPayments', { ...range, maxPayments: 3 }],
    ['maxTotal', { ...range, usage: 'single', maxTotal: 1_000 }],
    ['maxTotal', { ...range, usage: 'many', maxTotal: 99 }],
    ['maxTotal', { ...range, usage: 'many', maxTotal: 9_000_000_000_000_001 }],
    ['maxPayments', { ...range, usage: 'many', maxPayments: 0 }],
    [
      'validUntil',
      { ...range, validFrom: '2030-01-02T00:00:00Z', validUntil: '2030-01-02T00:00:00Z' },
    ],
    ['expiresIn', { ...range, validUntil: '2030-01-02T00:00:00Z', expiresIn: 900 }],
  ])('whose %s does not fit its type is 400 and names it', async (path, body) => {
    const problem = await problemOf(await call(bench, 'POST', '/v1/terminal/bills', { body }));
    expect(problem).toMatchObject({ status: 400, code: 'request.invalid' });
    expect(problem.errors).toEqual([{ path, message: expect.any(String) }]);
  });

  test('of a static bill carries its offer, auto by default and without an end', async () => {
    const body = { ...range, usage: 'many', maxPayments: 3, maxTotal: 900 };
    await call(bench, 'POST', '/v1/terminal/bills', { body });
    const [request] = bench.door.asked('bill.create');
    expect(termsIn(request)).toMatchObject({
      type: 'static',
      amount: 0,
      capture: 'auto',
      validUntil: NEVER,
      offer: {
        usage: 'many',
        minAmount: 100,
        maxAmount: 500,
        maxPayments: 3,
        maxTotal: 900,
        validFrom: null,
      },
    });
  });

  test.each([
    [{ 'Content-Encoding': 'gzip' }, /gzip/],
    [{ 'Content-Type': 'application/json; charset=iso-8859-1' }, /iso-8859-1/],
    [{ 'Content-Type': 'application/json;charset="UTF-16"' }, /utf-16/],
  ])('with %j is 415, which says why', async (more, detail) => {
    const headers = { 'Content-Type': 'application/json', ...more };
    const response = await call(bench, 'POST', '/v1/terminal/bills', { body: newBill, headers });
    expect(await problemOf(response)).toMatchObject({
      status: 415,
      code: 'request.unsupportedType',
      detail: expect.stringMatching(detail),
    });
    expect(bench.door.requests).toEqual([]);
  });

  test.each([
    { 'Content-Encoding': 'identity' },
    { 'Content-Type': 'application/json; charset=utf-8' },
    { 'Content-Type': 'application/json; charset="UTF8"' },
  ])('with %j is read', async (more) => {
    const headers = { 'Content-Type': 'application/json', ...more };
    bench.door.script = () => ({ kind: 'bill', bill: makeBill(), created: true, now: NOON });
    const response = await call(bench, 'POST', '/v1/terminal/bills', { body: newBill, headers });
    expect(response.status).toBe(201);
  });

  test('that is not JSON by its type is 415', async () => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const response = await call(bench, 'POST', '/v1/terminal/bills', { raw: 'a=1', headers });
    expect(await problemOf(response)).toMatchObject({ status: 415 });
  });
});
