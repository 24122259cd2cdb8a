// One POST to an acquirer, and what is known of it afterwards. Nothing is ever sent twice by itself: who asks decides.
// node:http rather than fetch, because banks want a client's certificate.

import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { DriverClock } from '../contract/driver-module.ts';

export interface HttpDoorOptions {
  readonly clock: DriverClock;
  readonly timeoutMs: number;
  /** Connections kept to the acquirer. */
  readonly connectionsMax: number;
  /** For an acquirer that knows its clients by their certificate. */
  readonly tls?: ClientTls;
}

export interface ClientTls {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
}

export interface Posting {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** By the wall clock: later than this it is not sent, because somebody else may have made up their mind meanwhile. */
  readonly sendBy?: number;
}

/** `notSent`: it never left. `lost`: it may have arrived, and no whole answer came back. */
export type Posted =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string;
      readonly retryAfterMs: number | undefined;
    }
  | { readonly kind: 'notSent'; readonly detail: string }
  | { readonly kind: 'lost'; readonly detail: string };

const ANSWER_BYTES_MAX = 1_048_576;
const RETRY_AFTER_MAX_S = 3_600;
/** Of seconds, so many are no wait but a time. */
const EPOCH_MIN_S = 1e9;
/** The connection was never made, so nothing can have arrived. */
const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

export class HttpDoor {
  readonly #options: HttpDoorOptions;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(options: HttpDoorOptions) {
    this.#options = options;
    const kept = { keepAlive: true, maxSockets: options.connectionsMax };
    this.#http = new HttpAgent(kept);
    this.#https = new HttpsAgent({ ...kept, ...options.tls });
  }

  post({ url, headers, body, sendBy = Number.POSITIVE_INFINITY }: Posting): Promise<Posted> {
    const isTls = url.startsWith('https:');
    const { clock, timeoutMs } = this.#options;
    if (clock.wall() > sendBy) return Promise.resolve({ kind: 'notSent', detail: 'too late' });
    return new Promise((resolve) => {
      const request = (isTls ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        agent: isTls ? this.#https : this.#http,
      });
      const end = (posted: Posted) => {
        cancelTimer();
        cancelSending();
        resolve(posted);
      };
      const cancelTimer = clock.after(timeoutMs, () => {
        end({ kind: 'lost', detail: `no answer in ${timeoutMs} ms` });
        request.destroy();
      });
      const cancelSending = atLatest(clock, sendBy, () => {
        if (hasLeft(request)) return;
        end({ kind: 'notSent', detail: 'too late' });
        request.destroy();
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const detail = error.code ?? error.message;
        end(NEVER_CONNECTED.has(detail) ? { kind: 'notSent', detail } : { kind: 'lost', detail });
      });
      request.on('response', (response) => {
        readAnswer(response, clock.wall()).then(end, () =>
          end({ kind: 'lost', detail: 'the answer broke off' }),
        );
      });
      request.end(body);
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

/** Once that time is past; never, where there is none. */
function atLatest(clock: DriverClock, time: number, act: () => void): () => void {
  if (time === Number.POSITIVE_INFINITY) return () => undefined;
  return clock.after(time - clock.wall() + 1, act);
}

/** Whether some of it may be on its way: it has a connection, and that stands. */
function hasLeft({ socket }: ClientRequest): boolean {
  // Before it has one, it is null there, whatever the types say.
  const given = socket as (Socket & { readonly secureConnecting?: boolean }) | null;
  return given !== null && !given.connecting && given.secureConnecting !== true;
}

async function readAnswer(response: IncomingMessage, now: number): Promise<Posted> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) return { kind: 'lost', detail: 'the answer is too long' };
    chunks.push(chunk);
  }
  return {
    kind: 'answer',
    status: response.statusCode ?? 0,
    body: Buffer.concat(chunks).toString('utf8'),
    retryAfterMs: retryAfterOf(response.headers['retry-after']) ?? resetOf(response, now),
  };
}

/** Sber says with each answer when its count of calls begins anew: in so many seconds, or at such a second. */
function resetOf({ statusCode, headers }: IncomingMessage, now: number): number | undefined {
  const reset = headers['x-rate-limit-reset'];
  if (statusCode !== 429 || typeof reset !== 'string' || !/^\d{1,10}$/.test(reset))
    return undefined;
  const seconds = Number(reset);
  const afterMs = seconds * 1_000 - (seconds < EPOCH_MIN_S ? 0 : now);
  return Math.min(Math.max(afterMs, 0), RETRY_AFTER_MAX_S * 1_000);
}

function retryAfterOf(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,6}$/.test(header)) return undefined;
  return Math.min(Number(header), RETRY_AFTER_MAX_S) * 1_000;
}
