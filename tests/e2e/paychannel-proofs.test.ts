// Paychannels that must show more than a key: signed requests, client certificates; from the operator's call to what is
// withdrawn.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as ask } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Certificate, makeCertificate } from '../support/certificates.ts';
import { done, fresh } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { type Key, OperatorParty, type Party } from '../support/operator.ts';
import { freePort } from '../support/ports.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { type SigningKey, signedHeaders } from '../support/signed.ts';
import { TestSocket } from '../support/socket.ts';
import { World } from '../support/world.ts';

const WITHIN = { timeout: 30_000, interval: 20 };

let world: World;
let sql: Sql;
let system: OperatorParty;
let billId: string;
let tlsPort: number;
const folder = mkdtempSync(join(tmpdir(), 'qrswitch-test-tls-'));
const authority = makeCertificate({ name: 'The authority', isAuthority: true });

beforeAll(async () => {
  const server = makeCertificate({ name: 'The switch', by: authority });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  tlsPort = await freePort();
  world = await World.start(postgresAlone, {
    QRSWITCH_GATEWAYS: '2',
    QRSWITCH_DATA_KEYS: 'a-key-of-the-operator-that-the-database-never-sees',
    QRSWITCH_TLS_PORT: String(tlsPort),
    QRSWITCH_TLS_CERTIFICATE_FILE: file('server.pem', server.certificate),
    QRSWITCH_TLS_KEY_FILE: file('server.key', server.key),
    QRSWITCH_TLS_CLIENT_CA_FILE: file('clients.pem', authority.certificate),
  });
  sql = postgres(world.stores.databaseUrl, { max: 1 });
  system = new OperatorParty(world, world.process.demo.operator.key);
  const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
  billId = (await done(world.http('terminal'), 'bill.create', order)).id;
});
afterAll(async () => {
  await sql?.end();
  await world?.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => showOutputOnFailure(() => world?.process));

describe('a paychannel whose requests must be signed', () => {
  let wallet: Party;
  let first: SigningKey;
  let second: SigningKey;

  beforeAll(async () => {
    const { demo } = world.process;
    wallet = await system.done<Party>('operator.paychannel.add', {
      institutionId: demo.institution.id,
      name: 'Signing wallet',
      signatures: 'required',
      withKey: true,
    });
    first = await newSecret();
    second = await newSecret();
  });

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

describe('a paychannel whose connections must show a client certificate', () => {
  const [mine, later, others] = [
    makeCertificate({ name: 'The wallet', by: authority }),
    makeCertificate({ name: 'The wallet, later', by: authority }),
    makeCertificate({ name: 'Another', by: authority }),
  ];
  /** As tools print it. */
  const printed = ({ fingerprint }: Certificate): string =>
    fingerprint.toUpperCase().replaceAll(/..(?=.)/g, '$&:');
  let wallet: Party;

  beforeAll(async () => {
    wallet = await system.done<Party>('operator.paychannel.add', {
      institutionId: world.process.demo.institution.id,
      name: 'Wallet with a certificate',
      certificates: [printed(mine)],
      withKey: true,
    });
    expect(wallet).toMatchObject({ certificates: [mine.fingerprint] });
  });

  const shown = (certificate: Certificate | null) => ({
    ca: authority.certificate,
    headers: { Authorization: `Bearer ${wallet.key}` },
    ...(certificate && { cert: certificate.certificate, key: certificate.key }),
  });

  function view(certificate: Certificate | null): Promise<{ status: unknown; code: unknown }> {
    const url = `https://127.0.0.1:${tlsPort}/v1/paychannel/bills/${billId}`;
    return new Promise((told, failed) => {
      const sent = ask(url, { ...shown(certificate), agent: false }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        answer.on('end', () => {
          const { code } = JSON.parse(text) as { code?: unknown };
          told({ status: answer.statusCode, code });
        });
      });
      sent.once('error', failed);
      sent.end();
    });
  }

  const refused = { status: 401, code: 'request.certificateInvalid' };

  test('is served over TLS with its own, and neither with another nor in plain', async () => {
    expect(await view(mine)).toMatchObject({ status: 200 });
    expect(await view(others)).toEqual(refused);
    expect(await view(null)).toEqual(refused);
    const plain = await world.http('paychannel', wallet.key ?? '').ask('bill.view', { billId });
    expect(plain).toMatchObject({ status: 401, body: { code: 'request.certificateInvalid' } });
  });

  test('changes it while it works: both are good for a while, and sockets end with theirs', async () => {
    const named = (...certificates: Certificate[]): Promise<unknown> =>
      system.done('operator.paychannel.change', {
        partyId: wallet.id,
        certificates: certificates.map(({ fingerprint }) => fingerprint),
      });
    await named(mine, later);
    await expect.poll(() => view(later), WITHIN).toMatchObject({ status: 200 });
    const sockets = [mine, later].map(
      (one) => new WebSocket(`wss://127.0.0.1:${tlsPort}/v1/paychannel/stream`, shown(one)),
    );
    const pinged = sockets.map(
      (socket) =>
        new Promise((told) => {
          socket.on('open', () => socket.send('{"id":1,"op":"ping"}'));
          socket.on('message', told);
        }),
    );
    await Promise.all(pinged);
    const ended = sockets.map(
      (socket) => new Promise((told) => socket.on('close', (_code, why) => told(String(why)))),
    );
    await named(later);
    expect(await ended[0]).toBe('request.certificateInvalid');
    await expect.poll(() => view(mine), WITHIN).toEqual(refused);
    expect(await view(later)).toMatchObject({ status: 200 });
    expect(sockets[1]?.readyState).toBe(WebSocket.OPEN);
    await named();
    await expect.poll(() => view(null), WITHIN).toMatchObject({ status: 200 });
    sockets[1]?.terminate();
    await ended[1];
  });
});
