// What a user would write in place of the switch: Fastify and postgres.js, a transaction with row locks a request, bodies
// validated and answers serialised by compiled schemas. It keeps nothing in memory but keys; the events of a payment go
// down the terminal's WebSocket from the process that took it.

import type { AddressInfo } from 'node:net';
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Principal } from '../../../src/switch/principal.ts';
import { type Answer, type CreateBody, type PayBody, refuse } from '../bills.ts';
import { interactiveStore } from '../interactive-store.ts';
import { Keys, openPool, type PeerTask, requestIdOf, servePeer } from '../serving.ts';
import {
  acknowledgeBody,
  answers,
  billParams,
  confirmBody,
  createBody,
  payBody,
} from './schemas.ts';

const BASE_URL = 'http://127.0.0.1:8080';
const KEEP_ALIVE_MS = 60_000;
/** Connections that views have for themselves. */
const READING = 2;

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null;
  }
}

async function serve(task: PeerTask): Promise<number> {
  const keys = new Keys(task.databaseUrl);
  const streams = new Map<string, Set<WebSocket>>();
  const store = interactiveStore({
    sql: openPool({ ...task, pool: task.pool - READING }),
    reads: openPool({ ...task, pool: READING }),
    baseUrl: BASE_URL,
    onEvent: ({ terminalId, message }) => {
      const text = JSON.stringify(message);
      for (const socket of streams.get(terminalId) ?? []) socket.send(text);
    },
  });
  const app = fastify({
    keepAliveTimeout: KEEP_ALIVE_MS,
    genReqId: (request) => requestIdOf(request.headers['x-request-id']?.toString()),
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  app.decorateRequest('principal', null);

  const authenticated =
    (kind: 'terminal' | 'paychannel') => async (request: FastifyRequest, reply: FastifyReply) => {
      request.principal = await keys.find(request.headers.authorization ?? '', kind);
      if (request.principal === null) return send(reply, refuse(401, 'key.unknown'));
      return undefined;
    };
  const send = (reply: FastifyReply, answer: Answer) =>
    reply
      .header('x-request-id', reply.request.id)
      .header('cache-control', 'no-store')
      .code(answer.status)
      .send(answer.body);
  const terminal = { onRequest: authenticated('terminal') };
  const wallet = { onRequest: authenticated('paychannel') };
  const who = (request: FastifyRequest): Principal => {
    if (request.principal === null) throw new Error('a request without its principal');
    return request.principal;
  };

  app.post<{ Body: CreateBody }>(
    '/v1/terminal/bills',
    { ...terminal, schema: { body: createBody, response: answers.bill } },
    async (request, reply) =>
      send(reply, await store.create(who(request), request.body, request.id)),
  );
  app.get<{ Params: { id: string } }>(
    '/v1/paychannel/bills/:id',
    { ...wallet, schema: { params: billParams, response: answers.view } },
    async (request, reply) => send(reply, await store.view(who(request), request.params.id)),
  );
  app.post<{ Params: { id: string }; Body: PayBody }>(
    '/v1/paychannel/bills/:id/payments',
    { ...wallet, schema: { params: billParams, body: payBody, response: answers.paid } },
    async (request, reply) =>
      send(reply, await store.pay(who(request), request.params.id, request.body, request.id)),
  );
  app.post<{ Body: { ids: string[] } }>(
    '/v1/terminal/events/ack',
    { ...terminal, schema: { body: acknowledgeBody, response: answers.acknowledged } },
    async (request, reply) =>
      send(reply, await store.acknowledge(who(request), request.body.ids, request.id)),
  );
  app.post<{ Params: { id: string } }>(
    '/v1/terminal/bills/:id/confirm',
    { ...terminal, schema: { params: billParams, body: confirmBody, response: answers.bill } },
    async (request, reply) =>
      send(reply, await store.confirm(who(request), request.params.id, request.id)),
  );

  await app.listen({ host: '127.0.0.1', port: 0 });
  const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  app.server.on('upgrade', (request, socket, head) => {
    void keys.find(request.headers.authorization ?? '', 'terminal').then((principal) => {
      if (principal === null || request.url !== '/v1/terminal/stream') {
        socket.destroy();
        return;
      }
      upgrades.handleUpgrade(request, socket, head, (stream) => {
        const own = streams.get(principal.id) ?? new Set();
        streams.set(principal.id, own.add(stream));
        stream.on('close', () => own.delete(stream));
      });
    });
  });
  return (app.server.address() as AddressInfo).port;
}

servePeer(serve);
