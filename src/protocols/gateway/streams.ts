// The two WebSocket addresses: who may connect, and how uWebSockets.js is told.

import type { Principal } from '../../switch/principal.ts';
import type { Encoding } from '../../switch/requests.ts';
import { encodeBody } from '../presenter.ts';
import { invalid, type Problem, problemBody } from '../problem-document.ts';
import { problems } from '../problems.ts';
import { LIMITS } from '../schemas/scalars.ts';
import { takeRequestId } from './correlation.ts';
import { Evidence } from './evidence.ts';
import { STATUS_TEXT } from './exchange.ts';
import type {
  HttpRequest,
  HttpResponse,
  loadNative,
  us_socket_context_t,
  WebSocket,
} from './native.ts';
import { hashOfKey, keyOfHeader } from './principals.ts';
import { Session, type SessionContext } from './session.ts';
import type { StreamApi } from './stream-protocol.ts';
import { guarded } from './wall.ts';

/** Pings go out on their own before this; a dead peer is found within 60 s. */
const IDLE_TIMEOUT_S = 48;
/** Beyond the largest frame that is answered, the connection is cut. */
const PAYLOAD_MAX = LIMITS.bodyBytes * 4;
const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['qrswitch.json', 'json'],
  ['qrswitch.msgpack', 'msgpack'],
]);

interface Credentials {
  /** Null: nobody's key. Undefined: not known yet. */
  readonly principal: Principal | null | undefined;
  readonly keyHash: string;
}

interface SocketData {
  readonly encoding: Encoding;
  readonly credentials: Credentials | null;
  readonly evidence: Evidence;
  session: Session | null;
}

/** What an upgrade needs, copied before the request is forgotten. */
interface Upgrade {
  readonly key: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly encoding: Encoding;
  readonly evidence: Evidence;
  readonly context: us_socket_context_t;
}

type App = ReturnType<ReturnType<typeof loadNative>['App']>;

export class Streams {
  readonly #context: SessionContext;
  #isDraining = false;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Adds the address of one API to the application. */
  listen(app: App, native: ReturnType<typeof loadNative>, api: StreamApi): void {
    const { limits } = this.#context.options;
    app.ws<SocketData>(`/v1/${api}/stream`, {
      maxPayloadLength: PAYLOAD_MAX,
      maxBackpressure: limits.socketBufferBytes,
      closeOnBackpressureLimit: 0,
      idleTimeout: IDLE_TIMEOUT_S,
      sendPingsAutomatically: true,
      compression: native.DISABLED,
      upgrade: (res, req, context) => this.#answer(res, req, context),
      open: (ws) => this.#open(ws, api),
      message: walled((session, data: ArrayBuffer, isBinary: boolean) =>
        session.message(data, isBinary),
      ),
      drain: walled((session) => session.drained()),
      close: walled((session) => session.closed()),
    });
  }

  /** Admits nobody any more, and closes each socket once what it asked is answered. */
  drain(): void {
    this.#isDraining = true;
    this.#forEach((session) => session.drain());
  }

  /** Closes whatever is left. */
  close(code: number, reason: string): void {
    this.#forEach((session) => session.end(code, reason));
  }

  #forEach(callback: (session: Session) => void): void {
    for (const session of [...this.#context.sessions]) {
      guarded(session, () => callback(session))();
    }
  }

  #open(ws: WebSocket<SocketData>, api: StreamApi): void {
    const data = ws.getUserData();
    const session = new Session(ws as WebSocket<unknown>, { api, ...data }, this.#context);
    data.session = session;
    guarded(session, () => session.open(data.credentials))();
  }

  #answer(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
    res.onAborted(() => undefined);
    const { log, newRequestId } = this.#context.options;
    let requestId = takeRequestId(req.getHeader('x-request-id')) ?? '';
    try {
      requestId ||= newRequestId();
      this.#upgrade(res, req, context, requestId);
    } catch (error) {
      log.error({ err: error, requestId }, 'a socket could not be opened');
      refuse(res, { code: 'internal' }, requestId);
    }
  }

  #upgrade(
    res: HttpResponse,
    req: HttpRequest,
    context: us_socket_context_t,
    requestId: string,
  ): void {
    const chosen = chooseProtocol(req.getHeader('sec-websocket-protocol'));
    const authorization = req.getHeader('authorization');
    if (chosen === undefined) {
      const message = 'must name qrswitch.json or qrswitch.msgpack';
      refuse(res, invalid([{ path: 'Sec-WebSocket-Protocol', message }]), requestId);
      return;
    }
    if (this.#isDraining || this.#context.sessions.size >= this.#context.options.limits.sockets) {
      refuse(res, { code: this.#isDraining ? 'shuttingDown' : 'overloaded' }, requestId);
      return;
    }
    const upgrade: Upgrade = {
      key: req.getHeader('sec-websocket-key'),
      extensions: req.getHeader('sec-websocket-extensions'),
      evidence: new Evidence(this.#context.proving, res, req),
      context,
      ...chosen,
    };
    if (authorization === '') {
      accept(res, upgrade, null);
      return;
    }
    const key = keyOfHeader(authorization);
    const keyHash = key === undefined ? '' : hashOfKey(key);
    const known = key === undefined ? null : this.#context.principals.find(keyHash);
    const full = known ? this.#context.accounts.fullOfSockets(known) : null;
    if (full !== null) {
      refuse(res, full, requestId);
      return;
    }
    // A key that is not known yet is looked up once the socket is open: an upgrade that waits would have to be made
    // outside uWebSockets.js's own cork, and inside `res.cork` v20.30 shuts some of the new sockets down, by chance.
    accept(res, upgrade, { principal: known, keyHash });
  }
}

/** A callback of uWebSockets.js that is for one socket, behind its wall. */
function walled<Args extends readonly unknown[]>(
  callback: (session: Session, ...args: Args) => void,
): (ws: WebSocket<SocketData>, ...args: Args) => void {
  return (ws, ...args) => {
    const { session } = ws.getUserData();
    if (session === null) return;
    try {
      callback(session, ...args);
    } catch (error) {
      session.failed(error);
    }
  };
}

function accept(res: HttpResponse, upgrade: Upgrade, credentials: Credentials | null): void {
  const { encoding, evidence } = upgrade;
  const data: SocketData = { encoding, evidence, credentials, session: null };
  res.upgrade(data, upgrade.key, upgrade.protocol, upgrade.extensions, upgrade.context);
}

function refuse(res: HttpResponse, problem: Problem, requestId: string): void {
  const { status } = problems[problem.code];
  const { retryAfter = 1 } = problem.members ?? {};
  res.cork(() => {
    res.writeStatus(STATUS_TEXT[status] ?? String(status));
    res.writeHeader('Content-Type', 'application/problem+json');
    res.writeHeader('X-Request-Id', requestId);
    if (status === 503 || status === 429) res.writeHeader('Retry-After', String(retryAfter));
    res.end(encodeBody(problemBody(problem, requestId), 'json'), true);
  });
}

/** The first offered subprotocol that we speak; undefined where there is none among those offered. */
function chooseProtocol(offered: string): { protocol: string; encoding: Encoding } | undefined {
  if (offered === '') return { protocol: '', encoding: 'json' };
  for (const name of offered.split(',')) {
    const protocol = name.trim();
    const encoding = ENCODINGS.get(protocol);
    if (encoding !== undefined) return { protocol, encoding };
  }
  return undefined;
}
