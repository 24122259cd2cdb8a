import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import type { BankSimulator } from '../simulator.ts';
import { startSber } from './simulator.ts';

const CLIENT = { clientId: 'id', clientSecret: 'secret', memberId: '00001234' };
const OUTLET = { idQr: 'device', tid: '12345678' };
const UID = '0123456789abcdef0123456789abcdef';
const SCOPE = 'https://api.sberbank.ru/qr/order.';
const scopes: Record<string, string> = {
  creation: `${SCOPE}create`,
  status: `${SCOPE}status`,
  revocation: `${SCOPE}revoke`,
  cancel: `${SCOPE}cancel`,
  registry: 'auth://qr/order.registry',
};

let simulator: BankSimulator | undefined;
afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function stage(settings: object = {}) {
  const clock = new ManualClock(Date.parse('2026-01-31T09:30:00Z'));
  const started = await startSber({ ...CLIENT, outlets: [OUTLET], ...settings }, { clock });
  simulator = started;
  const token = async (scope: string): Promise<string> => {
    const response = await fetch(`${started.url}/prod/tokens/v3/oauth`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa('id:secret')}`,
        rquid: UID,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
    });
    return ((await response.json()) as { access_token: string }).access_token;
  };
  const call = async (name: string, members: object, bearer?: string): Promise<Answered> => {
    const head = name === 'registry' ? {} : { rq_uid: UID, rq_tm: '2026-01-31T09:30:00Z' };
    const response = await fetch(`${started.url}/prod/qr/order/v3/${name}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${bearer ?? (await token(scopes[name] ?? ''))}`,
        rquid: UID,
      },
      body: JSON.stringify({ ...head, ...members }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { clock, bank: started.bank, call, token };
}

const ORDER = {
  member_id: '00001234',
  order_number: 'n-1',
  order_create_date: '2026-01-31T09:30:00Z',
  id_qr: 'device',
  order_sum: 15_000,
  currency: '643',
};

type Stage = Awaited<ReturnType<typeof stage>>;

async function paidOrder({ call, bank }: Stage, change: object = {}) {
  const { body } = await call('creation', { ...ORDER, ...change });
  bank.pay(String(body.order_id));
  const status = await call('status', { tid: '12345678', partner_order_number: 'n-1' });
  const [payment] = status.body.order_operation_params as Record<string, unknown>[];
  return {
    order_id: body.order_id,
    operation_id: payment?.operation_id,
    auth_code: payment?.auth_code,
    id_qr: 'device',
    tid: '12345678',
    operation_currency: '643',
  };
}

describe('the simulated Sber', () => {
  test('lets in who bears a token of the call’s own scope, for a minute', async () => {
    const { call, token, clock } = await stage();
    const bearer = await token(scopes.status ?? '');
    const question = { tid: '12345678', partner_order_number: 'none' };

    expect(await call('status', question, bearer)).toMatchObject({
      status: 200,
      body: { error_code: '100000' },
    });
    expect(await call('creation', ORDER, bearer)).toMatchObject({
      status: 401,
      body: { httpCode: '401' },
    });
    clock.advance(60_001);
    expect(await call('status', question, bearer)).toMatchObject({ status: 401 });
  });

  test.each([
    ['050000', 400, 'a member that it does not know', { extra: 1 }],
    ['050000', 400, 'a number too long', { order_number: 'x'.repeat(37) }],
    ['120000', 200, 'another partner', { member_id: '9' }],
    ['020000', 200, 'a device that is not there', { id_qr: 'other' }],
    ['160000', 200, 'dollars', { currency: '840' }],
    ['110000', 200, 'nothing', { order_sum: 0 }],
  ])('answers %s, as HTTP %i, to %s', async (error_code, status, _what, change) => {
    const { call } = await stage();

    expect(await call('creation', { ...ORDER, ...change })).toMatchObject({
      status,
      body: { error_code },
    });
  });

  test.each([
    ['refused', '010000', 1],
    ['same', '000000', 1],
    ['second', '000000', 2],
  ])('takes a repeated number as it is set to: %s', async (repeatedOrderNumber, code, count) => {
    const { call, bank } = await stage({ repeatedOrderNumber });
    await call('creation', ORDER);

    expect((await call('creation', ORDER)).body).toMatchObject({ error_code: code });
    expect(bank.books()).toHaveLength(count);
  });

  test('reverses once, within a day, and gives nothing back after it', async () => {
    const at = await stage();
    const back = { ...(await paidOrder(at)), cancel_operation_sum: 5_000 };

    expect((await at.call('cancel', { ...back, operation_type: 'REVERSE' })).body).toMatchObject({
      error_code: '000000',
      order_status: 'REVERSED',
      operation_sum: 5_000,
    });
    for (const operation_type of ['REVERSE', 'REFUND']) {
      expect((await at.call('cancel', { ...back, operation_type })).body).toMatchObject({
        error_code: '080000',
      });
    }
  });

  test('reverses neither after a day nor what came by SBP', async () => {
    const at = await stage();
    const late = {
      ...(await paidOrder(at)),
      cancel_operation_sum: 5_000,
      operation_type: 'REVERSE',
    };
    at.clock.advance(86_400_001);
    expect((await at.call('cancel', late)).body).toMatchObject({ error_code: '170000' });

    await simulator?.close();
    const other = await stage();
    const sbp = await paidOrder(other, { sbp_member_id: '100000000111' });
    const reversal = { ...sbp, cancel_operation_sum: 5_000, operation_type: 'REVERSE' };
    expect((await other.call('cancel', reversal)).body).toMatchObject({ error_code: '040000' });
  });

  test('refunds in parts up to the payment, all of them called REFUNDED', async () => {
    const at = await stage();
    const back = await paidOrder(at);

    for (const [cancel_operation_sum, error_code] of [
      [5_000, '000000'],
      [10_001, '070000'],
      [10_000, '000000'],
    ]) {
      const { body } = await at.call('cancel', { ...back, cancel_operation_sum });
      expect(body).toMatchObject({ error_code });
    }
    expect(at.bank.books()).toMatchObject([{ status: 'REFUNDED', returned: 15_000 }]);
    const wrong = { ...back, auth_code: '0', cancel_operation_sum: 1 };
    expect((await at.call('cancel', wrong)).body).toMatchObject({ error_code: '150000' });
  });

  test('lists what was successful in its registry, in another spelling', async () => {
    const at = await stage();
    await paidOrder(at);
    await at.call('creation', { ...ORDER, order_number: 'unpaid' });
    const question = {
      rqUid: UID,
      rqTm: '2026-01-31T09:30:00Z',
      idQR: 'device',
      startPeriod: '2026-01-31T00:00:00Z',
      endPeriod: '2026-02-01T00:00:00Z',
    };

    expect(
      (await at.call('registry', { ...question, registryType: 'QUANTITY' })).body,
    ).toMatchObject({
      errorCode: '000000',
      quantityData: { totalCount: 1, totalPaymentAmount: 15_000, totalAmount: 15_000 },
    });
    expect(
      (await at.call('registry', { ...question, registryType: 'REGISTRY' })).body,
    ).toMatchObject({
      registryData: {
        orderParams: {
          orderParam: [
            {
              partnerOrderNumber: 'n-1',
              orderState: 'PAID',
              orderOperationParams: { orderOperationParam: [{ operationType: 'PAY' }] },
            },
          ],
        },
      },
    });
  });

  test('pays by itself after a minute and times out on 60.02, where it is to be the sandbox', async () => {
    const { call, clock, bank } = await stage({ paysByItself: true });
    const timeOut = await call('creation', { ...ORDER, order_sum: 6_002 });
    expect(timeOut.status).toBe(504);
    expect(bank.books()).toEqual([]);

    await call('creation', ORDER);
    clock.advance(60_000);
    expect(bank.books()).toMatchObject([{ status: 'PAID' }]);
  });

  test('counts calls, and says how many are left', async () => {
    const { call, clock } = await stage({ rateLimit: 2 });
    const question = { tid: '12345678', partner_order_number: 'none' };

    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await call('status', question)).status);
    expect(statuses).toEqual([200, 200, 429]);
    clock.advance(1_000);
    expect((await call('status', question)).status).toBe(200);
  });
});
