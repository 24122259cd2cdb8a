// T-Bank's internet acquiring, version 2, as far as payments by SBP go: a bank of one's own, on one's own machine. From
// the bank’s public documentation of that API; what is left out: cards, the binding of accounts, the register of
// settlements.

import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { machineClock } from '../clock.ts';
import { answerControl, type BookEntry, type Controlled } from '../control.ts';
import { Courier } from '../courier.ts';
import { Faults } from '../faults.ts';
import { SeededRandom } from '../random.ts';
import { jsonAnswer, jsonIn, type SimAnswer, type SimRequest, serve } from '../server.ts';
import type { BankSimulator, SimulatorPlace } from '../simulator.ts';
import { isErrorCode, TBANK_ERRORS, type TbankRefusal } from './errors.ts';
import { answerCall, type TbankDesk } from './methods.ts';
import { notificationOf } from './notifications.ts';
import { type TbankPayment, TbankPayments } from './payments.ts';
import { notificationSchedule, type TbankSettings, tbankSettingsSchema } from './settings.ts';

const METHOD = /^\/v2\/(\w+)$/;

/** What is left out of the settings is as the bank publishes it; a wrong setting is an error that names it. */
function tbankSettings(given: unknown): TbankSettings {
  const settings: unknown = Value.Default(tbankSettingsSchema, structuredClone(given));
  if (Value.Check(tbankSettingsSchema, settings)) return settings;
  const [error] = Value.Errors(tbankSettingsSchema, settings);
  throw new Error(`settings of the simulated T-Bank: ${error?.path} ${error?.message}`);
}

export async function startTbank(
  given: unknown,
  place: SimulatorPlace = {},
): Promise<BankSimulator> {
  const settings = tbankSettings(given);
  const clock = place.clock ?? machineClock;
  const random = new SeededRandom(settings.seed);
  const faults = new Faults();
  const courier = new Courier({
    clock,
    random: new SeededRandom(settings.seed + 1),
    timeoutMs: settings.notificationTimeoutMs,
    retryAtMs: notificationSchedule(settings),
    isTaken: (status, body) => status === 200 && body === 'OK',
  });
  const payments = new TbankPayments({
    settings,
    clock,
    random,
    changed: (payment) => {
      const parcel = notificationOf(payment, settings);
      if (parcel !== undefined) courier.send(parcel);
    },
  });
  const desk: TbankDesk = {
    settings,
    payments,
    now: () => clock.wall(),
    resend: () => courier.resend(),
  };
  const bank = controlled({ payments, faults, courier });
  const server = await serve({
    host: place.host ?? '127.0.0.1',
    port: place.port ?? 0,
    clock,
    faults,
    bank: (request) => answer(desk, request),
    control: (request) => answerControl(bank, request),
  });
  return {
    url: server.url,
    calls: () => server.calls(),
    bank,
    close: async () => {
      courier.close();
      await server.close();
    },
  };
}

function answer(desk: TbankDesk, request: SimRequest): SimAnswer {
  const name = METHOD.exec(request.path)?.[1];
  if (name === undefined) return jsonAnswer({}, 404);
  if (request.method !== 'POST') return jsonAnswer({}, 405);
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('application/json')) return jsonAnswer({}, 415);
  const body = jsonIn(request.body);
  if (!Value.Check(Type.Object({}), body)) return jsonAnswer({}, 400);
  const answered = answerCall(desk, name, body);
  return answered === undefined ? jsonAnswer({}, 404) : jsonAnswer(answered);
}

interface Insides {
  readonly payments: TbankPayments;
  readonly faults: Faults;
  readonly courier: Courier;
}

function controlled({ payments, faults, courier }: Insides): Controlled {
  const to = (
    what: string,
    act: (payment: TbankPayment) => TbankRefusal | undefined,
  ): string | undefined => {
    const payment = payments.all.find(
      ({ paymentId, orderId, payload }) =>
        what === paymentId || what === payload || what === orderId,
    );
    if (payment === undefined) return 'There is no such payment.';
    const refusal = act(payment);
    return refusal && TBANK_ERRORS[refusal.refused];
  };
  return {
    pay: (what) => to(what, (payment) => payments.pay(payment)),
    failAttempt: (what) => to(what, (payment) => payments.failAttempt(payment)),
    refundByHand: (what, amount) =>
      to(what, (payment) => payments.refund(payment, { amount, by: 'hand' })),
    refuseRefunds: (code, count) => {
      if (!isErrorCode(code)) return `There is no error ${code}.`;
      payments.refuseRefunds(code, count);
      return undefined;
    },
    books: () => payments.all.map(entryOf),
    faults,
    courier,
  };
}

function entryOf(payment: TbankPayment): BookEntry {
  return {
    order: payment.orderId,
    ref: payment.paymentId,
    payload: payment.payload,
    status: payment.status,
    amount: payment.amount,
    paid: payment.paidAt === undefined ? 0 : payment.amount,
    returned: payment.refunded,
    refunds: payment.refunds.map(({ amount, by, status, at }) => ({ amount, by, status, at })),
  };
}
