// A terminal or a wallet as a program of theirs would be: the same operations over HTTP, WebSocket with JSON or with
// msgpack, every answer and event held against the switch's own OpenAPI document.

import type { Static } from '@sinclair/typebox';
import { Packr } from 'msgpackr';
import { WebSocket } from 'ws';
import type * as told from '../../src/protocols/schemas/event-responses.ts';
import type * as parts from '../../src/protocols/schemas/part-responses.ts';
import type * as shown from '../../src/protocols/schemas/responses.ts';
import type { Answers } from './answers.ts';

/** As most tests know it: with one amount, and an end. Some static bills have neither. */
export type Bill = Static<typeof shown.bill> & {
  /** Of bills of our own codes. */
  readonly qr: NonNullable<Static<typeof shown.bill>['qr']>;
  readonly amount: number;
  readonly expiresAt: string;
};
export type View = Static<typeof shown.view> & { readonly expiresAt: string };
export type Payment = Static<typeof parts.payment>;
export type Credit = Static<typeof parts.credit>;
export type TerminalPayment = Static<typeof shown.terminalPayment>;
export type Event = Static<typeof told.event>;
export type Problem = Static<typeof shown.problem> & Readonly<Record<string, unknown>>;
export type Api = 'terminal' | 'paychannel';

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
  readonly asOf: string;
}

/** What each operation answers where it succeeds. */
export interface Results {
  'bill.create': Bill;
  'bill.get': Bill;
  'bill.list': Page<Bill>;
  'bill.payments': Page<Payment>;
  'bill.credits': Page<Credit>;
  'bill.confirm': Bill;
  'bill.cancel': Bill;
  'bill.refund': Bill;
  'bill.receipt': Bill;
  'bill.arm': Bill;
  'payment.confirm': TerminalPayment;
  'payment.cancel': TerminalPayment;
  'payment.refund': TerminalPayment;
  'order.resolve': Bill | Static<typeof shown.orderVoid>;
  'terminal.events': Static<typeof told.events>;
  'paychannel.events': Static<typeof told.events>;
  'event.ack': Static<typeof told.acknowledged>;
  'bill.resolve': View;
  'bill.view': View;
  'bill.reserve': Static<typeof shown.reservation>;
  'bill.release': null;
  'payment.create': Static<typeof shown.paymentAnswer>;
  'payment.get': Payment;
  'payment.void': Payment;
  'paychannel.payments': Page<Static<typeof parts.paychannelPayment>>;
  'paychannel.credits': Page<Static<typeof parts.paychannelCredit>>;
  'credit.get': Static<typeof parts.paychannelCredit>;
  'credit.settle': Static<typeof parts.paychannelCredit>;
  ping: { readonly now: string };
}

export type Op = keyof Results;
export type Body = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Somebody with a key: what they ask is answered. */
export interface Party {
  readonly api: Api;
  /** Names of the path, the query and the key's header stand in the body, as over WebSocket. */
  ask(op: Op, body: Body): Promise<Answer>;
}

/** The call was lost on its way or on the way back: nobody knows what became of it. */
export class Lost extends Error {
  override readonly name = 'Lost';
}

/** Asks for what must succeed. */
export async function done<O extends Op>(party: Party, op: O, body: Body): Promise<Results[O]> {
  const { status, body: result } = await party.ask(op, body);
  if (status >= 300) throw new Error(`${op} was answered ${status}: ${JSON.stringify(result)}`);
  return result as Results[O];
}

/** Asks for what must be refused. */
export async function refused(party: Party, op: Op, body: Body): Promise<Problem> {
  const { status, body: result } = await party.ask(op, body);
  if (status < 400) throw new Error(`${op} was answered ${status}, not refused`);
  return result as Problem;
}

let references = 0;

/** A reference that nobody has used in this run. */
export function fresh(prefix: string): string {
  references += 1;
  return `${prefix}-${process.pid}-${references}`;
}

/** Which operation of the document an answer belongs to. */
function operationIdOf(op: Op, api: Api): string | null {
  if (op === 'ping') return null;
  return op === 'event.ack' ? `${api}.event.ack` : op;
}

// -------------------------------------------------------------------------------------------------------- HTTP --

export interface HttpAnswer extends Answer {
  readonly headers: Headers;
  readonly contentType: string;
}

/** One over HTTP, on connections that are kept. */
export class HttpParty implements Party {
  readonly api: Api;
  readonly #baseUrl: string;
  readonly #key: string;
  readonly #answers: Answers;

  constructor(baseUrl: string, api: Api, key: string, answers: Answers) {
    this.#baseUrl = baseUrl;
    this.api = api;
    this.#key = key;
    this.#answers = answers;
  }

  async ask(op: Op, body: Body): Promise<HttpAnswer> {
    const id = operationIdOf(op, this.api);
    if (id === null) throw new Error(`there is no ${op} over HTTP`);
    const { method, path } = this.#answers.operation(id);
    const rest = { ...body };
    const headers: Record<string, string> = {};
    if (typeof rest.idempotencyKey === 'string') {
      headers['Idempotency-Key'] = rest.idempotencyKey;
      delete rest.idempotencyKey;
    }
    const place = path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
      const value = String(rest[name]);
      delete rest[name];
      return encodeURIComponent(value);
    });
    if (method === 'GET' || method === 'DELETE') {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(rest)) query.set(name, String(value));
      const target = query.size === 0 ? place : `${place}?${query}`;
      return this.send(id, method, target, undefined, headers);
    }
    const sent = op === 'bill.receipt' ? rest.receipt : rest;
    return this.send(id, method, place, JSON.stringify(sent), headers);
  }

  /** A request as it is; the answer is held against the document as that of operation `id`. */
  async send(
    id: string,
    method: string,
    target: string,
    content?: string | Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer> {
    const answer = await this.#fetch(method, target, content, headers);
    const { status } = answer;
    this.#answers.check(id, answer);
    if (!answer.headers.has('x-request-id')) throw new Error(`${id}: no X-Request-Id`);
    if ((status === 503 || status === 429) && !answer.headers.has('retry-after')) {
      throw new Error(`${id} answered ${status} without Retry-After`);
    }
    return answer;
  }

  async #fetch(
    method: string,
    target: string,
    content: string | Uint8Array | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpAnswer> {
    try {
      const response = await fetch(`${this.#baseUrl}${target}`, {
        method,
        headers: {
          Authorization: `Bearer ${this.#key}`,
          ...(content === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(content === undefined ? {} : { body: content }),
      });
      const contentType = response.headers.get('content-type') ?? '';
      const isJson = /^application\/(?:problem\+)?json$/.test(contentType);
      const text = contentType === 'image/png' ? '' : await response.text();
      const body = isJson ? (JSON.parse(text) as unknown) : text;
      return { status: response.status, body, contentType, headers: response.headers };
    } catch (error) {
      throw new Lost(`${method} ${target}`, { cause: error });
    }
  }
}

// --------------------------------------------------------------------------------------------------- WebSocket --

export type Encoding = 'json' | 'msgpack';

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

interface Awaited {
  readonly op: Op;
  readonly answered: (answer: Answer) => void;
  readonly lost: (error: Lost) => void;
}

interface Expectation {
  readonly matches: (event: Event) => boolean;
  readonly found: (event: Event) => void;
}

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

/** One over a WebSocket. Events are kept as they come, repeats included; none is acknowledged by itself. */
export class StreamParty implements Party {
  readonly api: Api;
  readonly events: Event[] = [];
  /** Resolves once the socket is gone. */
  readonly closed: Promise<Closed>;
  /** Called with each event as it comes. */
  onEvent: (event: Event) => void = () => undefined;
  readonly #socket: WebSocket;
  readonly #encoding: Encoding;
  readonly #answers: Answers;
  readonly #asked = new Map<number, Awaited>();
  #expected: Expectation[] = [];
  #id = 0;
  #fault: Error | null = null;

  private constructor(socket: WebSocket, api: Api, encoding: Encoding, answers: Answers) {
    this.#socket = socket;
    this.api = api;
    this.#encoding = encoding;
    this.#answers = answers;
    socket.on('message', (data: Buffer, isBinary) => this.#hear(data, isBinary));
    socket.on('error', () => undefined);
    this.closed = new Promise((gone) => {
      socket.on('close', (code, reason) => {
        const why = `closed with ${code} ${reason.toString()}`;
        for (const { op, lost } of this.#asked.values()) lost(new Lost(`${op}: ${why}`));
        this.#asked.clear();
        gone({ code, reason: reason.toString() });
      });
    });
  }

  /** Connects with the key in the header; rejects where that fails. */
  static connect(
    baseUrl: string,
    api: Api,
    key: string,
    answers: Answers,
    encoding: Encoding = 'json',
  ): Promise<StreamParty> {
    return new Promise((opened, failed) => {
      const url = `${baseUrl.replace(/^http/, 'ws')}/v1/${api}/stream`;
      const headers = { Authorization: `Bearer ${key}` };
      const socket = new WebSocket(url, `qrswitch.${encoding}`, { headers });
      const party = new StreamParty(socket, api, encoding, answers);
      socket.once('open', () => opened(party));
      socket.once('error', (error) => failed(new Lost(`connect ${url}`, { cause: error })));
    });
  }

  ask(op: Op, body: Body): Promise<Answer> {
    if (this.#fault !== null) return Promise.reject(this.#fault);
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.reject(new Lost(op));
    this.#id += 1;
    const id = this.#id;
    return new Promise((answered, lost) => {
      this.#asked.set(id, { op, answered, lost });
      this.send({ id, op, body });
    });
  }

  /** Sends a frame as it is. */
  send(frame: unknown): void {
    this.#socket.send(this.#encoding === 'json' ? JSON.stringify(frame) : packr.pack(frame));
  }

  /** Sends what is no frame at all. */
  sendRaw(bytes: string | Buffer): void {
    this.#socket.send(bytes);
  }

  /** The first event that matches, of those that came and those that will. */
  event(matches: (event: Event) => boolean): Promise<Event> {
    const known = this.events.find(matches);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((found) => {
      this.#expected.push({ matches, found });
    });
  }

  /** Acknowledges without waiting to hear of it, as `id` is optional. */
  acknowledge(ids: readonly string[]): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.send({ op: 'event.ack', body: { ids } });
  }

  /** As a cut network would: no farewell. */
  cut(): void {
    this.#socket.terminate();
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }

  #hear(data: Buffer, isBinary: boolean): void {
    if (isBinary !== (this.#encoding === 'msgpack')) throw new Error('a frame of the wrong kind');
    const frame = (isBinary ? packr.unpack(data) : JSON.parse(data.toString())) as {
      id?: number | null;
      status?: number;
      body?: unknown;
      event?: Event;
    };
    if (frame.event !== undefined) this.#hearEvent(frame.event);
    else this.#hearAnswer(frame);
  }

  #hearEvent(event: Event): void {
    try {
      this.#answers.checkEvent(event);
    } catch (error) {
      this.#fail(error as Error);
    }
    this.events.push(event);
    this.onEvent(event);
    const found = this.#expected.filter(({ matches }) => matches(event));
    this.#expected = this.#expected.filter((each) => !found.includes(each));
    for (const each of found) each.found(event);
  }

  #hearAnswer(frame: { id?: number | null; status?: number; body?: unknown }): void {
    // A frame that could not be read has no id, and its refusal none either.
    if (frame.id === undefined || frame.id === null) {
      if ((frame.status ?? 0) < 400) this.#fail(new Error(`no question: ${JSON.stringify(frame)}`));
      return;
    }
    const asked = this.#asked.get(frame.id);
    if (asked === undefined) {
      this.#fail(new Error(`an answer to no question: ${JSON.stringify(frame)}`));
      return;
    }
    this.#asked.delete(frame.id);
    const { op, answered, lost } = asked;
    const seen = { status: frame.status ?? 0, contentType: null, body: frame.body ?? null };
    try {
      const id = operationIdOf(op, this.api);
      if (id !== null) this.#answers.check(id, seen);
      answered(seen);
    } catch (error) {
      lost(error as Lost);
    }
  }

  /** What is wrong beside any question comes out at the next one. */
  #fail(error: Error): void {
    this.#fault ??= error;
  }
}
