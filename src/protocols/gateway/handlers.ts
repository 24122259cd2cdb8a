// What each HTTP call does, by the call’s id.

import { must } from '../../domain/assert.ts';
import {
  type BillId,
  type PaychannelId,
  parseBillId,
  parseReference,
  shardOfBill,
  shardOfOrder,
  type TerminalId,
} from '../../domain/ids.ts';
import { SECOND_MS } from '../../domain/time.ts';
import type { Principal } from '../../switch/principal.ts';
import { recipientOf } from '../../switch/visibility.ts';
import type { Call } from '../call.ts';
import { calls } from '../calls.ts';
import {
  type Addressed,
  isProblem,
  type Read,
  type ReadingContext,
  type SingleOperation,
} from '../operations/addressing.ts';
import { readOperation } from '../operations/read-operation.ts';
import { invalid } from '../problem-document.ts';
import { requests } from '../schemas/requests.ts';
import { asBody, violationsOf } from '../schemas/validation.ts';
import { JSON_NUMBERS, Shapes } from '../shapes.ts';
import type { Accounts } from './accounts.ts';
import { acknowledge } from './acknowledge.ts';
import { ask } from './asking.ts';
import { Batches } from './batches.ts';
import { type CodeForm, drawCode } from './codes.ts';
import { deskHandlers } from './desk-handlers.ts';
import { type EventSources, pollEvents, rereadEvents } from './event-calls.ts';
import type { Exchange } from './exchange.ts';
import { type CallHandler, type HttpHandlers, requestBody } from './http.ts';
import { billsOf, creditsOf, type ListSources, listPage, paymentsOf, readFilter } from './lists.ts';
import { operatorHandlers } from './operator-handlers.ts';
import type { GatewayOptions } from './options.ts';
import { mayListPaying, PAYING_LISTS } from './paying-lists.ts';
import type { Principals } from './principals.ts';
import { publicHandlers } from './public-pages.ts';
import { type QueryValues, readQuery } from './query.ts';
import { guarded, replyTo, when } from './wall.ts';

export interface HandlerContext {
  readonly options: GatewayOptions;
  readonly reading: ReadingContext;
  readonly principals: Principals;
  readonly accounts: Accounts;
  readonly events: EventSources;
}

/** A handler that has its query read. */
type QueryHandler = (exchange: Exchange, principal: Principal, values: QueryValues) => void;

export function makeHandlers(context: HandlerContext): HttpHandlers {
  const handlers = new Map<string, CallHandler>();
  const list = listHandlers(context);
  const poll = eventHandler(context);
  for (const call of calls) {
    const name = call.request;
    if (name !== undefined && isOperation(name)) {
      handlers.set(call.id, operationHandler(context, name));
    }
  }
  const batches = new Batches(context);
  handlers.set('bill.batch', (exchange, principal) => batches.take(exchange, principal));
  for (const [id, handler] of operatorHandlers(context.options)) handlers.set(id, handler);
  const desk = deskHandlers({
    options: context.options,
    single: (id) => handlers.get(id),
    whereVisible: (exchange, principal, onVisible) =>
      whereVisible(context, exchange, principal, onVisible),
  });
  for (const [id, handler] of desk) handlers.set(id, handler);
  for (const form of ['svg', 'png', 'txt'] as const) {
    handlers.set(`bill.qr.${form}`, withQuery(codeHandler(context, form)));
  }
  for (const [id, handler] of Object.entries(list)) handlers.set(id, withQuery(handler));
  for (const api of ['terminal', 'paychannel'] as const) {
    handlers.set(`${api}.events`, withQuery(poll));
    handlers.set(`${api}.event.ack`, acknowledgeHandler(context));
    handlers.set(`${api}.stream`, (exchange) =>
      exchange.refuse(
        invalid([{ path: 'Upgrade', message: 'must be websocket: this address is a WebSocket' }]),
      ),
    );
  }
  return { calls: handlers, publicCalls: publicHandlers(context.options) };
}

function isOperation(name: NonNullable<Call['request']>): name is SingleOperation {
  return name !== 'event.ack' && name !== 'ping' && name in requests;
}

/** One request to one shard: read it, send it, pass the answer on. */
function operationHandler(context: HandlerContext, name: SingleOperation): CallHandler {
  return (exchange, principal) => {
    const { incoming } = exchange;
    const query = readQuery(incoming.call, incoming.query);
    if ('problem' in query) {
      exchange.refuse(query.problem);
      return;
    }
    const given = incoming.call.method === 'GET' ? { ...query.values } : exchange.json();
    if (given === undefined) return;
    const request = requestBody(incoming, given);
    if ('problem' in request) {
      exchange.refuse(request.problem);
      return;
    }
    const read = readOperation(name, request.body, principal, context.reading);
    const goOn = (done: Read): void => {
      if (isProblem(done)) exchange.refuse(done);
      else sendOperation(context, exchange, principal, done);
    };
    when(exchange, read, goOn);
  };
}

function sendOperation(
  context: HandlerContext,
  exchange: Exchange,
  principal: Principal,
  addressed: Addressed,
): void {
  const { door } = context.options;
  const { requestId } = exchange.incoming;
  const { shard, operation } = addressed;
  const request = { shard, operation, principal, requestId, encoding: 'json' } as const;
  if (operation.op !== 'bill.get' || operation.waitMs === 0) {
    ask(context.options, request, exchange);
    return;
  }
  const reply = replyTo(exchange);
  // A wait that the end of the switch overtakes is asked again, to be answered at once.
  const answerNow = (): void =>
    door.send({ ...request, operation: { ...operation, waitMs: 0, afterVersion: null } }, reply);
  context.events.polls.add(answerNow);
  exchange.onGone(() => context.events.polls.delete(answerNow));
  door.send(request, (status, body) => {
    context.events.polls.delete(answerNow);
    reply(status, body);
  });
}

function withQuery(handler: QueryHandler): CallHandler {
  return (exchange, principal) => {
    const query = readQuery(exchange.incoming.call, exchange.incoming.query);
    if ('problem' in query) exchange.refuse(query.problem);
    else handler(exchange, principal, query.values);
  };
}

function listHandlers(context: HandlerContext): Record<string, QueryHandler> {
  const { door, listings } = context.options;
  const shapes = new Shapes(context.options, JSON_NUMBERS);
  const sources: ListSources = { door, listings, shapes };
  const answer = (
    exchange: Exchange,
    values: QueryValues,
    fetch: Parameters<typeof listPage>[2],
  ): void => {
    const reading = readFilter(values);
    if ('problem' in reading) {
      exchange.refuse(reading.problem);
      return;
    }
    when(exchange, listPage(sources, reading, fetch), (body) => exchange.reply(200, body));
  };
  const ofBill =
    (fetchOf: typeof paymentsOf): QueryHandler =>
    (exchange, principal, values) =>
      whereVisible(context, exchange, principal, (billId) =>
        answer(exchange, values, fetchOf(sources, { billId })),
      );
  const ofChannel =
    (fetchOf: typeof paymentsOf): QueryHandler =>
    (exchange, principal, values) =>
      answer(exchange, values, fetchOf(sources, { paychannelId: principal.id as PaychannelId }));
  const ofPaying = Object.entries(PAYING_LISTS).map(([id, fetchOf]): [string, QueryHandler] => [
    id,
    (exchange, principal, values) => {
      if (mayListPaying(principal)) answer(exchange, values, fetchOf(sources, principal, values));
      else exchange.refuse({ code: 'request.forbidden' });
    },
  ]);
  return {
    ...Object.fromEntries(ofPaying),
    'bill.list': (exchange, principal, values) => {
      if (values.orderId !== undefined) findByOrder(context, exchange, principal, values);
      else answer(exchange, values, billsOf(sources, principal));
    },
    'bill.payments': ofBill(paymentsOf),
    'bill.credits': ofBill(creditsOf),
    'paychannel.payments': ofChannel(paymentsOf),
    'paychannel.credits': ofChannel(creditsOf),
  };
}

const LIST_ONLY = ['status', 'from', 'to', 'limit', 'cursor'] as const;

/** The bill of an order: the terminal’s own, else, unless it is restricted, its merchant’s newest. */
function findByOrder(
  context: HandlerContext,
  exchange: Exchange,
  principal: Principal,
  values: QueryValues,
): void {
  const foreign = LIST_ONLY.filter((name) => values[name] !== undefined);
  if (foreign.length > 0) {
    exchange.refuse(
      invalid(foreign.map((path) => ({ path, message: 'does not go with orderId' }))),
    );
    return;
  }
  const orderId = must(parseReference(String(values.orderId)), 'a valid orderId');
  const { door, listings } = context.options;
  const inMerchant = (): void => {
    const { merchantId } = principal;
    if (merchantId === null) {
      const detail = 'Orders are named within a merchant; an operator asks by the bill’s id.';
      exchange.refuse({ code: 'request.forbidden', detail });
      return;
    }
    when(exchange, listings.billOfOrder(merchantId, orderId), (billId) => {
      if (exchange.isAnswered) return;
      if (billId === null) exchange.refuse({ code: 'bill.notFound' });
      else readBill(context, exchange, principal, billId, values);
    });
  };
  if (principal.kind !== 'terminal') {
    inMerchant();
    return;
  }
  const terminalId = principal.id as TerminalId;
  const shard = shardOfOrder(terminalId, orderId, door.shards);
  const operation = { op: 'order.get', terminalId, orderId } as const;
  const { requestId } = exchange.incoming;
  const onReply = guarded(exchange, (status: number, body: Uint8Array) => {
    if (status === 404 && principal.restricted) exchange.refuse({ code: 'bill.notFound' });
    else if (status === 404) inMerchant();
    else if (status === 200 && values.wait !== undefined && values.afterVersion !== undefined) {
      readBill(context, exchange, principal, idOf(body), values);
    } else exchange.reply(status, body);
  });
  door.send({ shard, principal, requestId, encoding: 'json', operation }, onReply);
}

function readBill(
  context: HandlerContext,
  exchange: Exchange,
  principal: Principal,
  billId: BillId,
  values: QueryValues,
): void {
  const { wait, afterVersion } = values;
  const waitMs =
    typeof wait === 'number' && typeof afterVersion === 'number' ? wait * SECOND_MS : 0;
  sendOperation(context, exchange, principal, {
    shard: shardOfBill(billId),
    operation: {
      op: 'bill.get',
      billId,
      afterVersion: waitMs > 0 && typeof afterVersion === 'number' ? afterVersion : null,
      waitMs,
    },
  });
}

function idOf(body: Uint8Array): BillId {
  const { id } = JSON.parse(Buffer.from(body).toString('utf8')) as { id: BillId };
  return id;
}

/** Goes on with the bill of the path if the caller may see it; answers what the shard says otherwise. */
function whereVisible(
  context: HandlerContext,
  exchange: Exchange,
  principal: Principal,
  onVisible: (billId: BillId, bill: Uint8Array) => void,
): void {
  const { door } = context.options;
  const { params, requestId } = exchange.incoming;
  const billId = parseBillId(params.billId ?? '');
  if (billId === undefined || shardOfBill(billId) >= door.shards) {
    exchange.refuse({ code: 'bill.notFound' });
    return;
  }
  const operation = { op: 'bill.get', billId, afterVersion: null, waitMs: 0 } as const;
  const shard = shardOfBill(billId);
  const onReply = guarded(exchange, (status: number, body: Uint8Array) => {
    if (exchange.isAnswered) return;
    if (status === 200) onVisible(billId, body);
    else exchange.reply(status, body);
  });
  door.send({ shard, principal, requestId, encoding: 'json', operation }, onReply);
}

function codeHandler(context: HandlerContext, form: CodeForm): QueryHandler {
  return (exchange, principal, values) =>
    whereVisible(context, exchange, principal, (_billId, bill) => {
      const { qr } = JSON.parse(Buffer.from(bill).toString('utf8')) as {
        qr: { payload: string } | null;
      };
      if (qr === null) {
        exchange.refuse({ code: 'qr.notReady' });
        return;
      }
      const drawn = drawCode(qr.payload, form, values);
      if (isProblem(drawn)) exchange.refuse(drawn);
      else exchange.send(200, drawn.contentType, drawn.body);
    });
}

function eventHandler(context: HandlerContext): QueryHandler {
  return (exchange, principal, values) => {
    const recipient = must(recipientOf(principal), 'a stream of the caller');
    if (values.after === undefined) {
      pollEvents(context.events, exchange, recipient, values);
      return;
    }
    rereadEvents(context.events, exchange, recipient, values).catch((error: unknown) =>
      exchange.failed(error),
    );
  };
}

function acknowledgeHandler(context: HandlerContext): CallHandler {
  return (exchange, principal) => {
    const body = exchange.json();
    if (body === undefined) return;
    const violations = violationsOf('event.ack', body);
    if (violations !== undefined) {
      exchange.refuse(invalid(violations));
      return;
    }
    const { ids } = asBody('event.ack', body);
    const { requestId } = exchange.incoming;
    const to = { door: context.options.door, inboxes: context.events.inboxes };
    acknowledge(to, { ids, principal, requestId, encoding: 'json' }, exchange);
  };
}
