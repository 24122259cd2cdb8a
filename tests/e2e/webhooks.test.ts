// Webhooks of a real switch to real receivers: proved, signed, retried, in order, and one stream with sockets and polls.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { historyIsWhole } from '../support/books.ts';
import { type Body, done, type Event, fresh, type HttpParty } from '../support/client.ts';
import { qrswitch } from '../support/command-line.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { type House, OperatorParty, onboardHouse, type Party } from '../support/operator.ts';
import { freePort } from '../support/ports.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { type Behaviour, WebhookReceiver } from '../support/webhook-receiver.ts';
import { World } from '../support/world.ts';

const FAULTS: readonly Behaviour[] = ['lost', 500, 'reset', 'slow', 302, 'ok', 429, 'ok'];
const SOON_MS = 20_000;

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly secret: string;
  readonly secrets: readonly object[];
  readonly health: { readonly deadLetters: number };
}

let world: World;
let sql: Sql;
let system: OperatorParty;
let house: House;
let till: HttpParty;
let wallet: HttpParty;
let receiver: WebhookReceiver;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  world = await World.start(postgresAlone, {
    QRSWITCH_WEBHOOK_ALLOW: '127.0.0.0/8',
    QRSWITCH_WEBHOOK_FIRST_RETRY_MS: '10',
    QRSWITCH_WORKERS: '2',
  });
  sql = postgres(world.stores.databaseUrl, { max: 1, onnotice: () => undefined });
  system = new OperatorParty(world, world.process.demo.operator.key);
  vi.stubEnv('QRSWITCH_KEY', world.process.demo.operator.key);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await sql?.end();
  await world?.stop();
  for (const one of receivers) await one.stop();
});
beforeEach(async () => {
  showOutputOnFailure(() => world?.process);
  house = await onboardHouse(system, randomBytes(4).toString('hex'));
  till = world.http('terminal', house.terminal.key ?? '');
  wallet = world.http('paychannel', house.paychannel.key ?? '');
  receiver = await newReceiver();
});

async function newReceiver(): Promise<WebhookReceiver> {
  const one = await WebhookReceiver.start();
  receivers.push(one);
  return one;
}

/** Registers and waits until it is sent what happens from then on. */
async function register(
  holderId: string,
  to: WebhookReceiver = receiver,
  more: object = {},
): Promise<Shown> {
  const webhook = await system.done<Shown>('operator.webhook.add', {
    holderId,
    url: to.url,
    ...more,
  });
  to.secrets = [webhook.secret];
  await expect.poll(() => told('webhook.active')).toContain(webhook.id);
  return webhook;
}

/** Endpoints of which the log has a line of this kind. */
function told(what: string): unknown[] {
  return world.process.logged(what).map(({ endpoint }) => endpoint);
}

async function stateOf(webhookId: string): Promise<string> {
  return (await system.done<Shown>('operator.webhook.get', { webhookId })).state;
}

/** A bill that is paid in two parts: two events for its till. Answers its id. */
async function paidBill(): Promise<string> {
  const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
  const { id: billId } = await done(till, 'bill.create', order);
  for (const [paymentRef, amount] of [
    ['a', 200],
    ['b', 300],
  ] as const) {
    await done(wallet, 'payment.create', { billId, paymentRef, amount, currency: 'EUR' });
  }
  return billId;
}

async function paidBills(count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => paidBill()));
}

/** All that the till was ever told, acknowledged or not, once history has it. */
async function story(): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select bill_id || '-e' || no as id from events
    where recipient = ${`terminal:${house.terminal.id}`} order by occurred_at, bill_id, no`;
  return rows.map(({ id }) => id);
}

async function pending(): Promise<readonly Event[]> {
  return (await done(till, 'terminal.events', {})).events;
}

/** Of each bill its events came in order, by their first coming. */
function outOfOrder(of: WebhookReceiver): string[] {
  const last = new Map<string, number>();
  return of.ids.filter((id) => {
    const [billId = '', no] = id.split('-e');
    const isLate = Number(no) < (last.get(billId) ?? 0);
    last.set(billId, Math.max(last.get(billId) ?? 0, Number(no)));
    return isLate;
  });
}

describe('a webhook', () => {
  test('is pending until it has echoed a signed challenge, and is sent nothing before', async () => {
    receiver.echoes = false;
    const call = { holderId: house.terminal.id, url: receiver.url };
    const webhook = await system.done<Shown>('operator.webhook.add', call);
    receiver.secrets = [webhook.secret];
    expect(webhook).toMatchObject({ state: 'pending', secret: expect.stringMatching(/^whsec_/) });
    await paidBill();
    await expect.poll(() => receiver.challenges.length).toBeGreaterThan(2);
    const of = { webhookId: webhook.id };
    expect(await system.done('operator.webhook.test', of)).toMatchObject({
      passed: false,
      said: 'it did not echo the challenge',
    });
    expect(receiver.taken).toEqual([]);
    receiver.echoes = true;
    expect(await system.done('operator.webhook.test', of)).toMatchObject({
      passed: true,
      webhook: { state: 'active' },
    });
    await expect.poll(() => receiver.ids.length).toBe(2);
    expect(receiver.forged).toEqual([]);
  });

  test('brings every event of a flaky receiver at least once, in order within a bill', async () => {
    await register(house.terminal.id);
    receiver.behave = (attempt, id) => {
      const chance = [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), attempt * 3);
      return attempt > 4 ? 'ok' : (FAULTS[chance % FAULTS.length] ?? 'ok');
    };
    const bills = await paidBills(20);
    await expect.poll(() => receiver.ids.length).toBe(bills.length * 2);
    await expect.poll(async () => (await pending()).length).toBe(0);
    expect([...receiver.ids].sort()).toEqual((await story()).sort());
    expect(outOfOrder(receiver)).toEqual([]);
    expect(receiver.forged).toEqual([]);
    expect(receiver.underWayMost).toBeLessThanOrEqual(16);
    expect(new Set(receiver.taken.map(({ event }) => event.type))).toEqual(
      new Set(['payment.received', 'bill.paid']),
    );
    expect(Math.max(...receiver.attempts.values())).toBeGreaterThan(1);
  });

  test('and a socket and a poll are one stream: each event comes by one of them, none twice, none never', async () => {
    const first = await register(house.terminal.id);
    const byWebhook = await paidBills(3);
    await expect.poll(() => receiver.ids.length).toBe(6);
    await expect.poll(async () => (await pending()).length).toBe(0);
    await system.done('operator.webhook.remove', { webhookId: first.id });
    expect((await system.ask('operator.webhook.get', { webhookId: first.id })).status).toBe(404);
    await expect.poll(() => told('webhook.removed')).toContain(first.id);

    const bySocket = await paidBills(3);
    const socket = await world.stream('terminal', 'json', house.terminal.key ?? '');
    await expect.poll(() => socket.events.length).toBeGreaterThanOrEqual(6);
    const heard = [...new Set(socket.events.map(({ id }) => id))];
    await done(socket, 'event.ack', { ids: heard });
    socket.cut();

    const byPoll = await paidBills(2);
    const polled = (await pending()).map(({ id }) => id);
    await done(till, 'event.ack', { ids: polled });

    await register(house.terminal.id);
    const again = await paidBills(3);
    await expect.poll(() => receiver.ids.length).toBe(12);
    await expect.poll(async () => (await pending()).length).toBe(0);
    const ways = [receiver.ids.slice(0, 6), heard, polled, receiver.ids.slice(6)];
    const billsOf = (ids: readonly string[]) => new Set(ids.map((id) => id.split('-')[0]));
    expect(ways.map(billsOf)).toEqual(
      [byWebhook, bySocket, byPoll, again].map((ids) => new Set(ids)),
    );
    expect(ways.flat()).toHaveLength(22);
    await historyIsWhole(world.process);
    expect(ways.flat().sort()).toEqual((await story()).sort());
    // The same bytes whatever the way.
    const [taken] = receiver.taken;
    const reread = await fetch(`${world.process.baseUrl}/v1/terminal/events?after=${taken?.id}`, {
      headers: { Authorization: `Bearer ${house.terminal.key}` },
    });
    const text = await reread.text();
    const [second] = receiver.taken.filter(({ id }) => id !== taken?.id && text.includes(id));
    expect(text).toContain(second?.text);
  });

  test('may change its secret: for a while both sign, and each verifies alone', async () => {
    const { id: webhookId, secret } = await register(house.terminal.id);
    const rotated = await system.done<Shown>('operator.webhook.rotate', { webhookId });
    expect(rotated.secrets).toHaveLength(2);
    expect(rotated.secret).not.toBe(secret);
    receiver.secrets = [secret, rotated.secret];
    await expect
      .poll(async () => {
        await paidBill();
        return receiver.taken.at(-1)?.signatures;
      })
      .toBe(2);
    await system.done('operator.webhook.rotate', { webhookId, overlapSeconds: 0 });
    const shown = await system.done<Shown>('operator.webhook.get', { webhookId });
    expect(shown.secrets).toHaveLength(1);
  });

  test('that answers 410 is left alone for good, until it passes a test', async () => {
    const { id: webhookId } = await register(house.paychannel.id);
    receiver.behave = () => 410;
    const billId = await paidBill();
    await done(till, 'bill.cancel', { billId });
    await expect.poll(() => stateOf(webhookId)).toBe('disabled');
    expect((await done(wallet, 'paychannel.events', {})).events).toHaveLength(2);
    receiver.behave = () => 'ok';
    expect(receiver.taken).toEqual([]);
    await system.done('operator.webhook.test', { webhookId });
    await expect.poll(() => receiver.ids.length).toBe(2);
    expect(receiver.taken.map(({ event }) => event.type)).toEqual(
      Array(2).fill('credit.requested'),
    );
  });

  test('of a merchant gets what all its terminals get, and one that is down holds up no other', async () => {
    const down = await newReceiver();
    const some = await newReceiver();
    await register(house.merchant.id);
    await register(house.terminal.id, some, { eventTypes: ['bill.paid'] });
    await register(house.terminal.id, down);
    down.behave = () => 503;
    const bills = await paidBills(4);
    await expect.poll(() => receiver.ids.length).toBe(8);
    await expect.poll(() => some.ids.length).toBe(4);
    // Acknowledged, and still owed to the one that is down: by letters, which outlive the process.
    await expect.poll(async () => (await pending()).length).toBe(0);
    await world.crash();
    down.behave = () => 'ok';
    await expect.poll(() => down.ids.length).toBe(8);
    expect(outOfOrder(down)).toEqual([]);
    expect(new Set(down.ids)).toEqual(new Set(receiver.ids));
    expect(bills).toHaveLength(4);
    await expect.poll(() => lettersOf('owed')).toBe(0);
  });

  test('of a merchant gets what a terminal gets that was added after it, from the first on', async () => {
    await register(house.merchant.id);
    const call = { merchantId: house.merchant.id, name: 'Another till', withKey: true };
    const added = await system.done<Party>('operator.terminal.add', call);
    till = world.http('terminal', added.key ?? '');
    await paidBill();
    // By the minute it would be found anyway.
    await expect.poll(() => receiver.ids.length, { timeout: SOON_MS }).toBe(2);
  });

  test('has dead letters listed, and sent again where an operator says so', async () => {
    const { id: webhookId } = await register(house.terminal.id);
    await paidBill();
    await expect.poll(() => receiver.ids.length).toBe(2);
    const [first = ''] = receiver.ids;
    await historyIsWhole(world.process);
    await sql`
      insert into webhook_letters (endpoint_id, bill_id, no, recipient, type, occurred_at, state, failure)
      select ${webhookId}, bill_id, no, recipient, type, occurred_at, 'dead', 'answered 500' from events
      where bill_id = ${first.split('-e')[0] ?? ''}`;
    const list = await system.done<{ items: { id: string }[] }>('operator.webhook.deadLetters', {
      webhookId,
    });
    expect(list.items.map(({ id }) => id).sort()).toEqual([...receiver.ids].sort());
    expect((await system.done<Shown>('operator.webhook.get', { webhookId })).health).toMatchObject({
      deadLetters: 2,
    });
    await system.done('operator.webhook.resend', { webhookId, eventIds: [first] });
    await expect.poll(() => receiver.attempts.get(first)).toBe(2);
    await system.done('operator.webhook.resend', { webhookId });
    await expect.poll(() => receiver.taken.length).toBe(4);
    await expect.poll(() => lettersOf('dead')).toBe(0);
    await expect.poll(() => lettersOf('owed')).toBe(0);
  });

  test('goes to nothing of ours, and a log line tells nothing of its secrets', async () => {
    const call = {
      holderId: house.terminal.id,
      url: 'https://receiver.invalid/latest?token=unspoken',
    };
    const { id: webhookId, secret } = await system.done<Shown>('operator.webhook.add', call);
    expect(await system.done('operator.webhook.test', { webhookId })).toMatchObject({
      passed: false,
    });
    const health = async () =>
      (await system.done<Shown>('operator.webhook.get', { webhookId })).health;
    await expect.poll(health).toMatchObject({
      failure: expect.any(String),
      failedAt: expect.any(String),
    });
    for (const url of ['ftp://a.example/', 'https://u:p@a.example/', 'nowhere']) {
      expect((await system.ask('operator.webhook.add', { ...call, url })).status).toBe(400);
    }
    const url = 'http://169.254.169.254/latest?token=unspoken';
    expect(await system.ask('operator.webhook.add', { ...call, url })).toMatchObject({
      status: 400,
      body: {
        errors: [
          {
            path: 'url',
            message: expect.stringMatching(/: 169\.254\.169\.254 is not a public address$/),
          },
        ],
      },
    });
    expect(world.process.output).not.toContain('unspoken');
    expect(world.process.output).not.toContain(secret);
  });

  test('is looked after by the command line, and received in the ten lines of its page', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/hook?token=unspoken`;
    const holder = house.terminal.id;
    const added = JSON.parse(
      await run('webhook', 'add', holder, url, '--events', 'bill.paid', '--json'),
    );
    const child = tenLines(port, added.secret);
    try {
      const test = () => qrswitch('webhook', 'test', added.id, '--url', world.process.baseUrl);
      await expect.poll(async () => (await test()).stdout).toBe('passed: answered 200\n');
      await expect.poll(() => told('webhook.active')).toContain(added.id);
      const billId = await paidBill();
      await expect.poll(() => child.output).toBe(`bill.paid ${billId}\n`);
    } finally {
      child.process.kill('SIGKILL');
    }
    const listed = await run('webhook', 'list', '--holder', holder);
    expect(listed).toContain(`127.0.0.1:${port}`);
    expect(listed).not.toContain('unspoken');
    const rotated = JSON.parse(
      await run('webhook', 'rotate', added.id, '--overlap', '60', '--json'),
    );
    expect(rotated.secrets).toHaveLength(2);
    expect(await run('webhook', 'dead', added.id)).toContain('given up');
    await run('webhook', 'resend', added.id);
    await run('webhook', 'remove', added.id);
    expect(await run('webhook', 'list', '--holder', holder, '--json')).toBe('[]\n');
  });

  test('is the business of those who may give its holder keys', async () => {
    const other = await onboardHouse(system, randomBytes(4).toString('hex'));
    const { id: webhookId } = await register(house.terminal.id);
    const call = { holderId: house.terminal.id, url: receiver.url };
    const answers = async (key: string | null, id: string, body: Body): Promise<number> =>
      (await new OperatorParty(world, key ?? '').ask(id, body)).status;
    expect(await answers(other.admin.key, 'operator.webhook.add', call)).toBe(404);
    expect(await answers(other.admin.key, 'operator.webhook.get', { webhookId })).toBe(404);
    expect(await answers(house.viewer.key, 'operator.webhook.get', { webhookId })).toBe(200);
    expect(await answers(house.viewer.key, 'operator.webhook.add', call)).toBe(403);
    expect(await answers(house.viewer.key, 'operator.webhook.remove', { webhookId })).toBe(403);
    expect(await answers(house.merchantAdmin.key, 'operator.webhook.rotate', { webhookId })).toBe(
      200,
    );
  });
});

async function run(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await qrswitch(...argv, '--url', world.process.baseUrl);
  if (code !== 0) throw new Error(`qrswitch ${argv.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/** The receiver of docs/webhooks.md as it stands there, but for its port. */
function tenLines(port: number, secret: string): { process: ChildProcess; output: string } {
  const page = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  const take = 'const take = async ({ type, billId }) => console.log(type, billId);\n';
  const args = ['--input-type=module', '-e', take + code.replace('3000', String(port))];
  const child = spawn(process.execPath, args, {
    env: { WEBHOOK_SECRET: secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const running = { process: child, output: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    running.output += chunk.toString();
  });
  return running;
}

/** Letters of the house's till. */
async function lettersOf(state: 'owed' | 'dead'): Promise<number> {
  const [row] = await sql<{ count: string }[]>`
    select count(*) as count from webhook_letters
    where recipient = ${`terminal:${house.terminal.id}`} and state = ${state}`;
  return Number(row?.count);
}
