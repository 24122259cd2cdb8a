// What operators ask about bills, and do with them: what their role takes in, as a terminal would have it done.

import type { BillId } from '../../domain/ids.ts';
import type { ArchiveScope } from '../../switch/archive.ts';
import { mayChangeBills, scopeOfOperator } from '../../switch/operator-desk.ts';
import type { Principal } from '../../switch/principal.ts';
import { deskCalls } from '../desk-calls.ts';
import { isProblem } from '../operations/addressing.ts';
import { JSON_NUMBERS, Shapes } from '../shapes.ts';
import { resendOne, resendPage } from './dead-letters.ts';
import {
  billsWithin,
  creditsWithin,
  type DeskSources,
  eventsWithin,
  paymentsWithin,
  readTimeline,
  timelinePage,
} from './desk-lists.ts';
import type { Exchange } from './exchange.ts';
import type { CallHandler } from './http.ts';
import { creditsOf, type Fetch, listPage, paymentsOf, readFilter } from './lists.ts';
import type { GatewayOptions } from './options.ts';
import { type QueryValues, readQuery } from './query.ts';
import { when } from './wall.ts';

/** What the gateway's other handlers do for these. */
export interface DeskTools {
  readonly options: GatewayOptions;
  /** What handles a call that is one request to one shard; undefined for any other. */
  single(id: string): CallHandler | undefined;
  /** Goes on with the bill of the path if the caller may see it; answers what the shard says otherwise. */
  whereVisible(exchange: Exchange, principal: Principal, onVisible: (billId: BillId) => void): void;
}

type Looking = (exchange: Exchange, operator: Principal, values: QueryValues) => void;

export function deskHandlers(tools: DeskTools): Map<string, CallHandler> {
  const handlers = new Map<string, CallHandler>();
  const looking = lookingHandlers(tools);
  for (const { id, method } of deskCalls) {
    const look = looking[id];
    const single = tools.single(id);
    const resend = RESENDING[id];
    if (look !== undefined) handlers.set(id, withQuery(look));
    else if (resend !== undefined) handlers.set(id, acting(resending(tools, resend)));
    else if (single !== undefined) handlers.set(id, method === 'GET' ? single : acting(single));
  }
  return handlers;
}

const RESENDING: Readonly<Record<string, typeof resendOne>> = {
  'operator.event.resend': resendOne,
  'operator.event.resendAll': resendPage,
};

function resending({ options }: DeskTools, resend: typeof resendOne): CallHandler {
  return (exchange, operator) => {
    resend(options, exchange, operator).catch((error: unknown) => exchange.failed(error));
  };
}

/** Refused before anything is looked for. */
function acting(handler: CallHandler): CallHandler {
  return (exchange, operator) => {
    if (mayChangeBills(operator)) handler(exchange, operator);
    else exchange.refuse({ code: operator.suspended ? 'request.suspended' : 'request.forbidden' });
  };
}

function withQuery(look: Looking): CallHandler {
  return (exchange, operator) => {
    const query = readQuery(exchange.incoming.call, exchange.incoming.query);
    if ('problem' in query) exchange.refuse(query.problem);
    else look(exchange, operator, query.values);
  };
}

function lookingHandlers(tools: DeskTools): Record<string, Looking> {
  const { options, whereVisible } = tools;
  const { door, listings, archive } = options;
  const shapes = new Shapes(options, JSON_NUMBERS);
  const sources = { door, listings, archive, shapes };
  const answer = (exchange: Exchange, page: Promise<Uint8Array>): void =>
    when(exchange, page, (body) => exchange.reply(200, body));
  const list = (exchange: Exchange, values: QueryValues, fetch: Fetch): void => {
    const reading = readFilter(values);
    if ('problem' in reading) exchange.refuse(reading.problem);
    else answer(exchange, listPage(sources, reading, fetch));
  };
  const within =
    (fetchOf: (of: DeskSources, scope: ArchiveScope, values: QueryValues) => Fetch): Looking =>
    (exchange, operator, values) =>
      list(exchange, values, fetchOf(sources, scopeOfOperator(operator), values));
  const ofBill =
    (fetchOf: (billId: BillId, values: QueryValues) => Fetch): Looking =>
    (exchange, operator, values) =>
      whereVisible(exchange, operator, (billId) => list(exchange, values, fetchOf(billId, values)));
  return {
    'operator.bill.list': within(billsWithin),
    'operator.payment.list': within(paymentsWithin),
    'operator.credit.list': within(creditsWithin),
    'operator.event.list': within(eventsWithin),
    'operator.bill.payments': ofBill((billId) => paymentsOf(sources, { billId })),
    'operator.bill.credits': ofBill((billId) => creditsOf(sources, { billId })),
    'operator.bill.events': ofBill((billId, values) => eventsWithin(sources, { billId }, values)),
    'operator.bill.timeline': (exchange, operator, values) => {
      const reading = readTimeline(values);
      if (isProblem(reading)) exchange.refuse(reading);
      else
        whereVisible(exchange, operator, (billId) =>
          answer(exchange, timelinePage(sources, billId, reading)),
        );
    },
  };
}
