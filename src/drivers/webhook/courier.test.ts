import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { Addresses, type Resolver } from './addresses.ts';
import { Courier } from './courier.ts';

const LOCAL = { network: '127.0.0.0', prefix: 8, family: 'ipv4' } as const;
const BODY = Buffer.from('{}');
const TIMES = { connectMs: 10_000, wholeMs: 10_000 };
const ends: (() => void)[] = [];
afterAll(() => {
  for (const end of ends) end();
});

/** A server on loopback. Answers its port. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function courierOf(allowed = [LOCAL], resolve?: Resolver, times = TIMES) {
  const courier = new Courier(new Addresses(allowed, resolve), times);
  ends.push(() => courier.close());
  return courier;
}

describe('a courier', () => {
  test('tells the status, follows nothing and reads no more than 64 KB', async () => {
    const paths: string[] = [];
    const server = createServer((req, res) => {
      paths.push(req.url ?? '');
      if (req.url === '/redirect') res.writeHead(302, { location: '/other' }).end();
      else if (req.url === '/long') res.writeHead(200).end(Buffer.alloc(1_000_000));
      else if (req.url === '/busy') res.writeHead(503, { 'retry-after': '7' }).end('later');
      else res.writeHead(204).end();
    });
    const at = `http://127.0.0.1:${await listen(server)}`;
    const courier = courierOf();
    for (const [path, outcome] of [
      ['/redirect', { status: 302 }],
      ['/long', { status: 200 }],
      ['/busy?a=b', { status: 204 }],
      ['/busy', { status: 503, retryAfterMs: 7_000, body: Buffer.from('later') }],
      ['/', { status: 204 }],
    ] as const) {
      const told = await courier.post(at + path, {}, BODY);
      expect(told, path).toMatchObject({ is: 'answered', ...outcome });
      if (told.is === 'answered') expect(told.body.length).toBeLessThanOrEqual(65_536);
    }
    expect(paths).toEqual(['/redirect', '/long', '/busy?a=b', '/busy', '/']);
  });

  test('waits for nobody for long: neither for an answer nor for the rest of one', async () => {
    const server = createServer((req, res) => {
      if (req.url === '/half') res.writeHead(200).write('half');
    });
    const at = `http://127.0.0.1:${await listen(server)}`;
    const courier = courierOf([LOCAL], undefined, { connectMs: 1_000, wholeMs: 1_000 });
    expect(await courier.post(at, {}, BODY)).toEqual({ is: 'late', detail: 'no answer in time' });
    expect(await courier.post(`${at}/half`, {}, BODY)).toMatchObject({
      is: 'answered',
      status: 200,
      body: Buffer.from('half'),
    });
  });

  test('always says what came of it, whatever the other side does to the connection', async () => {
    let count = 0;
    const server = createServer((req, res) => {
      count += 1;
      if (count % 5 === 0) req.socket.destroy();
      else if (count % 7 === 0) req.socket.resetAndDestroy();
      else if (count % 3 === 0) res.writeHead(302).end('x'.repeat(100_000));
      else res.writeHead(200).end();
    });
    const at = `http://127.0.0.1:${await listen(server)}`;
    const courier = courierOf([LOCAL]);
    const sent = Array.from({ length: 100 }, () => courier.post(at, {}, BODY));
    const kinds = new Set((await Promise.all(sent)).map(({ is }) => is));
    expect(kinds).toEqual(new Set(['answered', 'lost']));
    for (let i = 0; i < 40; i++)
      expect(['answered', 'lost']).toContain((await courier.post(at, {}, BODY)).is);
  });

  test('says that nobody is there', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((closed) => server.close(closed));
    expect(await courierOf().post(`http://127.0.0.1:${port}`, {}, BODY)).toEqual({
      is: 'lost',
      detail: 'ECONNREFUSED',
    });
  });

  test('connects to the address that was checked, under the name that was given', async () => {
    const hosts: (string | undefined)[] = [];
    const server = createServer((req, res) => {
      hosts.push(req.headers.host);
      res.end();
    });
    const port = await listen(server);
    const asked: string[] = [];
    const resolve: Resolver = (name) => {
      asked.push(name);
      return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    };
    const url = `http://shop.example:${port}/`;
    expect(await courierOf([LOCAL], resolve).post(url, {}, BODY)).toMatchObject({ status: 200 });
    expect(asked).toEqual(['shop.example']);
    expect(hosts).toEqual([`shop.example:${port}`]);
  });

  test('sends nothing where a name leads home, though it led elsewhere a moment ago', async () => {
    let reached = 0;
    const server = createServer((_req, res) => {
      reached += 1;
      res.end();
    });
    const port = await listen(server);
    const answers = [
      [{ address: '127.0.0.2', family: 4 }],
      [{ address: '127.0.0.1', family: 4 }],
      [
        { address: '127.0.0.2', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ],
      [{ address: '::ffff:169.254.169.254', family: 6 }],
    ];
    const resolve: Resolver = () => Promise.resolve(answers.shift() ?? []);
    const allowed = [{ network: '127.0.0.2', prefix: 32, family: 'ipv4' } as const];
    const courier = courierOf(allowed as never, resolve);
    const url = `http://rebinding.example:${port}/`;
    // Nobody listens there, but it is tried: it is allowed.
    expect((await courier.post(url, {}, BODY)).is).toBe('lost');
    for (let i = 0; i < 3; i++) expect((await courier.post(url, {}, BODY)).is).toBe('refused');
    expect((await courier.post(`http://127.0.0.1:${port}/`, {}, BODY)).is).toBe('refused');
    expect((await courier.post(`http://2130706433:${port}/`, {}, BODY)).is).toBe('refused');
    expect(reached).toBe(0);
  });
});
