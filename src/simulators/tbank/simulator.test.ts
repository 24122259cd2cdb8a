import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import type { BankSimulator } from '../simulator.ts';
import { startTbank } from './simulator.ts';
import { tokenOf } from './token.ts';

const TERMINAL = { terminalKey: 'till-DEMO', password: 'secret' };
const INIT = { TerminalKey: 'till-DEMO', Amount: 19_200, OrderId: '21090' };
const HOUR_MS = 3_600_000;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

interface Stage {
  readonly clock: ManualClock;
  readonly simulator: BankSimulator;
  call(name: string, members: object, token?: string): Promise<Record<string, unknown>>;
  control(method: string, path: string, body?: object): Promise<Response>;
}

async function stage(settings: object = {}): Promise<Stage> {
  const clock = new ManualClock();
  const simulator = await startTbank({ terminals: [TERMINAL], ...settings }, { clock });
  closing.push(() => simulator.close());
  return {
    clock,
    simulator,
    call: async (name, members, token) => {
      const all = { TerminalKey: TERMINAL.terminalKey, ...members };
      const response = await fetch(`${simulator.url}/v2/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...all, Token: token ?? tokenOf({ ...all }, TERMINAL.password) }),
      });
      expect(response.status).toBe(200);
      return (await response.json()) as Record<string, unknown>;
    },
    control: (method, path, body) =>
      fetch(`${simulator.url}/_sim/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

/** Somebody who is told of payments, and says OK once `isWilling`. */
async function listener() {
  const told: Record<string, unknown>[] = [];
  const state = { isWilling: true };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      told.push(JSON.parse(body) as Record<string, unknown>);
      response.end(state.isWilling ? 'OK' : '{"ok":true}');
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  closing.push(
    () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  );
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/told`;
  return { told, state, url };
}

describe('the simulated T-Bank', () => {
  test.each([
    ['20', 'a number that it has', INIT, undefined],
    ['2', 'no order', { Amount: 19_200 }, undefined],
    ['240', 'a broken amount', { ...INIT, OrderId: '2', Amount: 12.5 }, undefined],
    ['620', 'no amount', { ...INIT, OrderId: '2', Amount: 0 }, undefined],
    ['251', 'a tiny amount', { ...INIT, OrderId: '2', Amount: 99 }, undefined],
    ['12', 'a time that is none', { ...INIT, OrderId: '2', RedirectDueDate: 'soon' }, undefined],
    [
      '3017',
      'a time too far off',
      { ...INIT, OrderId: '2', RedirectDueDate: '2999-01-01T00:00:00+03:00' },
      undefined,
    ],
    ['204', 'a wrong signature', { ...INIT, OrderId: '2' }, 'f'.repeat(64)],
    ['205', 'another terminal', { ...INIT, OrderId: '2', TerminalKey: 'nobody' }, undefined],
  ])('answers %s to %s, as HTTP 200', async (code, _what, members, token) => {
    const { call } = await stage();
    expect(await call('Init', INIT)).toMatchObject({
      Success: true,
      ErrorCode: '0',
      Status: 'NEW',
    });

    expect(await call('Init', members, token)).toMatchObject({ Success: false, ErrorCode: code });
  });

  test.each([
    ['255', 'GetState', { PaymentId: '1' }],
    ['237', 'GetState', { PaymentId: 'x' }],
    ['335', 'CheckOrder', { OrderId: 'none' }],
    ['2', 'Cancel', {}],
  ])('answers %s to %s of what is not there', async (code, name, members) => {
    const { call } = await stage();

    expect(await call(name, members)).toMatchObject({ Success: false, ErrorCode: code });
  });

  test('makes no code of an amount that SBP does not take, nor where it is not switched on', async () => {
    const { call } = await stage();
    const { PaymentId } = await call('Init', { ...INIT, Amount: 999 });
    expect(await call('GetQr', { PaymentId })).toMatchObject({ ErrorCode: '3016' });

    const off = await stage({ terminals: [{ ...TERMINAL, sbp: false }] });
    const other = await off.call('Init', INIT);
    expect(await off.call('GetQr', { PaymentId: other.PaymentId })).toMatchObject({
      ErrorCode: '3001',
    });
  });

  test('spells a payment’s number as its papers do: text, and a number with the code', async () => {
    const { call } = await stage();
    const { PaymentId } = await call('Init', INIT);
    const code = await call('GetQr', { PaymentId });

    expect(PaymentId).toMatch(/^\d{10}$/);
    expect(code.PaymentId).toBe(Number(PaymentId));
    expect(await call('CheckOrder', { OrderId: '21090' })).toMatchObject({
      Payments: [{ PaymentId, Success: 'true', ErrorCode: 0 }],
    });
  });

  test('pays by the bank’s own test call, rejects and expires by it too', async () => {
    const { call } = await stage();
    const ids: unknown[] = [];
    for (const OrderId of ['a', 'b', 'c']) {
      const { PaymentId } = await call('Init', { ...INIT, OrderId });
      await call('GetQr', { PaymentId });
      ids.push(PaymentId);
    }
    await call('SbpPayTest', { PaymentId: ids[0] });
    await call('SbpPayTest', { PaymentId: ids[1], IsRejected: true });
    await call('SbpPayTest', { PaymentId: ids[2], IsDeadlineExpired: true });

    const states = await Promise.all(ids.map((PaymentId) => call('GetState', { PaymentId })));
    expect(states.map(({ Status }) => Status)).toEqual([
      'CONFIRMED',
      'REJECTED',
      'DEADLINE_EXPIRED',
    ]);
    expect(await call('SbpPayTest', { PaymentId: ids[0] })).toMatchObject({ ErrorCode: '8' });
  });

  test('refunds twice what it is asked twice, whatever ExternalRequestId says', async () => {
    const { call } = await stage();
    const { PaymentId } = await call('Init', INIT);
    await call('GetQr', { PaymentId });
    await call('SbpPayTest', { PaymentId });
    const refund = { PaymentId, Amount: 5_000, ExternalRequestId: 'same' };

    expect(await call('Cancel', refund)).toMatchObject({
      OriginalAmount: 19_200,
      NewAmount: 14_200,
    });
    expect(await call('Cancel', refund)).toMatchObject({
      OriginalAmount: 14_200,
      NewAmount: 9_200,
    });
    expect(await call('GetState', { PaymentId })).toMatchObject({
      Status: 'PARTIAL_REFUNDED',
      Amount: 9_200,
    });
    expect(await call('Cancel', { PaymentId })).toMatchObject({ ErrorCode: '330' });
  });

  test('fails a refund on its way, and tells of it by the refund’s own state', async () => {
    const { call, clock, simulator } = await stage({ refundDelayMs: 1_000 });
    const { PaymentId } = await call('Init', INIT);
    await call('GetQr', { PaymentId });
    await call('SbpPayTest', { PaymentId });
    simulator.bank.refuseRefunds('3031', 1);

    expect(await call('Cancel', { PaymentId })).toMatchObject({ Status: 'ASYNC_REFUNDING' });
    expect(await call('Cancel', { PaymentId })).toMatchObject({ ErrorCode: '4' });
    clock.advance(1_000);
    expect(await call('GetState', { PaymentId })).toMatchObject({ Status: 'CONFIRMED' });
    expect(await call('GetQrState', { PaymentId })).toMatchObject({
      Status: 'REJECTED',
      QrCancelCode: 'I05043',
    });
    expect(await call('Cancel', { PaymentId })).toMatchObject({ ErrorCode: '3029' });
  });

  test('shows a refund in Amount from its beginning where it is set so, and no more where it fails', async () => {
    const { call, clock, simulator } = await stage({
      refundDelayMs: 1_000,
      refundShowsAtOnce: true,
    });
    const { PaymentId } = await call('Init', INIT);
    await call('GetQr', { PaymentId });
    await call('SbpPayTest', { PaymentId });
    simulator.bank.refuseRefunds('3031', 1);
    const { Amount: whole } = await call('GetState', { PaymentId });
    const part = Number(whole) / 2;

    await call('Cancel', { PaymentId, Amount: part });
    expect(await call('GetState', { PaymentId })).toMatchObject({
      Status: 'ASYNC_REFUNDING',
      Amount: part,
    });
    clock.advance(1_000);
    expect(await call('GetState', { PaymentId })).toMatchObject({
      Status: 'CONFIRMED',
      Amount: whole,
    });
  });

  test('lives the same life for the same seed', async () => {
    const lives = await Promise.all([stage({ seed: 7 }), stage({ seed: 7 }), stage({ seed: 8 })]);
    const ids = await Promise.all(lives.map(({ call }) => call('Init', INIT)));

    expect(ids[0]).toEqual(ids[1]);
    expect(ids[2]?.PaymentId).not.toBe(ids[0]?.PaymentId);
  });
});

describe('notifications of the simulated T-Bank', () => {
  const payment = async ({ call }: Stage, url: string): Promise<unknown> => {
    const { PaymentId } = await call('Init', { ...INIT, NotificationURL: url });
    await call('GetQr', { PaymentId });
    return PaymentId;
  };

  test('are signed, and come for AUTHORIZED and CONFIRMED', async () => {
    const at = await stage();
    const { told, url } = await listener();
    await at.call('SbpPayTest', { PaymentId: await payment(at, url) });
    await at.simulator.bank.courier.settled();

    expect(told.map(({ Status }) => Status).sort()).toEqual(['AUTHORIZED', 'CONFIRMED']);
    for (const message of told) expect(message.Token).toBe(tokenOf(message, TERMINAL.password));
    expect(at.simulator.bank.courier.figures).toEqual({
      sent: 2,
      taken: 2,
      waiting: 0,
      givenUp: 0,
    });
  });

  test.each([
    ['a day', false, 24],
    ['a month after that, daily', true, 24 + 30],
  ])('not answered by OK come again, hourly for %s', async (_how, notifiesForAMonth, times) => {
    const at = await stage({ notifiesForAMonth });
    const { told, url, state } = await listener();
    state.isWilling = false;
    const PaymentId = await payment(at, url);
    await at.call('Cancel', { PaymentId });
    const { courier } = at.simulator.bank;
    await courier.settled();
    expect(told).toHaveLength(1);

    for (let i = 0; i < 40 * 24; i++) {
      at.clock.advance(HOUR_MS);
      await courier.settled();
    }
    expect(told).toHaveLength(1 + times);
    expect(courier.figures).toMatchObject({ waiting: 0, givenUp: 1 });
  });

  test('come at once when they are asked for', async () => {
    const at = await stage();
    const { told, url, state } = await listener();
    state.isWilling = false;
    await at.call('Cancel', { PaymentId: await payment(at, url) });
    await at.simulator.bank.courier.settled();
    state.isWilling = true;

    expect(await at.call('Resend', {})).toMatchObject({ Count: 1 });
    await at.simulator.bank.courier.settled();
    expect(told).toHaveLength(2);
    expect(await at.call('Resend', {})).toMatchObject({ Count: 0 });
  });

  test('come twice and in another order, on request', async () => {
    const at = await stage({ seed: 3 });
    const { told, url } = await listener();
    await at.control('POST', 'notifications', { copies: 2, hold: true });
    const PaymentId = await payment(at, url);
    await at.call('SbpPayTest', { PaymentId });
    await at.call('Cancel', { PaymentId, Amount: 100 });
    expect(told).toEqual([]);

    await at.control('POST', 'notifications', { hold: false });
    await at.simulator.bank.courier.settled();
    expect(told.map(({ Status }) => Status).sort()).toEqual([
      'AUTHORIZED',
      'AUTHORIZED',
      'CONFIRMED',
      'CONFIRMED',
      'PARTIAL_REFUNDED',
      'PARTIAL_REFUNDED',
    ]);
  });
});

describe('the control API', () => {
  test('pays, gives back by hand and shows the books', async () => {
    const { call, control } = await stage();
    const { PaymentId } = await call('Init', INIT);
    expect((await control('POST', 'pay', { what: PaymentId })).status).toBe(409);
    await call('GetQr', { PaymentId });

    expect((await control('POST', 'pay', { what: '21090' })).status).toBe(200);
    const byHand = { what: '21090', amount: 1_000 };
    expect((await control('POST', 'refunds/by-hand', byHand)).status).toBe(200);
    expect(await (await control('GET', 'books')).json()).toMatchObject({
      orders: [{ order: '21090', paid: 19_200, returned: 1_000, refunds: [{ by: 'hand' }] }],
    });
  });

  test.each([
    ['POST', 'pay', { what: 'nobody' }, 409],
    ['POST', 'pay', { who: 'x' }, 400],
    ['POST', 'faults', { kind: 'odd' }, 400],
    ['POST', 'refunds/refuse', { code: '77' }, 409],
    ['GET', 'pay', undefined, 404],
  ])('says what is wrong with %s %s of %j', async (method, path, body, status) => {
    const { control } = await stage();
    const response = await control(method, path, body);

    expect(response.status).toBe(status);
    expect(await response.json()).toHaveProperty('fault');
  });

  test('orders faults, call by call, of one path or all, and clears them', async () => {
    const { call, control, simulator } = await stage();
    const status = async () => (await fetch(`${simulator.url}/v2/Init`, { method: 'POST' })).status;
    await control('POST', 'faults', { kind: 'status', status: 503, count: 2, path: '/Init' });

    expect(await call('Resend', {})).toMatchObject({ Success: true });
    expect([await status(), await status(), await status()]).toEqual([503, 503, 415]);
    await control('POST', 'faults', { kind: 'lost' });
    await expect(status()).rejects.toThrow('fetch failed');
    await control('POST', 'faults', { kind: 'status' });
    await control('DELETE', 'faults');
    expect(await status()).toBe(415);
  });
});
