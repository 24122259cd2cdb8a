// HTTP: from a request to its call, its principal, its body, and on to a shard or a list. On the way of a create, view,
// pay, confirm or acknowledgement nothing is awaited.

import { isDefect } from '../../switch/failures.ts';
import { SharedBound } from '../../switch/fair-share.ts';
import { Fault } from '../../switch/faults.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Call } from '../call.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { LIMITS } from '../schemas/scalars.ts';
import type { Accounts } from './accounts.ts';
import { isTraceparent, takeRequestId } from './correlation.ts';
import { Evidence, type EvidenceContext } from './evidence.ts';
import { Exchange, type ExchangeWatcher, type Headers, type Incoming } from './exchange.ts';
import type { HttpRequest, HttpResponse } from './native.ts';
import { type AdmissionOptions, CROWDED, type GatewaySurroundings } from './options.ts';
import { hashOfKey, keyOfHeader, type Principals } from './principals.ts';
import { type Found, findCall } from './router.ts';
import { guarded, when } from './wall.ts';

/** Answers one call. Public calls are answered without a principal. */
export type CallHandler = (exchange: Exchange, principal: Principal) => void;
export type PublicHandler = (exchange: Exchange) => void;

export interface HttpHandlers {
  readonly calls: ReadonlyMap<string, CallHandler>;
  readonly publicCalls: ReadonlyMap<string, PublicHandler>;
}

/** Whoever stands in for a call where there is none. */
const NO_CALL: Call = {
  id: 'none',
  method: 'GET',
  path: '',
  api: 'everyone',
  summary: '',
  answers: {},
};

/** What a refusal for want of a key, or of what must be shown beside it, names (RFC 9110). */
const CHALLENGE: Headers = [['WWW-Authenticate', 'Bearer']];

export class HttpFront {
  readonly #options: GatewaySurroundings & AdmissionOptions;
  readonly #principals: Principals;
  readonly #accounts: Accounts;
  readonly #handlers: HttpHandlers;
  readonly #proving: EvidenceContext;
  readonly #underWay = new Set<Exchange>();
  /** Of them, those that need a key; and of each public call, its own: a stranger takes no room of theirs. */
  #keyed = 0;
  readonly #public = new Map<string, number>();
  readonly #room: SharedBound;
  #isDraining = false;

  constructor(of: {
    options: GatewaySurroundings & AdmissionOptions;
    principals: Principals;
    accounts: Accounts;
    handlers: HttpHandlers;
    proving: EvidenceContext;
  }) {
    this.#options = of.options;
    this.#principals = of.principals;
    this.#accounts = of.accounts;
    this.#handlers = of.handlers;
    this.#proving = of.proving;
    this.#room = new SharedBound(of.options.limits.requestsUnderWay, of.options.clock);
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  /** From now on every request is refused and its connection closed. */
  drain(): void {
    this.#isDraining = true;
    for (const exchange of this.#underWay) exchange.closeConnection();
  }

  /** Answers whatever is still under way: nobody knows its outcome any more. */
  abandon(): void {
    for (const exchange of [...this.#underWay]) {
      guarded(exchange, () => exchange.refuse({ code: 'outcome.unknown' }))();
    }
  }

  /** Ends what waits to read more with keys that were withdrawn; a change under way is told its outcome. */
  withdraw(keyHashes: ReadonlySet<string>): void {
    for (const exchange of [...this.#underWay]) {
      if (!keyHashes.has(exchange.keyHash) || exchange.incoming.call.method !== 'GET') continue;
      guarded(exchange, () => exchange.refuse({ code: 'request.unauthenticated' }, CHALLENGE))();
    }
  }

  /** Takes one request. A mistake of ours is answered as such, and told. */
  handle(res: HttpResponse, req: HttpRequest): void {
    let exchange: Exchange;
    let found: Found;
    try {
      found = findCall(req.getCaseSensitiveMethod(), req.getUrl());
      exchange = this.#open(res, req, found);
    } catch (error) {
      // There is nobody yet who could answer.
      this.#options.log.error({ err: error }, 'a request could not be taken');
      res.close();
      return;
    }
    guarded(exchange, () => this.#take(exchange, found, res, req))();
  }

  #take(exchange: Exchange, found: Found, res: HttpResponse, req: HttpRequest): void {
    const { call } = exchange.incoming;
    refuseUnread(exchange, req);
    if (this.#isDraining) exchange.closeConnection();
    if (found.found === 'nothing') {
      exchange.refuse({ code: 'route.notFound' });
    } else if (found.found === 'otherMethod') {
      exchange.refuse({ code: 'method.notAllowed' }, [['Allow', found.allow]]);
    } else if (call.api === 'everyone') {
      this.#answerPublic(exchange);
    } else if (this.#isDraining) {
      exchange.refuse({ code: 'shuttingDown' });
    } else if (this.#keyed > this.#options.limits.requestsUnderWay) {
      exchange.refuse({ code: 'overloaded' });
    } else {
      this.#authenticate(exchange, res, req);
    }
  }

  #open(res: HttpResponse, req: HttpRequest, found: Found): Exchange {
    const { call, params } = found.found === 'call' ? found : { call: NO_CALL, params: {} };
    const traceparent = req.getHeader('traceparent');
    const takesBody = call.method !== 'GET';
    const incoming: Incoming = {
      call,
      params,
      query: req.getQuery() ?? '',
      requestId: takeRequestId(req.getHeader('x-request-id')) ?? this.#options.newRequestId(),
      traceparent: isTraceparent(traceparent) ? traceparent : '',
      contentType: takesBody ? req.getHeader('content-type') : '',
      idempotencyKey: call.key === undefined ? '' : req.getHeader('idempotency-key'),
      isHead: req.getCaseSensitiveMethod() === 'HEAD',
      startedAt: this.#options.clock.monotonic(),
      ...(call.id === 'acquirer.notify' ? { headers: headersOf(req) } : {}),
    };
    const exchange = new Exchange(res, incoming, this.#watcher);
    this.#underWay.add(exchange);
    this.#count(call, 1);
    return exchange;
  }

  readonly #watcher: ExchangeWatcher = {
    answered: (exchange, status) => {
      this.#underWay.delete(exchange);
      const { call, startedAt } = exchange.incoming;
      this.#count(call, -1);
      const { metrics, clock } = this.#options;
      metrics.answered(call.id, 'http', status, clock.monotonic() - startedAt);
    },
    failed: (exchange, error) => this.#fail(exchange, error),
  };

  #count(call: Call, by: 1 | -1): void {
    if (call.api === 'everyone') this.#public.set(call.id, (this.#public.get(call.id) ?? 0) + by);
    else this.#keyed += by;
  }

  #answerPublic(exchange: Exchange): void {
    if (exchange.isAnswered) return;
    const { id } = exchange.incoming.call;
    const handler = this.#handlers.publicCalls.get(id);
    const underWay = this.#public.get(id) ?? 0;
    if (handler === undefined) exchange.refuse({ code: 'route.notFound' });
    else if (underWay > this.#options.limits.publicUnderWay)
      exchange.refuse({ code: 'overloaded' });
    else handler(exchange);
  }

  #authenticate(exchange: Exchange, res: HttpResponse, req: HttpRequest): void {
    if (exchange.isAnswered) return;
    if (exchange.incoming.call.lines !== undefined) exchange.readLines();
    const key = keyOfHeader(req.getHeader('authorization'));
    const keyHash = key === undefined ? undefined : hashOfKey(key);
    exchange.keyHash = keyHash ?? '';
    const principal = keyHash === undefined ? null : this.#principals.find(keyHash);
    const isKnown = principal !== undefined || keyHash === undefined;
    // Of somebody who is not known yet, anything may be demanded.
    if (!isKnown || (principal && this.#principals.demandsOf(principal) !== undefined)) {
      exchange.evidence = new Evidence(this.#proving, res, req);
    }
    if (!isKnown) {
      this.#authenticateLater(exchange, keyHash);
      return;
    }
    if (!this.#admit(exchange, principal ?? null)) return;
    if (exchange.incoming.call.request === undefined || exchange.incoming.call.method === 'GET') {
      this.#run(exchange);
    } else {
      exchange.readBody(() => this.#run(exchange));
    }
  }

  /** The key is not known here yet: the body is gathered while the directory is asked. */
  #authenticateLater(exchange: Exchange, keyHash: string): void {
    const { call } = exchange.incoming;
    let isBodyThere = call.request === undefined || call.method === 'GET';
    let isAdmitted = false;
    if (!isBodyThere) {
      exchange.readBody(() => {
        isBodyThere = true;
        if (isAdmitted) this.#run(exchange);
      });
    }
    when(exchange, this.#principals.lookUp(keyHash), (principal) => {
      if (exchange.isAnswered || !this.#admit(exchange, principal)) return;
      isAdmitted = true;
      if (isBodyThere) this.#run(exchange);
    });
  }

  #admit(exchange: Exchange, principal: Principal | null): boolean {
    if (principal === null) {
      // The body may still be on its way, and nobody will read it.
      exchange.refuse({ code: 'request.unauthenticated' }, CHALLENGE);
      return false;
    }
    if (!mayCall(principal, exchange.incoming.call)) {
      exchange.refuse({ code: 'request.forbidden' });
      return false;
    }
    const { call } = exchange.incoming;
    const name = call.request ?? call.id;
    const { institutionId } = principal;
    // This one is among those under way.
    if (!this.#room.takes(this.#keyed - 1, institutionId, name)) {
      exchange.refuse({ code: 'overloaded' });
      return false;
    }
    if (this.#options.crowd?.admits(institutionId, name) === false) {
      exchange.refuse(CROWDED);
      return false;
    }
    const limited = this.#accounts.take(principal, name);
    if (limited !== null) {
      exchange.refuse(limited);
      return false;
    }
    exchange.principal = principal;
    return true;
  }

  #run(exchange: Exchange): void {
    const { principal, evidence, body } = exchange;
    const handler = this.#handlers.calls.get(exchange.incoming.call.id);
    const refusal = principal && evidence?.refusal(principal, body);
    if (refusal) exchange.refuse(refusal, CHALLENGE);
    else if (handler === undefined || principal === null) {
      exchange.refuse({ code: 'route.notFound' });
    } else handler(exchange, principal);
  }

  /** Answers what went wrong while a request was worked on. */
  #fail(exchange: Exchange, error: unknown): void {
    if (error instanceof Fault) {
      exchange.refuse({ code: error.code });
      return;
    }
    const { requestId, call } = exchange.incoming;
    // Everything else that is awaited here reads Postgres, and nothing of it changes anything.
    this.#options.log.error({ err: error, requestId, call: call.id }, 'a request failed');
    exchange.refuse({ code: isStoreError(error) ? 'history.unavailable' : 'internal' });
  }
}

/** Refuses a body that is not read, before anything else is looked at. */
function refuseUnread(exchange: Exchange, req: HttpRequest): void {
  const { call } = exchange.incoming;
  const isRead = call.method !== 'GET' && call.api !== 'everyone';
  const unread = isRead ? unreadable(req) : undefined;
  if (call.lines === undefined && Number(req.getHeader('content-length')) > LIMITS.bodyBytes) {
    exchange.closeConnection();
    exchange.refuse({ code: 'body.tooLarge' });
  } else if (unread !== undefined) {
    exchange.closeConnection();
    exchange.refuse({ code: 'request.unsupportedType', detail: unread });
  }
}

const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i;

/** Why a body is not read, however it is made: it is compressed, or no UTF-8. */
function unreadable(req: HttpRequest): string | undefined {
  const encoding = req.getHeader('content-encoding').toLowerCase();
  if (encoding !== '' && encoding !== 'identity') {
    return `Bodies are sent as they are: the encoding ${encoding.slice(0, 32)} is not taken.`;
  }
  const [, charset = 'utf-8'] = CHARSET.exec(req.getHeader('content-type').toLowerCase()) ?? [];
  if (charset === 'utf-8' || charset === 'utf8') return undefined;
  return `JSON is sent in UTF-8: the charset ${charset.slice(0, 32)} is not taken.`;
}

function headersOf(req: HttpRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  req.forEach((name, value) => {
    headers[name] = value;
  });
  return headers;
}

/**
 * Stores’ own errors carry a code (`ECONNREFUSED`, `57P01`); mistakes of ours do not, unless Node.js finds them
 * (`ERR_INVALID_ARG_TYPE`).
 */
function isStoreError(error: unknown): boolean {
  if (isDefect(error)) return false;
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'string';
}

/** Calls that act as the terminal itself. */
const TERMINAL_ONLY = new Set([
  'bill.create',
  'bill.batch',
  'bill.arm',
  'order.resolve',
  'terminal.events',
  'terminal.event.ack',
]);

/** Calls that change a bill: not for who only looks. */
const CHANGING = new Set([
  'bill.confirm',
  'bill.cancel',
  'bill.refund',
  'bill.receipt',
  'payment.confirm',
  'payment.cancel',
  'payment.refund',
]);

/** Whether a principal of this kind may make the call at all. */
export function mayCall(principal: Principal, call: Pick<Call, 'id' | 'api'>): boolean {
  switch (principal.kind) {
    case 'terminal':
      return call.api === 'terminal';
    case 'paychannel':
      return call.api === 'paychannel';
    case 'merchant':
      return call.api === 'terminal' && !TERMINAL_ONLY.has(call.id);
    default:
      if (call.api === 'operator') return true;
      return (
        call.api === 'terminal' &&
        !TERMINAL_ONLY.has(call.id) &&
        (principal.role !== 'institutionViewer' || !CHANGING.has(call.id))
      );
  }
}

/** The body with the names that came by the path and the header put in, or what is wrong with them. */
export function requestBody(
  incoming: Incoming,
  body: unknown,
): { body: unknown } | { problem: Problem } {
  const { call, params, idempotencyKey } = incoming;
  if (call.bodyField !== undefined) return { body: { ...params, [call.bodyField]: body } };
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    return { problem: invalid([{ path: '', message: 'must be a JSON object' }]) };
  }
  const fields = body as Record<string, unknown>;
  const foreign = [...Object.keys(params), 'idempotencyKey'].filter((name) =>
    Object.hasOwn(fields, name),
  );
  if (foreign.length > 0) {
    const errors = foreign.map((path) => ({ path, message: 'is not a field of this body' }));
    return { problem: invalid(errors) };
  }
  Object.assign(fields, params);
  if (idempotencyKey !== '') fields.idempotencyKey = idempotencyKey;
  return { body: fields };
}
