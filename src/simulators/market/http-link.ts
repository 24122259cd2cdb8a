// A party over HTTP, on connections that are kept.

import { setMaxListeners } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as SecureAgent } from 'node:https';
import { type Answer, type Api, type Json, type Link, Lost, type Op, ROUTES } from './link.ts';

const ANSWER_MS = 40_000;

export interface HttpTarget {
  readonly baseUrl: string;
  readonly api: Api;
  readonly key: string;
  /** Connections at most. */
  readonly connections: number;
}

export class HttpLink implements Link {
  readonly #target: HttpTarget;
  readonly #isSecure: boolean;
  readonly #agent: Agent;
  readonly #gone = new AbortController();

  constructor(target: HttpTarget) {
    this.#target = target;
    // Of each request that is under way.
    setMaxListeners(0, this.#gone.signal);
    this.#isSecure = target.baseUrl.startsWith('https:');
    const kept = { keepAlive: true, maxSockets: target.connections, scheduling: 'fifo' } as const;
    this.#agent = this.#isSecure ? new SecureAgent(kept) : new Agent(kept);
  }

  ask(op: Op, body: Json): Promise<Answer> {
    const rest: Record<string, unknown> = { ...body };
    const headers: Record<string, string> = {};
    if (typeof rest.idempotencyKey === 'string') headers['idempotency-key'] = rest.idempotencyKey;
    delete rest.idempotencyKey;
    const { method, path } = ROUTES[op];
    const place = path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
      if (name === 'api') return this.#target.api;
      const value = String(rest[name]);
      delete rest[name];
      return encodeURIComponent(value);
    });
    return this.send(method, place, method === 'POST' ? JSON.stringify(rest) : null, headers);
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path, null);
  }

  send(
    method: string,
    path: string,
    body: string | null,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return new Promise((done, failed) => {
      const lost = (error: Error): void => failed(new Lost(`${method} ${path}`, { cause: error }));
      const request = (this.#isSecure ? httpsRequest : httpRequest)(
        new URL(path, this.#target.baseUrl),
        {
          method,
          agent: this.#agent,
          signal: this.#gone.signal,
          timeout: ANSWER_MS,
          headers: {
            authorization: `Bearer ${this.#target.key}`,
            ...(body === null
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
            ...headers,
          },
        },
      );
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', lost);
      request.on('response', (response) => {
        read(response).then(done, lost);
      });
      request.end(body ?? undefined);
    });
  }

  close(): void {
    this.#gone.abort();
    this.#agent.destroy();
  }
}

async function read(response: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  for await (const part of response as AsyncIterable<Buffer>) parts.push(part);
  const text = Buffer.concat(parts).toString('utf8');
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  return { status: response.statusCode ?? 0, body: isJson ? (JSON.parse(text) as Json) : {} };
}
