// How much one party may ask: what operators set holds within a second, on every thread, and for nobody else. And where
// more is asked than can be done, whoever asks most is refused; how long the others wait is a matter of measurements
// (`npm run bench -- fairness`).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Answer,
  type Body,
  done,
  fresh,
  type Op,
  type Party,
  type StreamParty,
} from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { type House, OperatorParty, onboardHouse } from '../support/operator.ts';
import { RawConnection } from '../support/raw-http.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

/** So little that a few requests at once are a crowd. */
const ENV = { QRSWITCH_AHEAD_MAX: '4', QRSWITCH_WAITING_MAX: '64', QRSWITCH_GATEWAYS: '2' };
const AT_ONCE = 200;
const LIVES = 4;
const WITHIN = { timeout: 30_000, interval: 20 };

let world: World;
let system: OperatorParty;
let house: House;
/** They begin with the file and are looked at in its end: they take their time. */
let dawdlers: readonly Dawdler[];

beforeAll(async () => {
  world = await World.start(postgresAlone, ENV);
  system = new OperatorParty(world, world.process.demo.operator.key);
  house = await onboardHouse(system, 'Limited');
  dawdlers = await Promise.all([dawdle(false), dawdle(true)]);
});
afterAll(async () => {
  for (const { abort } of dawdlers ?? []) abort();
  await world?.stop();
});
beforeEach(() => showOutputOnFailure(() => world?.process));

function order(): Body {
  return { orderId: fresh('order'), amount: 500, currency: 'EUR' };
}

/** Many at once; their answers. */
function crowd(party: Party, op: Op, bodies: readonly Body[]): Promise<Answer[]> {
  return Promise.all(bodies.map((body) => party.ask(op, body)));
}

function statusesOf(answers: readonly Answer[]): number[] {
  return answers.map(({ status }) => status);
}

describe('a limit of requests', () => {
  test('refuses its terminal what is too much, says when to come again, and ends within a moment', async () => {
    const till = world.http('terminal', house.terminal.key ?? '');
    const other = world.http('terminal');
    await done(till, 'bill.create', order());
    const of = { partyId: house.terminal.id };
    const shown = await system.done('operator.terminal.limit', {
      ...of,
      requestsPerSecond: 1,
      burst: 3,
    });
    expect(shown).toEqual({
      kind: 'terminal',
      id: house.terminal.id,
      set: { requestsPerSecond: 1, burst: 3 },
      inForce: { requestsPerSecond: 1, burst: 3, sockets: null },
    });
    // Each of both gateways may give a burst before it hears of the other's.
    const orders = Array.from({ length: 8 }, order);
    const refusals = async () =>
      (await Promise.all(orders.map((each) => till.ask('bill.create', each)))).filter(
        ({ status }) => status === 429,
      );
    await expect.poll(async () => (await refusals()).length, WITHIN).toBeGreaterThan(0);
    const [refused] = await refusals();
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'rate.limited', limit: 'holderRequests', retryable: true },
    });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    // The same over WebSocket, in the frame.
    const stream = await world.stream('terminal', 'msgpack', house.terminal.key ?? '');
    // Its gateway may be the one that has not heard of the limit yet.
    const inFrames = async () =>
      (await crowd(stream, 'bill.create', Array.from({ length: 8 }, order))).find(
        ({ status }) => status === 429,
      );
    await expect.poll(inFrames, WITHIN).toMatchObject({ body: { retryAfter: expect.any(Number) } });
    // Others of the same switch notice nothing.
    expect(statusesOf(await crowd(other, 'bill.create', [order(), order(), order()]))).toEqual([
      201, 201, 201,
    ]);
    expect(await metric(world.process.baseUrl, 'qrswitch_requests_limited_total')).toBeGreaterThan(
      0,
    );
    // Without a field it goes by the configuration again.
    expect(await system.done('operator.terminal.limit', of)).toMatchObject({
      set: {},
      inForce: { requestsPerSecond: null },
    });
    const four = () => crowd(stream, 'bill.create', [order(), order(), order(), order()]);
    await expect.poll(async () => statusesOf(await four()), WITHIN).toEqual([201, 201, 201, 201]);
  });

  test('lets a till finish what it has begun', async () => {
    const till = await world.stream('terminal', 'json', house.terminal.key ?? '');
    const wallet = await world.stream('paychannel', 'json', house.paychannel.key ?? '');
    const bill = await done(till, 'bill.create', order());
    const of = { partyId: house.terminal.id };
    await system.done('operator.terminal.limit', { ...of, requestsPerSecond: 1, burst: 1 });
    const create = async () => (await till.ask('bill.create', order())).status;
    await expect.poll(create, WITHIN).toBe(429);
    const payment = { billId: bill.id, paymentRef: 'p', amount: 500, currency: 'EUR' };
    await done(wallet, 'payment.create', payment);
    expect(await done(till, 'bill.confirm', { billId: bill.id })).toMatchObject({
      status: 'confirmed',
    });
    await system.done('operator.terminal.limit', of);
    await expect.poll(create, WITHIN).toBe(201);
    await Promise.all([till.close(), wallet.close()]);
  });

  test('of an institution is shared by all who act for it', async () => {
    const till = world.http('terminal', house.terminal.key ?? '');
    const wallet = world.http('paychannel', house.paychannel.key ?? '');
    const of = { partyId: house.institution.id };
    await system.done('operator.institution.limit', { ...of, requestsPerSecond: 1, burst: 1 });
    await expect
      .poll(async () => (await till.ask('bill.list', {})).body, WITHIN)
      .toMatchObject({ limit: 'institutionRequests' });
    await expect
      .poll(async () => (await wallet.ask('paychannel.payments', {})).body, WITHIN)
      .toMatchObject({ limit: 'institutionRequests' });
    await system.done('operator.institution.limit', of);
    await expect.poll(async () => (await till.ask('bill.list', {})).status, WITHIN).toBe(200);
  });

  test('makes the lines of a batch wait, and refuses none', async () => {
    const till = world.http('terminal', house.terminal.key ?? '');
    const of = { partyId: house.terminal.id };
    await system.done('operator.terminal.limit', { ...of, requestsPerSecond: 50, burst: 2 });
    const isLimited = async () => {
      const lists = await crowd(till, 'bill.list', [{}, {}, {}, {}]);
      return statusesOf(lists).includes(429);
    };
    await expect.poll(isLimited, WITHIN).toBe(true);
    const lines = Array.from({ length: 20 }, () => JSON.stringify(order())).join('\n');
    const begin = () =>
      fetch(`${world.process.baseUrl}/v1/terminal/bills/batch`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${house.terminal.key}`,
          'Content-Type': 'application/x-ndjson',
        },
        body: lines,
      });
    let answer = await begin();
    while (answer.status === 429) answer = await begin();
    const answers = (await answer.text()).trim().split('\n');
    expect(answers.map((line) => (JSON.parse(line) as { status: number }).status)).toEqual(
      Array.from({ length: 20 }, () => 201),
    );
    await system.done('operator.terminal.limit', of);
  });

  test('is set by who may, is written down, and must be one', async () => {
    const admin = new OperatorParty(world, house.admin.key ?? '');
    const institution = { partyId: house.institution.id, requestsPerSecond: 5 };
    expect(await admin.ask('operator.institution.limit', institution)).toMatchObject({
      status: 403,
    });
    await admin.done('operator.paychannel.limit', { partyId: house.paychannel.id, sockets: 9 });
    expect(
      await admin.done('operator.paychannel.limits', { partyId: house.paychannel.id }),
    ).toMatchObject({ set: { sockets: 9 }, inForce: { sockets: 9, requestsPerSecond: null } });
    for (const flaw of [{ requestsPerSecond: 0 }, { burst: 1.5 }, { sockets: 'x' }, { rate: 1 }]) {
      const call = { partyId: house.paychannel.id, ...flaw };
      expect((await admin.ask('operator.paychannel.limit', call)).status).toBe(400);
    }
    const lines: { entry: string }[] = [];
    for (let more = true; more; ) {
      const page = await system.done<{ items: { no: number; entry: string }[] }>('operator.audit', {
        limit: 100,
        after: lines.length,
      });
      lines.push(...page.items);
      more = page.items.length > 0;
    }
    expect(lines.map(({ entry }) => JSON.parse(entry) as unknown)).toContainEqual(
      expect.objectContaining({ action: 'paychannel.limited', detail: { sockets: 9 } }),
    );
  });
});

describe('a limit of sockets', () => {
  test('refuses the next one until another has closed', async () => {
    const of = { partyId: house.paychannel.id };
    const key = house.paychannel.key ?? '';
    const tried = () =>
      world.stream('paychannel', 'json', key).then(
        async (stream) => {
          await stream.close();
          return 'open';
        },
        (error: Error) => (error.cause as Error).message,
      );
    const first = await world.stream('paychannel', 'json', key);
    await system.done('operator.paychannel.limit', { ...of, sockets: 1 });
    await expect.poll(tried, WITHIN).toBe('Unexpected server response: 429');
    await first.close();
    await expect.poll(tried, WITHIN).toBe('open');
    await system.done('operator.paychannel.limit', of);
  });
});

/** Asks for as much as it can until it is told to stop: how it was answered, by status. */
async function shout(till: StreamParty, isOver: () => boolean): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  while (!isOver()) {
    const asked = Array.from({ length: AT_ONCE }, () => till.ask('bill.create', order()));
    for (const { status, body } of await Promise.all(asked)) {
      counts.set(status, (counts.get(status) ?? 0) + 1);
      if (status !== 201) expect(body).toMatchObject({ code: 'overloaded', retryAfter: 1 });
    }
  }
  return counts;
}

describe('an institution that asks for no more than its share', () => {
  test('is refused nothing while another one floods the switch', async () => {
    const quiet = await onboardHouse(system, 'Quiet');
    const [shouter, till, wallet] = await Promise.all([
      world.stream('terminal', 'json', house.terminal.key ?? ''),
      world.stream('terminal', 'json', quiet.terminal.key ?? ''),
      world.stream('paychannel', 'json', quiet.paychannel.key ?? ''),
    ]);
    let isOver = false;
    const shouting = shout(shouter, () => isOver);
    // Each of these fails where a step is refused.
    const live = async (): Promise<void> => {
      const { id: billId } = await done(till, 'bill.create', order());
      await done(wallet, 'bill.view', { billId });
      const payment = { billId, paymentRef: 'p', amount: 500, currency: 'EUR' };
      await done(wallet, 'payment.create', payment);
      await done(till, 'bill.confirm', { billId });
    };
    for (let i = 0; i < LIVES; i++) await Promise.all([live(), live()]);
    // The same over HTTP, where each call is a connection of its own.
    const overHttp = world.http('terminal', quiet.terminal.key ?? '');
    for (let i = 0; i < LIVES; i++) await done(overHttp, 'bill.create', order());
    isOver = true;
    const counts = await shouting;
    expect(counts.get(503)).toBeGreaterThan(0);
    // It was served as well: its share, and what the others left.
    expect(counts.get(201)).toBeGreaterThan(0);
    expect([...counts.keys()].sort()).toEqual([201, 503]);
  });
});

interface Dawdler {
  readonly closed: Promise<void>;
  abort(): void;
}

/** A client that sends a letter now and then: of its headers, or of the body that it has announced. */
async function dawdle(isInBody: boolean): Promise<Dawdler> {
  const connection = await RawConnection.open(world.process.port);
  const head = `POST /v1/terminal/bills HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${house.terminal.key}\r\n`;
  const announced = 'Content-Type: application/json\r\nContent-Length: 50000\r\n\r\n{';
  await connection.write(isInBody ? `${head}${announced}` : `${head}X-Slow: `);
  const timer = setInterval(() => void connection.write(' '), 200);
  void connection.closed.then(() => clearInterval(timer));
  return { closed: connection.closed, abort: () => connection.abort() };
}

describe('a client that takes its time', () => {
  test('over its headers is cut off, however steadily it sends', () => dawdlers[0]?.closed);

  test('over its body is cut off, however steadily it sends', () => dawdlers[1]?.closed);
});
