// Sber's "Плати QR", QR.API version 3: orders with a code of Sber's own or of SBP, behind OAuth tokens that live a
// minute. From the bank’s public description of that API; what is left out: codes that the buyer shows.

import type { ServerOptions } from 'node:https';
import { Value } from '@sinclair/typebox/value';
import { machineClock, type SimulatorClock } from '../clock.ts';
import { answerControl, type BookEntry, type Controlled } from '../control.ts';
import { Courier, type Parcel } from '../courier.ts';
import { Faults } from '../faults.ts';
import { SeededRandom } from '../random.ts';
import { jsonAnswer, jsonIn, type SimAnswer, type SimRequest, serve } from '../server.ts';
import type { BankSimulator, SimulatorPlace } from '../simulator.ts';
import { isErrorCode, SBER_ERRORS, type SberRefusal } from './errors.ts';
import { answerCall, momentOf, type SberDesk } from './methods.ts';
import { paymentOf, returnedOf, type SberOperation, type SberOrder, SberOrders } from './orders.ts';
import { isCall } from './requests.ts';
import { type SberSettings, sberSettingsSchema } from './settings.ts';
import { oauthError, Tokens } from './tokens.ts';

const OAUTH = '/prod/tokens/v3/oauth';
const CALL = /^\/prod\/qr\/order\/v3\/(\w+)$/;
/** In the bank’s sandbox an order of this sum is never made: its gateway times out. */
const TIME_OUT_SUM = 6_002;

function sberSettings(given: unknown): SberSettings {
  const settings: unknown = Value.Default(sberSettingsSchema, structuredClone(given));
  if (Value.Check(sberSettingsSchema, settings)) return settings;
  const [error] = Value.Errors(sberSettingsSchema, settings);
  throw new Error(`settings of the simulated Sber: ${error?.path} ${error?.message}`);
}

export async function startSber(
  given: unknown,
  place: SimulatorPlace & { readonly tls?: ServerOptions } = {},
): Promise<BankSimulator> {
  const settings = sberSettings(given);
  const clock = place.clock ?? machineClock;
  const random = new SeededRandom(settings.seed);
  const faults = new Faults();
  const courier = new Courier({
    clock,
    random: new SeededRandom(settings.seed + 1),
    timeoutMs: settings.notificationTimeoutMs,
    retryAtMs: Array.from(
      { length: settings.notificationRetries },
      (_, no) => (no + 1) * settings.notificationRetryMs,
    ),
    isTaken: (status) => status >= 200 && status < 300,
  });
  const orders = new SberOrders({
    settings,
    clock,
    random,
    changed: (order, operation) => {
      const parcel = notificationOf(order, operation, settings, random);
      if (parcel !== undefined) courier.send(parcel);
    },
  });
  const desk: SberDesk = { settings, orders, now: () => clock.wall() };
  const front = new FrontDesk(desk, clock, new Tokens({ settings, clock, random }));
  const bank = controlled({ orders, faults, courier });
  const server = await serve({
    host: place.host ?? '127.0.0.1',
    port: place.port ?? 0,
    clock,
    faults,
    bank: (request) => front.answer(request),
    control: (request) => answerControl(bank, request),
    ...(place.tls === undefined ? {} : { tls: place.tls }),
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

/** Lets in who bears a token, counts calls, and says how many are left. */
class FrontDesk {
  readonly #desk: SberDesk;
  readonly #clock: SimulatorClock;
  readonly #tokens: Tokens;
  #windowEndsAt = 0;
  #used = 0;

  constructor(desk: SberDesk, clock: SimulatorClock, tokens: Tokens) {
    this.#desk = desk;
    this.#clock = clock;
    this.#tokens = tokens;
  }

  answer(request: SimRequest): SimAnswer {
    if (request.method !== 'POST') return oauthError(405, 'Method Not Allowed', '');
    if (request.path === OAUTH) return this.#tokens.answer(request);
    const name = CALL.exec(request.path)?.[1] ?? '';
    if (!isCall(name)) return oauthError(404, 'Not Found', '');
    if (!this.#tokens.admits(request, name)) return oauthError(401, 'Unauthorized', 'No token.');
    const rate = this.#rate();
    if (rate.isOver) return { ...oauthError(429, 'Too Many Requests', ''), headers: rate.headers };
    const body = jsonIn(request.body);
    if (!hasRqUid(request, body)) return oauthError(400, 'Bad Request', 'RqUID is not rq_uid.');
    const { paysByItself } = this.#desk.settings;
    if (paysByItself && (body as { order_sum?: unknown }).order_sum === TIME_OUT_SUM) {
      return oauthError(504, 'Gateway Timeout', '');
    }
    const answered = answerCall(this.#desk, name, body);
    const answer = jsonAnswer(answered.body, answered.isForm ? 400 : 200);
    return { ...answer, headers: { ...answer.headers, ...rate.headers } };
  }

  #rate(): { readonly isOver: boolean; readonly headers: Readonly<Record<string, string>> } {
    const { rateLimit, rateWindowMs } = this.#desk.settings;
    const now = this.#clock.wall();
    if (now >= this.#windowEndsAt) {
      this.#windowEndsAt = now + rateWindowMs;
      this.#used = 0;
    }
    this.#used += 1;
    const headers = {
      'x-rate-limit-limit': String(rateLimit),
      'x-rate-limit-remaining': String(Math.max(0, rateLimit - this.#used)),
      'x-rate-limit-reset': String(Math.ceil((this.#windowEndsAt - now) / 1_000)),
    };
    return { isOver: this.#used > rateLimit, headers };
  }
}

/** The header and the body carry the same number. */
function hasRqUid(request: SimRequest, body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const { rq_uid, rqUid } = body as { rq_uid?: unknown; rqUid?: unknown };
  return request.headers.rquid === (rq_uid ?? rqUid);
}

/** Sent for a payment, and for SBP for a refund as well; not signed. */
function notificationOf(
  order: SberOrder,
  operation: SberOperation,
  settings: SberSettings,
  random: SeededRandom,
): Parcel | undefined {
  const isTold = order.isSbp ? settings.notifiesSbp : operation.type === 'PAY';
  if (settings.notifyUrl === undefined || !isTold || operation.responseCode !== '00') {
    return undefined;
  }
  const message = {
    rqUid: random.hex(32),
    rqTm: momentOf(operation.at),
    memberId: settings.memberId,
    idQR: order.idQr,
    tid: order.tid,
    orderId: order.orderId,
    partnerOrderNumber: order.orderNumber,
    orderState: order.state,
    operationId: operation.operationId,
    operationDateTime: momentOf(operation.at),
    operationType: operation.type,
    responseCode: operation.responseCode,
    rrn: operation.rrn,
    operationSum: operation.sum,
    operationCurrency: order.currency,
    authCode: operation.authCode,
    clientName: 'Иван И.',
  };
  return {
    url: settings.notifyUrl,
    headers: { 'content-type': 'application/json', rquid: message.rqUid },
    body: JSON.stringify(message),
  };
}

interface Insides {
  readonly orders: SberOrders;
  readonly faults: Faults;
  readonly courier: Courier;
}

function controlled({ orders, faults, courier }: Insides): Controlled {
  const to = (what: string, act: (order: SberOrder) => SberRefusal | object | undefined) => {
    const order = orders.all.find(
      ({ orderId, orderNumber, formUrl }) =>
        what === orderId || what === formUrl || what === orderNumber,
    );
    if (order === undefined) return 'There is no such order.';
    const result = act(order);
    return result !== undefined && 'refused' in result ? SBER_ERRORS[result.refused] : undefined;
  };
  return {
    pay: (what) => to(what, (order) => orders.pay(order)),
    failAttempt: (what) => to(what, (order) => orders.failAttempt(order)),
    refundByHand: (what, amount) =>
      to(what, (order) => orders.giveBack(order, { type: 'REFUND', sum: amount, by: 'hand' })),
    refuseRefunds: (code, count) => {
      if (!isErrorCode(code)) return `There is no error ${code}.`;
      orders.refuseRefunds(code, count);
      return undefined;
    },
    books: () => orders.all.map(entryOf),
    faults,
    courier,
  };
}

function entryOf(order: SberOrder): BookEntry {
  return {
    order: order.orderNumber,
    ref: order.orderId,
    payload: order.formUrl,
    status: order.state,
    amount: order.sum,
    paid: paymentOf(order)?.sum ?? 0,
    returned: returnedOf(order),
    refunds: order.operations
      .filter(({ type }) => type !== 'PAY')
      .map(({ sum, by, responseCode, at }) => ({
        amount: sum,
        by: by === 'hand' ? 'hand' : 'api',
        status: responseCode === '00' ? 'done' : 'failed',
        at,
      })),
  };
}
