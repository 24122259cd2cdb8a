import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { billId, makeBill, NOON } from '../../../tests/support/bill-fixtures.ts';
import { type Bench, keys, passing, startBench } from '../../../tests/support/fake-door.ts';
import { call, problemOf } from '../../../tests/support/http-client.ts';
import { hashOfKey } from './principals.ts';

const PATH = '/v1/terminal/bills/batch';
const TYPE = 'application/x-ndjson';
const NDJSON = { 'Content-Type': TYPE };
const UNSUPPORTED = 'request.unsupportedType';
/** As batch.ts has it. */
const UNDER_WAY_MAX = 256;

interface Answered {
  readonly line: number;
  readonly orderId: string | null;
  readonly status: number;
  readonly bill?: { readonly id: string };
  readonly problem?: { readonly code: string; readonly errors?: { readonly path: string }[] };
}

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
  bench.door.script = () => created;
});

afterEach(() => {
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

const created = { kind: 'bill', bill: makeBill(), created: true, now: NOON } as const;
const lineOf = (no: number): string => `{"orderId":"o-${no}","amount":${no},"currency":"EUR"}`;
const LONG_LINE = `{"orderId":"o-1","amount":1,"currency":"EUR","description":"${'x'.repeat(400)}"}\n`;
const linesOf = (count: number): string =>
  Array.from({ length: count }, (_, index) => `${lineOf(index + 1)}\n`).join('');

const post = (body: string | Uint8Array, more: object = {}): Promise<Response> =>
  call(bench, 'POST', PATH, { raw: body, headers: NDJSON, ...more });

async function answersTo(body: string | Uint8Array): Promise<Answered[]> {
  const response = await post(body);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  return parsed(await response.text());
}

function parsed(text: string): Answered[] {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const answers = lines.map((line) => JSON.parse(line) as Answered);
  return answers.sort((one, other) => one.line - other.line);
}

const ended = (): Bench['answered'] => bench.answered.filter(({ call: id }) => id === 'bill.batch');
const summary = (answers: readonly Answered[]): unknown[] =>
  answers.map(({ line, orderId, status, problem }) => [line, orderId, status, problem?.code]);

describe('a batch', () => {
  test('answers each line by itself, as a single create would be', async () => {
    bench.door.script = ({ operation }) =>
      operation.op === 'bill.create' && operation.terms.orderId === 'o-2'
        ? { kind: 'rejection', rejection: { rejected: 'order.reused', billId: billId(7) } }
        : created;
    const answers = await answersTo(linesOf(3));
    expect(answers).toMatchObject([
      { line: 1, orderId: 'o-1', status: 201, bill: { id: billId(1), status: 'open' } },
      {
        line: 2,
        orderId: 'o-2',
        status: 409,
        problem: { code: 'order.reused', billId: billId(7) },
      },
      { line: 3, orderId: 'o-3', status: 201 },
    ]);
    expect(bench.door.asked('bill.create')).toHaveLength(3);
    expect(bench.answered).toEqual([
      { call: 'bill.create', transport: 'batch', status: 201 },
      { call: 'bill.create', transport: 'batch', status: 409 },
      { call: 'bill.create', transport: 'batch', status: 201 },
      { call: 'bill.batch', transport: 'http', status: 200 },
    ]);
  });

  test('says in a line of its own what is wrong with a line, and goes on', async () => {
    const body = Buffer.concat([
      Buffer.from(`${lineOf(1)}\r\n`),
      Buffer.from('{"orderId":"o-2","amount":'),
      Buffer.from('\n\n{"orderId":"o-4","amount":"4","currency":"EUR"}\n'),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      Buffer.from(`{"orderId":"o-6","description":"${'x'.repeat(65_536)}"}\n`),
      Buffer.from(
        '[]\nnull\n7\n{"orderId":7}\n{"orderId":"a b"}\n{"orderId":"o-12","b\\u0000":1}\n',
      ),
      Buffer.from('{"orderId":"o-13","amount":0,"currency":"EUR"}\n'),
      Buffer.from('{"orderId":"o-14","amount":1,"currency":"EUR","acquirer":{}}\n'),
      Buffer.from(lineOf(15)),
    ]);
    expect(summary(await answersTo(body))).toEqual([
      [1, 'o-1', 201, undefined],
      [2, null, 400, 'request.invalid'],
      [4, 'o-4', 400, 'request.invalid'],
      [5, null, 400, 'request.invalid'],
      [6, null, 413, 'body.tooLarge'],
      [7, null, 400, 'request.invalid'],
      [8, null, 400, 'request.invalid'],
      [9, null, 400, 'request.invalid'],
      [10, null, 400, 'request.invalid'],
      [11, null, 400, 'request.invalid'],
      [12, null, 400, 'request.invalid'],
      [13, 'o-13', 422, 'bill.amountZero'],
      [14, 'o-14', 400, 'request.invalid'],
      [15, 'o-15', 201, undefined],
    ]);
    expect(bench.door.asked('bill.create')).toHaveLength(2);
  });

  test('of any bytes has one answer for each line that is not blank, and none is a mistake of ours', async () => {
    const parts = [
      '\n',
      '\r\n',
      ' ',
      '{',
      '}',
      '[',
      '"',
      ',',
      'null',
      '1e999',
      '\0',
      '\u2028',
      lineOf(1),
      '{}',
    ];
    const some = fc.oneof(
      fc
        .constantFrom(...parts, `{"orderId":"o-1","__proto__":{}}`)
        .map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(some, { maxLength: 30 }), async (pieces) => {
        const body = Buffer.concat(pieces);
        const answers = await answersTo(body);
        const texts = body.toString('latin1').split('\n');
        const expected = texts.flatMap((text, index) =>
          /^[ \t\r]*$/.test(text) ? [] : [index + 1],
        );
        expect(answers.map(({ line }) => line)).toEqual(expected);
        expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test.each(['', '\n', ' \r\n\n'])('of no lines (%j) has no answers', async (body) => {
    expect(await answersTo(body)).toEqual([]);
  });

  test('has a last line that it may have, and what follows is not read', async () => {
    bench.gateway.close();
    bench = await startBench({ limits: { batchLines: 3 } });
    bench.door.script = () => created;
    expect(summary(await answersTo(`\n\n${linesOf(10)}`))).toEqual([
      [3, 'o-1', 201, undefined],
      [4, 'o-2', 201, undefined],
      [5, 'o-3', 201, undefined],
      [6, null, 413, 'body.tooLarge'],
    ]);
    expect((await call(bench, 'GET', '/healthz')).status).toBe(200);
  });

  test('has as many lines under way as it may, and reads no further', async () => {
    bench.door.script = () => 'hold';
    const response = post(linesOf(10_000));
    await until(() => bench.door.held.length === UNDER_WAY_MAX);
    for (let i = 0; i < 20; i++) await turn();
    expect(bench.door.requests).toHaveLength(UNDER_WAY_MAX);
    bench.door.script = () => created;
    for (const { reply } of bench.door.held) reply(created);
    const answers = parsed(await (await response).text());
    expect(answers.map(({ line }) => line)).toEqual(
      Array.from({ length: 10_000 }, (_, index) => index + 1),
    );
  });

  test('answers lines in order of completion, while the body is still coming', async () => {
    bench.door.script = ({ operation }) =>
      operation.op === 'bill.create' && operation.terms.orderId === 'o-1' ? 'hold' : created;
    const client = open();
    client.sent.write(linesOf(2));
    await client.heard(/"line":2,.*\n/);
    expect(client.text).not.toContain('"line":1,');
    client.sent.write(`${lineOf(3)}\n`);
    await client.heard(/"line":3,.*\n/);
    bench.door.held[0]?.reply(created);
    await client.heard(/"line":1,.*\n/);
    client.sent.end(lineOf(4));
    await client.over;
    expect(parsed(client.text).map(({ line }) => line)).toEqual([1, 2, 3, 4]);
  });

  test('leaves its connection as it found it', async () => {
    const bytes = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.terminal}\r\nContent-Length: ${lineOf(1).length}\r\n\r\n${lineOf(1)}`;
    const socket = connect(bench.gateway.port, '127.0.0.1');
    let heard = '';
    socket.on('data', (data) => {
      heard += data.toString();
    });
    for (let i = 1; i <= 3; i++) {
      socket.write(bytes);
      await until(() => heard.split('\r\n0\r\n\r\n').length === i + 1);
    }
    socket.destroy();
  });
});

describe('a client of a batch', () => {
  test('that stops in the middle of a line has the lines before it done', async () => {
    const client = open();
    client.sent.write(`${linesOf(3)}${lineOf(4).slice(0, -1)}`);
    await client.heard(/"line":3,.*\n/);
    client.sent.destroy();
    await until(() => ended().length === 1);
    expect(ended()).toMatchObject([{ status: 499 }]);
    expect(bench.door.requests).toHaveLength(3);
    // Its place is free again.
    for (let i = 0; i < 20; i++) expect(await answersTo(linesOf(1))).toHaveLength(1);
  });

  test('that goes away has done what had come whole, though it waited', async () => {
    bench.door.script = () => 'hold';
    const client = open();
    client.sent.write(linesOf(1_000));
    await until(() => bench.door.held.length === UNDER_WAY_MAX);
    client.sent.destroy();
    // Whoever is not read from is found to be gone when it takes nothing for long.
    for (let i = 0; ended().length === 0; i++) {
      bench.door.held[i]?.reply(created);
      bench.clock.advance(100);
      await turn();
    }
    expect(ended()).toMatchObject([{ status: 499 }]);
    expect(bench.door.requests.length).toBeLessThan(1_000);
    bench.door.script = () => created;
    for (const { reply } of bench.door.held) reply(created);
    await until(() => bench.door.requests.length === 1_000);
  });

  test('whose lines have no room is not read from, and others are', async () => {
    bench.door.script = () => 'hold';
    const client = open();
    let isWritten = false;
    // More than what the buffers of both ends take.
    client.sent.end(LONG_LINE.repeat(100_000), () => {
      isWritten = true;
    });
    await until(() => bench.door.held.length === UNDER_WAY_MAX);
    for (let i = 0; i < 300; i++) await (await fetch(`${bench.url}/healthz`)).text();
    expect(isWritten).toBe(false);
    client.sent.destroy();
  });

  test('of whom more came than may wait is cut off', async () => {
    bench.gateway.close();
    bench = await startBench({ limits: { batchUnreadBytes: 10_000 } });
    bench.door.script = () => 'hold';
    const client = open();
    const lost = new Promise<void>((done) => client.sent.once('error', () => done()));
    client.sent.write(LONG_LINE.repeat(1_000));
    await lost;
    expect(ended()).toMatchObject([{ status: 499 }]);
  });

  test('that does not read is not read from, and is cut off in the end', async () => {
    bench.gateway.close();
    bench = await startBench({ limits: { batchUnreadBytes: Number.MAX_SAFE_INTEGER } });
    bench.door.script = () => created;
    const socket = connect(bench.gateway.port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => undefined);
    const head = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.terminal}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const lines = LONG_LINE.repeat(1_000);
    const chunk = `${lines.length.toString(16)}\r\n${lines}\r\n`;
    let taken = 0;
    const writeNext = (error?: Error | null): void => {
      if (error || taken === 100) return;
      taken += 1;
      socket.write(chunk, writeNext);
    };
    socket.write(head);
    writeNext();
    const closed = new Promise<void>((done) => socket.once('close', () => done()));
    await until(() => {
      bench.clock.advance(100);
      return ended().length === 1;
    });
    expect(ended()).toMatchObject([{ status: 499 }]);
    // What the buffers of both ends take, and then 1 MB of answers. Of the lines, too.
    expect(bench.door.requests.length).toBeLessThan(20_000);
    expect(taken * chunk.length).toBeLessThan(20_000_000);
    socket.resume();
    await closed;
  });
});

describe('a batch is refused whole', () => {
  test.each([
    ['without a key', null, NDJSON, 401, 'request.unauthenticated'],
    ['with a merchant’s key', keys.merchant, NDJSON, 403, 'request.forbidden'],
    ['with an operator’s key', keys.operator, NDJSON, 403, 'request.forbidden'],
    ['with a wallet’s key', keys.paychannel, NDJSON, 403, 'request.forbidden'],
    ['as JSON', keys.terminal, {}, 415, UNSUPPORTED],
    ['compressed', keys.terminal, { ...NDJSON, 'Content-Encoding': 'gzip' }, 415, UNSUPPORTED],
    ['in UTF-16', keys.terminal, { 'Content-Type': `${TYPE}; charset=utf-16` }, 415, UNSUPPORTED],
  ])('%s', async (_name, key, headers, status, code) => {
    const response = await call(bench, 'POST', PATH, { raw: linesOf(3), key, headers });
    expect(await problemOf(response)).toMatchObject({ status, code });
    expect(bench.door.requests).toEqual([]);
  });

  test('beyond the batches that a terminal may have', async () => {
    bench.door.script = () => 'hold';
    const four = Array.from({ length: 4 }, () => post(linesOf(1)));
    await until(() => bench.door.held.length === 4);
    const fifth = await post(linesOf(1));
    expect(fifth.headers.get('retry-after')).toBe('1');
    expect(await problemOf(fifth)).toMatchObject({ status: 429, code: 'rate.limited' });
    const others = post(linesOf(1), { key: keys.restricted });
    await until(() => bench.door.held.length === 5);
    for (const { reply } of bench.door.held) reply(created);
    for (const response of [...four, others]) expect((await response).status).toBe(200);
    bench.door.script = () => created;
    expect(await answersTo(linesOf(1))).toHaveLength(1);
  });
});

test('a batch whose key is withdrawn creates nothing more', async () => {
  const client = open();
  client.sent.write(`${lineOf(1)}\n`);
  await client.heard(/"line":1,/);
  bench.principals.clear();
  bench.clock.advance(30_000);
  client.sent.write(`${lineOf(2)}\n`);
  await client.heard(/"line":2,/);
  client.sent.end(`${lineOf(3)}\n`);
  await client.over;
  expect(summary(parsed(client.text)).at(-1)).toEqual([3, 'o-3', 401, 'request.unauthenticated']);
});

test('a batch whose key is withdrawn creates nothing more as soon as that is told, nor later', async () => {
  bench.gateway.hear(true, null);
  const client = open();
  client.sent.write(`${lineOf(1)}\n`);
  await client.heard(/"line":1,/);
  const terminal = hashOfKey(keys.terminal);
  const { id } = bench.principals.get(terminal) ?? {};
  bench.principals.delete(terminal);
  bench.gateway.hear(true, [{ kind: 'terminal', id: String(id) }]);
  client.sent.write(`${lineOf(2)}\n`);
  await client.heard(/"line":2,/);
  // By now it is forgotten that the key is unknown.
  bench.clock.advance(2_000);
  client.sent.end(`${lineOf(3)}\n`);
  await client.over;
  const withdrawn = [401, 'request.unauthenticated'];
  expect(summary(parsed(client.text)).slice(1)).toEqual([
    [2, 'o-2', ...withdrawn],
    [3, 'o-3', ...withdrawn],
  ]);
});

test('a batch whose terminal is suspended creates nothing more as soon as that is told', async () => {
  bench.gateway.hear(true, null);
  const client = open();
  client.sent.write(`${lineOf(1)}\n`);
  await client.heard(/"line":1,/);
  const terminal = hashOfKey(keys.terminal);
  const principal = bench.principals.get(terminal);
  if (principal === undefined) throw new Error('no terminal');
  bench.principals.set(terminal, { ...principal, suspended: true });
  bench.gateway.hear(true, [{ kind: 'terminal', id: principal.id }]);
  client.sent.end(`${lineOf(2)}\n`);
  await client.over;
  const sent = bench.door.requests.filter(({ operation }) => operation.op === 'bill.create');
  expect(sent.map((each) => each.principal?.suspended ?? false)).toEqual([false, true]);
});

test('a batch that the switch’s end overtakes refuses what it has not begun, and is answered whole', async () => {
  bench.door.script = () => 'hold';
  const client = open();
  client.sent.write(`${lineOf(1)}\n`);
  await until(() => bench.door.held.length === 1);
  const drained = bench.gateway.drain();
  client.sent.end(`${lineOf(2)}\n`);
  await client.heard(/"line":2,/);
  bench.door.held[0]?.reply(created);
  await client.over;
  await passing(bench.clock, drained);
  expect(summary(parsed(client.text))).toEqual([
    [1, 'o-1', 201, undefined],
    [2, 'o-2', 503, 'shuttingDown'],
  ]);
});

interface Client {
  readonly sent: ClientRequest;
  readonly text: string;
  /** The answer has ended whole. */
  readonly over: Promise<void>;
  heard(pattern: RegExp): Promise<void>;
}

/** Writes and reads at once. */
function open(): Client {
  let text = '';
  const sent = request(`${bench.url}${PATH}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${keys.terminal}`, ...NDJSON },
  });
  sent.on('error', () => undefined);
  const over = new Promise<void>((done) => {
    sent.on('response', (response: IncomingMessage) => {
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('error', () => undefined);
      response.on('end', done);
    });
  });
  sent.flushHeaders();
  return {
    sent,
    get text() {
      return text;
    },
    over,
    heard: (pattern) => until(() => pattern.test(text)),
  };
}

/** Comes back once it is so. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
