// Bills that are paid through a bank's own QR system, by the switch as its users run it and both simulated banks. What the
// banks' own books say is what counts.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BookEntry } from '../../src/simulators/control.ts';
import { startSber } from '../../src/simulators/sber/simulator.ts';
import type { BankSimulator } from '../../src/simulators/simulator.ts';
import { startTbank } from '../../src/simulators/tbank/simulator.ts';
import type { Bill, Event, HttpParty, Problem } from '../support/client.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { writeShortLivedSber } from '../support/short-lived-driver.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const TERMINAL = { terminalKey: 'e2eDEMO', password: 'a-secret-password' };
const CLIENT = { clientId: 'e2e', clientSecret: 'a-client-secret', memberId: '00000001' };
const OUTLET = { idQr: '1000100001', tid: '10000001' };
const TOKEN = 'n0tification-t0ken';
const AMOUNT = 15_000;

let folder: string;
let world: World;
let tbank: BankSimulator;
let sber: BankSimulator;
let till: HttpParty;
let orders = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qrswitch-acquirers-'));
  [world, tbank, sber] = await Promise.all([
    World.start(postgresAlone),
    startTbank({ terminals: [TERMINAL], qrMin: 5_000 }),
    startSber({ ...CLIENT, outlets: [OUTLET] }),
  ]);
  const file = join(folder, 'acquirers.json');
  writeFileSync(file, JSON.stringify({ acquirers: acquirers() }));
  await world.runWith({ QRSWITCH_ACQUIRERS: file });
  till = world.http('terminal');
});

afterAll(async () => {
  await world.stop();
  await Promise.all([tbank.close(), sber.close()]);
  rmSync(folder, { recursive: true });
});

/** Two are of a package of somebody's: a Sber whose bills may end soon, and one that repeats its references. */
function acquirers(): object[] {
  const institution = world.process.demo.institution.id;
  const sberSettings = { ...CLIENT, ...OUTLET, baseUrl: sber.url, settleMs: 1_000 };
  const notificationUrl = `${world.process.baseUrl}/v1/acquirers/notifications/${TOKEN}`;
  return [
    {
      name: 'tbank',
      institution,
      driver: 'tbank',
      settings: { ...TERMINAL, baseUrl: tbank.url, notificationUrl, settleMs: 1_000 },
      notificationToken: TOKEN,
    },
    { name: 'sber', institution, driver: 'sber', settings: sberSettings },
    { name: 'short', institution, ...writeShortLivedSber(folder), settings: sberSettings },
    {
      name: 'repeating',
      institution,
      ...writeShortLivedSber(folder, 'repeating'),
      settings: sberSettings,
    },
    { name: 'closed', institution, terminals: ['ter_x'], driver: 'sber', settings: sberSettings },
  ];
}

async function created(acquirer: string, more: object = {}): Promise<Bill> {
  orders += 1;
  const body = { orderId: `o-${orders}`, amount: AMOUNT, currency: 'RUB', acquirer, ...more };
  const made = await till.ask('bill.create', body);
  expect(made).toMatchObject({ status: 201, body: { acquirer } });
  return made.body as Bill;
}

/** The bill once it is so: it is waited for, not asked about again and again. */
async function until(bill: Bill, holds: (now: Bill) => boolean): Promise<Bill> {
  for (let now = bill; ; ) {
    if (holds(now)) return now;
    const body = { billId: bill.id, afterVersion: now.version, wait: 30 };
    const answer = await till.ask('bill.get', body);
    expect(answer.status).toBe(200);
    now = answer.body as Bill;
  }
}

const isSo = (status: Bill['status']) => (bill: Bill) => bill.status === status;
const areSettled = (bill: Bill): boolean =>
  bill.credits.every(({ status }) => status === 'settled');

function asked(bank: BankSimulator, path: string, body: object): Promise<Response> {
  return fetch(`${bank.url}/_sim/${path}`, { method: 'POST', body: JSON.stringify(body) });
}

/** All that the bank has of the bill, however often it was registered. */
async function booksOf(bank: BankSimulator, bill: Bill): Promise<BookEntry[]> {
  const answer = await fetch(`${bank.url}/_sim/books`);
  const { orders: all } = (await answer.json()) as { orders: BookEntry[] };
  return all.filter(({ order }) => order.startsWith(bill.id));
}

async function eventsOf(bill: Bill): Promise<string[]> {
  const { body } = await till.ask('terminal.events', {});
  const { events } = body as { events: Event[] };
  return events.filter(({ billId }) => billId === bill.id).map(({ type }) => type);
}

async function open(acquirer: string, bank: BankSimulator): Promise<{ bill: Bill; what: string }> {
  const bill = await until(await created(acquirer), isSo('open'));
  const [entry] = await booksOf(bank, bill);
  expect(bill.qr).toMatchObject({ format: 'acquirer', payload: entry?.payload });
  return { bill, what: entry?.ref ?? '' };
}

describe('a bill with an acquirer', () => {
  test('is pending, then open with the bank’s own code, and no wallet can pay it', async () => {
    const pending = await created('tbank');
    expect(pending).toMatchObject({ status: 'pending', qr: null, due: AMOUNT, failure: null });
    const bill = await until(pending, isSo('open'));
    expect(await eventsOf(bill)).toEqual(['bill.opened']);
    const wallet = world.http('paychannel');
    const view = await wallet.ask('bill.view', { billId: bill.id });
    expect(view.body).toMatchObject({ payable: false, reason: 'acquirer' });
    const pay = { billId: bill.id, paymentRef: 'p-1', amount: AMOUNT, currency: 'RUB' };
    expect(await wallet.ask('payment.create', pay)).toMatchObject({
      status: 409,
      body: { code: 'bill.notPayable', reason: 'acquirer' },
    });
  });

  test('is paid, given back in part by the confirm, by a refund and by hand, and the sums are the bank’s', async () => {
    const { bill, what } = await open('tbank', tbank);
    expect((await asked(tbank, 'pay', { what })).status).toBe(200);
    await until(bill, isSo('paid'));
    const confirmed = await till.ask('bill.confirm', { billId: bill.id, amount: 12_000 });
    expect(confirmed.body).toMatchObject({ status: 'confirmed', reversed: 3_000 });
    await until(confirmed.body as Bill, areSettled);
    const refund = { billId: bill.id, amount: 2_000, idempotencyKey: 'k-1' };
    await until((await till.ask('bill.refund', refund)).body as Bill, areSettled);
    expect((await asked(tbank, 'refunds/by-hand', { what, amount: 1_000 })).status).toBe(200);
    const seen = await until(bill, ({ refunded }) => refunded === 3_000);
    expect(seen.credits.map(({ amount, status, origin }) => [amount, status, origin])).toEqual([
      [3_000, 'settled', undefined],
      [2_000, 'settled', undefined],
      [1_000, 'settled', 'external'],
    ]);
    expect(seen).toMatchObject({ paid: AMOUNT, confirmed: 12_000, unreturned: 0 });
    expect(await booksOf(tbank, bill)).toMatchObject([{ paid: AMOUNT, returned: 6_000 }]);
  });

  test('is registered, refunded and seen paid once, though the switch is killed before it hears of it', async () => {
    const { bill: refunded, what } = await open('sber', sber);
    await asked(sber, 'pay', { what });
    await until(refunded, isSo('paid'));
    await till.ask('bill.confirm', { billId: refunded.id });
    const { bill: waiting, what: unseen } = await open('sber', sber);
    const slow = { kind: 'slow', effect: 'now', delayMs: 60_000 };
    await asked(sber, 'faults', { ...slow, path: '/cancel' });
    await asked(tbank, 'faults', { ...slow, path: '/GetQr' });
    await till.ask('bill.refund', { billId: refunded.id, amount: 4_000, idempotencyKey: 'k-2' });
    const registered = await created('tbank');
    await world.process.until('half-way', async () => {
      const [given] = await booksOf(sber, refunded);
      return given?.returned === 4_000 && (await booksOf(tbank, registered)).length === 1;
    });
    await world.crash(() => asked(sber, 'pay', { what: unseen }));
    till = world.http('terminal');
    await Promise.all([
      until((await till.ask('bill.get', { billId: waiting.id })).body as Bill, isSo('paid')),
      until((await till.ask('bill.get', { billId: refunded.id })).body as Bill, areSettled),
      until((await till.ask('bill.get', { billId: registered.id })).body as Bill, isSo('open')),
    ]);
    expect(await booksOf(sber, refunded)).toMatchObject([{ paid: AMOUNT, returned: 4_000 }]);
    expect(await booksOf(tbank, registered)).toHaveLength(1);
    const taken = world.process.logged('acquirer.resumed');
    expect(taken.map(({ acquirer }) => acquirer).sort()).toEqual(['sber', 'tbank']);
    for (const name of ['acquirer_calls_total', 'acquirer_calls_seconds_count']) {
      expect(await metric(world.process.baseUrl, `qrswitch_${name}`)).toBeGreaterThan(0);
    }
  });

  test('is ended at the bank when its time is over, by a driver in a process of its own', async () => {
    const bill = await created('short', { expiresIn: 2 });
    const ended = await until(bill, isSo('expired'));
    expect(ended).toMatchObject({ cause: 'timeout', paid: 0 });
    expect(await booksOf(sber, bill)).toMatchObject([{ status: 'REVOKED', paid: 0 }]);
  });

  test('fails where the bank refuses it, in the bank’s words', async () => {
    const failed = await until(await created('tbank', { amount: 2_000 }), isSo('failed'));
    expect(failed).toMatchObject({ cause: 'acquirer', qr: null });
    expect(failed.failure).toContain('3016');
    expect(await eventsOf(failed)).toEqual(['bill.failed']);
    const path = `/v1/terminal/bills/${failed.id}/qr.svg`;
    const code = await till.send('bill.qr.svg', 'GET', path);
    expect((code.body as Problem).code).toBe('qr.notReady');
  });

  test('is given no code, and is not paid, by a reference that is another bill’s; that is told', async () => {
    const first = await until(await created('repeating'), isSo('open'));
    const second = await created('repeating');
    await expect.poll(() => world.process.output).toContain(`is that of bill ${first.id}`);
    const [entry] = await booksOf(sber, first);
    await asked(sber, 'pay', { what: entry?.ref });
    await until(first, isSo('paid'));

    const { body } = await till.ask('bill.get', { billId: second.id });
    expect(body).toMatchObject({ status: 'pending', qr: null, paid: 0 });
    const line = world.process.output.split('\n').find((text) => text.includes('doubted')) ?? '';
    expect(JSON.parse(line)).toMatchObject({
      what: 'acquirer.doubted',
      acquirer: 'repeating',
      billId: second.id,
    });
  });

  test('is another’s to make, and nobody’s to notify without the address', async () => {
    const body = { orderId: 'o-x', amount: AMOUNT, currency: 'RUB', acquirer: 'closed' };
    expect(await till.ask('bill.create', body)).toMatchObject({
      status: 422,
      body: { code: 'acquirer.unknown' },
    });
    const address = `${world.process.baseUrl}/v1/acquirers/notifications`;
    const posts = ['nobody-knows-this', TOKEN].map((token) =>
      fetch(`${address}/${token}`, { method: 'POST', body: '{}' }),
    );
    expect((await Promise.all(posts)).map(({ status }) => status)).toEqual([404, 403]);
    expect(world.process.output).not.toContain(TERMINAL.password);
  });
});
