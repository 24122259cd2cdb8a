// What nobody should send, and what it is answered: a problem that names the field, and nothing half-done.

import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done, fresh, type HttpParty, type Problem, StreamParty } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

describe('bad input', () => {
  let world: World;
  let till: HttpParty;

  beforeAll(async () => {
    world = await World.start(postgresAlone);
    till = world.http('terminal');
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const order = (): Record<string, unknown> => ({
    orderId: fresh('order'),
    amount: 1000,
    currency: 'EUR',
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['an unknown field', { colour: 'red' }, 'colour'],
    ['a negative amount', { amount: -1 }, 'amount'],
    ['an amount with a fraction', { amount: 1.5 }, 'amount'],
    ['an amount above 10^12', { amount: 1_000_000_000_001 }, 'amount'],
    ['an amount as text', { amount: '1000' }, 'amount'],
    ['no amount', { amount: undefined }, 'amount'],
    ['no such currency', { currency: 'EURO' }, 'currency'],
    ['a currency that was never one', { currency: 'XQZ' }, 'currency'],
    ['an order with a space', { orderId: 'a b' }, 'orderId'],
    ['an order too long', { orderId: 'x'.repeat(65) }, 'orderId'],
    ['an expiry of 31 days', { expiresIn: 31 * 86_400 }, 'expiresIn'],
    ['an expiry of nothing', { expiresIn: 0 }, 'expiresIn'],
    ['U+0000', { description: 'a\u0000b' }, 'description'],
    ['half a surrogate pair', { description: 'a\ud800b' }, 'description'],
    ['U+0000 deep down', { metadata: { a: '\u0000' } }, 'metadata.a'],
    [
      'too much metadata',
      { metadata: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, 'v'])) },
      'metadata',
    ],
    ['a line without a name', { lines: [{ quantity: 1, price: 1, amount: 1 }] }, 'lines[0].name'],
    ['a policy that is none', { policies: { unconfirmed: 'ignore' } }, 'policies.unconfirmed'],
    ['a policy of other bills', { policies: { late: 'accept' } }, 'policies.late'],
    ['an address that is none', { returnUrl: 'javascript:alert(1)' }, 'returnUrl'],
  ])('with %s is refused by the name of the field', async (_what, wrong, path) => {
    const body = { ...order(), ...wrong };
    const { orderId } = body as { orderId: string };
    const answer = await till.ask('bill.create', body);
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', retryable: false },
    });
    expect((answer.body as Problem).errors?.map((each) => each.path)).toContain(path);
    if (/^[\w-]+$/.test(orderId) && orderId.length < 65) {
      expect((await till.ask('bill.list', { orderId })).status).toBe(404);
    }
  });

  test('through an acquirer that is not set up is told that there is none', async () => {
    const answer = await till.ask('bill.create', { ...order(), acquirer: 'x' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'acquirer.unknown' } });
  });

  test('of an amount of nothing is well-formed but impossible', async () => {
    expect(await till.ask('bill.create', { ...order(), amount: 0 })).toMatchObject({
      status: 422,
      body: { code: 'bill.amountZero' },
    });
  });

  test('takes the largest amount there is, exactly', async () => {
    const msgpack = await world.stream('terminal', 'msgpack');
    const wallet = await world.stream('paychannel', 'msgpack');
    const { id: billId } = await done(msgpack, 'bill.create', {
      ...order(),
      amount: 1_000_000_000_000,
    });
    const paid = await done(wallet, 'payment.create', {
      billId,
      paymentRef: 'p',
      amount: 999_999_999_999,
      currency: 'EUR',
    });
    expect(paid.bill).toMatchObject({ paid: 999_999_999_999, due: 1 });
    expect(await done(till, 'bill.get', { billId })).toMatchObject({
      amount: 1_000_000_000_000,
      paid: 999_999_999_999,
    });
  });

  test('without an Idempotency-Key is refused where one is needed', async () => {
    const { id: billId } = await done(till, 'bill.create', order());
    expect(await till.ask('bill.refund', { billId, amount: 1 })).toMatchObject({
      status: 400,
      body: { code: 'request.keyMissing' },
    });
    expect(await till.ask('bill.cancel', { billId, amount: 1 })).toMatchObject({
      status: 400,
      body: { code: 'request.keyMissing' },
    });
    const bad = await till.ask('bill.refund', { billId, amount: 1, idempotencyKey: 'a b' });
    expect(bad).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
  });

  test('that is no JSON, no object, too large or of another type is said to be so', async () => {
    const path = '/v1/terminal/bills';
    for (const content of [
      '{"orderId":',
      '[]',
      '"text"',
      'null',
      '',
      '{"orderId":"a","orderId":"b","amount":1,"currency":"EUR"}x',
      Buffer.from([0x7b, 0xff, 0x7d]),
    ]) {
      expect((await till.send('bill.create', 'POST', path, content)).status, String(content)).toBe(
        400,
      );
    }
    const large = JSON.stringify({ ...order(), description: 'x'.repeat(70_000) });
    expect((await till.send('bill.create', 'POST', path, large)).status).toBe(413);
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await till.send('bill.create', 'POST', path, 'a=1', form)).status).toBe(415);
    const deep = `${`{"a":`.repeat(5000)}1${'}'.repeat(5000)}`;
    expect((await till.send('bill.create', 'POST', path, deep)).status).toBe(400);
    const base = world.process.baseUrl;
    const nowhere = await fetch(`${base}/v1/terminal/nothing`);
    expect(nowhere.status).toBe(404);
    expect(nowhere.headers.get('content-type')).toBe('application/problem+json');
    const wrong = await fetch(`${base}/v1/terminal/bills`, { method: 'PATCH' });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toContain('POST');
  });

  test('is answered with the request id that came with it', async () => {
    const headers = { 'X-Request-Id': 'my-request.1' };
    const answer = await till.send('bill.create', 'POST', '/v1/terminal/bills', '{}', headers);
    expect(answer.headers.get('x-request-id')).toBe('my-request.1');
    expect(answer.body).toMatchObject({ requestId: 'my-request.1' });
    const made = await till.send('bill.create', 'POST', '/v1/terminal/bills', '{}');
    expect(made.headers.get('x-request-id')).toBe((made.body as Problem).requestId);
  });

  test('has a page for each of its codes', async () => {
    const base = world.process.baseUrl;
    const table = await (await fetch(`${base}/docs/errors`)).text();
    for (const code of [
      'request.invalid',
      'bill.notPayable',
      'payment.refReused',
      'outcome.unknown',
      'acquirer.unknown',
    ]) {
      expect(table).toContain(code);
      const page = await fetch(`${base}/problems/${code}`);
      expect(page.status).toBe(200);
      expect(await page.text()).toContain(code);
    }
    expect((await fetch(`${base}/problems/none`)).status).toBe(404);
  });

  test('over a WebSocket is answered, and closes it only when it does not end', async () => {
    const stream = await world.stream('terminal');
    expect(await stream.ask('bill.create', { nonsense: 1 })).toMatchObject({ status: 400 });
    expect(await stream.ask('payment.create' as never, {})).toMatchObject({ status: 400 });
    stream.sendRaw('{"id":');
    stream.sendRaw(Buffer.from([1, 2, 3]));
    expect(await stream.ask('bill.create', order())).toMatchObject({ status: 201 });
    for (let i = 0; i < 20; i++) stream.sendRaw('garbage');
    expect((await stream.closed).code).toBe(1007);
    const msgpack = await StreamParty.connect(
      world.process.baseUrl,
      'terminal',
      world.keys.terminal,
      world.answers,
      'msgpack',
    );
    msgpack.sendRaw(Buffer.from([0xc1, 0xff, 0xff]));
    expect(await msgpack.ask('bill.create', order())).toMatchObject({ status: 201 });
    await msgpack.close();
  });

  test('on a bare socket does not harm anybody else', async () => {
    const attacks = [
      'GARBAGE\r\n\r\n',
      `POST /v1/terminal/bills HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST /v1/terminal/bills HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${world.keys.terminal}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"ord`,
      `GET /v1/terminal/events?wait=30 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${world.keys.terminal}\r\n\r\n`,
      `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
    ];
    for (const attack of attacks) {
      await new Promise<void>((gone) => {
        const socket = connect(world.process.port, '127.0.0.1', () => {
          socket.write(attack, () => socket.destroy());
        });
        socket.on('close', () => gone());
        socket.on('error', () => undefined);
      });
    }
    expect((await till.ask('bill.create', order())).status).toBe(201);
    expect(world.process.hasEnded).toBe(false);
  });
});
