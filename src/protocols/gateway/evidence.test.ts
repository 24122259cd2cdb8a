import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { billId, makeAnswer, makeBill, NOON } from '../../../tests/support/bill-fixtures.ts';
import {
  BASE,
  type Bench,
  holderOf,
  keys,
  makePrincipals,
  startBench,
} from '../../../tests/support/fake-door.ts';
import { problemOf } from '../../../tests/support/http-client.ts';
import { contentDigest, type SigningWays, signedHeaders } from '../../../tests/support/signed.ts';
import { TestSocket } from '../../../tests/support/socket.ts';
import type { Demands } from '../../switch/directory.ts';

const [FIRST, SECOND] = [
  { id: 'key_1', secret: 'qrs_sign_one' },
  { id: 'key_2', secret: 'qrs_sign_two' },
];
const BILL = billId(1);
const PAYMENTS = `/v1/paychannel/bills/${BILL}/payments`;
const PAYMENT = JSON.stringify({ paymentRef: 'p', amount: 500, currency: 'EUR' });

let bench: Bench;
/** Of the paychannel; no other has any. */
let demands: Demands | undefined;
const sockets: TestSocket[] = [];

beforeEach(async () => {
  demands = {
    certificates: null,
    secrets: [
      { ...FIRST, expiresAt: NOON + 600_000 },
      { ...SECOND, expiresAt: null },
    ],
  };
  const principals = makePrincipals();
  bench = await startBench({
    options: {
      signedSince: NOON - 30_000,
      directory: {
        holderOfKey: (keyHash) => {
          const holder = holderOf(principals, keyHash);
          const isPaychannel = holder?.principal.kind === 'paychannel';
          return Promise.resolve(
            holder && isPaychannel && demands ? { ...holder, demands } : holder,
          );
        },
        keysUsed: () => Promise.resolve(),
        close: () => Promise.resolve(),
      },
    },
  });
  bench.door.script = () => ({
    kind: 'payment',
    bill: makeBill(),
    answer: makeAnswer(),
    created: true,
  });
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

interface Sent extends SigningWays {
  readonly key?: typeof FIRST;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  /** In place of what was signed. */
  readonly but?: {
    method?: string;
    path?: string;
    body?: string;
    headers?: Record<string, string>;
  };
  readonly headers?: Record<string, string>;
}

/** Signs one request and sends it, or another with its signature. */
async function send(sent: Sent = {}): Promise<Response> {
  const { key = FIRST, method = 'POST', path = PAYMENTS, headers, but = {}, ...ways } = sent;
  const body = method === 'GET' ? undefined : (sent.body ?? PAYMENT);
  const signed = await signedHeaders(
    {
      method,
      url: BASE + path,
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
    },
    key,
    { now: bench.clock.wall(), ...ways },
  );
  return sendAs({ method, path, body, ...but, headers: { ...signed, ...but.headers } });
}

function sendAs(of: {
  method: string;
  path: string;
  body?: string | undefined;
  headers: Record<string, string>;
}): Promise<Response> {
  const { method, path, body, headers } = of;
  return fetch(bench.url + path, {
    method,
    headers: {
      Authorization: `Bearer ${keys.paychannel}`,
      'Content-Type': 'application/json',
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
}

async function codeOf(answer: Response): Promise<unknown> {
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  return (await problemOf(answer)).code;
}

describe('a signed request', () => {
  test('is taken, by any live secret, whether its key is known already or not', async () => {
    expect((await send()).status).toBe(201);
    expect((await send()).status).toBe(201);
    expect((await send({ key: SECOND })).status).toBe(201);
    const get = await send({ method: 'GET', path: `${PAYMENTS}/p` });
    expect(get.status).toBe(201);
    expect(bench.door.requests).toHaveLength(4);
  });

  test('may cover its target as a whole, more of its headers, and a digest by SHA-512', async () => {
    const answers = await Promise.all([
      send({ fields: ['@method', '@target-uri', 'content-digest'] }),
      send({
        fields: ['content-digest', '@request-target', '@method', 'x-request-id'],
        headers: { 'x-request-id': 'r-1' },
      }),
      send({ headers: { 'content-digest': contentDigest(PAYMENT, 'sha512') } }),
      send({ method: 'GET', path: '/v1/paychannel/payments?limit=1' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 200]);
  });

  test('is refused where anything in it is not what was signed', async () => {
    const other = PAYMENT.replace('500', '501');
    const refused: readonly Sent[] = [
      { but: { body: other } },
      { but: { body: other, headers: { 'content-digest': contentDigest(other) } } },
      { but: { path: PAYMENTS.replace(BILL, billId(2)) } },
      { but: { path: `${PAYMENTS}?limit=1` } },
      { but: { method: 'PUT', path: PAYMENTS } },
      {
        method: 'GET',
        path: '/v1/paychannel/payments?limit=1',
        but: { path: '/v1/paychannel/payments' },
      },
      { key: { ...FIRST, secret: SECOND.secret } },
      { key: { ...FIRST, id: 'key_3' } },
    ];
    for (const sent of refused) {
      const answer = await send(sent);
      if (sent.but?.method === 'PUT') expect(answer.status).toBe(405);
      else expect([sent, await codeOf(answer)]).toEqual([sent, 'request.signatureInvalid']);
    }
    expect(bench.door.requests).toEqual([]);
  });

  test('is refused where the signature leaves out a part of it, and told which', async () => {
    const cases: readonly [Sent, string][] = [
      [{ fields: ['@path', 'content-digest'] }, '@method'],
      [{ fields: ['@method', 'content-digest'] }, '@path'],
      [{ fields: ['@method', '@path'] }, 'content-digest'],
      [
        { method: 'GET', path: '/v1/paychannel/payments?limit=1', fields: ['@method', '@path'] },
        '@query',
      ],
    ];
    for (const [sent, missing] of cases) {
      const problem = await problemOf(await send(sent));
      expect(problem).toMatchObject({
        code: 'request.signatureInvalid',
        detail: `It must cover ${missing}.`,
      });
    }
    expect(bench.door.requests).toEqual([]);
  });

  test('is taken once', async () => {
    const headers = await signedHeaders(
      { method: 'POST', url: BASE + PAYMENTS, body: PAYMENT },
      FIRST,
      {
        now: NOON,
      },
    );
    const request = { method: 'POST', path: PAYMENTS, body: PAYMENT, headers };
    const answers = await Promise.all(Array.from({ length: 5 }, () => sendAs(request)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401, 401, 401]);
    expect(await codeOf(await sendAs(request))).toBe('request.signatureReplayed');
    expect(bench.door.requests).toHaveLength(1);
  });

  test('that came with another body is not used up by it', async () => {
    const headers = await signedHeaders(
      { method: 'POST', url: BASE + PAYMENTS, body: PAYMENT },
      FIRST,
      {
        now: NOON,
      },
    );
    const request = { method: 'POST', path: PAYMENTS, body: PAYMENT, headers };
    await codeOf(await sendAs({ ...request, body: '{}' }));
    expect((await sendAs(request)).status).toBe(201);
  });

  test('is of now: neither old, nor from the future, nor from before the switch began', async () => {
    for (const ways of [{ created: -61 }, { created: 61 }, { created: -31 }, { expires: -1 }]) {
      expect([ways, await codeOf(await send(ways))]).toEqual([ways, 'request.signatureExpired']);
    }
    for (const ways of [{ created: -29 }, { created: 59 }, { expires: 5 }]) {
      expect([ways, (await send(ways)).status]).toEqual([ways, 201]);
    }
  });

  test('is refused by a secret that has come to its end', async () => {
    await send();
    bench.clock.advance(600_001);
    expect(await codeOf(await send())).toBe('request.signatureInvalid');
    expect((await send({ key: SECOND })).status).toBe(201);
  });
});

describe('a request without a signature', () => {
  const plain = { method: 'POST', path: PAYMENTS, body: PAYMENT, headers: {} };

  test('is refused where one is demanded, and so is anything in its place', async () => {
    expect(await codeOf(await sendAs(plain))).toBe('request.signatureMissing');
    expect(await codeOf(await sendAs(plain))).toBe('request.signatureMissing');
    const headers = { Signature: 'sig=:AAAA:', 'Signature-Input': 'nonsense' };
    expect(await codeOf(await sendAs({ ...plain, headers }))).toBe('request.signatureInvalid');
    expect(bench.door.requests).toEqual([]);
  });

  test('is taken where none is demanded, whatever it carries', async () => {
    demands = undefined;
    expect((await sendAs(plain)).status).toBe(201);
    const headers = { Signature: 'sig=:AAAA:', 'Signature-Input': 'nonsense' };
    expect((await sendAs({ ...plain, headers })).status).toBe(201);
  });

  test('is refused within a second of its being demanded', async () => {
    const demanded = demands;
    demands = undefined;
    expect((await sendAs(plain)).status).toBe(201);
    demands = demanded;
    bench.gateway.hear(true, [{ kind: 'paychannel', id: 'pay_1' }]);
    await expect.poll(async () => (await sendAs(plain)).status).toBe(401);
    expect((await send()).status).toBe(201);
  });
});

describe('a socket', () => {
  const URL_OF = `${BASE}/v1/paychannel/stream`;

  async function open(ways: { headers?: Record<string, string>; key?: string | null } = {}) {
    const { key = keys.paychannel, headers = {} } = ways;
    const socket = await TestSocket.open(`${bench.ws}/v1/paychannel/stream`, {
      ...(key === null ? {} : { key }),
      headers,
    });
    sockets.push(socket);
    return socket;
  }
  const signed = (ways: SigningWays = {}, by = FIRST) =>
    signedHeaders({ method: 'GET', url: URL_OF }, by, { now: bench.clock.wall(), ...ways });

  test('is signed for when it opens, and trusted from then on', async () => {
    for (const _known of [false, true]) {
      const socket = await open({ headers: await signed() });
      expect(await socket.ask({ id: 1, op: 'ping' })).toMatchObject({ status: 200 });
      bench.clock.advance(90_000);
      expect(await socket.ask({ id: 2, op: 'ping' })).toMatchObject({ status: 200 });
    }
  });

  test('takes its key in the first frame too', async () => {
    const socket = await open({ key: null, headers: await signed() });
    const auth = { op: 'auth', body: { key: keys.paychannel } };
    expect(await socket.ask(auth)).toMatchObject({ op: 'auth', status: 200 });
    const other = await open({ key: null });
    expect(await other.ask(auth)).toMatchObject({
      status: 401,
      body: { code: 'request.signatureMissing' },
    });
    expect(await other.end()).toMatchObject({ code: 4401, reason: 'request.signatureMissing' });
  });

  test('that is not signed for, or with a signature that was used or is old, is closed', async () => {
    const used = await signed();
    await open({ headers: used });
    const cases: readonly [Record<string, string>, string][] = [
      [{}, 'request.signatureMissing'],
      [used, 'request.signatureReplayed'],
      [await signed({ created: -61 }), 'request.signatureExpired'],
      [await signed({}, { ...FIRST, secret: 'another' }), 'request.signatureInvalid'],
    ];
    for (const [headers, reason] of cases) {
      const socket = await open({ headers });
      expect(await socket.end()).toMatchObject({ code: 4401, reason });
    }
  });

  test('ends with the secret that signed for it, and not with another', async () => {
    const [first, second] = [
      await open({ headers: await signed() }),
      await open({ headers: await signed({}, SECOND) }),
    ];
    await Promise.all([first, second].map((socket) => socket.ask({ id: 1, op: 'ping' })));
    demands = {
      certificates: null,
      secrets: (demands?.secrets ?? []).filter(({ id }) => id === SECOND.id),
    };
    bench.gateway.hear(true, [{ kind: 'paychannel', id: 'pay_1' }]);
    await expect
      .poll(() => {
        bench.clock.advance(1);
        return first.closed !== null;
      })
      .toBe(true);
    expect(await first.end()).toMatchObject({ code: 4401, reason: 'request.signatureInvalid' });
    expect(await second.ask({ id: 2, op: 'ping' })).toMatchObject({ status: 200 });
  });
});
