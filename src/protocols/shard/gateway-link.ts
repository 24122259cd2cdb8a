// The gateway's end of the links to the workers. Whatever is sent is answered exactly once: by the shard, with a 503
// where no worker is there or it has too much to do, or with a 504 where a worker was lost or has not answered in time
// (A4).

import type { MessagePort } from 'node:worker_threads';
import type { Recipient } from '../../domain/bill/vocabulary.ts';
import type { BillId } from '../../domain/ids.ts';
import { SECOND_MS } from '../../domain/time.ts';
import type { AcquiringNotice } from '../../switch/acquirers.ts';
import type { Crowd, InstitutionLoad } from '../../switch/crowd.ts';
import { Fault } from '../../switch/faults.ts';
import { isEnding } from '../../switch/limits.ts';
import type { Clock, StreamedEvent } from '../../switch/ports.ts';
import type {
  Encoding,
  Presenter,
  Request,
  ShardDoor,
  WorkerAnswer,
  WorkerQuery,
} from '../../switch/requests.ts';
import { INTAKE_LIMITS, Intake, type IntakeLimits } from './intake.ts';
import {
  type AskedQuery,
  type Notices,
  RecordPacker,
  RecordUnpacker,
  readToGateway,
  transferable,
} from './messages.ts';

/** How long a request may be under way before its outcome is called unknown; a long poll's wait comes on top. */
const ANSWER_MS = 10 * SECOND_MS;
/** How long it may wait here before it is refused: most clients have given up by then. */
const WAITING_MS = 5 * SECOND_MS;
const SWEEP_MS = SECOND_MS / 4;

type OnReply = (status: number, body: Uint8Array) => void;

interface Pending {
  readonly onReply: OnReply;
  readonly encoding: Encoding;
  readonly requestId: string;
  readonly until: number;
  readonly isPoll: boolean;
  /** As whose it is counted; null: nobody's. */
  readonly load: InstitutionLoad | null;
}

/** A request that waits for its turn. */
interface Held {
  readonly request: Omit<Request, 'seq'>;
  readonly pending: Pending;
  readonly since: number;
}

interface PendingQuery {
  readonly done: (answer: WorkerAnswer) => void;
  readonly failed: (error: Fault) => void;
  readonly until: number;
}

interface Link {
  readonly port: MessagePort;
  readonly packer: RecordPacker;
  readonly unpacker: RecordUnpacker<Notices>;
  requests: Request[];
  queries: AskedQuery[];
  readonly pending: Map<number, Pending>;
  /** Of those pending, long polls: the worker has nothing to do for them. */
  polls: number;
  readonly intake: Intake<Held>;
  readonly pendingQueries: Map<number, PendingQuery>;
}

export class GatewayLink implements ShardDoor {
  readonly shards: number;
  readonly #workers: number;
  readonly #clock: Clock;
  readonly #presenter: Presenter;
  readonly #limits: IntakeLimits;
  readonly #crowd: Crowd | null;
  readonly #links = new Map<number, Link>();
  readonly #eventListeners: ((event: StreamedEvent) => void)[] = [];
  readonly #endListeners: ((recipient: Recipient, eventId: string) => void)[] = [];
  readonly #unfinishedListeners: ((billId: BillId) => void)[] = [];
  readonly #acquiringListeners: ((notice: AcquiringNotice) => void)[] = [];
  readonly #startListeners: (() => void)[] = [];
  #seq = 0;
  #isAwake = false;
  #isClosed = false;

  /** Shard `n` lives in worker `n mod workers`. */
  constructor(options: {
    shards: number;
    workers: number;
    clock: Clock;
    presenter: Presenter;
    limits?: IntakeLimits;
    crowd?: Crowd;
  }) {
    this.#crowd = options.crowd ?? null;
    this.#limits = options.limits ?? INTAKE_LIMITS;
    this.shards = options.shards;
    this.#workers = options.workers;
    this.#clock = options.clock;
    this.#presenter = options.presenter;
    this.#sweep();
  }

  /** Requests that wait here for their turn. */
  get waiting(): number {
    let count = 0;
    for (const { intake } of this.#links.values()) count += intake.waiting;
    return count;
  }

  /** A worker has begun, or begun again in place of one that was lost. */
  attach(worker: number, port: MessagePort): void {
    this.#lose(worker);
    const link: Link = {
      port,
      packer: new RecordPacker(),
      unpacker: new RecordUnpacker(),
      requests: [],
      queries: [],
      pending: new Map(),
      polls: 0,
      intake: new Intake(this.#limits),
      pendingQueries: new Map(),
    };
    this.#links.set(worker, link);
    port.on('message', (bytes: Uint8Array) => this.#receive(link, bytes));
    port.on('close', () => {
      if (this.#links.get(worker) === link) this.#lose(worker);
    });
    this.#tellStart();
  }

  send(request: Omit<Request, 'seq'>, onReply: OnReply): void {
    const link = this.#links.get(request.shard % this.#workers);
    const { encoding, requestId, operation, principal } = request;
    const since = this.#clock.monotonic();
    const waitMs = waitOf(request);
    const until = since + ANSWER_MS + waitMs;
    const isPoll = waitMs > 0;
    const load =
      isPoll || principal === null || this.#crowd === null
        ? null
        : this.#crowd.begun(principal.institutionId, since);
    const pending = { onReply, encoding, requestId, until, isPoll, load };
    if (link === undefined) {
      this.#refuse(pending, 'shard.unavailable');
      return;
    }
    const { intake } = link;
    if (intake.passes(link.pending.size - link.polls)) {
      this.#begin(link, request, pending);
    } else if (
      !intake.hold(
        principal?.institutionId ?? '',
        { request, pending, since },
        isEnding(operation.op),
      )
    ) {
      this.#refuse(pending, 'overloaded');
      return;
    }
    this.#wake();
  }

  ask(query: WorkerQuery): Promise<WorkerAnswer[]> {
    if (this.#links.size < this.#workers) {
      return Promise.reject(new Fault('shard.unavailable', 'a worker is not there right now'));
    }
    return Promise.all([...this.#links.values()].map((link) => this.#askOne(link, query)));
  }

  onEvent(listener: (event: StreamedEvent) => void): void {
    this.#eventListeners.push(listener);
  }

  onEventEnded(listener: (recipient: Recipient, eventId: string) => void): void {
    this.#endListeners.push(listener);
  }

  onUnfinished(listener: (billId: BillId) => void): void {
    this.#unfinishedListeners.push(listener);
  }

  onAcquiring(listener: (notice: AcquiringNotice) => void): void {
    this.#acquiringListeners.push(listener);
  }

  onWorkerStart(listener: () => void): void {
    this.#startListeners.push(listener);
  }

  /** Ends all links; what is under way is answered as unknown. */
  close(): void {
    this.#isClosed = true;
    for (const worker of [...this.#links.keys()]) this.#lose(worker);
  }

  #tellStart(): void {
    if (this.#links.size < this.#workers) return;
    for (const listener of this.#startListeners) listener();
  }

  #askOne(link: Link, query: WorkerQuery): Promise<WorkerAnswer> {
    return new Promise((done, failed) => {
      const seq = this.#nextSeq();
      const until = this.#clock.monotonic() + ANSWER_MS;
      link.pendingQueries.set(seq, { done, failed, until });
      link.queries.push({ seq, query });
      this.#wake();
    });
  }

  #nextSeq(): number {
    this.#seq = this.#seq === Number.MAX_SAFE_INTEGER ? 1 : this.#seq + 1;
    return this.#seq;
  }

  /** Sends once this turn of the event loop is over: one message a worker. */
  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#clock.after(0, () => {
      this.#isAwake = false;
      for (const link of this.#links.values()) this.#flush(link);
    });
  }

  #begin(link: Link, request: Omit<Request, 'seq'>, pending: Pending): void {
    const seq = this.#nextSeq();
    link.pending.set(seq, pending);
    if (pending.isPoll) link.polls += 1;
    link.requests.push(Object.assign(request, { seq }));
  }

  #flush(link: Link): void {
    this.#post(link);
    const { intake } = link;
    while (intake.waiting > 0) {
      const drawn = intake.draw(link.pending.size - link.polls);
      const [first] = drawn;
      if (first !== undefined) this.#crowd?.waited(this.#clock.monotonic() - first.since);
      for (const { request, pending } of drawn) this.#begin(link, request, pending);
      if (drawn.length > 0 || !intake.isAsked) this.#postMarked(link);
      if (drawn.length === 0) return;
    }
  }

  #post(link: Link): void {
    if (link.requests.length === 0 && link.queries.length === 0) return;
    const { requests, queries } = link;
    const bytes = transferable(link.packer.pack({ requests, queries }));
    link.requests = [];
    link.queries = [];
    link.intake.give(requests.length);
    link.port.postMessage(bytes, [bytes.buffer]);
  }

  /** Has the worker tell when it has taken all that it was given. */
  #postMarked(link: Link): void {
    const { intake } = link;
    const mark = intake.mark(link.requests.length);
    const told = (): void => intake.reached(mark);
    const seq = this.#nextSeq();
    const until = this.#clock.monotonic() + ANSWER_MS;
    link.pendingQueries.set(seq, { done: told, failed: told, until });
    link.queries.push({ seq, query: { query: 'taken' } });
    this.#post(link);
  }

  #receive(link: Link, bytes: Uint8Array): void {
    const replies: { pending: Pending; status: number; body: Uint8Array }[] = [];
    const packed = readToGateway(bytes, (seq, status, body) => {
      const pending = link.pending.get(seq);
      if (pending === undefined) return;
      this.#forget(link, seq, pending);
      replies.push({ pending, status, body });
    });
    // Events first: whoever hears of a change by an event does so no later than whoever asked for it.
    if (packed !== null) this.#notice(link, link.unpacker.unpack(packed));
    for (const { pending, status, body } of replies) this.#settle(pending, status, body);
    if (link.intake.waiting > 0) this.#wake();
  }

  #forget(link: Link, seq: number, pending: Pending): void {
    link.pending.delete(seq);
    if (pending.isPoll) link.polls -= 1;
  }

  #notice(link: Link, notices: Notices): void {
    const { events, ended, unfinished, acquiring, hasBegun } = notices;
    // Whoever reads on it finds out by itself that another worker is away.
    if (hasBegun) for (const listener of this.#startListeners) listener();
    for (const event of events) for (const listener of this.#eventListeners) listener(event);
    for (let i = 0; i < ended.length; i += 2) {
      for (const listener of this.#endListeners) {
        listener(ended[i] as Recipient, ended[i + 1] as string);
      }
    }
    for (const billId of unfinished) {
      for (const listener of this.#unfinishedListeners) listener(billId);
    }
    for (const notice of acquiring) {
      for (const listener of this.#acquiringListeners) listener(notice);
    }
    this.#answer(link, notices);
  }

  #answer(link: Link, { answers, failures }: Notices): void {
    for (const { seq, answer } of answers) {
      link.pendingQueries.get(seq)?.done(answer);
      link.pendingQueries.delete(seq);
    }
    for (const { seq, detail } of failures) {
      link.pendingQueries.get(seq)?.failed(new Fault('history.unavailable', detail));
      link.pendingQueries.delete(seq);
    }
  }

  #lose(worker: number): void {
    const link = this.#links.get(worker);
    if (link === undefined) return;
    this.#links.delete(worker);
    link.port.close();
    for (const pending of link.pending.values()) this.#refuse(pending, 'outcome.unknown');
    for (const held of link.intake.giveUp(() => true)) {
      this.#refuse(held.pending, 'shard.unavailable');
    }
    for (const { failed } of link.pendingQueries.values()) {
      failed(new Fault('outcome.unknown', 'a worker was lost'));
    }
  }

  #sweep(): void {
    if (this.#isClosed) return;
    const now = this.#clock.monotonic();
    for (const link of this.#links.values()) {
      for (const [seq, pending] of link.pending) {
        if (pending.until > now) continue;
        this.#forget(link, seq, pending);
        this.#refuse(pending, 'outcome.unknown');
      }
      for (const held of link.intake.giveUp(({ since }) => since + WAITING_MS <= now)) {
        this.#refuse(held.pending, 'overloaded');
      }
      for (const [seq, pending] of link.pendingQueries) {
        if (pending.until > now) continue;
        link.pendingQueries.delete(seq);
        pending.failed(new Fault('outcome.unknown', 'a worker does not answer'));
      }
    }
    this.#clock.after(SWEEP_MS, () => this.#sweep());
  }

  #refuse(pending: Pending, code: keyof typeof DETAILS): void {
    const reply = { kind: 'fault', code, detail: DETAILS[code], retryAfterS: 1 } as const;
    const { status, body } = this.#presenter.present(reply, pending.encoding, pending.requestId);
    this.#settle(pending, status, body);
  }

  #settle({ load, onReply }: Pending, status: number, body: Uint8Array): void {
    if (load !== null) this.#crowd?.ended(load);
    onReply(status, body);
  }
}

const DETAILS = {
  'outcome.unknown':
    'The shard was lost or did not answer in time. Ask, or retry with the same reference.',
  'shard.unavailable': 'The shard has no worker right now.',
  overloaded:
    'More is asked than can be done, and this institution has had its share. Nothing was done.',
} as const;

function waitOf(request: Omit<Request, 'seq'>): number {
  return request.operation.op === 'bill.get' ? request.operation.waitMs : 0;
}
