// A line of HTTP between a client and the switch that changes what goes through it: as a switch would look that loses
// money, doubles it, or forgets to tell.

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Body = Record<string, unknown>;

export interface Passing {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly body: Body;
}

export interface Lies {
  /** What is passed on in place of a request. */
  ask(request: Passing): Body;
  /** What the client gets in place of an answer. */
  answer(request: Passing, answer: Told): Told;
}

export interface Told {
  readonly status: number;
  readonly body: Body;
}

export interface LyingLine {
  readonly url: string;
  close(): void;
}

export async function startLyingLine(target: string, lies: Lies): Promise<LyingLine> {
  const server: Server = createServer(async (incoming, outgoing) => {
    try {
      const { status, body } = await pass(incoming, target, lies);
      outgoing.writeHead(status, { 'content-type': 'application/json' }).end(body);
    } catch {
      outgoing.destroy();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function pass(
  incoming: IncomingMessage,
  target: string,
  lies: Lies,
): Promise<{ status: number; body: string }> {
  const text = Buffer.concat((await incoming.toArray()) as Buffer[]).toString();
  const { method = 'GET', url = '/' } = incoming;
  const body = text === '' ? {} : (JSON.parse(text) as Body);
  const request = { method, path: url.split('?')[0] ?? '/', body };
  const headers = new Headers({ authorization: incoming.headers.authorization ?? '' });
  const key = incoming.headers['idempotency-key'];
  if (typeof key === 'string') headers.set('idempotency-key', key);
  if (text !== '') headers.set('content-type', 'application/json');
  const answer = await fetch(`${target}${url}`, {
    method,
    headers,
    ...(text === '' ? {} : { body: JSON.stringify(lies.ask(request)) }),
  });
  const { status } = answer;
  const told = await answer.text();
  if (!told.startsWith('{')) return { status, body: told };
  const shown = lies.answer(request, { status, body: JSON.parse(told) as Body });
  return { status: shown.status, body: JSON.stringify(shown.body) };
}
