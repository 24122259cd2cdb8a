// One WebSocket: reads frames, has them answered (socket-calls.ts), and is sent the events of its principal.
//
//   W1. Answers and events of one tick leave together, corked.
//   W2. What cannot be sent closes the socket with a reason; it is never dropped in silence. Its events stay pending.
//   W5. A mistake of ours costs the socket for which it was made, and no other.

import { isDefect } from '../../switch/failures.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Encoding } from '../../switch/requests.ts';
import { recipientOf } from '../../switch/visibility.ts';
import { presentProblem } from '../presenter.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { EarlyFrames, type EarlyRoom } from './early-frames.ts';
import type { EvidenceContext } from './evidence.ts';
import { type Frame, readFrame } from './frame-reader.ts';
import { authFrame, type FrameId } from './frames.ts';
import type { EventReader, Inbox } from './inbox.ts';
import type { WebSocket } from './native.ts';
import type { PendingEvent } from './pending.ts';
import { hashOfKey, type Principals } from './principals.ts';
import { type AskingSocket, type CallsContext, SocketCalls } from './socket-calls.ts';
import { SocketOutbox } from './socket-outbox.ts';
import { enter, type Opening, streamEnd } from './stream-gate.ts';
import { CLOSE, closeCodeOf, type StreamApi } from './stream-protocol.ts';
import { guarded } from './wall.ts';

const AUTHENTICATE_WITHIN_MS = 5_000;
/** Events stop at this part of the socket’s buffer, so that answers still have room. */
const EVENTS_SHARE = 0.5;
const NO_BODY = new Uint8Array(0);

export interface SessionContext extends CallsContext {
  readonly principals: Principals;
  readonly sessions: Set<Session>;
  readonly proving: EvidenceContext;
  readonly earlyRoom: EarlyRoom;
}

export class Session implements EventReader, AskingSocket {
  readonly encoding: Encoding;
  readonly api: StreamApi;
  sentSeq = 0;
  /** When its key was last judged, by the monotonic clock. */
  judgedAt: number;
  readonly #ws: WebSocket<unknown>;
  readonly #outbox: SocketOutbox;
  readonly #calls: SocketCalls;
  readonly #context: SessionContext;
  readonly #opening: Opening;
  #principal: Principal | null = null;
  /** As whose socket this one is counted. */
  #counted: Principal | null = null;
  #keyHash = '';
  #inbox: Inbox | null = null;
  #cancelDeadline: (() => void) | null = null;
  /** Another thing may be true of its principal: its key is looked at again before its next frame is taken. */
  #isDoubted = false;
  /** Frames that came while the key was looked up; null where none is. */
  #early: EarlyFrames | null = null;
  /** An event has been kept back since the buffer was last looked at. */
  #isHeldBack = false;
  #garbage = 0;
  #isClosed = false;
  #isDraining = false;

  constructor(ws: WebSocket<unknown>, opening: Opening, context: SessionContext) {
    this.#ws = ws;
    this.#opening = opening;
    this.api = opening.api;
    this.encoding = opening.encoding;
    this.#context = context;
    this.judgedAt = context.options.clock.monotonic();
    context.sessions.add(this);
    this.#outbox = new SocketOutbox({
      ws,
      isBinary: opening.encoding === 'msgpack',
      clock: context.options.clock,
      whose: this,
      onSent: (isDropped) => {
        // Where all went out, no drain will tell that there is room.
        if (!isDropped) this.drained();
        // W2.
        else this.end(CLOSE.tooSlow, 'too slow: connect again, what is pending comes again');
      },
    });
    this.#calls = new SocketCalls(context, this);
  }

  get keyHash(): string {
    return this.#keyHash;
  }

  /** Begins: with the key of the header, known or not, or waiting for the first frame. */
  open(credentials: { principal: Principal | null | undefined; keyHash: string } | null): void {
    if (credentials === null) {
      const { clock } = this.#context.options;
      const late = (): void => this.end(CLOSE.unauthenticated, 'no key within 5 s');
      this.#cancelDeadline = clock.after(AUTHENTICATE_WITHIN_MS, guarded(this, late));
    } else if (credentials.principal === undefined) {
      this.#early = this.#newEarly();
      this.#lookUp(
        credentials.keyHash,
        (principal) => this.#admit(principal, credentials.keyHash),
        (code) => this.end(closeCodeOf(code), 'the key cannot be looked up now'),
      );
    } else {
      this.#admit(credentials.principal, credentials.keyHash);
    }
  }

  /** Whose key it is, or why nobody can tell; principals.ts tells of a mistake of ours. */
  #lookUp(
    keyHash: string,
    known: (principal: Principal | null) => void,
    unknown: (code: 'internal' | 'history.unavailable') => void,
  ): void {
    this.#context.principals
      .lookUpInTurn(keyHash)
      .then(known, (error) => unknown(isDefect(error) ? 'internal' : 'history.unavailable'))
      .catch((error: unknown) => this.failed(error));
  }

  /** Begins with the key of the header, and takes what came while it was looked up. */
  #admit(principal: Principal | null, keyHash: string): void {
    if (this.#isClosed) return;
    const entry = enter(this.#opening, principal);
    if ('refusal' in entry) {
      this.end(...streamEnd(entry.refusal, 'unknown key, or not one for this stream'));
      return;
    }
    if (this.#context.accounts.fullOfSockets(entry.principal) !== null) {
      this.end(CLOSE.later, 'too many sockets of this key’s holder or institution');
      return;
    }
    this.#begin(entry.principal, keyHash);
    this.#takeEarly();
  }

  #newEarly(): EarlyFrames {
    const { earlyRoom, options } = this.#context;
    return new EarlyFrames(earlyRoom, options.limits.operationsPerSocket);
  }

  #takeEarly(): void {
    const early = this.#early?.takeAll() ?? [];
    this.#early = null;
    for (const bytes of early) this.#receive(bytes);
  }

  /** Takes one frame; its bytes die with the call. */
  message(data: ArrayBuffer, isBinary: boolean): void {
    if (this.#isClosed) return;
    const bytes = Buffer.from(data);
    if (this.#early === null && isBinary !== (this.encoding === 'msgpack')) {
      const wanted = this.encoding === 'msgpack' ? 'binary: msgpack' : 'text: JSON';
      this.#calls.refuse(
        null,
        invalid([{ path: '', message: `must be a ${wanted} frame` }]),
        newId(this.#context),
      );
      this.#countGarbage(CLOSE.unsupported);
      return;
    }
    this.#receive(bytes);
  }

  #receive(bytes: Buffer): void {
    if (this.#isDoubted && this.#early === null) this.#lookAgain();
    if (this.#isClosed) return;
    if (this.#early === null) {
      this.#take(bytes);
    } else if (!this.#early.keep(bytes)) {
      this.#overflow(bytes);
    }
  }

  /** More came than waits for a look-up. */
  #overflow(bytes: Buffer): void {
    if (this.#principal === null) {
      this.end(CLOSE.later, 'too much before the key was known: connect again');
      return;
    }
    // One that has long been open is not cut off for what others have changed.
    this.#takeEarly();
    this.#receive(bytes);
  }

  /** Frames wait meanwhile; where the directory cannot tell, it stays whose it was. */
  #lookAgain(): void {
    this.#isDoubted = false;
    const known = this.#context.principals.find(this.#keyHash);
    if (known !== undefined) {
      this.judge(known);
      return;
    }
    const early = this.#newEarly();
    this.#early = early;
    const goOn = (): void => {
      if (!this.#isClosed && this.#early === early) this.#takeEarly();
    };
    const judged = (principal: Principal | null): void => {
      this.judge(principal);
      goOn();
    };
    this.#lookUp(this.#keyHash, judged, goOn);
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
    this.#early?.takeAll();
    this.#early = null;
    this.#context.sessions.delete(this);
    if (this.#counted !== null) this.#context.accounts.countSocket(this.#counted, -1);
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
    this.#context.options.metrics.socketClosed(code);
    const ws = this.#ws;
    this.closed();
    ws.end(code, reason);
  }

  /** Takes no more operations, and closes once those under way are answered. */
  drain(): void {
    this.#isDraining = true;
    this.#calls.drain();
    if (this.#inbox !== null) this.#inbox.detach(this);
    this.answered();
  }

  /** Closes if the key is no longer one for this stream. */
  judge(principal: Principal | null): void {
    if (this.#principal === null) return;
    const entry = enter(this.#opening, principal);
    if ('principal' in entry) this.#principal = entry.principal;
    else this.end(...streamEnd(entry.refusal, 'the key was withdrawn'));
  }

  /** Of this principal another thing may be true by now. */
  doubt(concerns: (principal: Principal) => boolean): void {
    if (this.#principal !== null && concerns(this.#principal)) this.#isDoubted = true;
  }

  canTake(): boolean {
    if (this.#isClosed || this.#isDraining) return false;
    const max = this.#context.options.limits.socketBufferBytes * EVENTS_SHARE;
    if (this.#outbox.waitingBytes < max) return true;
    this.#isHeldBack = true;
    this.#outbox.awaitRoom();
    return false;
  }

  /** W1: sent when this tick’s work is through. */
  send(frame: Uint8Array): void {
    if (!this.#isClosed) this.#outbox.push(frame);
  }

  answered(): void {
    if (!this.#isDraining || this.#calls.underWay > 0) return;
    this.end(CLOSE.goingAway, 'the switch is stopping');
  }

  /** Whoever pushes has others to push to. */
  push(pending: PendingEvent, isRepeat: boolean): void {
    try {
      this.#context.options.metrics.eventsSent(1, isRepeat);
      this.send(pending.frame(this.encoding));
    } catch (error) {
      this.failed(error);
    }
  }

  /** W5. */
  failed(error: unknown): void {
    this.#context.options.log.error({ err: error, api: this.api }, 'a socket failed');
    try {
      this.end(CLOSE.internal, 'a mistake of the switch: connect again');
    } catch {
      // It cannot even be told so.
      this.#ws.close();
    }
  }

  #take(bytes: Buffer): void {
    const read = readFrame(bytes, this.encoding);
    if ('problem' in read) {
      this.#calls.refuse(read.id, read.problem, newId(this.#context));
      if (read.isGarbage) this.#countGarbage(CLOSE.malformed);
      return;
    }
    this.#garbage = 0;
    const { frame } = read;
    if (this.#principal === null || frame.op === 'auth') this.#authenticate(frame);
    else this.#calls.take(frame, this.#principal);
  }

  #authenticate(frame: Frame): void {
    const { principals } = this.#context;
    const requestId = frame.requestId ?? newId(this.#context);
    if (frame.op !== 'auth') {
      this.#calls.refuse(frame.id, { code: 'request.unauthenticated' }, requestId);
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
    this.#early = this.#newEarly();
    // It came in time, however long it takes to look it up.
    this.#cancelDeadline?.();
    this.#lookUp(
      keyHash,
      (principal) => this.#settleAuth(frame.id, principal, keyHash, requestId),
      (code) => this.#answerAuth(frame.id, { code }, requestId),
    );
  }

  #settleAuth(
    id: FrameId | null,
    principal: Principal | null,
    keyHash: string,
    requestId: string,
  ): void {
    if (this.#isClosed) return;
    const entry = enter(this.#opening, principal);
    if ('refusal' in entry) {
      this.#answerAuth(id, entry.refusal, requestId);
    } else {
      const full = this.#context.accounts.fullOfSockets(entry.principal);
      if (full !== null) {
        this.#answerAuth(id, full, requestId);
        return;
      }
      this.send(authFrame(id, 200, NO_BODY, this.encoding));
      this.#begin(entry.principal, keyHash);
      this.#takeEarly();
    }
  }

  /** A key that is no good ends the socket; one that came twice or cannot be judged now does not end it otherwise. */
  #answerAuth(id: FrameId | null, problem: Problem, requestId: string): void {
    if (this.#isClosed) return;
    const { status, body } = presentProblem(problem, this.encoding, requestId);
    this.send(authFrame(id, status, body, this.encoding));
    if (this.#principal === null) this.end(closeCodeOf(problem.code), problem.code);
  }

  #begin(principal: Principal, keyHash: string): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = null;
    this.#principal = principal;
    this.#keyHash = keyHash;
    this.#counted = principal;
    this.#context.accounts.countSocket(principal, 1);
    const recipient = recipientOf(principal);
    if (recipient === undefined) return;
    this.#inbox = this.#context.inboxes.acquire(recipient);
    this.#inbox.attach(this);
  }

  #countGarbage(code: number): void {
    this.#garbage += 1;
    if (this.#garbage < this.#context.options.limits.garbageFrames) return;
    this.end(code, 'too many frames that cannot be read');
  }
}

function newId(context: SessionContext): string {
  return context.options.newRequestId();
}
