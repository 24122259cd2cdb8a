// OAuth2 client credentials as Sber’s API of "Плати QR" v3 has them: a token for each scope, good for a minute.

import type { SimulatorClock } from '../clock.ts';
import type { SeededRandom } from '../random.ts';
import { jsonAnswer, type SimAnswer, type SimRequest } from '../server.ts';
import type { SberCall } from './requests.ts';
import type { SberSettings } from './settings.ts';

const SCOPES: Readonly<Record<SberCall, string>> = {
  creation: 'https://api.sberbank.ru/qr/order.create',
  status: 'https://api.sberbank.ru/qr/order.status',
  revocation: 'https://api.sberbank.ru/qr/order.revoke',
  cancel: 'https://api.sberbank.ru/qr/order.cancel',
  registry: 'auth://qr/order.registry',
};

const RQ_UID = /^[0-9A-Fa-f]{32}$/;

export interface TokensOptions {
  readonly settings: SberSettings;
  readonly clock: SimulatorClock;
  readonly random: SeededRandom;
}

export class Tokens {
  readonly #options: TokensOptions;
  readonly #byText = new Map<
    string,
    { readonly scopes: readonly string[]; readonly endsAt: number }
  >();

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  answer(request: SimRequest): SimAnswer {
    const { settings, clock, random } = this.#options;
    const basic = Buffer.from(`${settings.clientId}:${settings.clientSecret}`).toString('base64');
    if (request.headers.authorization !== `Basic ${basic}`) {
      return oauthError(401, 'Unauthorized', 'The client is not known, or its secret is wrong.');
    }
    if (!RQ_UID.test(request.headers.rquid ?? ''))
      return oauthError(400, 'Bad Request', 'No RqUID.');
    const form = new URLSearchParams(request.body);
    const scopes = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
    const areKnown = scopes.every((scope) => Object.values(SCOPES).includes(scope));
    if (form.get('grant_type') !== 'client_credentials' || scopes.length === 0 || !areKnown) {
      return oauthError(400, 'Bad Request', 'The grant or the scope is wrong.');
    }

    this.#forgetOld();
    const text = random.uuid();
    this.#byText.set(text, { scopes, endsAt: clock.wall() + settings.tokenLifeMs });
    return jsonAnswer({
      access_token: text,
      token_type: 'Bearer',
      expires_in: settings.tokenLifeMs / 1_000,
      scope: scopes.join(' '),
      session_state: random.uuid(),
    });
  }

  /** Whether the request bears a token for this call that is still good. */
  admits(request: SimRequest, call: SberCall): boolean {
    const text = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const token = this.#byText.get(text);
    if (token === undefined || token.endsAt < this.#options.clock.wall()) return false;
    return token.scopes.includes(SCOPES[call]);
  }

  #forgetOld(): void {
    const now = this.#options.clock.wall();
    for (const [text, { endsAt }] of this.#byText) {
      if (endsAt >= now) return;
      this.#byText.delete(text);
    }
  }
}

export function oauthError(status: number, message: string, more: string): SimAnswer {
  return jsonAnswer(
    { httpCode: String(status), httpMessage: message, moreInformation: more },
    status,
  );
}
