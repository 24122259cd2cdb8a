// The calls of T-Bank that the driver makes: signed, posted once, read against their schemas.

import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { done, notDone, type Outcome, type Tender, unknown } from '../contract/bill-driver.ts';
import type { DriverClock } from '../contract/driver-module.ts';
import { jsonObjectIn } from '../http/json.ts';
import { HttpDoor } from '../http/post.ts';
import { refusedByGateway } from '../http/refused.ts';
import { meaningOf, saysHowItEnded } from './answers.ts';
import type { TbankDriverSettings } from './settings.ts';
import { signatureOf } from './token.ts';

const id = Type.Union([Type.String({ pattern: '^\\d{1,20}$' }), Type.Integer({ minimum: 1 })]);
const sum = Type.Integer({ minimum: 0, maximum: 1e12 });

const answers = {
  Init: Type.Object({ PaymentId: id }),
  GetQr: Type.Object({ Data: Type.String({ minLength: 1, maxLength: 2_000 }) }),
  GetState: Type.Object({ Status: Type.String(), Amount: sum }),
  CheckOrder: Type.Object({
    Payments: Type.Array(Type.Object({ PaymentId: id, Status: Type.String() })),
  }),
  Cancel: Type.Object({ Status: Type.String(), OriginalAmount: sum, NewAmount: sum }),
} as const;

const ended = Type.Object({ Status: Type.String() });

type Call = keyof typeof answers;
type Answer<Name extends Call> = Static<(typeof answers)[Name]>;

const envelope = Type.Object({
  Success: Type.Boolean(),
  ErrorCode: Type.String(),
  Message: Type.Optional(Type.String()),
});

/** The bank says that the order's number is taken: an answer of its own to the question whether it has ours. */
const TAKEN = '20';
const ASK_AGAIN_MS = 2_000;
const DESCRIPTION_MAX = 140;
/** A minute, what is cut off of a second, the way there, and clocks that differ. */
const DUE_MIN_MS = 70_000;

export class TbankCalls {
  readonly #settings: TbankDriverSettings;
  readonly #clock: DriverClock;
  readonly #door: HttpDoor;

  constructor(settings: TbankDriverSettings, clock: DriverClock) {
    const { timeoutMs, connectionsMax } = settings;
    this.#settings = settings;
    this.#clock = clock;
    this.#door = new HttpDoor({ clock, timeoutMs, connectionsMax });
  }

  async init(tender: Tender): Promise<Outcome<string>> {
    const { notificationUrl } = this.#settings;
    const made = await this.#call('Init', {
      Amount: tender.amount,
      OrderId: tender.id,
      Description: tender.description.slice(0, DESCRIPTION_MAX),
      PayType: 'O',
      RedirectDueDate: dueDateOf(tender, this.#clock.wall()),
      ...(notificationUrl === undefined ? {} : { NotificationURL: notificationUrl }),
    });
    return made.outcome === 'done' ? done(String(made.value.PaymentId)) : made;
  }

  async getQr(ref: string): Promise<Outcome<string>> {
    const code = await this.#call('GetQr', { PaymentId: ref, DataType: 'PAYLOAD' });
    return code.outcome === 'done' ? done(code.value.Data) : code;
  }

  getState(ref: string): Promise<Outcome<Answer<'GetState'>>> {
    return this.#call('GetState', { PaymentId: ref });
  }

  async checkOrder(number: string): Promise<Outcome<{ PaymentId: string; Status: string }[]>> {
    const found = await this.#call('CheckOrder', { OrderId: number });
    if (found.outcome !== 'done') return found;
    const payments = found.value.Payments;
    return done(
      payments.map(({ PaymentId, Status }) => ({ PaymentId: String(PaymentId), Status })),
    );
  }

  /** Without an amount: all of it. */
  cancel(
    ref: string,
    amount: number | undefined,
    sendBy: number,
  ): Promise<Outcome<Answer<'Cancel'>>> {
    const members = { PaymentId: ref, ...(amount === undefined ? {} : { Amount: amount }) };
    return this.#call('Cancel', members, sendBy);
  }

  close(): void {
    this.#door.close();
  }

  async #call<Name extends Call>(
    name: Name,
    members: Readonly<Record<string, unknown>>,
    sendBy?: number,
  ): Promise<Outcome<Answer<Name>>> {
    const { baseUrl, terminalKey, password } = this.#settings;
    const signed = { TerminalKey: terminalKey, ...members };
    const posted = await this.#door.post({
      url: `${baseUrl}/v2/${name}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...signed, Token: signatureOf(signed, password) }),
      ...(sendBy === undefined ? {} : { sendBy }),
    });
    if (posted.kind === 'notSent')
      return notDone('unreachable', posted.detail, { afterMs: ASK_AGAIN_MS });
    if (posted.kind === 'lost') return unknown(posted.detail, ASK_AGAIN_MS);
    if (posted.status !== 200) return refusedByGateway(posted, ASK_AGAIN_MS);
    return readAnswer(name, posted.body) as Outcome<Answer<Name>>;
  }
}

function readAnswer(name: Call, text: string): Outcome<unknown> {
  const body = jsonObjectIn(text);
  if (!Value.Check(envelope, body)) return unknown('the answer is not one of T-Bank', ASK_AGAIN_MS);
  const { Success, ErrorCode, Message } = body;
  const detail = `${ErrorCode} ${Message ?? ''}`.trim();
  if (!Success || ErrorCode !== '0') {
    const isEnd = name === 'GetState' && Value.Check(ended, body);
    if (isEnd && saysHowItEnded(body.Status, ErrorCode)) return done({ Amount: 0, ...body });
    if (ErrorCode === TAKEN) return notDone('moved', detail, { afterMs: 0 });
    const meaning = meaningOf(ErrorCode);
    if (meaning === undefined) return unknown(detail, ASK_AGAIN_MS);
    return notDone(meaning.code, detail, meaning.again);
  }
  if (!Value.Check(answers[name], body))
    return unknown('the answer lacks what it should say', ASK_AGAIN_MS);
  return done(body);
}

/**
 * With an offset, as the bank wants it, and no fractions of a second. It takes none that is less than a minute ahead by its
 * own clock: what has less left ends some seconds later there, and its bill when the bank says so.
 */
function dueDateOf({ expiresAt }: Tender, now: number): string {
  const dueAt = expiresAt > now ? Math.max(expiresAt, now + DUE_MIN_MS) : expiresAt;
  return `${new Date(dueAt).toISOString().slice(0, 19)}+00:00`;
}
