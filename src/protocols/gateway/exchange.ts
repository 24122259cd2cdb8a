// One HTTP request under way and its one answer, whole or line by line.

import { isUtf8 } from 'node:buffer';
import type { Principal } from '../../switch/principal.ts';
import type { Call } from '../call.ts';
import { presentProblem } from '../presenter.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { LIMITS } from '../schemas/scalars.ts';
import { jsonViolation } from '../schemas/validation.ts';
import type { Evidence } from './evidence.ts';
import { Lines } from './lines.ts';
import type { HttpResponse } from './native.ts';
import { type Answered, guarded } from './wall.ts';

export const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: '200 OK',
  201: '201 Created',
  204: '204 No Content',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  409: '409 Conflict',
  413: '413 Content Too Large',
  415: '415 Unsupported Media Type',
  422: '422 Unprocessable Content',
  429: '429 Too Many Requests',
  500: '500 Internal Server Error',
  503: '503 Service Unavailable',
  504: '504 Gateway Timeout',
};

export const JSON_TYPE = 'application/json';
const NDJSON_TYPE = 'application/x-ndjson';
const PROBLEM_TYPE = 'application/problem+json';
const RETRY_AFTER_DEFAULT_S = 1;

/** What was read of the request before its handler returned; uWebSockets.js forgets it then. */
export interface Incoming {
  readonly call: Call;
  readonly params: Readonly<Record<string, string>>;
  readonly query: string;
  readonly requestId: string;
  readonly traceparent: string;
  readonly contentType: string;
  readonly idempotencyKey: string;
  readonly isHead: boolean;
  readonly startedAt: number;
  /** All of them, names in lower case, where the call is in somebody else's form. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Who hears what becomes of it. */
export interface ExchangeWatcher {
  answered(exchange: Exchange, status: number): void;
  /** Something has been thrown on the way to its answer. */
  failed(exchange: Exchange, error: unknown): void;
}

/** More headers of an answer. */
export type Headers = readonly (readonly [name: string, value: string])[];

export class Exchange implements Answered {
  readonly incoming: Incoming;
  principal: Principal | null = null;
  /** Of its key. */
  keyHash = '';
  /** What it shows beside its key, where more may be asked for. */
  evidence: Evidence | null = null;
  /** The whole body, once it is there. */
  body: Buffer = EMPTY;
  /** Of a call whose body is lines: what has come of it. */
  lines: Lines | null = null;
  /** Called when more of the lines has come. */
  onLines: () => void = () => undefined;
  readonly #res: HttpResponse;
  readonly #watcher: ExchangeWatcher;
  #isAnswered = false;
  #onGone: (() => void) | null = null;
  #closesConnection = false;
  #isPaused = false;
  #hasBegun = false;

  constructor(res: HttpResponse, incoming: Incoming, watcher: ExchangeWatcher) {
    this.#res = res;
    this.incoming = incoming;
    this.#watcher = watcher;
    res.onAborted(guarded(this, () => this.#abort()));
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Whether the connection ends with the answer: nothing more is wanted on it. */
  get closesConnection(): boolean {
    return this.#closesConnection;
  }

  /** A mistake of ours, or a store that is away: answered as what it is. */
  failed(error: unknown): void {
    this.#watcher.failed(this, error);
  }

  /** Calls back if the client goes away before it is answered. */
  onGone(callback: () => void): void {
    this.#onGone = callback;
  }

  /** The connection ends with the answer. */
  closeConnection(): void {
    this.#closesConnection = true;
  }

  /** Gathers the body, at most LIMITS.bodyBytes of it, and calls back once. */
  readBody(onBody: () => void): void {
    let chunks: Buffer[] = [];
    let length = 0;
    const take = (chunk: ArrayBuffer, isLast: boolean): void => {
      if (this.#isAnswered) return;
      length += chunk.byteLength;
      if (length > LIMITS.bodyBytes) {
        chunks = [];
        this.#closesConnection = true;
        this.refuse({ code: 'body.tooLarge' });
        return;
      }
      // The chunk dies with this callback, so what is kept is copied.
      const isWhole = isLast && chunks.length === 0;
      if (!isWhole || this.principal === null) chunks.push(Buffer.from(Buffer.from(chunk)));
      if (!isLast) return;
      this.body = chunks.length === 0 ? Buffer.from(chunk) : Buffer.concat(chunks);
      onBody();
    };
    this.#res.onData(guarded(this, take));
  }

  /** Takes the body as lines, and no more of it at a time than `resumeBody` asks for. */
  readLines(): void {
    const lines = new Lines(LIMITS.bodyBytes);
    this.lines = lines;
    this.pauseBody();
    const take = (chunk: ArrayBuffer, isLast: boolean): void => {
      if (this.#isAnswered) return;
      lines.push(Buffer.from(Buffer.from(chunk)));
      if (isLast) lines.end();
      this.pauseBody();
      this.onLines();
    };
    this.#res.onData(guarded(this, take));
  }

  /** While it is paused, no time runs out for the client. */
  pauseBody(): void {
    if (this.#isAnswered) return;
    this.#isPaused = true;
    this.#res.pause();
  }

  resumeBody(): void {
    if (this.#isAnswered || !this.#isPaused) return;
    this.#isPaused = false;
    this.#res.resume();
  }

  /** The body as JSON: `{}` where there is none. A problem has been answered where this is undefined. */
  json(): unknown {
    const { body } = this;
    // A call without a body is one with nothing in it; where the body is the thing itself, it is missing.
    if (body.length === 0) return this.incoming.call.bodyField === undefined ? {} : null;
    if (!isJsonType(this.incoming.contentType)) {
      this.refuse({ code: 'request.unsupportedType' });
      return undefined;
    }
    const read = readJson(body);
    if ('value' in read) return read.value;
    this.refuse(read.problem);
    return undefined;
  }

  /** What a shard or a list answered. */
  reply(status: number, body: Uint8Array): void {
    if (status < 400) {
      this.send(status, JSON_TYPE, body);
    } else if (status === 503 || status === 429) {
      this.send(status, PROBLEM_TYPE, body, [['Retry-After', retryAfterOf(body)]]);
    } else {
      this.send(status, PROBLEM_TYPE, body);
    }
  }

  refuse(problem: Problem, headers: Headers = []): void {
    const { status, body } = presentProblem(problem, 'json', this.incoming.requestId);
    if (status === 503 || status === 429) this.reply(status, body);
    else this.send(status, PROBLEM_TYPE, body, headers);
  }

  /** The answer, once; a later one is dropped. */
  send(
    status: number,
    contentType: string,
    body: Uint8Array | string,
    headers: Headers = [],
  ): void {
    if (this.#isAnswered) return;
    if (this.#hasBegun) {
      // Half of another answer is on its way: that it ends before its end is all that can be said.
      this.cut();
      return;
    }
    this.resumeBody();
    try {
      this.#isAnswered = true;
      this.#res.cork(() => this.#write(status, contentType, body, headers));
    } catch (error) {
      // Nobody knows how much of it is on its way: the connection ends, and with it the exchange.
      this.#isAnswered = false;
      this.cut();
      throw error;
    }
    this.#onGone = null;
    this.#watcher.answered(this, status);
  }

  /** A part of the answer to a call that is answered line by line, with status 200. False: the client does not keep up. */
  write(bytes: Uint8Array): boolean {
    if (this.#isAnswered) return true;
    const res = this.#res;
    let isTaken = true;
    res.cork(() => {
      if (!this.#hasBegun) this.#begin(200, NDJSON_TYPE);
      this.#hasBegun = true;
      isTaken = res.write(bytes);
    });
    // A write lets time run out for the client, whatever it waits for; one that fails begins to read as well.
    if (this.#isPaused) res.pause();
    return isTaken;
  }

  /** Ends the answer that was written line by line. */
  end(): void {
    if (!this.#hasBegun) {
      this.send(200, NDJSON_TYPE, '');
      return;
    }
    if (this.#isAnswered) return;
    this.resumeBody();
    this.#isAnswered = true;
    this.#onGone = null;
    // Not with `closesConnection`: uWebSockets.js would write that header into the middle of the lines.
    this.#res.cork(() => this.#res.end());
    this.#watcher.answered(this, 200);
  }

  /** Ends the connection at once: whoever reads sees that something is missing. */
  cut(): void {
    if (!this.#isAnswered) this.#res.close();
  }

  #begin(status: number, contentType: string | null, headers: Headers = []): void {
    const res = this.#res;
    const { incoming } = this;
    res.writeStatus(STATUS_TEXT[status] ?? String(status));
    res.writeHeader('X-Request-Id', incoming.requestId);
    if (incoming.traceparent !== '') res.writeHeader('traceparent', incoming.traceparent);
    if (incoming.call.api !== 'everyone') res.writeHeader('Cache-Control', 'no-store');
    for (const [name, value] of headers) res.writeHeader(name, value);
    if (contentType !== null) res.writeHeader('Content-Type', contentType);
  }

  #write(status: number, contentType: string, body: Uint8Array | string, headers: Headers): void {
    const res = this.#res;
    this.#begin(status, status === 204 ? null : contentType, headers);
    if (status !== 204 && !this.incoming.isHead) {
      res.end(body, this.#closesConnection);
      return;
    }
    if (status !== 204) res.writeHeader('Content-Length', String(Buffer.byteLength(body)));
    if (this.#closesConnection) res.writeHeader('Connection', 'close');
    // With an argument, uWebSockets.js writes a length of its own, even for `undefined`, and waits for bytes to follow: it
    // would close the connection at the next request.
    res.endWithoutBody();
  }

  #abort(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const onGone = this.#onGone;
    this.#onGone = null;
    // 499: the client went away; only metrics see it.
    this.#watcher.answered(this, 499);
    onGone?.();
  }
}

const EMPTY = Buffer.alloc(0);

function isJsonType(contentType: string): boolean {
  return contentType === '' || /^application\/(?:json|[^;\s]+\+json)\s*(?:;|$)/i.test(contentType);
}

/** JSON of well-formed text throughout, or what is wrong with it. */
export function readJson(bytes: Buffer): { value: unknown } | { problem: Problem } {
  if (!isUtf8(bytes)) return { problem: invalid([{ path: '', message: 'must be UTF-8' }]) };
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: invalid([{ path: '', message: 'must be JSON' }]) };
  }
  // UTF-8 that holds JSON can say lone surrogates and U+0000 by escapes only.
  if (text.includes('\\u') || text.includes('__proto__')) {
    const violation = jsonViolation(value);
    if (violation !== undefined) return { problem: invalid([violation]) };
  }
  return { value };
}

function retryAfterOf(body: Uint8Array): string {
  try {
    const document: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    const { retryAfter } = document as { retryAfter?: unknown };
    if (typeof retryAfter === 'number' && retryAfter >= 0) return String(Math.ceil(retryAfter));
  } catch {
    // Whatever it says, the client may come again soon.
  }
  return String(RETRY_AFTER_DEFAULT_S);
}
