// Paychannels whose requests must be signed: from the operator's call to the last signature by a secret that is withdrawn.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done, fresh } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { type Key, OperatorParty, type Party } from '../support/operator.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { type SigningKey, signedHeaders } from '../support/signed.ts';
import { TestSocket } from '../support/socket.ts';
import { World } from '../support/world.ts';

const WITHIN = { timeout: 30_000, interval: 20 };

describe('a paychannel whose requests must be signed', () => {
  let world: World;
  let sql: Sql;
  let system: OperatorParty;
  let wallet: Party;
  let first: SigningKey;
  let second: SigningKey;
  let billId: string;

  beforeAll(async () => {
    world = await World.start(postgresAlone, {
      QRSWITCH_GATEWAYS: '2',
      QRSWITCH_DATA_KEYS: 'a-key-of-the-operator-that-the-database-never-sees',
    });
    sql = postgres(world.stores.databaseUrl, { max: 1 });
    const { demo } = world.process;
    system = new OperatorParty(world, demo.operator.key);
    wallet = await system.done<Party>('operator.paychannel.add', {
      institutionId: demo.institution.id,
      name: 'Signing wallet',
      signatures: 'required',
      withKey: true,
    });
    first = await newSecret();
    second = await newSecret();
    const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
    billId = (await done(world.http('terminal'), 'bill.create', order)).id;
  });
  afterAll(async () => {
    await sql?.end();
    await world?.stop();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  async function newSecret(): Promise<SigningKey> {
    const made = await system.done<Key>('operator.key.add', {
      holder: { kind: 'paychannel', id: wallet.id },
      use: 'signing',
    });
    expect(made).toMatchObject({ use: 'signing', key: expect.stringMatching(/^qrs_sign_/) });
    return { id: made.id, secret: made.key ?? '' };
  }

  const url = (path: string): string => `${world.process.baseUrl}/v1/paychannel${path}`;

  async function send(
    by: SigningKey | null,
    path = `/bills/${billId}`,
    body?: object,
  ): Promise<{ status: number; code?: unknown }> {
    const method = body === undefined ? 'GET' : 'POST';
    const text = body && JSON.stringify(body);
    const request = { method, url: url(path), ...(text === undefined ? {} : { body: text }) };
    return sendAs(request, by === null ? {} : await signedHeaders(request, by));
  }

  async function sendAs(
    request: { method: string; url: string; body?: string },
    headers: Record<string, string>,
  ): Promise<{ status: number; code?: unknown }> {
    const { method, body } = request;
    const answer = await fetch(request.url, {
      method,
      headers: {
        Authorization: `Bearer ${wallet.key}`,
        'Content-Type': 'application/json',
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const { code } = (await answer.json()) as { code?: unknown };
    return { status: answer.status, code };
  }

  async function open(by: SigningKey): Promise<TestSocket> {
    const headers = await signedHeaders({ method: 'GET', url: url('/stream') }, by);
    const address = url('/stream').replace('http', 'ws');
    return TestSocket.open(address, { key: wallet.key ?? '', headers });
  }

  test('views and pays by any of its secrets, and not without', async () => {
    expect(await send(null)).toEqual({ status: 401, code: 'request.signatureMissing' });
    expect(await send({ ...first, secret: second.secret })).toEqual({
      status: 401,
      code: 'request.signatureInvalid',
    });
    expect((await send(first)).status).toBe(200);
    const payment = { paymentRef: 'p', amount: 500, currency: 'EUR' };
    expect((await send(second, `/bills/${billId}/payments`, payment)).status).toBe(201);
    expect((await send(first, `/bills/${billId}/payments`, payment)).status).toBe(200);
  });

  test('has a signature taken once, on whichever thread it comes', async () => {
    const request = { method: 'GET', url: url(`/bills/${billId}`) };
    const headers = await signedHeaders(request, first);
    // With so many connections at once, both threads have some.
    const answers = await Promise.all(Array.from({ length: 24 }, () => sendAs(request, headers)));
    const taken = answers.filter(({ status }) => status === 200);
    expect(taken.length).toBeLessThanOrEqual(1);
    for (const { status, code } of answers) {
      if (status !== 200) expect(code).toBe('request.signatureReplayed');
    }
    expect(await sendAs(request, headers)).toMatchObject({ code: 'request.signatureReplayed' });
  });

  test('has secrets that open nothing, are shown once and stand nowhere as they are', async () => {
    const { status } = await fetch(url('/payments'), {
      headers: { Authorization: `Bearer ${first.secret}` },
    });
    expect(status).toBe(401);
    const { items } = await system.done<{ items: Key[] }>('operator.key.list', {
      holderId: wallet.id,
    });
    expect(items.map(({ use }) => use).sort()).toEqual(['key', 'signing', 'signing']);
    expect(JSON.stringify(items)).not.toContain('qrs_');
    const rows = await sql`select * from keys`;
    const audit = await sql`select * from audit`;
    const told = JSON.stringify([rows, audit]) + world.process.output;
    for (const { secret } of [first, second]) expect(told).not.toContain(secret);
  });

  test('loses a secret that is withdrawn, with the sockets that it signed for', async () => {
    const [mine, other] = [await open(first), await open(second)];
    await Promise.all([mine, other].map((socket) => socket.ask({ id: 1, op: 'ping' })));
    await system.done('operator.key.revoke', { keyId: first.id });
    expect(await mine.end()).toEqual({ code: 4401, reason: 'request.signatureInvalid' });
    await expect.poll(async () => (await send(first)).status, WITHIN).toBe(401);
    expect(await other.ask({ id: 2, op: 'ping' })).toMatchObject({ status: 200 });
    expect((await send(second)).status).toBe(200);
    const third = await newSecret();
    await expect.poll(async () => (await send(third)).status, WITHIN).toBe(200);
    other.close();
  });

  test('needs no signature once the operator says so', async () => {
    await system.done('operator.paychannel.change', { partyId: wallet.id, signatures: 'off' });
    await expect.poll(async () => (await send(null)).status, WITHIN).toBe(200);
  });
});
