// Other people's drivers in a real switch: loaded from a list, each in a process of its own, and what they break is told.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DeliveryDisturbance, TestReceiver } from '../../src/drivers/kit/test-receiver.ts';
import { type Body, done, fresh, type HttpParty, refused } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { DriverFolder, FORMAT, fromPage } from '../support/listed-drivers.ts';
import { type House, OperatorParty, onboardHouse } from '../support/operator.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { metric, SwitchProcess } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

let folder: DriverFolder;
let world: World;
let till: HttpParty;
let wallet: HttpParty;

const line = { kind: 'terminal', name: 'line', package: './line.mjs' };
const entry = {
  kind: 'qr',
  name: 'meadow',
  package: './format.mjs',
  settings: { prefix: 'MEADOW:' },
  // Far more than it takes on any machine.
  callMs: 30_000,
};

const stuck = {
  kind: 'qr',
  name: 'stuck',
  package: './stuck.mjs',
  settings: { prefix: 'STUCK:' },
  callMs: 100,
};

beforeAll(async () => {
  folder = new DriverFolder({
    'format.mjs': FORMAT,
    'stuck.mjs': FORMAT.replace("name: 'meadow'", "name: 'stuck'"),
    'line.mjs': fromPage('line.mjs'),
  });
  world = await World.start(postgresAlone, {
    QRSWITCH_DRIVERS: folder.list('drivers.json', [entry, stuck, line]),
    QRSWITCH_WEBHOOK_FIRST_RETRY_MS: '10',
  });
  till = world.http('terminal');
  wallet = world.http('paychannel');
});
afterAll(async () => {
  await world?.stop();
  folder?.remove();
});
beforeEach(() => showOutputOnFailure(() => world?.process));

const order = (more: Body = {}): Body => ({
  orderId: fresh('order'),
  amount: 1_200,
  currency: 'EUR',
  qrFormat: 'meadow',
  ...more,
});

describe('a format that the operator has loaded', () => {
  test('is issued by its driver, kept with the bill, and read again', async () => {
    const { id, qr } = await done(till, 'bill.create', order());

    expect(qr.format).toBe('meadow');
    expect(qr.payload).toMatch(new RegExp(`^MEADOW:${id}/1200/[0-9A-Z]{8}$`));
    expect(await done(wallet, 'bill.resolve', { qr: qr.payload })).toMatchObject({
      id,
      due: 1_200,
    });
    const changed = qr.payload.replace('/1200/', '/12/');
    expect(await refused(wallet, 'bill.resolve', { qr: changed })).toMatchObject({
      code: 'qr.tampered',
    });
    expect(await refused(wallet, 'bill.resolve', { qr: 'MEADOW:1' })).toMatchObject({
      code: 'bill.notFound',
    });
  });

  test.each([
    [{ amount: 13 }, 'Thirteen brings bad luck.'],
    [{ currency: 'RUB' }, 'It carries EUR'],
    [{ type: 'static', usage: 'many', amount: 1_200 }, 'no codes for many payments'],
  ])('refuses what it cannot carry, and says why: %j', async (more, said) => {
    expect(await refused(till, 'bill.create', order(more))).toMatchObject({
      status: 422,
      code: 'qr.formatUnfit',
      detail: expect.stringContaining(said),
    });
  });

  test('that breaks, breaks nothing else, and leaves no bill', async () => {
    for (const [way, said] of [
      ['throws', 'oops'],
      ['nonsense', 'its answer to issue is none'],
      ['hangs', 'not answered in 100 ms'],
      ['exits', 'it ended itself, with 3'],
      ['hoards', 'more heap than 128 MB'],
    ] as const) {
      // What ended the one before is made anew first.
      await expect.poll(async () => (await till.ask('bill.create', order())).status).toBe(201);
      const { orderId: plain, ...rest } = order();
      const orderId = `${way}-${plain}`;
      const qrFormat = way === 'hangs' ? 'stuck' : 'meadow';
      const fixed = `The driver ${qrFormat} could not be asked, or has not answered as it should.`;
      const [no] = await Promise.all([
        till.ask('bill.create', { ...rest, orderId, qrFormat }),
        done(till, 'bill.create', order({ qrFormat: 'url' })),
      ]);
      expect(no).toMatchObject({
        status: 503,
        body: { code: 'driver.away', detail: fixed, retryable: true },
      });
      const told = () => world.process.logged('driver.failed').map((line) => line.said);
      await expect.poll(told).toContainEqual(expect.stringContaining(said));
      expect(Number(no.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await done(till, 'order.resolve', { orderId })).toMatchObject({ status: 'void' });
    }
    // It is made anew.
    await expect.poll(async () => (await till.ask('bill.create', order())).status).toBe(201);
    const { baseUrl } = world.process;
    expect(await metric(baseUrl, 'qrswitch_drivers_ended_total')).toBeGreaterThan(0);
    expect(world.process.logged('driver.failed').map(({ driver }) => driver)).toContain('meadow');
  });

  test('may be what a terminal’s codes are where a create does not say, and one that is not may not', async () => {
    const { id: partyId } = world.process.demo.terminal;
    const system = new OperatorParty(world, world.process.demo.operator.key);
    const set = (format: string | null) =>
      system.ask('operator.terminal.changeCodes', { partyId, format });
    expect(await set('pix')).toMatchObject({
      status: 400,
      body: {
        code: 'request.invalid',
        errors: [{ path: 'format', message: 'must be one of url, emvco, sbp, meadow, stuck' }],
      },
    });
    expect(await set('meadow')).toMatchObject({
      status: 200,
      body: { set: { format: 'meadow' }, inForce: { format: 'meadow' } },
    });
    const { qrFormat: _left, ...plain } = order();
    const formats = async () =>
      (await done(till, 'bill.create', { ...plain, orderId: fresh('order') })).qr.format;
    await expect.poll(formats).toBe('meadow');
    expect(await set(null)).toMatchObject({ body: { inForce: { format: 'url' } } });
    await expect.poll(formats).toBe('url');
  });

  test('is named in the refusal of one that is not', async () => {
    expect(await refused(till, 'bill.create', order({ qrFormat: 'pix' }))).toMatchObject({
      code: 'request.invalid',
      errors: [{ path: 'qrFormat', message: 'must be one of url, emvco, sbp, meadow, stuck' }],
    });
  });
});

describe('a way of delivery that the operator has loaded', () => {
  let system: OperatorParty;
  let house: House;
  let receiver: TestReceiver;
  let webhookId: string;

  beforeAll(async () => {
    system = new OperatorParty(world, world.process.demo.operator.key);
    house = await onboardHouse(system, fresh('house'));
    receiver = await folder.receiver('line.mjs');
    const endpoint = { holderId: house.terminal.id, driver: 'line', settings: receiver.endpoint };
    const added = await system.done<{ id: string }>('operator.webhook.add', endpoint);
    expect(added).toMatchObject({ driver: 'line', url: null });
    expect(JSON.stringify(added)).not.toContain('1234');
    webhookId = added.id;
    await world.process.until('proven', () =>
      world.process.logged('webhook.active').some(({ endpoint: one }) => one === webhookId),
    );
  });
  afterAll(() => receiver?.close());

  /** A bill that is paid in two parts: two events for its till. */
  async function paidBill(): Promise<string> {
    const own = world.http('terminal', house.terminal.key ?? '');
    const payer = world.http('paychannel', house.paychannel.key ?? '');
    const { id: billId } = await done(own, 'bill.create', order({ qrFormat: 'url', amount: 500 }));
    for (const [paymentRef, amount] of [
      ['a', 200],
      ['b', 300],
    ] as const) {
      await done(payer, 'payment.create', { billId, paymentRef, amount, currency: 'EUR' });
    }
    return billId;
  }

  const keptOf = (billId: string) =>
    receiver
      .kept()
      .filter(({ id }) => id.startsWith(billId))
      .map(({ id }) => id);

  test('brings the events of its holder in order, and acknowledges what was kept', async () => {
    const billId = await paidBill();

    await expect.poll(() => keptOf(billId).length).toBeGreaterThan(1);
    expect(keptOf(billId)).toEqual([...keptOf(billId)].sort());
    const [first] = receiver.kept().filter(({ id }) => id.startsWith(billId));
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      id: first?.id,
      type: 'payment.received',
    });
    const own = world.http('terminal', house.terminal.key ?? '');
    await expect.poll(async () => (await done(own, 'terminal.events', {})).events.length).toBe(0);
  });

  test('is asked again where something was lost', async () => {
    receiver.disturb('answerLost');
    const billId = await paidBill();

    await expect.poll(() => new Set(keptOf(billId)).size).toBeGreaterThan(1);
    expect(keptOf(billId).length).toBe(new Set(keptOf(billId)).size + 1);
  });

  test('leaves an event that is never taken as a dead letter, and goes on', async () => {
    receiver.disturb('refused' as DeliveryDisturbance);
    const billId = await paidBill();

    await expect.poll(() => keptOf(billId).length).toBeGreaterThan(0);
    const letters = async () => {
      const listed = await system.done<{ items: readonly { id: string; failure: string }[] }>(
        'operator.webhook.deadLetters',
        { webhookId },
      );
      return listed.items.filter(({ failure }) => failure.startsWith('NO '));
    };
    // It is written beside the way of deliveries.
    await expect.poll(async () => (await letters()).length).toBe(1);
    const [letter] = await letters();
    const refusedId = letter?.id ?? '';
    expect(refusedId.startsWith(billId)).toBe(true);

    // It stays pending for whoever comes by another way, and is not sent by this one again, after a start either.
    const pending = async () => {
      const own = world.http('terminal', house.terminal.key ?? '');
      return (await done(own, 'terminal.events', {})).events.map(({ id }) => id);
    };
    await expect.poll(pending).toEqual([refusedId]);
    await world.crash();
    expect(await pending()).toContain(refusedId);
    const next = await paidBill();
    await expect.poll(() => new Set(keptOf(next)).size).toBe(2);
    expect(keptOf(billId)).not.toContain(refusedId);
    await system.done('operator.webhook.resend', { webhookId, eventIds: [refusedId] });
    await expect.poll(() => keptOf(billId)).toContain(refusedId);
  });

  test.each([
    [{ settings: { host: 'till', port: 0, pin: '1234' } }, 'settings', 'port: Expected integer'],
    [{ driver: 'mqtt' }, 'driver', 'must be one of webhook, line for a terminal'],
    [{ url: 'https://till.example' }, 'url', 'does not go with line'],
    [{ driver: 'webhook' }, 'url', 'is missing: webhook needs it'],
  ])('is not registered with what does not fit: %j', async (more, path, message) => {
    const fitting = { holderId: house.terminal.id, driver: 'line', settings: receiver.endpoint };
    const answer = await system.ask('operator.webhook.add', { ...fitting, ...more });

    expect(answer).toMatchObject({
      status: 400,
      body: { errors: [{ path, message: expect.stringContaining(message) }] },
    });
  });
});

describe('a list of drivers', () => {
  test('with settings that do not fit is refused at start, and says what to mend', async () => {
    const unfit = { ...entry, settings: { prefix: 'x' } };
    const env = { QRSWITCH_DRIVERS: folder.list('unfit.json', [unfit]) };
    const launched = await SwitchProcess.launch({ stores: world.stores, env });
    try {
      expect((await launched.ended()).code).toBe(1);
      expect(launched.output).toContain(
        'qrswitch cannot start: StartRefusal: the driver meadow (./format.mjs) of QRSWITCH_DRIVERS cannot be used: meadow: prefix:',
      );
    } finally {
      await launched.remove();
    }
  });
});

describe('a format that is loaded no more', () => {
  test('takes back nothing that was answered, and is refused what is new', async () => {
    const { id: partyId } = world.process.demo.terminal;
    const asked = (call: string, body: Body) =>
      new OperatorParty(world, world.process.demo.operator.key).ask(call, body);
    const set = (idempotencyKey: string, format = 'meadow') =>
      asked('operator.terminal.changeCodes', { partyId, format, idempotencyKey });
    const settings = { host: '127.0.0.1', port: 9, pin: '1234' };
    const endpoint = { holderId: partyId, driver: 'line', settings };
    const addLine = (idempotencyKey: string) =>
      asked('operator.webhook.add', { ...endpoint, idempotencyKey });
    const first = await set('first');
    const line = await addLine('line');
    expect(line.status).toBe(201);
    const made = order();
    const bill = await done(till, 'bill.create', made);
    await world.runWith({});
    const errors = (path: string) => [{ path, message: 'must be one of url, emvco, sbp' }];

    expect(await set('first')).toMatchObject({ status: 200, body: first.body });
    expect(await set('first', 'stuck')).toMatchObject({
      status: 409,
      body: { code: 'idempotency.reused' },
    });
    expect(await set('second')).toMatchObject({ status: 400, body: { errors: errors('format') } });
    expect((await addLine('line')).body).toMatchObject({ id: (line.body as { id: string }).id });
    expect(await addLine('another')).toMatchObject({ status: 400 });
    till = world.http('terminal');
    expect(await done(till, 'bill.create', made)).toMatchObject({ id: bill.id, qr: bill.qr });
    expect(await refused(till, 'bill.create', order())).toMatchObject({
      code: 'request.invalid',
      errors: errors('qrFormat'),
    });
  });
});
