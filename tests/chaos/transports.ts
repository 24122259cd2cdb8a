// How a client's words reach the switch: HTTP, and a WebSocket with JSON or msgpack. Nothing is ever sent twice here,
// and every question ends: with an answer, or with null when it is lost or too late.

import { Agent, request } from 'node:http';
import { Packr } from 'msgpackr';
import { WebSocket } from 'ws';
import { calls } from '../../src/protocols/calls.ts';
import type { Api, Body, Event, Op } from '../support/client.ts';

export interface Told {
  readonly status: number;
  readonly body: unknown;
}

export interface Question {
  readonly op: Op;
  readonly body: Body;
  readonly requestId: string;
  readonly timeoutMs: number;
}

const routes = new Map(calls.map(({ id, method, path }) => [id, { method, path }]));
const packr = new Packr({ useRecords: false, int64AsType: 'number' });
const CONNECT_MS = 3_000;

// -------------------------------------------------------------------------------------------------------- HTTP --

export class HttpLine {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256, scheduling: 'fifo' });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  ask(api: Api, key: string, question: Question): Promise<Told | null> {
    const { method, path, content, headers } = asHttp(api, question);
    return new Promise((told) => {
      const sent = request({
        agent: this.#agent,
        host: '127.0.0.1',
        port: this.#port,
        method,
        path,
        headers: {
          Authorization: `Bearer ${key}`,
          'X-Request-Id': question.requestId,
          ...headers,
          ...(content === null
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) }),
        },
      });
      const timer = setTimeout(() => sent.destroy(), question.timeoutMs);
      const end = (answer: Told | null): void => {
        clearTimeout(timer);
        told(answer);
      };
      sent.on('error', () => end(null));
      sent.on('close', () => end(null));
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => end(null));
        response.on('end', () => {
          if (response.complete) end(readHttp(response.statusCode ?? 0, Buffer.concat(chunks)));
        });
      });
      sent.end(content ?? undefined);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function readHttp(status: number, bytes: Buffer): Told | null {
  if (bytes.length === 0) return { status, body: null };
  try {
    return { status, body: JSON.parse(bytes.toString()) };
  } catch {
    return null;
  }
}

function asHttp(
  api: Api,
  { op, body }: Question,
): { method: string; path: string; content: string | null; headers: Record<string, string> } {
  const route = routes.get(op === 'event.ack' ? `${api}.event.ack` : op);
  if (route === undefined) throw new Error(`there is no ${op} over HTTP`);
  const rest: Record<string, unknown> = { ...body };
  const headers: Record<string, string> = {};
  if (typeof rest.idempotencyKey === 'string') {
    headers['Idempotency-Key'] = rest.idempotencyKey;
    delete rest.idempotencyKey;
  }
  const place = route.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
    const value = String(rest[name]);
    delete rest[name];
    return encodeURIComponent(value);
  });
  if (route.method === 'POST') {
    return { method: 'POST', path: place, content: JSON.stringify(rest), headers };
  }
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) query.set(name, String(value));
  const path = query.size === 0 ? place : `${place}?${query}`;
  return { method: route.method, path, content: null, headers };
}

// --------------------------------------------------------------------------------------------------- WebSocket --

export type Encoding = 'json' | 'msgpack';

interface Awaited {
  readonly told: (answer: Told | null) => void;
  readonly timer: NodeJS.Timeout;
}

interface InFrame {
  readonly id?: number | null;
  readonly status?: number;
  readonly body?: unknown;
  readonly event?: Event;
}

export class StreamLine {
  /** Resolves once the socket is gone. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #encoding: Encoding;
  readonly #asked = new Map<number, Awaited>();
  readonly #hear: (event: Event) => void;
  #id = 0;
  #silences = 0;

  private constructor(socket: WebSocket, encoding: Encoding, hear: (event: Event) => void) {
    this.#socket = socket;
    this.#encoding = encoding;
    this.#hear = hear;
    socket.on('message', (data: Buffer) => this.#receive(data));
    this.closed = new Promise((gone) => {
      socket.on('close', () => {
        for (const { told, timer } of this.#asked.values()) {
          clearTimeout(timer);
          told(null);
        }
        this.#asked.clear();
        gone();
      });
    });
  }

  /** Null where it cannot be had. */
  static connect(
    to: { port: number; api: Api; key: string; encoding: Encoding },
    hear: (event: Event) => void,
  ): Promise<StreamLine | null> {
    const { port, api, key, encoding } = to;
    return new Promise((done) => {
      const socket = new WebSocket(
        `ws://127.0.0.1:${port}/v1/${api}/stream`,
        `qrswitch.${encoding}`,
        {
          headers: { Authorization: `Bearer ${key}` },
          handshakeTimeout: CONNECT_MS,
        },
      );
      // Events may come with the same packet as the handshake's end.
      const line = new StreamLine(socket, encoding, hear);
      socket.once('open', () => done(line));
      socket.on('error', () => done(null));
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  ask({ op, body, requestId, timeoutMs }: Question): Promise<Told | null> {
    if (!this.isOpen) return Promise.resolve(null);
    this.#id += 1;
    const id = this.#id;
    return new Promise((told) => {
      const timer = setTimeout(() => {
        this.#asked.delete(id);
        told(null);
        this.#silences += 1;
        // A line that says nothing is dead, whatever TCP thinks.
        if (this.#silences > 1) this.cut();
      }, timeoutMs);
      this.#asked.set(id, { told, timer });
      const frame = { id, op, body, requestId };
      this.#socket.send(this.#encoding === 'json' ? JSON.stringify(frame) : packr.pack(frame));
    });
  }

  cut(): void {
    this.#socket.terminate();
  }

  #receive(data: Buffer): void {
    const read = this.#encoding === 'json' ? JSON.parse(data.toString()) : packr.unpack(data);
    const { id, status, body, event } = read as InFrame;
    this.#silences = 0;
    if (event !== undefined) this.#hear(event);
    if (typeof id !== 'number') return;
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    clearTimeout(asked.timer);
    asked.told({ status: status ?? 0, body: body ?? null });
  }
}
