// Whatever arrives is answered or refused, and the gateway goes on: no answer is a 500, no connection takes another along.

import { connect as connectTcp } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { billId, makeBill, NOON } from '../../../tests/support/bill-fixtures.ts';
import { type Bench, keys, startBench } from '../../../tests/support/fake-door.ts';
import { TestSocket } from '../../../tests/support/socket.ts';
import { calls } from '../calls.ts';
import { requests } from '../schemas/requests.ts';
import { readFrame } from './frame-reader.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await startBench({ limits: { garbageFrames: 1_000_000 } });
  bench.door.script = () => ({ kind: 'bill', bill: makeBill(), created: true, now: NOON });
});

afterAll(() => {
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
  expect(bench.answered.filter(({ status }) => status === 500)).toEqual([]);
});

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '..',
    '%00',
    '%ff',
    billId(1),
    `${billId(1)}-e1`,
    `${billId(1)}-p0`,
    '__proto__',
    'constructor',
  ),
  fc.integer(),
  fc.double(),
  fc.constant(null),
);
const value = fc.oneof(odd, fc.jsonValue({ maxDepth: 3 }));
const names = [
  ...new Set(Object.values(requests).flatMap((request) => Object.keys(request.properties))),
];
/** A body with the right names and anything behind them. */
const body = fc.dictionary(
  fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 8 })),
  value,
  { maxKeys: 8 },
);

describe('HTTP', () => {
  test('answers any path, query, headers and body with a status below 500', async () => {
    const keyOf = fc.constantFrom(...Object.values(keys), 'nobody');
    const segment = fc
      .oneof(odd, fc.constantFrom(billId(1), 'order-1'))
      .map((part) => encodeURIComponent(String(part).replaceAll(/\p{Surrogate}/gu, '')));
    const request = fc.record({
      call: fc.constantFrom(...calls.filter(({ path }) => path.startsWith('/v1/'))),
      segment,
      query: fc.oneof(fc.constant(''), fc.webQueryParameters()),
      key: keyOf,
      idempotencyKey: fc.oneof(
        fc.constant('k-1'),
        fc.string({ unit: 'grapheme-ascii', maxLength: 80 }),
      ),
      body: fc.oneof(
        body.map((fields) => JSON.stringify(fields)),
        fc.string({ maxLength: 60 }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(request, async (given) => {
        const { call } = given;
        const path = call.path.replaceAll(/\{\w+\}/g, given.segment);
        const query = given.query === '' ? '' : `?${given.query}`;
        const response = await fetch(`${bench.url}${path}${query}`, {
          method: call.method,
          headers: {
            Authorization: `Bearer ${given.key}`,
            'Content-Type': 'application/json',
            'Idempotency-Key': given.idempotencyKey.trim(),
          },
          ...(call.method === 'GET' ? {} : { body: given.body }),
        });
        await response.arrayBuffer();
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 400 },
    );
  }, 30_000);

  test('survives bytes that are no HTTP', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        await new Promise<void>((resolve) => {
          const socket = connectTcp(bench.gateway.port, '127.0.0.1', () => {
            socket.end(bytes);
          });
          socket.on('error', () => undefined);
          socket.on('close', () => resolve());
          socket.resume();
        });
      }),
      { numRuns: 100 },
    );
    expect((await fetch(`${bench.url}/healthz`)).status).toBe(200);
  }, 30_000);

  test('survives clients that leave at any byte of a request', async () => {
    const text = `POST /v1/terminal/bills HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.terminal}\r\nContent-Type: application/json\r\nContent-Length: 49\r\n\r\n{"orderId":"o-1","amount":1000,"currency":"EUR"} `;
    for (let length = 1; length <= text.length; length += 3) {
      await new Promise<void>((resolve) => {
        const socket = connectTcp(bench.gateway.port, '127.0.0.1', () => {
          socket.write(text.slice(0, length), () => socket.resetAndDestroy());
        });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
      });
    }
    expect((await fetch(`${bench.url}/healthz`)).status).toBe(200);
    await expect.poll(() => bench.gateway.stats().requestsUnderWay).toBe(0);
  });
});

describe('a WebSocket', () => {
  test.each(['qrswitch.json', 'qrswitch.msgpack'])(
    'of %s answers any frame, and goes on',
    async (protocol) => {
      const socket = await TestSocket.open(`${bench.ws}/v1/terminal/stream`, {
        key: keys.terminal,
        protocol,
      });
      const ops = [...Object.keys(requests), 'auth', 'nothing', 'constructor'];
      const frame = fc.oneof(
        fc.record({
          id: fc.oneof(odd, fc.nat()),
          op: fc.constantFrom(...ops),
          body: fc.oneof(body, value),
        }),
        fc.jsonValue(),
      );
      for (const sample of fc.sample(frame, 400)) socket.send(sample);
      for (const bytes of fc.sample(fc.uint8Array({ maxLength: 60 }), 400)) {
        if (protocol === 'qrswitch.msgpack') socket.ws.send(bytes);
        else socket.ws.send(Buffer.from(bytes).toString('latin1'));
      }
      socket.send({ id: 'last', op: 'ping' });
      await expect
        .poll(() => socket.frames.some(({ id }) => id === 'last'), { timeout: 8_000 })
        .toBe(true);
      expect(socket.closed).toBeNull();
      expect(socket.frames.every(({ status }) => Number(status) < 500)).toBe(true);
      socket.close();
    },
    20_000,
  );

  test('reads any bytes without throwing', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('json', 'msgpack'),
        (bytes, encoding) => {
          const read = readFrame(Buffer.from(bytes), encoding as 'json' | 'msgpack');
          expect('frame' in read || 'problem' in read).toBe(true);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
