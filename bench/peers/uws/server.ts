// The best of the stateless kind that we know how to write: uWebSockets.js in front of single statements through
// postgres.js. Bodies are validated by compiled TypeBox checks, as the switch's are.

import uws, { type HttpRequest, type HttpResponse, type WebSocket } from 'uWebSockets.js';
import { type TSchema, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { Principal } from '../../../src/switch/principal.ts';
import { type Answer, type CreateBody, type PayBody, refuse } from '../bills.ts';
import { Keys, openPool, type PeerTask, requestIdOf, servePeer } from '../serving.ts';
import { singleStore } from '../single-store.ts';

const BASE_URL = 'http://127.0.0.1:8080';
const BODY_MAX = 65_536;
const STATUS: Readonly<Record<number, string>> = {
  200: '200 OK',
  201: '201 Created',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  404: '404 Not Found',
  409: '409 Conflict',
  413: '413 Payload Too Large',
  422: '422 Unprocessable Content',
  500: '500 Internal Server Error',
  503: '503 Service Unavailable',
};

const closed = { additionalProperties: false };
const reference = Type.String({ pattern: '^[A-Za-z0-9._:-]{1,64}$' });
const amount = Type.Integer({ minimum: 1, maximum: 1_000_000_000_000 });
const currency = Type.String({ pattern: '^[A-Z]{3}$' });
const BILL_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

const createBody = compiled<CreateBody>(
  Type.Object(
    {
      orderId: reference,
      amount,
      currency,
      description: Type.Optional(Type.String({ maxLength: 500 })),
      expiresIn: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_592_000 })),
      metadata: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 500 }))),
    },
    closed,
  ),
);
const payBody = compiled<PayBody>(
  Type.Object(
    {
      paymentRef: reference,
      amount,
      currency,
      method: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
      payer: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    },
    closed,
  ),
);
const acknowledgeBody = compiled<{ ids: string[] }>(
  Type.Object({ ids: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 1_000 }) }, closed),
);
const confirmBody = compiled<object>(Type.Object({}, closed));

type Check<Body> = (value: unknown) => value is Body;

function compiled<Body>(schema: TSchema): Check<Body> {
  const check = TypeCompiler.Compile(schema);
  return (value): value is Body => check.Check(value);
}

interface Stream {
  readonly terminalId: string;
}

async function serve(task: PeerTask): Promise<number> {
  const keys = new Keys(task.databaseUrl);
  const streams = new Map<string, Set<WebSocket<Stream>>>();
  const store = singleStore({
    sql: openPool(task),
    baseUrl: BASE_URL,
    onEvent: ({ terminalId, message }) => {
      const text = JSON.stringify(message);
      for (const socket of streams.get(terminalId) ?? []) socket.send(text, false);
    },
  });

  type Call<Body> = (
    principal: Principal,
    billId: string,
    body: Body,
    requestId: string,
  ) => Promise<Answer>;
  const handler =
    <Body>(kind: 'terminal' | 'paychannel', check: Check<Body> | null, call: Call<Body>) =>
    (res: HttpResponse, req: HttpRequest): void => {
      const exchange = begin(res, req);
      const principal = keys.find(req.getHeader('authorization'), kind);
      const billId = req.getParameter(0) ?? '';
      const answer = async (text: string): Promise<Answer> => {
        const known = await principal;
        if (known === null) return refuse(401, 'key.unknown');
        if (billId !== '' && !BILL_ID.test(billId)) return refuse(404, 'bill.notFound');
        const body = parsed(text);
        if (check !== null && !check(body)) return refuse(400, 'request.invalid');
        return call(known, billId, body as Body, exchange.requestId);
      };
      const settle = (text: string): void => {
        answer(text).then(
          (it) => end(exchange, it),
          () => end(exchange, refuse(500, 'internal')),
        );
      };
      if (check === null) settle('');
      else readBody(exchange, settle);
    };

  const app = uws.App();
  app.post(
    '/v1/terminal/bills',
    handler('terminal', createBody, (who, _id, body, requestId) =>
      store.create(who, body, requestId),
    ),
  );
  app.get(
    '/v1/paychannel/bills/:id',
    handler('paychannel', null, (who, id) => store.view(who, id)),
  );
  app.post(
    '/v1/paychannel/bills/:id/payments',
    handler('paychannel', payBody, (who, id, body, requestId) =>
      store.pay(who, id, body, requestId),
    ),
  );
  app.post(
    '/v1/terminal/events/ack',
    handler('terminal', acknowledgeBody, (who, _id, { ids }, requestId) =>
      store.acknowledge(who, ids, requestId),
    ),
  );
  app.post(
    '/v1/terminal/bills/:id/confirm',
    handler('terminal', confirmBody, (who, id, _body, requestId) =>
      store.confirm(who, id, requestId),
    ),
  );
  app.ws<Stream>('/v1/terminal/stream', {
    upgrade: (res, req, context) => {
      const exchange = begin(res, req);
      const key = req.getHeader('sec-websocket-key');
      const protocol = req.getHeader('sec-websocket-protocol');
      const extensions = req.getHeader('sec-websocket-extensions');
      void keys.find(req.getHeader('authorization'), 'terminal').then((principal) => {
        if (exchange.isOver) return;
        if (principal === null) end(exchange, refuse(401, 'key.unknown'));
        else {
          res.cork(() => {
            res.upgrade({ terminalId: principal.id }, key, protocol, extensions, context);
          });
        }
      });
    },
    open: (socket) => {
      const { terminalId } = socket.getUserData();
      streams.set(terminalId, (streams.get(terminalId) ?? new Set()).add(socket));
    },
    close: (socket) => {
      streams.get(socket.getUserData().terminalId)?.delete(socket);
    },
  });
  return new Promise((done, fail) => {
    app.listen('127.0.0.1', 0, (listening) => {
      if (listening === false) fail(new Error('no port'));
      else done(uws.us_socket_local_port(listening));
    });
  });
}

interface Exchange {
  readonly res: HttpResponse;
  readonly requestId: string;
  isOver: boolean;
}

function begin(res: HttpResponse, req: HttpRequest): Exchange {
  const requestId = requestIdOf(req.getHeader('x-request-id'));
  const exchange: Exchange = { res, requestId, isOver: false };
  res.onAborted(() => {
    exchange.isOver = true;
  });
  return exchange;
}

function readBody(exchange: Exchange, done: (text: string) => void): void {
  let before: Buffer | null = null;
  exchange.res.onData((part, isLast) => {
    const bytes = Buffer.from(part);
    if (isLast && before === null) {
      done(bytes.toString());
      return;
    }
    before = before === null ? Buffer.from(bytes) : Buffer.concat([before, bytes]);
    if (before.length > BODY_MAX) end(exchange, refuse(413, 'request.tooLarge'));
    else if (isLast) done(before.toString());
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function end(exchange: Exchange, { status, body }: Answer): void {
  if (exchange.isOver) return;
  exchange.isOver = true;
  const { res, requestId } = exchange;
  res.cork(() => {
    res
      .writeStatus(STATUS[status] ?? String(status))
      .writeHeader('X-Request-Id', requestId)
      .writeHeader('Cache-Control', 'no-store')
      .writeHeader('Content-Type', status < 400 ? 'application/json' : 'application/problem+json')
      .end(JSON.stringify(body));
  });
}

servePeer(serve);
