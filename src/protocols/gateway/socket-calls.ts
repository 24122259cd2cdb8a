// What one WebSocket asks: each operation is read, sent to its shard and answered, in any order.
//
//   W3. Beyond a bound of operations under way, more are refused before anything is done.
//   W4. An operation that a mistake of ours stops is answered as that, once, and the others go on.

import { Fault } from '../../switch/faults.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Encoding } from '../../switch/requests.ts';
import { isProblem, type ReadingContext, type SingleOperation } from '../operations/addressing.ts';
import { readOperation } from '../operations/read-operation.ts';
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
import { type AdmissionOptions, CROWDED, type GatewaySurroundings } from './options.ts';
import { OPERATIONS, type StreamApi } from './stream-protocol.ts';
import { type Answered, guarded, type Walled, when } from './wall.ts';

export interface CallsContext {
  readonly options: GatewaySurroundings & AdmissionOptions;
  readonly accounts: Accounts;
  readonly reading: ReadingContext;
  readonly inboxes: Inboxes;
}

/** The socket that asks. */
export interface AskingSocket extends Walled {
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
    const requestId = frame.requestId ?? this.#context.options.newRequestId();
    const call = this.#call(frame.id, requestId);
    guarded(call, () => this.#take(call, frame, principal))();
  }

  refuse(id: FrameId | null, problem: Problem, requestId: string): void {
    this.#call(id, requestId).refuse(problem);
  }

  #call(id: FrameId | null, requestId: string): SocketCall {
    return new SocketCall(this.#context.options, this.#socket, { id, requestId });
  }

  #take(call: SocketCall, frame: Frame, principal: Principal): void {
    const { id, op } = frame;
    if (op === 'event.ack') {
      this.#acknowledge(call, frame, principal);
    } else if (id === null) {
      call.refuse(invalid([{ path: 'id', message: 'is missing' }]));
    } else if (op === 'ping') {
      this.#ping(call, frame, id);
    } else if (!OPERATIONS[this.#socket.api].has(op)) {
      call.refuse(invalid([{ path: 'op', message: 'is not an operation of this stream' }]));
    } else {
      call.op = op;
      if (this.#hasRoom(call, principal)) this.#ask(call, op as SingleOperation, frame, principal);
    }
  }

  #ask(call: SocketCall, name: SingleOperation, { body }: Frame, principal: Principal): void {
    const { options, reading } = this.#context;
    const read = readOperation(name, body, principal, reading);
    if (!(read instanceof Promise) && isProblem(read)) {
      call.refuse(read);
      return;
    }
    this.#begin(call);
    when(call, read, (done) => {
      if (isProblem(done)) {
        call.refuse(done);
        return;
      }
      const { requestId } = call;
      ask(options, { ...done, principal, requestId, encoding: this.#socket.encoding }, call);
    });
  }

  #acknowledge(call: SocketCall, { body }: Frame, principal: Principal): void {
    call.op = 'event.ack';
    const violations = violationsOf('event.ack', body);
    if (violations !== undefined) {
      call.refuse(invalid(violations));
      return;
    }
    if (!this.#hasRoom(call, principal)) return;
    const { ids } = asBody('event.ack', body);
    const { options, inboxes } = this.#context;
    const { requestId } = call;
    const { encoding } = this.#socket;
    this.#begin(call);
    acknowledge({ door: options.door, inboxes }, { ids, principal, requestId, encoding }, call);
  }

  #ping(call: SocketCall, { body }: Frame, id: FrameId): void {
    call.op = 'ping';
    const violations = violationsOf('ping', body);
    if (violations !== undefined) {
      call.refuse(invalid(violations));
      return;
    }
    const { encoding } = this.#socket;
    const now = formatTime(this.#context.options.clock.wall());
    this.#socket.send(replyFrame(id, 200, encodeBody({ now }, encoding), encoding));
  }

  #hasRoom(call: SocketCall, principal: Principal): boolean {
    const problem = this.#fullness(call.op, principal);
    if (problem !== null) call.refuse(problem);
    return problem === null;
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

  #begin(call: SocketCall): void {
    this.#underWay += 1;
    call.begin(this.#onOver);
  }

  readonly #onOver = (): void => {
    this.#underWay -= 1;
  };
}

/** One frame that asks for something, and its one answer. */
class SocketCall implements Answered {
  /** As metrics name it: nothing that a client has made up. */
  op = 'none';
  readonly requestId: string;
  readonly #id: FrameId | null;
  readonly #options: GatewaySurroundings & AdmissionOptions;
  readonly #socket: AskingSocket;
  /** While it is under way. */
  #begun: { readonly at: number; readonly onOver: () => void } | null = null;
  #answer: 'none' | 'begun' | 'sent' = 'none';

  constructor(
    options: GatewaySurroundings & AdmissionOptions,
    socket: AskingSocket,
    { id, requestId }: { id: FrameId | null; requestId: string },
  ) {
    this.#options = options;
    this.#socket = socket;
    this.#id = id;
    this.requestId = requestId;
  }

  /** From now on it is under way, until it is answered. */
  begin(onOver: () => void): void {
    this.#begun = { at: this.#options.clock.monotonic(), onOver };
  }

  reply(status: number, body: Uint8Array): void {
    if (this.#answer !== 'none') return;
    this.#answer = 'begun';
    const { metrics, clock } = this.#options;
    const begun = this.#begun;
    begun?.onOver();
    const tookMs = begun === null ? 0 : clock.monotonic() - begun.at;
    metrics.answered(this.op, 'websocket', status, tookMs);
    // An acknowledgement without an id is answered only where it failed.
    if (this.#id !== null || status >= 400) {
      this.#socket.send(replyFrame(this.#id, status, body, this.#socket.encoding));
    }
    this.#answer = 'sent';
    if (begun !== null) this.#socket.answered();
  }

  refuse(problem: Problem): void {
    const { status, body } = presentProblem(problem, this.#socket.encoding, this.requestId);
    this.reply(status, body);
  }

  /** W4. Where it happened to the answer itself, nobody can tell whether that has left: the socket ends. */
  failed(error: unknown): void {
    if (this.#answer === 'begun') {
      this.#socket.failed(error);
      return;
    }
    const { requestId, op } = this;
    const code = error instanceof Fault ? error.code : 'internal';
    if (code === 'internal') {
      this.#options.log.error({ err: error, requestId, call: op }, 'a request failed');
    }
    guarded(this.#socket, () => this.refuse({ code }))();
  }
}
