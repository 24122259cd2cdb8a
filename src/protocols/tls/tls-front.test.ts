import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { billId, makeAnswer, makeBill } from '../../../tests/support/bill-fixtures.ts';
import { type Certificate, makeCertificate } from '../../../tests/support/certificates.ts';
import {
  type Bench,
  holderOf,
  keys,
  makePrincipals,
  startBench,
} from '../../../tests/support/fake-door.ts';
import { requestBytes } from '../../../tests/support/raw-http.ts';
import type { Demands } from '../../switch/directory.ts';
import { certificateTag, proxyHeader } from './certificate-tag.ts';
import { startTlsFront, type TlsFront } from './tls-front.ts';

const TOKEN = 'drawn by the process';
const authority = makeCertificate({ name: 'The authority', isAuthority: true });
const server = makeCertificate({ name: 'The switch', by: authority });
const wallet = makeCertificate({ name: 'A wallet', by: authority });
const next = makeCertificate({ name: 'The same wallet, later', by: authority });
const other = makeCertificate({ name: 'Another wallet', by: authority });
const ended = makeCertificate({ name: 'A wallet once', by: authority, from: -9, to: -2 });
const early = makeCertificate({ name: 'A wallet some day', by: authority, from: 2, to: 9 });
const selfSigned = makeCertificate({ name: 'A wallet by itself' });
const PINNED = [wallet, next, ended, early, selfSigned].map(({ fingerprint }) => fingerprint);

let bench: Bench;
let open: TlsFront;
let strict: TlsFront;
const sockets: { destroy(): void }[] = [];

beforeAll(async () => {
  const demands: Demands = { secrets: null, certificates: PINNED };
  const principals = makePrincipals();
  bench = await startBench({
    options: {
      directory: {
        holderOfKey: (keyHash) => {
          const holder = holderOf(principals, keyHash);
          const isPaychannel = holder?.principal.kind === 'paychannel';
          return Promise.resolve(holder && isPaychannel ? { ...holder, demands } : holder);
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
  [open, strict] = await Promise.all([front(null), front(authority.certificate)]);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => {
  open?.stop();
  strict?.stop();
  bench?.gateway.close();
});

function front(clientAuthority: string | null, by = server): Promise<TlsFront> {
  return startTlsFront({
    host: '127.0.0.1',
    port: 0,
    gateway: { host: '127.0.0.1', port: bench.gateway.port },
    token: TOKEN,
    files: { certificate: by.certificate, key: by.key, clientAuthority },
    connectionsMax: 100,
    // The certificates are made by the clock on the wall.
    clock: { wall: () => Date.now(), monotonic: () => 0, after: () => () => undefined },
    onDebug: () => undefined,
  });
}

const VIEW = { method: 'GET', path: `/v1/paychannel/bills/${billId(1)}`, key: keys.paychannel };

function withTls(to: TlsFront, shown: Certificate | null, more: ConnectionOptions = {}): Socket {
  return connect({
    host: '127.0.0.1',
    port: to.port,
    ca: authority.certificate,
    ...(shown === null ? {} : { cert: shown.certificate, key: shown.key }),
    ...more,
  });
}

/** What is answered to requests that are sent one after the other's answer. */
function answers(socket: Socket, requests: readonly (string | Buffer)[]): Promise<string> {
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    let heard = '';
    let sent = 0;
    const send = (): void => {
      const request = requests[sent];
      sent += 1;
      if (request === undefined) resolve(heard);
      else socket.write(request);
    };
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if ([...heard.matchAll(/\r\n\r\n[^\r]*\}/g)].length >= sent) send();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(heard));
    send();
  });
}

function statusesIn(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

async function viewOver(socket: Socket): Promise<[number | undefined, unknown]> {
  const text = await answers(socket, [requestBytes(VIEW)]);
  return [statusesIn(text)[0], /"code":"([^"]+)"/.exec(text)?.[1]];
}

const TAKEN = [201, undefined];
const REFUSED = [401, 'request.certificateInvalid'];

describe('a client certificate', () => {
  test('that is named for the paychannel is taken, and any of several', async () => {
    for (const to of [open, strict]) {
      expect(await viewOver(withTls(to, wallet))).toEqual(TAKEN);
      expect(await viewOver(withTls(to, next))).toEqual(TAKEN);
      expect(await viewOver(withTls(to, wallet, { maxVersion: 'TLSv1.2' }))).toEqual(TAKEN);
    }
  });

  test('is good for every request of its connection', async () => {
    const one = requestBytes(VIEW);
    const text = await answers(withTls(open, wallet), [one, one, one]);
    expect(statusesIn(text)).toEqual([201, 201, 201]);
  });

  test('that is another, has ended, has not begun or is missing is refused', async () => {
    for (const to of [open, strict]) {
      for (const shown of [other, ended, early, null]) {
        expect([shown?.name, await viewOver(withTls(to, shown))]).toEqual([shown?.name, REFUSED]);
      }
    }
  });

  test('that is signed by nobody is taken where it is named, unless an authority is asked for', async () => {
    expect(await viewOver(withTls(open, selfSigned))).toEqual(TAKEN);
    expect(await viewOver(withTls(strict, selfSigned))).toEqual(REFUSED);
  });

  test('needs its key: who only copied it comes to no connection', async () => {
    const copied = { ...wallet, key: other.key };
    expect(() => withTls(open, copied)).toThrow(/key values mismatch/);
    const { certificate: cert } = wallet;
    const alike = makeCertificate({ name: wallet.name, by: authority });
    expect(cert).not.toBe(alike.certificate);
    expect(await viewOver(withTls(open, alike))).toEqual(REFUSED);
  });

  test('stays with the connection that it opened, in a session that is taken up again too', async () => {
    const socket = withTls(open, wallet) as ReturnType<typeof connect>;
    const session = new Promise<Buffer>((resolve) => socket.once('session', resolve));
    expect(await viewOver(socket)).toEqual(TAKEN);
    const again = withTls(open, null, { session: await session }) as ReturnType<typeof connect>;
    const [status] = await viewOver(again);
    // Whoever can take a session up has had its keys, and so the certificate's.
    expect(status).toBe(again.isSessionReused() ? 201 : 401);
  });

  test('opens a socket', async () => {
    const openSocket = (shown: Certificate | null): WebSocket =>
      new WebSocket(`wss://127.0.0.1:${open.port}/v1/paychannel/stream`, {
        ca: authority.certificate,
        headers: { Authorization: `Bearer ${keys.paychannel}` },
        ...(shown === null ? {} : { cert: shown.certificate, key: shown.key }),
      });
    const mine = openSocket(wallet);
    const answer = new Promise<string>((told) => mine.on('message', (data) => told(String(data))));
    mine.on('open', () => mine.send('{"id":1,"op":"ping"}'));
    expect(JSON.parse(await answer)).toMatchObject({ id: 1, status: 200 });
    mine.terminate();
    const closed = await new Promise((end) => {
      openSocket(null).on('close', (code, reason) => end([code, String(reason)]));
    });
    expect(closed).toEqual([4401, 'request.certificateInvalid']);
  });
});

describe('the tag of a certificate', () => {
  const direct = (): Socket => connectPlain({ host: '127.0.0.1', port: bench.gateway.port });
  const forged = [
    Buffer.from(wallet.fingerprint, 'hex').subarray(0, 16),
    certificateTag('', wallet.fingerprint),
    certificateTag(`${TOKEN}.`, wallet.fingerprint),
    Buffer.alloc(16),
  ];

  test('cannot be forged, on the plain port or over TLS', async () => {
    expect(await viewOver(direct())).toEqual(REFUSED);
    for (const tag of forged) {
      const bytes = Buffer.concat([proxyHeader(tag), Buffer.from(requestBytes(VIEW))]);
      expect(statusesIn(await answers(direct(), [bytes]))).toEqual([401]);
      expect(statusesIn(await answers(withTls(open, null), [bytes]))).toEqual([401]);
    }
    // That they fail for want of the token alone shows with it.
    const real = proxyHeader(certificateTag(TOKEN, wallet.fingerprint));
    const bytes = Buffer.concat([real, Buffer.from(requestBytes(VIEW))]);
    expect(statusesIn(await answers(direct(), [bytes]))).toEqual([201]);
  });

  test('is not what headers say', async () => {
    const headers = [
      'Client-Cert',
      'X-Client-Cert',
      'X-SSL-Client-SHA256',
      'X-Forwarded-Client-Cert',
    ]
      .map((name) => `${name}: ${wallet.fingerprint}\r\n`)
      .join('');
    const bytes = requestBytes(VIEW).replace('\r\n', `\r\n${headers}`);
    for (const socket of [direct(), withTls(open, null), withTls(open, other)]) {
      expect(statusesIn(await answers(socket, [bytes]))).toEqual([401]);
    }
  });
});

describe('the TLS front', () => {
  test('serves whoever needs no certificate, with large bodies and without', async () => {
    const path = `/v1/terminal/bills/${billId(1)}`;
    const get = requestBytes({ method: 'GET', path, key: keys.terminal });
    expect(statusesIn(await answers(withTls(open, null), [get]))).toEqual([201]);
    const body = { billId: 'x'.repeat(60_000) };
    const post = requestBytes({
      method: 'POST',
      path: `${path}/confirm`,
      key: keys.terminal,
      body,
    });
    const text = await answers(withTls(open, other), [post, get]);
    expect(statusesIn(text)).toEqual([400, 201]);
  });

  test('refuses what is no TLS, and TLS that is too old', async () => {
    const plain = connectPlain({ host: '127.0.0.1', port: open.port });
    expect(statusesIn(await answers(plain, [requestBytes(VIEW)]))).toEqual([]);
    await expect(
      viewOver(withTls(open, wallet, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })),
    ).rejects.toThrow();
  });

  test('shows a new certificate once it is renewed, and goes on with the old where the new is no good', async () => {
    const renewed = await front(null);
    const later = makeCertificate({ name: 'The switch, renewed', by: authority });
    const shownBy = (): Promise<string> =>
      new Promise((told) => {
        const socket = withTls(renewed, wallet) as ReturnType<typeof connect>;
        sockets.push(socket);
        socket.once('secureConnect', () => told(String(socket.getPeerCertificate().subject.CN)));
      });
    expect(await shownBy()).toBe('The switch');
    expect(() =>
      renewed.renew({ certificate: 'nonsense', key: later.key, clientAuthority: null }),
    ).toThrow();
    expect(await shownBy()).toBe('The switch');
    renewed.renew({ ...later, clientAuthority: null });
    expect(await shownBy()).toBe('The switch, renewed');
    expect(await viewOver(withTls(renewed, wallet))).toEqual(TAKEN);
    renewed.stop();
  });

  test('does not start with files that are no good', async () => {
    await expect(front(null, { ...server, certificate: 'nonsense' })).rejects.toThrow();
    await expect(front(null, { ...server, key: other.key })).rejects.toThrow();
  });

  test('ends a connection that the gateway ends', async () => {
    const socket = withTls(open, null);
    const closed = new Promise<void>((end) => socket.once('close', () => end()));
    const tooLarge = requestBytes({ ...VIEW, method: 'POST', path: `${VIEW.path}/payments` });
    const bytes = tooLarge.replace('Content-Length: 0', 'Content-Length: 99999999');
    expect(statusesIn(await answers(socket, [bytes]))).toEqual([413]);
    await closed;
  });
});
