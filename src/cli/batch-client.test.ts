import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBills, type Outcome } from './batch-client.ts';

/** What a switch does with one call: with the orders that came, in the order of their lines. */
type Answer = (orders: readonly string[], response: ServerResponse) => void;

let server: Server;
let answers: Answer[];
let calls: string[][];

beforeEach(async () => {
  answers = [];
  calls = [];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    const lines = body.split('\n').slice(0, -1);
    const orders = lines.map((line) => (JSON.parse(line) as { orderId: string }).orderId);
    calls.push(orders);
    answers.shift()?.(orders, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const line = (no: number, status: number, more: object): string =>
  `${JSON.stringify({ line: no, orderId: null, status, ...more })}\n`;
const created = (orderId: string, no: number): string =>
  line(no, 201, { bill: { id: `bill-${orderId}`, orderId } });
const busy = { code: 'overloaded', detail: 'later', retryable: true, retryAfter: 0 };

async function outcomesOf(...orders: string[]): Promise<Record<string, unknown>> {
  const { port } = server.address() as AddressInfo;
  const target = { url: `http://127.0.0.1:${port}`, key: 'k' };
  const found: [string, unknown][] = [];
  const tell = (index: number, { status, bill, problem }: Outcome): void => {
    found.push([orders[index] ?? '', bill?.id ?? `${status} ${problem?.code}`]);
  };
  await createBills(
    target,
    orders.map((orderId) => ({ orderId })),
    tell,
    1,
  );
  expect(found.length).toBe(orders.length);
  return Object.fromEntries(found);
}

describe('a call with bills', () => {
  test('tells each answer by its row, in whatever order they come', async () => {
    answers = [
      (orders, response) => {
        response.write(created('b', 2));
        response.write(line(3, 400, { problem: { code: 'request.invalid', retryable: false } }));
        response.end(created(orders[0] ?? '', 1));
      },
    ];
    expect(await outcomesOf('a', 'b', 'c')).toEqual({
      a: 'bill-a',
      b: 'bill-b',
      c: '400 request.invalid',
    });
  });

  test('is made again for what was refused for now, or not answered', async () => {
    answers = [
      (_orders, response) => {
        response.write(line(2, 503, { problem: busy }));
        response.write(created('a', 1));
        // In the middle of a line.
        response.write('{"line":3,"or', () => response.destroy());
      },
      (_orders, response) => {
        response.writeHead(503, { 'Content-Type': 'application/problem+json' });
        response.end(JSON.stringify(busy));
      },
      (orders, response) => response.end(orders.map((id, at) => created(id, at + 1)).join('')),
    ];
    expect(await outcomesOf('a', 'b', 'c')).toEqual({ a: 'bill-a', b: 'bill-b', c: 'bill-c' });
    expect(calls).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
      ['b', 'c'],
    ]);
  });

  test('is given up after tries that bring nothing further', async () => {
    answers = Array.from({ length: 20 }, () => (_orders: unknown, response: ServerResponse) => {
      response.end(line(1, 503, { problem: busy }));
    });
    expect(await outcomesOf('a', 'b')).toEqual({ a: '503 overloaded', b: '0 unanswered' });
    expect(calls.length).toBe(6);
  });

  test('that the switch refuses for good is not made again', async () => {
    answers = [
      (_orders, response) => {
        response.writeHead(401, { 'Content-Type': 'application/problem+json' });
        response.end(JSON.stringify({ detail: 'no such key', retryable: false }));
      },
    ];
    await expect(outcomesOf('a')).rejects.toThrow('The switch refuses (401): no such key');
    expect(calls.length).toBe(1);
  });
});
