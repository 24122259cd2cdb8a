// The HTTP side of every simulated bank: reads a request whole, lets a fault have its way, answers.
//
// What stands under `/_sim/` is not the bank's but the simulator's own: there a test or a demo pays, breaks and looks.
// Keep it on this machine: whoever reaches it is the bank.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SimulatorClock } from './clock.ts';
import type { Fault, Faults } from './faults.ts';

export interface SimRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface SimAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SimServerOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: SimulatorClock;
  readonly faults: Faults;
  /** The bank: takes effect at once, and only once a call. */
  readonly bank: (request: SimRequest) => SimAnswer;
  readonly control: (request: SimRequest) => SimAnswer | Promise<SimAnswer>;
  /** A certificate and key, and a CA where clients must show one of theirs. */
  readonly tls?: ServerOptions;
}

export interface SimServer {
  readonly url: string;
  calls(): number;
  /** Resolves once no connection is left. */
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1_048_576;
export const CONTROL = '/_sim/';

export async function serve(options: SimServerOptions): Promise<SimServer> {
  let calls = 0;
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith(CONTROL) !== true) calls += 1;
    // A broken connection is the client's affair: there is nobody left to answer.
    handle(request, response, options).catch(() => response.destroy());
  };
  const server: Server =
    options.tls === undefined
      ? createServer(listener)
      : (createTlsServer(options.tls, listener) as unknown as Server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    calls: () => calls,
    url: `${options.tls === undefined ? 'http' : 'https'}://${options.host}:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function jsonAnswer(body: unknown, status = 200): SimAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** What JSON stands there; undefined where none does. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function handle(
  incoming: IncomingMessage,
  response: ServerResponse,
  options: SimServerOptions,
): Promise<void> {
  const request = await read(incoming);
  if (request === undefined) {
    send(response, { status: 413, headers: { connection: 'close' }, body: '' });
    return;
  }
  if (request.path.startsWith(CONTROL)) {
    send(response, await options.control(request));
    return;
  }
  const fault = options.faults.take(request.path);
  if (fault === undefined) send(response, options.bank(request));
  else misbehave(fault, request, response, options);
}

function misbehave(
  fault: Fault,
  request: SimRequest,
  response: ServerResponse,
  { bank, clock }: SimServerOptions,
): void {
  const { kind, effect, delayMs } = fault;
  const done = effect === 'now' ? bank(request) : undefined;
  if (effect === 'late') clock.after(delayMs, () => void bank(request));
  if (kind === 'lost') {
    response.destroy();
    return;
  }
  if (kind === 'slow') {
    clock.after(delayMs, () => send(response, done ?? gatewayError(fault)));
    return;
  }
  send(response, gatewayError(fault));
}

function gatewayError({ status, retryAfterS }: Fault): SimAnswer {
  const headers: Record<string, string> = { 'content-type': 'text/html' };
  if (retryAfterS !== undefined) headers['retry-after'] = String(retryAfterS);
  return { status, headers, body: `<html><body><h1>${status}</h1></body></html>` };
}

async function read(incoming: IncomingMessage): Promise<SimRequest | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, value?.toString()]),
  );
  const path = (incoming.url ?? '/').split('?')[0] ?? '/';
  return {
    method: incoming.method ?? 'GET',
    path,
    headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function send(response: ServerResponse, answer: SimAnswer): void {
  if (response.destroyed) return;
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-length': Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}
