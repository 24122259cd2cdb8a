// One WebSocket: reads frames, asks shards, answers in any order, and is sent the events of its principal.
//
//   W1. Answers and events of one tick leave together, corked.
//   W2. What cannot be sent closes the socket with a reason; it is never dropped in silence. Its events stay pending.
//   W3. Beyond a bound of operations under way, more are refused before anything is done.

import type { Principal } from '../../switch/principal.ts';
import type { Encoding } from '../../switch/requests.ts';
import { recipientOf } from '../../switch/visibility.ts';
import { isProblem, type ReadingContext, type SingleOperation } from '../operations/addressing.ts';
import { readOperation } from '../operations/read-operation.ts';
import { encodeBody, presentProblem } from '../presenter.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { asBody, violationsOf } from '../schemas/validation.ts';
import { formatTime } from '../wire-time.ts';
import { acknowledge } from './acknowledge.ts';
import { ask } from './asking.ts';
import { EarlyFrames } from './early-frames.ts';
import { type Frame, readFrame } from './frame-reader.ts';
import { authFrame, type FrameId, replyFrame } from './frames.ts';
import { mayCall } from './http.ts';
import type { EventReader, Inbox } from './inbox.ts';
import type { Inboxes } from './inboxes.ts';
import type { WebSocket } from './native.ts';
import type { GatewayOptions } from './options.ts';
import { hashOfKey, type Principals } from './principals.ts';
import { SocketOutbox } from './socket-outbox.ts';
import { CLOSE, closeCodeOf, OPERATIONS, type StreamApi } from './stream-protocol.ts';

const AUTHENTICATE_WITHIN_MS = 5_000;
/** Events stop at this part of the socket’s buffer, so that answers still have room. */
const EVENTS_SHARE = 0.5;
const NO_BODY = new Uint8Array(0);

export interface SessionContext {
  readonly options: GatewayOptions;
  readonly reading: ReadingContext;
  readonly principals: Principals;
  readonly inboxes: Inboxes;
  readonly sessions: Set<Session>;
}

export class Session implements EventReader {
  readonly encoding: Encoding;
  readonly api: StreamApi;
  sentSeq = 0;
  /** When its key was last judged, by the monotonic clock. */
  judgedAt: number;
  readonly #ws: WebSocket<unknown>;
  readonly #outbox: SocketOutbox;
  readonly #context: SessionContext;
  #principal: Principal | null = null;
  #keyHash = '';
  #inbox: Inbox | null = null;
  #cancelDeadline: (() => void) | null = null;
  /** Frames that came while the key was looked up; null where none is. */
  #early: EarlyFrames | null = null;
  /** An event has been kept back since the buffer was last looked at. */
  #isHeldBack = false;
  #underWay = 0;
  #garbage = 0;
  #isClosed = false;
  #isDraining = false;

  constructor(ws: WebSocket<unknown>, api: StreamApi, encoding: Encoding, context: SessionContext) {
    this.#ws = ws;
    this.api = api;
    this.encoding = encoding;
    this.#context = context;
    this.judgedAt = context.options.clock.monotonic();
    context.sessions.add(this);
    this.#outbox = new SocketOutbox({
      ws,
      isBinary: encoding === 'msgpack',
      clock: context.options.clock,
      onSent: (isDropped) => {
        // Where all went out, no drain will tell that there is room.
        if (!isDropped) this.drained();
        // W2.
        else this.end(CLOSE.tooSlow, 'too slow: connect again, what is pending comes again');
      },
    });
  }

  get keyHash(): string {
    return this.#keyHash;
  }

  /** Begins: with the key of the header, known or not, or waiting for the first frame. */
  open(credentials: { principal: Principal | null | undefined; keyHash: string } | null): void {
    if (credentials === null) {
      const { clock } = this.#context.options;
      this.#cancelDeadline = clock.after(AUTHENTICATE_WITHIN_MS, () =>
        this.end(CLOSE.unauthenticated, 'no key within 5 s'),
      );
    } else if (credentials.principal === undefined) {
      this.#early = new EarlyFrames(this.#context.options.limits.operationsPerSocket);
      this.#context.principals.lookUpInTurn(credentials.keyHash).then(
        (principal) => this.#admit(principal, credentials.keyHash),
        () => this.end(CLOSE.later, 'the key cannot be looked up now'),
      );
    } else {
      this.#admit(credentials.principal, credentials.keyHash);
    }
  }

  /** Begins with the key of the header, and takes what came while it was looked up. */
  #admit(principal: Principal | null, keyHash: string): void {
    if (this.#isClosed) return;
    if (principal === null || !this.#isWelcome(principal)) {
      this.end(CLOSE.unauthenticated, 'unknown key, or not one for this stream');
      return;
    }
    this.#begin(principal, keyHash);
    this.#takeEarly();
  }

  #takeEarly(): void {
    const early = this.#early?.all() ?? [];
    this.#early = null;
    for (const bytes of early) this.#take(bytes);
  }

  /** Takes one frame; its bytes die with the call. */
  message(data: ArrayBuffer, isBinary: boolean): void {
    if (this.#isClosed) return;
    const bytes = Buffer.from(data);
    if (this.#early !== null) {
      if (this.#early.keep(bytes)) return;
      this.end(CLOSE.later, 'too much before the key was known: connect again');
      return;
    }
    if (isBinary !== (this.encoding === 'msgpack')) {
      const wanted = this.encoding === 'msgpack' ? 'binary: msgpack' : 'text: JSON';
      this.#refuse(
        null,
        invalid([{ path: '', message: `must be a ${wanted} frame` }]),
        newId(this.#context),
      );
      this.#countGarbage(CLOSE.unsupported);
      return;
    }
    this.#take(bytes);
  }

  /** The send buffer has room again. */
  drained(): void {
    if (this.#isClosed || !this.#isHeldBack || !this.canTake()) return;
    this.#isHeldBack = false;
    this.#inbox?.feed(this);
  }

  /** The socket is gone. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelDeadline?.();
    this.#outbox.close();
    this.#early = null;
    this.#context.sessions.delete(this);
    if (this.#inbox === null) return;
    this.#inbox.detach(this);
    this.#context.inboxes.release(this.#inbox);
    this.#inbox = null;
  }

  /** Closes with a reason, after what was already to be sent. */
  end(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#outbox.flush();
    if (this.#isClosed) return;
    this.#context.options.metrics.socketClosed(reason);
    const ws = this.#ws;
    this.closed();
    ws.end(code, reason);
  }

  /** Takes no more operations, and closes once those under way are answered. */
  drain(): void {
    this.#isDraining = true;
    if (this.#inbox !== null) this.#inbox.detach(this);
    if (this.#underWay === 0) this.end(CLOSE.goingAway, 'the switch is stopping');
  }

  /** Closes if the key is no longer one for this stream. */
  judge(principal: Principal | null): void {
    if (this.#principal === null) return;
    if (principal !== null && this.#isWelcome(principal)) this.#principal = principal;
    else this.end(CLOSE.unauthenticated, 'the key was withdrawn');
  }

  canTake(): boolean {
    if (this.#isClosed || this.#isDraining) return false;
    const max = this.#context.options.limits.socketBufferBytes * EVENTS_SHARE;
    if (this.#outbox.waitingBytes < max) return true;
    this.#isHeldBack = true;
    this.#outbox.awaitRoom();
    return false;
  }

  push(frame: Uint8Array, isRepeat: boolean): void {
    this.#context.options.metrics.eventsSent(1, isRepeat);
    this.#send(frame);
  }

  #take(bytes: Buffer): void {
    const read = readFrame(bytes, this.encoding);
    if ('problem' in read) {
      this.#refuse(read.id, read.problem, newId(this.#context));
      if (read.isGarbage) this.#countGarbage(CLOSE.malformed);
      return;
    }
    this.#garbage = 0;
    const { frame } = read;
    if (this.#principal === null || frame.op === 'auth') this.#authenticate(frame);
    else this.#operate(frame, this.#principal);
  }

  #operate(frame: Frame, principal: Principal): void {
    const { options } = this.#context;
    const requestId = frame.requestId ?? newId(this.#context);
    const { id, op } = frame;
    if (op === 'event.ack') {
      this.#acknowledge(frame, principal, requestId);
    } else if (id === null) {
      this.#refuse(null, invalid([{ path: 'id', message: 'is missing' }]), requestId);
    } else if (op === 'ping') {
      this.#ping(frame, id, requestId);
    } else if (!OPERATIONS[this.api].has(op)) {
      const problem = invalid([{ path: 'op', message: 'is not an operation of this stream' }]);
      this.#refuse(id, problem, requestId);
    } else if (this.#hasRoom(id, requestId)) {
      const name = op as SingleOperation;
      const read = readOperation(name, frame.body, principal, this.#context.reading);
      if (isProblem(read)) {
        this.#refuse(id, read, requestId, name);
        return;
      }
      const startedAt = this.#start();
      const request = { ...read, principal, requestId, encoding: this.encoding };
      ask(options, request, (status, body) => this.#finish(name, id, startedAt, status, body));
    }
  }

  #acknowledge(frame: Frame, principal: Principal, requestId: string): void {
    const { id, body } = frame;
    const violations = violationsOf('event.ack', body);
    if (violations !== undefined) {
      this.#refuse(id, invalid(violations), requestId, 'event.ack');
      return;
    }
    if (!this.#hasRoom(id, requestId)) return;
    const { ids } = asBody('event.ack', body);
    const startedAt = this.#start();
    const to = { door: this.#context.options.door, inboxes: this.#context.inboxes };
    const { encoding } = this;
    acknowledge(to, { ids, principal, requestId, encoding }, (status, answer) =>
      this.#finish('event.ack', id, startedAt, status, answer),
    );
  }

  #ping(frame: Frame, id: FrameId, requestId: string): void {
    const violations = violationsOf('ping', frame.body);
    if (violations !== undefined) {
      this.#refuse(id, invalid(violations), requestId, 'ping');
      return;
    }
    const now = formatTime(this.#context.options.clock.wall());
    this.#send(replyFrame(id, 200, encodeBody({ now }, this.encoding), this.encoding));
  }

  #hasRoom(id: FrameId | null, requestId: string): boolean {
    if (this.#isDraining) {
      this.#refuse(id, { code: 'shuttingDown' }, requestId);
      return false;
    }
    if (this.#underWay < this.#context.options.limits.operationsPerSocket) return true;
    this.#refuse(id, { code: 'rate.limited', members: { retryAfter: 1 } }, requestId);
    return false;
  }

  #start(): number {
    this.#underWay += 1;
    return this.#context.options.clock.monotonic();
  }

  #finish(
    op: string,
    id: FrameId | null,
    startedAt: number,
    status: number,
    body: Uint8Array,
  ): void {
    const { metrics, clock } = this.#context.options;
    this.#underWay -= 1;
    metrics.answered(op, 'websocket', status, clock.monotonic() - startedAt);
    if (this.#isClosed) return;
    // An acknowledgement without an id is answered only where it failed.
    if (id !== null || status >= 400) this.#send(replyFrame(id, status, body, this.encoding));
    if (this.#isDraining && this.#underWay === 0)
      this.end(CLOSE.goingAway, 'the switch is stopping');
  }

  #authenticate(frame: Frame): void {
    const { principals } = this.#context;
    const requestId = frame.requestId ?? newId(this.#context);
    if (frame.op !== 'auth') {
      this.#refuse(frame.id, { code: 'request.unauthenticated' }, requestId);
      this.end(CLOSE.unauthenticated, 'the first frame must bring the key');
      return;
    }
    const { key } = frame.body as { key?: unknown };
    if (this.#principal !== null || typeof key !== 'string' || key === '') {
      const message = this.#principal === null ? 'must be a key' : 'has been given already';
      this.#answerAuth(frame.id, invalid([{ path: 'body.key', message }]), requestId);
      return;
    }
    const keyHash = hashOfKey(key);
    const known = principals.find(keyHash);
    if (known !== undefined) {
      this.#settleAuth(frame.id, known, keyHash, requestId);
      return;
    }
    this.#early = new EarlyFrames(this.#context.options.limits.operationsPerSocket);
    // It came in time, however long it takes to look it up.
    this.#cancelDeadline?.();
    principals.lookUpInTurn(keyHash).then(
      (principal) => this.#settleAuth(frame.id, principal, keyHash, requestId),
      () => this.#answerAuth(frame.id, { code: 'history.unavailable' }, requestId),
    );
  }

  #settleAuth(
    id: FrameId | null,
    principal: Principal | null,
    keyHash: string,
    requestId: string,
  ): void {
    if (this.#isClosed) return;
    if (principal === null) {
      this.#answerAuth(id, { code: 'request.unauthenticated' }, requestId);
    } else if (!this.#isWelcome(principal)) {
      this.#answerAuth(id, { code: 'request.forbidden' }, requestId);
    } else {
      this.#send(authFrame(id, 200, NO_BODY, this.encoding));
      this.#begin(principal, keyHash);
      this.#takeEarly();
    }
  }

  /** A key that is no good ends the socket; one that came twice or cannot be judged now does not end it otherwise. */
  #answerAuth(id: FrameId | null, problem: Problem, requestId: string): void {
    if (this.#isClosed) return;
    const { status, body } = presentProblem(problem, this.encoding, requestId);
    this.#send(authFrame(id, status, body, this.encoding));
    if (this.#principal === null) this.end(closeCodeOf(problem.code), problem.code);
  }

  #isWelcome(principal: Principal): boolean {
    return mayCall(principal, { id: `${this.api}.events`, api: this.api });
  }

  #begin(principal: Principal, keyHash: string): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = null;
    this.#principal = principal;
    this.#keyHash = keyHash;
    const recipient = recipientOf(principal);
    if (recipient === undefined) return;
    this.#inbox = this.#context.inboxes.acquire(recipient);
    this.#inbox.attach(this);
  }

  #refuse(id: FrameId | null, problem: Problem, requestId: string, op = 'none'): void {
    const { status, body } = presentProblem(problem, this.encoding, requestId);
    this.#context.options.metrics.answered(op, 'websocket', status, 0);
    this.#send(replyFrame(id, status, body, this.encoding));
  }

  #countGarbage(code: number): void {
    this.#garbage += 1;
    if (this.#garbage < this.#context.options.limits.garbageFrames) return;
    this.end(code, 'too many frames that cannot be read');
  }

  /** W1: sent when this tick’s work is through. */
  #send(frame: Uint8Array): void {
    if (!this.#isClosed) this.#outbox.push(frame);
  }
}

function newId(context: SessionContext): string {
  return context.options.newRequestId();
}
