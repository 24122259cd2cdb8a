// Stays on the real switch: the price moves by the switch's own clock, quotes outlive a crash, and who stays on is asked
// for more, though the switch was gone meanwhile.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Bill,
  done,
  fresh,
  type Party,
  type Results,
  refused,
  type StreamParty,
  type View,
} from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

/** So long before the first unit is over: the price rises soon after it was told. */
const SOON_MS = 58_000;
const POLL_MS = 50;

/** 1.00 for each started minute. */
function tariff(given: { graceSeconds?: number; quoteSeconds?: number; first?: object[] } = {}) {
  const version = {
    effectiveFrom: '2026-01-01T00:00:00Z',
    graceSeconds: 1,
    quoteSeconds: 600,
    rules: [{ name: 'Always', phases: [{ amount: 100, perMinutes: 1 }] }],
    ...given,
  };
  return { currency: 'EUR', timeZone: 'Europe/Riga', versions: [version] };
}

let world: World;
let till: StreamParty;
let wallet: Party;
/** Told its price, and another one that was paid, before a crash. */
let quoted: { billId: string; view: View };
let paid: Bill;

beforeAll(async () => {
  world = await World.start(redisAndPostgres);
  await connect();
  quoted = await parkSoon();
  const { billId } = await parkSoon();
  const { bill } = await done(wallet, 'payment.create', pay(billId, 100));
  // Where the unit was over before the payment came, it was a part.
  if (bill.status !== 'paid') await done(wallet, 'payment.create', pay(billId, bill.due));
  paid = await done(till, 'bill.get', { billId });
  await world.crash();
  await connect();
});
afterAll(() => world?.stop());
beforeEach(() => showOutputOnFailure(() => world?.process));

async function connect(): Promise<void> {
  till = await world.stream('terminal', 'msgpack');
  wallet = world.http('paychannel');
}

/** A stay that began so long ago, by the switch's clock. */
function park(of: object = tariff(), agoMs = SOON_MS): Promise<Bill> {
  const startedAt = new Date(Date.now() - agoMs).toISOString();
  const body = { type: 'timer', orderId: fresh('stay'), currency: 'EUR', tariff: of, startedAt };
  return done(till, 'bill.create', body);
}

/** A stay in its first unit, whose second is about to begin: on a slow machine, the first that is seen so. */
async function parkSoon(of: object = tariff()): Promise<{ billId: string; view: View }> {
  for (;;) {
    const { id: billId } = await park(of);
    const view = await done(wallet, 'bill.view', { billId });
    if (view.due === 100) return { billId, view };
  }
}

/** Waits for what the switch's clock brings about. */
async function viewOnce(billId: string, holds: (view: View) => boolean): Promise<View> {
  for (;;) {
    const view = await done(wallet, 'bill.view', { billId });
    if (holds(view)) return view;
    await new Promise((later) => setTimeout(later, POLL_MS));
  }
}

function pay(billId: string, amount: number, more: object = {}) {
  return { billId, paymentRef: fresh('pay'), amount, currency: 'EUR', ...more };
}

/** A hold with a quote that ends soon: on a slow machine, the first that comes in time. */
async function holdByQuote() {
  for (;;) {
    const { billId, view } = await parkSoon(tariff({ quoteSeconds: 2 }));
    const quote = quoteIn(view);
    const hold = { billId, reservationRef: fresh('hold'), quoteId: quote.id };
    const { status, body } = await wallet.ask('bill.reserve', hold);
    if (status === 201) return { billId, quote, held: body as Results['bill.reserve'] };
  }
}

function quoteIn({ quote }: View): NonNullable<View['quote']> {
  if (quote === null) throw new Error('no quote');
  return quote;
}

describe('a stay', () => {
  test('is paid by a quote that was told before a crash and before the price rose', async () => {
    const { billId, view } = quoted;
    const quote = quoteIn(view);
    expect(view).toMatchObject({ type: 'timer', status: 'open', amount: null, payable: true });
    expect(quote.amount).toBe(100);
    const risen = await viewOnce(billId, ({ due }) => due > 100);
    expect(risen.due).toBeGreaterThanOrEqual(200);
    const bill = await done(till, 'bill.get', { billId });
    expect(bill.due).toBeGreaterThanOrEqual(risen.due);
    const { code, due } = await refused(till, 'bill.confirm', { billId });
    expect(code).toBe('bill.stillDue');
    expect(due).toBeGreaterThanOrEqual(bill.due);
    const payment = pay(billId, 100, { quoteId: quote.id });
    const answer = await done(wallet, 'payment.create', payment);
    expect(answer.bill).toMatchObject({ status: 'paid', paid: 100, due: 0, amount: null });
    // The quote gives leave until its own end.
    expect(Date.parse(String(answer.bill.clearUntil))).toBeGreaterThanOrEqual(
      Date.parse(quote.until),
    );
    expect(await done(wallet, 'payment.create', payment)).toEqual(answer);
    const event = await till.event(({ type, billId: of }) => type === 'bill.paid' && of === billId);
    expect(event.data).toMatchObject({ clearUntil: answer.bill.clearUntil, bill: { due: 0 } });
    expect(await done(till, 'bill.confirm', { billId })).toMatchObject({
      status: 'confirmed',
      confirmed: 100,
      reversed: 0,
    });
  });

  test('that goes on after it was paid becomes due again, and its terminal is told', async () => {
    const { id: billId } = paid;
    const event = await till.event(({ type, billId: of }) => type === 'bill.due' && of === billId);
    const { due, paid: brought, status } = event.data.bill;
    expect(status).toBe('partiallyPaid');
    expect(Date.parse(event.occurredAt)).toBeGreaterThan(Date.parse(String(paid.clearUntil)));
    expect(brought).toBe(paid.paid);
    expect(due % 100).toBe(0);
    expect(due).toBeGreaterThan(0);
    expect(await refused(till, 'bill.confirm', { billId })).toMatchObject({
      status: 409,
      code: 'bill.stillDue',
    });
    const { quote } = await done(wallet, 'bill.view', { billId });
    const rest = pay(billId, quote?.amount ?? 0, { quoteId: quote?.id });
    expect(await done(wallet, 'payment.create', rest)).toMatchObject({ bill: { status: 'paid' } });
    const whole = paid.paid + (quote?.amount ?? 0);
    expect(await done(till, 'bill.confirm', { billId })).toMatchObject({ confirmed: whole });
  });

  test('that was free ends confirmed without a payment', async () => {
    const generous = tariff({ first: [{ amount: 0, forMinutes: 60 }] });
    const { id: billId } = await park(generous);
    expect(await done(wallet, 'bill.view', { billId })).toMatchObject({
      due: 0,
      payable: false,
      reason: 'notYetValid',
      quote: null,
      retryAt: expect.any(String),
    });
    expect(await refused(wallet, 'payment.create', pay(billId, 100))).toMatchObject({
      code: 'bill.notPayable',
      reason: 'notYetValid',
    });
    const confirmed = await done(till, 'bill.confirm', { billId });
    expect(confirmed).toMatchObject({ status: 'confirmed', confirmed: 0, paid: 0, due: 0 });
    expect(await done(till, 'bill.confirm', { billId })).toMatchObject({ status: 'confirmed' });
  });

  test('is frozen by a reservation with a quote, past the end of the quote', async () => {
    const { billId, quote, held } = await holdByQuote();
    const quoteId = quote.id;
    expect(held.amount).toBe(100);
    const other = await viewOnce(billId, ({ now }) => now > quote.until);
    expect(other).toMatchObject({ due: 100, quote: null });
    expect(await refused(wallet, 'payment.create', pay(billId, 100, { quoteId }))).toMatchObject({
      status: 409,
      code: 'quote.expired',
    });
    const within = pay(billId, 100, { reservationId: held.id });
    expect(await done(wallet, 'payment.create', within)).toMatchObject({
      bill: { status: 'paid', paid: 100, due: 0 },
    });
  });

  test('takes no quote that nobody told, nor another bill’s', async () => {
    const [{ id: billId }, { id: other }] = [await park(), await park()];
    const quote = quoteIn(await done(wallet, 'bill.view', { billId }));
    const cheaper = quote.id.replace(/^[^.]+/, '1');
    for (const quoteId of [
      cheaper,
      quoteIn(await done(wallet, 'bill.view', { billId: other })).id,
    ]) {
      const payment = pay(billId, 1, { quoteId });
      expect(await refused(wallet, 'payment.create', payment)).toMatchObject({
        status: 409,
        code: 'quote.expired',
      });
      const { paymentRef } = payment;
      expect(await done(wallet, 'payment.get', { billId, paymentRef })).toMatchObject({
        status: 'refused',
        code: 'quote.expired',
      });
    }
  });
});

describe('a timer bill that cannot be', () => {
  const create = (changes: object) =>
    refused(world.http('terminal'), 'bill.create', {
      type: 'timer',
      orderId: fresh('bad'),
      currency: 'EUR',
      tariff: tariff(),
      ...changes,
    });

  test('is refused by the place of what is wrong', async () => {
    const cut = {
      ...tariff(),
      versions: [{ ...tariff().versions[0], caps: [{ max: 50, per: 'stay' }] }],
    };
    const paths = async (changes: object): Promise<(string | undefined)[]> => {
      const { status, code, errors } = await create(changes);
      expect([status, code]).toEqual([400, 'request.invalid']);
      return (errors ?? []).map(({ path }) => path);
    };
    expect(await paths({ tariff: cut })).toEqual(['tariff.versions[0].caps[0].max']);
    expect(await paths({ tariff: { ...tariff(), timeZone: 'Mars/Base' } })).toEqual([
      'tariff.timeZone',
    ]);
    expect(await paths({ tariff: { ...tariff(), currency: 'USD' } })).toEqual(['tariff.currency']);
    expect(await paths({ tariff: undefined })).toEqual(['tariff']);
    expect(await paths({ amount: 100 })).toEqual(['amount']);
    expect(await paths({ startedAt: '2999-01-01T00:00:00Z' })).toEqual(['startedAt']);
    expect(await paths({ startedAt: '2020-01-01T00:00:00Z' })).toEqual(['startedAt']);
    expect(await paths({ type: 'dynamic', amount: 100 })).toEqual(['tariff']);
  });
});
