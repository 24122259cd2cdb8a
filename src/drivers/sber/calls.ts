// The calls of Sber that the driver makes: a token for each, posted once, read against their schemas.

import { randomBytes } from 'node:crypto';
import { type Static, type TObject, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { done, notDone, type Outcome, type Tender, unknown } from '../contract/bill-driver.ts';
import type { DriverClock } from '../contract/driver-module.ts';
import { jsonObjectIn } from '../http/json.ts';
import { HttpDoor } from '../http/post.ts';
import { refusedByGateway } from '../http/refused.ts';
import { meaningOf, type SberOperation, type SberStatus, statusAnswer } from './answers.ts';
import type { SberDriverSettings } from './settings.ts';

const orderId = Type.String({ minLength: 1, maxLength: 36 });

const answers = {
  creation: Type.Object({
    order_id: orderId,
    order_state: Type.String(),
    order_form_url: Type.String({ minLength: 1, maxLength: 256 }),
  }),
  status: statusAnswer,
  revocation: Type.Object({ order_state: Type.String() }),
  // Here alone it is called so.
  cancel: Type.Object({
    order_status: Type.String(),
    operation_sum: Type.Integer({ minimum: 0, maximum: 1e12 }),
  }),
} as const;

const SCOPES = {
  creation: 'https://api.sberbank.ru/qr/order.create',
  status: 'https://api.sberbank.ru/qr/order.status',
  revocation: 'https://api.sberbank.ru/qr/order.revoke',
  cancel: 'https://api.sberbank.ru/qr/order.cancel',
} as const;

type Call = keyof typeof answers;
type Answer<Name extends Call> = Static<(typeof answers)[Name]>;

const envelope = Type.Object({
  error_code: Type.String({ pattern: '^\\d{6}$' }),
  error_description: Type.Optional(Type.String()),
});
const tokenAnswer = Type.Object({ access_token: Type.String({ minLength: 1, maxLength: 4_096 }) });

const FINE = '000000';
const ROUBLES = '643';
const ASK_AGAIN_MS = 2_000;
const DESCRIPTION_MAX = 256;

/** Where a bill was made: the bank asks for it with whatever is wanted of it. */
export type Outlet = Pick<SberDriverSettings, 'idQr' | 'tid'>;

interface GivingBack {
  readonly amount: number;
  readonly sendBy: number;
  readonly outlet: Outlet;
}

export class SberCalls {
  readonly #settings: SberDriverSettings;
  readonly #clock: DriverClock;
  readonly #door: HttpDoor;

  constructor(settings: SberDriverSettings, clock: DriverClock) {
    const { timeoutMs, connectionsMax, tls } = settings;
    this.#settings = settings;
    this.#clock = clock;
    this.#door = new HttpDoor({
      clock,
      timeoutMs,
      connectionsMax,
      ...(tls === undefined ? {} : { tls }),
    });
  }

  create(tender: Tender): Promise<Outcome<Answer<'creation'>>> {
    const { memberId, idQr, code, sbpMemberId } = this.#settings;
    return this.#call('creation', {
      member_id: memberId,
      order_number: tender.id,
      order_create_date: momentOf(this.#clock.wall()),
      id_qr: idQr,
      order_sum: tender.amount,
      currency: ROUBLES,
      description: tender.description.slice(0, DESCRIPTION_MAX),
      ...(code === 'sbp' ? { sbp_member_id: sbpMemberId } : {}),
    });
  }

  status(
    number: string,
    ref: string | undefined,
    { tid }: Pick<Outlet, 'tid'>,
  ): Promise<Outcome<SberStatus>> {
    return this.#call('status', {
      tid,
      partner_order_number: number,
      ...(ref === undefined ? {} : { order_id: ref }),
    });
  }

  revoke(ref: string, sendBy: number): Promise<Outcome<Answer<'revocation'>>> {
    return this.#call('revocation', { order_id: ref }, sendBy);
  }

  /** Always a refund: a reversal is allowed once, and bars all that would follow. */
  giveBack(
    ref: string,
    payment: SberOperation,
    { amount, sendBy, outlet }: GivingBack,
  ): Promise<Outcome<Answer<'cancel'>>> {
    const members = {
      order_id: ref,
      operation_id: payment.operation_id,
      auth_code: payment.auth_code,
      id_qr: outlet.idQr,
      tid: outlet.tid,
      cancel_operation_sum: amount,
      operation_currency: ROUBLES,
      operation_type: 'REFUND',
    };
    return this.#call('cancel', members, sendBy);
  }

  close(): void {
    this.#door.close();
  }

  async #call<Name extends Call>(
    name: Name,
    members: Readonly<Record<string, unknown>>,
    sendBy?: number,
  ): Promise<Outcome<Answer<Name>>> {
    const token = await this.#token(SCOPES[name]);
    if (token.outcome !== 'done') return token;
    const { baseUrl, orderPath } = this.#settings;
    const rqUid = randomBytes(16).toString('hex');
    const posted = await this.#door.post({
      url: `${baseUrl}${orderPath}/${name}`,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token.value}`,
        rquid: rqUid,
      },
      body: JSON.stringify({ rq_uid: rqUid, rq_tm: momentOf(this.#clock.wall()), ...members }),
      ...(sendBy === undefined ? {} : { sendBy }),
    });
    if (posted.kind === 'notSent') return awayFor(posted.detail);
    if (posted.kind === 'lost') return unknown(posted.detail, ASK_AGAIN_MS);
    const body = jsonObjectIn(posted.body);
    // A request of a wrong form is answered by the bank itself, with 400.
    const isAnswered =
      Value.Check(envelope, body) && (posted.status === 200 || posted.status === 400);
    if (!isAnswered && posted.status !== 200) return refusedByGateway(posted, ASK_AGAIN_MS);
    return readAnswer(answers[name], body) as Outcome<Answer<Name>>;
  }

  /** One for each call, as the bank wants it: it lives for a minute. Without one nothing is sent, so nothing is done. */
  async #token(scope: string): Promise<Outcome<string>> {
    const { baseUrl, tokenPath, clientId, clientSecret } = this.#settings;
    const posted = await this.#door.post({
      url: `${baseUrl}${tokenPath}`,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
        rquid: randomBytes(16).toString('hex'),
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }).toString(),
    });
    if (posted.kind !== 'answer') return awayFor(posted.detail);
    const body = jsonObjectIn(posted.body);
    if (posted.status === 200 && Value.Check(tokenAnswer, body)) return done(body.access_token);
    const refused = refusedByGateway(posted, ASK_AGAIN_MS);
    return refused.outcome === 'notDone' ? refused : awayFor(refused.detail);
  }
}

function awayFor(detail: string) {
  return notDone('unreachable', detail, { afterMs: ASK_AGAIN_MS });
}

function readAnswer(schema: TObject, body: Record<string, unknown> | undefined): Outcome<unknown> {
  if (!Value.Check(envelope, body)) return unknown('the answer is not one of Sber', ASK_AGAIN_MS);
  const { error_code, error_description } = body;
  if (error_code !== FINE) {
    const detail = `${error_code} ${error_description ?? ''}`.trim();
    const meaning = meaningOf(error_code);
    if (meaning === undefined) return unknown(detail, ASK_AGAIN_MS);
    return notDone(meaning.code, detail, meaning.again);
  }
  if (!Value.Check(schema, body)) {
    return unknown('the answer lacks what it should say', ASK_AGAIN_MS);
  }
  return done(body);
}

function momentOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
