// Sends one request to an endpoint and says what came of it. It follows no redirect, heeds no proxy, waits for nobody
// for long and reads no long answers.

import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { DriverClock } from '../contract/driver-module.ts';
import { Addresses, parseRange, Refused } from './addresses.ts';

/** Of an answer, more than this is not read. */
const ANSWER_BYTES_MAX = 65_536;
/** Connections that are kept open for the next request, and for how long. */
const KEPT_MAX = 16;
const KEPT_MS = 4_000;

export type Outcome =
  | {
      readonly is: 'answered';
      readonly status: number;
      /** As much of it as was read. */
      readonly body: Uint8Array;
      readonly retryAfterMs: number;
    }
  /** `refused`: nothing was sent, the address is not one to send to. */
  | { readonly is: 'refused' | 'late' | 'lost'; readonly detail: string };

export interface CourierTimes {
  readonly connectMs: number;
  readonly wholeMs: number;
}

export const COURIER_TIMES: CourierTimes = { connectMs: 5_000, wholeMs: 15_000 };

/** Calls back after so long; what it gives takes that back. */
type After = DriverClock['after'];

export class Courier {
  readonly #addresses: Addresses;
  readonly #times: CourierTimes;
  readonly #after: After;
  readonly #plain = new HttpAgent({ keepAlive: true, maxFreeSockets: KEPT_MAX, timeout: KEPT_MS });
  readonly #secure = new HttpsAgent({
    keepAlive: true,
    maxFreeSockets: KEPT_MAX,
    timeout: KEPT_MS,
  });

  constructor(
    addresses: Addresses,
    times: CourierTimes = COURIER_TIMES,
    after: After = byTheMachine,
  ) {
    this.#addresses = addresses;
    this.#times = times;
    this.#after = after;
  }

  /** Never rejects. */
  async post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<Outcome> {
    const target = new URL(url);
    const first = await this.#once(target, headers, body);
    // A kept connection that the other side closed just then: nobody has seen the request, or it is a repeat.
    return first === 'stale' ? this.#again(target, headers, body) : first;
  }

  /** Why nothing is ever sent to a URL; null where it may be. */
  refusalOf(url: string): string | null {
    return this.#addresses.refusalOfUrl(new URL(url));
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  async #again(
    target: URL,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<Outcome> {
    const outcome = await this.#once(target, { ...headers, connection: 'close' }, body);
    return outcome === 'stale' ? { is: 'lost', detail: 'the connection was lost' } : outcome;
  }

  #once(
    target: URL,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<Outcome | 'stale'> {
    const isSecure = target.protocol === 'https:';
    const refusal = this.#addresses.refusalOfUrl(target);
    if (refusal !== null) return Promise.resolve({ is: 'refused', detail: refusal });
    const kept = headers.connection === 'close' ? false : isSecure ? this.#secure : this.#plain;
    const request = (isSecure ? httpsRequest : httpRequest)({
      host: target.hostname.replace(/^\[|\]$/g, ''),
      port: target.port === '' ? (isSecure ? 443 : 80) : Number(target.port),
      path: target.pathname + target.search,
      method: 'POST',
      headers: { ...headers, host: target.host, 'content-length': body.length },
      agent: kept,
      lookup: this.#addresses.lookup(isSecure),
    });
    const settled = this.#settled(request, isSecure);
    request.end(body);
    return settled;
  }

  #settled(request: ClientRequest, isSecure: boolean): Promise<Outcome | 'stale'> {
    return new Promise((done) => {
      let late = 'no connection in time';
      let isLate = false;
      let isAnswered = false;
      const giveUp = (): void => {
        isLate = true;
        request.destroy();
      };
      const stopWhole = this.#after(this.#times.wholeMs, () => {
        late = 'no answer in time';
        giveUp();
      });
      const stopConnect = this.#after(this.#times.connectMs, giveUp);
      const settle = (outcome: Outcome | 'stale'): void => {
        stopWhole();
        stopConnect();
        done(outcome);
      };
      request.on('socket', (socket) => {
        if (!socket.connecting) stopConnect();
        else socket.once(isSecure ? 'secureConnect' : 'connect', stopConnect);
      });
      request.on('response', (response) => {
        stopConnect();
        isAnswered = true;
        read(response, (answer) => settle({ is: 'answered', ...answer }));
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (isAnswered) return;
        if (error instanceof Refused) settle({ is: 'refused', detail: error.message });
        else if (isLate) settle({ is: 'late', detail: late });
        else if (request.reusedSocket && error.code === 'ECONNRESET') settle('stale');
        else settle({ is: 'lost', detail: error.code ?? 'the connection was lost' });
      });
      request.on('close', () => {
        if (!isAnswered) settle(isLate ? { is: 'late', detail: late } : LOST);
      });
    });
  }
}

function byTheMachine(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}

/** One that sends to public addresses, and to those ranges (CIDR) that the operator allows. */
export function openCourier(allowed: readonly string[]): Courier {
  return new Courier(new Addresses(allowed.flatMap((range) => parseRange(range) ?? [])));
}

const LOST: Outcome = { is: 'lost', detail: 'the connection was lost' };

/** The status counts from when it is there; what follows of the answer is read as far as it goes. */
function read(
  response: IncomingMessage,
  done: (answer: { status: number; body: Uint8Array; retryAfterMs: number }) => void,
): void {
  const parts: Buffer[] = [];
  let length = 0;
  const end = (): void =>
    done({
      status: response.statusCode ?? 0,
      body: Buffer.concat(parts),
      retryAfterMs: retryAfterOf(response.headers['retry-after']),
    });
  response.on('data', (part: Buffer) => {
    length += part.length;
    if (length > ANSWER_BYTES_MAX) response.destroy();
    else parts.push(part);
  });
  response.on('error', end);
  response.on('close', end);
  response.on('end', end);
}

function retryAfterOf(header: string | undefined): number {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : 0;
}
