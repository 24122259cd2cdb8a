// What one WebSocket asks: each operation is read, sent to its shard and answered, in any order.
//
//   W3. Beyond a bound of operations under way, more are refused before anything is done.

import type { Principal } from '../../switch/principal.ts';
import type { Encoding } from '../../switch/requests.ts';
import { isProblem, type ReadingContext, type SingleOperation } from '../operations/addressing.ts';
import { readOperation, whenRead } from '../operations/read-operation.ts';
import { encodeBody, presentProblem } from '../presenter.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { asBody, violationsOf } from '../schemas/validation.ts';
import { formatTime } from '../wire-time.ts';
import type { Accounts } from './accounts.ts';
import { acknowledge } from './acknowledge.ts';
import { ask } from './asking.ts';
import type { Frame } from './frame-reader.ts';
import { type FrameId, replyFrame } from './frames.ts';
import type { Inboxes } from './inboxes.ts';
import { CROWDED, type GatewayOptions } from './options.ts';
import { OPERATIONS, type StreamApi } from './stream-protocol.ts';

export interface CallsContext {
  readonly options: GatewayOptions;
  readonly accounts: Accounts;
  readonly reading: ReadingContext;
  readonly inboxes: Inboxes;
}

/** The socket that asks. */
export interface AskingSocket {
  readonly api: StreamApi;
  readonly encoding: Encoding;
  /** Does nothing once the socket is closed. */
  send(frame: Uint8Array): void;
  /** One more operation has been. */
  answered(): void;
}

export class SocketCalls {
  readonly #context: CallsContext;
  readonly #socket: AskingSocket;
  #underWay = 0;
  #isDraining = false;

  constructor(context: CallsContext, socket: AskingSocket) {
    this.#context = context;
    this.#socket = socket;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Takes no more. */
  drain(): void {
    this.#isDraining = true;
  }

  take(frame: Frame, principal: Principal): void {
    const { options } = this.#context;
    const { api, encoding } = this.#socket;
    const requestId = frame.requestId ?? options.newRequestId();
    const { id, op } = frame;
    if (op === 'event.ack') {
      this.#acknowledge(frame, principal, requestId);
    } else if (id === null) {
      this.refuse(null, invalid([{ path: 'id', message: 'is missing' }]), requestId);
    } else if (op === 'ping') {
      this.#ping(frame, id, requestId);
    } else if (!OPERATIONS[api].has(op)) {
      const problem = invalid([{ path: 'op', message: 'is not an operation of this stream' }]);
      this.refuse(id, problem, requestId);
    } else if (this.#hasRoom(frame, principal, requestId)) {
      const name = op as SingleOperation;
      const read = readOperation(name, frame.body, principal, this.#context.reading);
      if (!(read instanceof Promise) && isProblem(read)) {
        this.refuse(id, read, requestId, name);
        return;
      }
      const startedAt = this.#start();
      whenRead(read, (done) => {
        if (isProblem(done)) {
          const { status, body } = presentProblem(done, encoding, requestId);
          this.#finish(name, id, startedAt, status, body);
          return;
        }
        const request = { ...done, principal, requestId, encoding };
        ask(options, request, (status, body) => this.#finish(name, id, startedAt, status, body));
      });
    }
  }

  refuse(id: FrameId | null, problem: Problem, requestId: string, op = 'none'): void {
    const { encoding } = this.#socket;
    const { status, body } = presentProblem(problem, encoding, requestId);
    this.#context.options.metrics.answered(op, 'websocket', status, 0);
    this.#socket.send(replyFrame(id, status, body, encoding));
  }

  #acknowledge(frame: Frame, principal: Principal, requestId: string): void {
    const { id, body } = frame;
    const violations = violationsOf('event.ack', body);
    if (violations !== undefined) {
      this.refuse(id, invalid(violations), requestId, 'event.ack');
      return;
    }
    if (!this.#hasRoom(frame, principal, requestId)) return;
    const { ids } = asBody('event.ack', body);
    const startedAt = this.#start();
    const to = { door: this.#context.options.door, inboxes: this.#context.inboxes };
    const { encoding } = this.#socket;
    acknowledge(to, { ids, principal, requestId, encoding }, (status, answer) =>
      this.#finish('event.ack', id, startedAt, status, answer),
    );
  }

  #ping(frame: Frame, id: FrameId, requestId: string): void {
    const violations = violationsOf('ping', frame.body);
    if (violations !== undefined) {
      this.refuse(id, invalid(violations), requestId, 'ping');
      return;
    }
    const { encoding } = this.#socket;
    const now = formatTime(this.#context.options.clock.wall());
    this.#socket.send(replyFrame(id, 200, encodeBody({ now }, encoding), encoding));
  }

  #hasRoom({ id, op }: Frame, principal: Principal, requestId: string): boolean {
    const problem = this.#fullness(op, principal);
    if (problem === null) return true;
    this.refuse(id, problem, requestId, op);
    return false;
  }

  #fullness(op: string, principal: Principal): Problem | null {
    if (this.#isDraining) return { code: 'shuttingDown' };
    const { accounts, options } = this.#context;
    if (this.#underWay >= options.limits.operationsPerSocket) {
      return { code: 'rate.limited', members: { retryAfter: 1 } };
    }
    if (options.crowd?.admits(principal.institutionId, op) === false) return CROWDED;
    return accounts.take(principal, op);
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
    // An acknowledgement without an id is answered only where it failed.
    if (id !== null || status >= 400) {
      this.#socket.send(replyFrame(id, status, body, this.#socket.encoding));
    }
    this.#socket.answered();
  }
}
