// The events of one recipient on one gateway, shared by its WebSockets and long polls.
//
//   shards ──live──▶ ┌────────┐ ──▶ sessions (again after 2, 5, 10, 30 s)
//   memory ──read──▶ │ window │ ──▶ long polls
//   Postgres ─read─▶ └────────┘ ◀── acknowledgements
//
//   I1. It subscribes first, then reads memory, then Postgres: an event that is pending throughout is in one of them.
//   I2. The window holds the first WINDOW_MAX pending events. While more are pending than it holds, live events are not
//       taken: they are read later, in their order. While it reads, live events wait.
//   I3. Each read starts from the beginning and makes the window anew, so that what was acknowledged elsewhere leaves it.
//   I4. Where Postgres cannot be asked, what memory has is sent, but for events that others may come before (I5).
//   I5. Events of a bill come in their order: one that may follow what only Postgres has waits for it; what was pending of
//       a bill that is fetched is told by its shard, which counts where Postgres could not be asked; and while it is not
//       known what a worker that began anew had to tell, live events wait.
//   I6. A reader that cannot take more keeps its place, and goes on from there.

import type { Recipient } from '../../domain/bill/vocabulary.ts';
import { byPlace } from '../../switch/event-index.ts';
import type { Clock, StreamedEvent } from '../../switch/ports.ts';
import type { Presenter } from '../../switch/requests.ts';
import { eventId, PendingEvent, WINDOW_MAX } from './pending.ts';
import type { FoundEvents } from './pending-reader.ts';
import type { Redeliverer, Redelivery } from './redelivery.ts';

/** Acknowledged down to this, an inbox with more to come reads on. */
const READ_ON_AT = WINDOW_MAX / 2;
const RETRY_MS = 1_000;
/** An event unacknowledged for this many repeats makes the inbox look whether it is still pending. */
const DOUBT_AFTER_REPEATS = 3;
const DOUBT_EVERY_MS = 30_000;

/** A WebSocket, or whoever else sends events on, as an inbox sees it. */
export interface EventReader {
  /** The last event that it was sent, or has passed. Kept by the inbox. */
  sentSeq: number;
  /** Whether its buffer has room for events. */
  canTake(): boolean;
  push(pending: PendingEvent, isRepeat: boolean): void;
}

export interface InboxContext {
  /** Which events are for this inbox; left out: all. */
  readonly accepts?: (event: StreamedEvent) => boolean;
  readonly clock: Clock;
  readonly presenter: Presenter;
  readonly redelivery: Redelivery;
  read(recipient: Recipient, isFirst: boolean): Promise<FoundEvents>;
  onReadFailed(recipient: Recipient, error: unknown): void;
}

export class Inbox implements Redeliverer {
  readonly recipient: Recipient;
  readonly #context: InboxContext;
  readonly #readers = new Set<EventReader>();
  #window = new Map<string, PendingEvent>();
  #lastSeq = 0;
  /** Whether all that is pending is in the window, so that live events may follow. */
  #isComplete = false;
  #wasRead = false;
  #isSubscribed = false;
  /** Whether Postgres could not be asked, the last time. */
  #isPartial = false;
  #isReading = false;
  #isReadWanted = false;
  #isClosed = false;
  #waiting: StreamedEvent[] = [];
  #hasOverflowed = false;
  readonly #acknowledgedMeanwhile = new Set<string>();
  #refreshers: ((isFresh: boolean) => void)[] = [];
  #arrivals = new Set<() => void>();
  #cancelRetry: (() => void) | null = null;
  #doubtedAt = Number.NEGATIVE_INFINITY;

  constructor(recipient: Recipient, context: InboxContext) {
    this.recipient = recipient;
    this.#context = context;
  }

  get size(): number {
    return this.#window.size;
  }

  attach(reader: EventReader): void {
    reader.sentSeq = 0;
    this.#readers.add(reader);
    if (!this.#wasRead) {
      this.#read();
      return;
    }
    this.feed(reader);
    // To this reader they are new: it is asked again after 2 s, however old they are.
    for (const pending of this.#window.values()) {
      pending.repeats = 0;
      this.#context.redelivery.schedule(pending, this);
    }
  }

  detach(reader: EventReader): void {
    this.#readers.delete(reader);
  }

  /** Sends a reader what it has not been sent, as far as it can take it. */
  feed(reader: EventReader): void {
    for (const pending of this.#window.values()) {
      if (pending.seq <= reader.sentSeq) continue;
      if (!reader.canTake()) return;
      reader.push(pending, false);
      reader.sentSeq = pending.seq;
    }
    reader.sentSeq = this.#lastSeq;
  }

  /** An event that has just been committed. */
  live(event: StreamedEvent): void {
    if (this.#context.accepts?.(event) === false) return;
    if (this.#isReading || !this.#wasRead || !this.#isSubscribed) {
      if (this.#waiting.length < WINDOW_MAX) this.#waiting.push(event);
      else this.#hasOverflowed = true;
      return;
    }
    this.#take(event);
  }

  /** Events that a shard has taken as acknowledged, or does not know. */
  acknowledged(ids: readonly string[]): void {
    if (this.#isReading) for (const id of ids) this.#acknowledgedMeanwhile.add(id);
    this.#drop(ids);
    if (this.#wasRead && !this.#isComplete && this.#window.size <= READ_ON_AT) this.#read();
  }

  /** Calls back once the window is what is pending now; false where it could not be read. */
  refresh(onFresh: (isFresh: boolean) => void): void {
    this.#refreshers.push(onFresh);
    this.#read();
  }

  /** The first events of the window, oldest first. */
  first(limit: number): StreamedEvent[] {
    const events = Array.from(this.#window.values(), (pending) => pending.event);
    return events.sort(byPlace).slice(0, limit);
  }

  /** Calls back on each new event, until the function returned is called. */
  onArrival(callback: () => void): () => void {
    this.#arrivals.add(callback);
    return () => this.#arrivals.delete(callback);
  }

  /** A worker has begun anew: what it pushed to is forgotten, what it had told may have been lost. */
  resubscribe(): void {
    this.#isSubscribed = false;
    this.#read();
  }

  redeliver(pending: PendingEvent): boolean {
    if (this.#isClosed || this.#readers.size === 0) return false;
    for (const reader of this.#readers) {
      if (pending.seq <= reader.sentSeq && reader.canTake()) {
        reader.push(pending, true);
      }
    }
    if (pending.repeats >= DOUBT_AFTER_REPEATS) this.#doubt();
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#drop([...this.#window.keys()]);
    this.#readers.clear();
    this.#arrivals.clear();
    this.#waiting = [];
  }

  #doubt(): void {
    const now = this.#context.clock.monotonic();
    if (now - this.#doubtedAt < DOUBT_EVERY_MS) return;
    this.#doubtedAt = now;
    this.#read();
  }

  /** All are done before any is told so: whoever hears of one goes on with the next that is not. */
  #drop(ids: readonly string[]): void {
    const dropped = ids.flatMap((id) => this.#window.get(id) ?? []);
    for (const pending of dropped) {
      pending.isDone = true;
      this.#window.delete(pending.id);
    }
    for (const pending of dropped) pending.onDone?.();
  }

  /** Puts an event at the end of the window, if it follows there (I2). */
  #take(event: StreamedEvent): void {
    if (!this.#isComplete) return;
    if (this.#isPartial ? event.isAfterLetGo : event.isFetched) return;
    if (this.#window.size >= WINDOW_MAX) {
      this.#isComplete = false;
      return;
    }
    if (this.#window.has(eventId(event))) return;
    this.#append(event);
  }

  #append(event: StreamedEvent): void {
    const before = this.#lastSeq;
    this.#lastSeq = before + 1;
    const pending = new PendingEvent(event, this.#lastSeq, this.#context.presenter);
    this.#window.set(pending.id, pending);
    for (const reader of this.#readers) {
      if (reader.sentSeq !== before) {
        this.feed(reader);
      } else if (reader.canTake()) {
        reader.push(pending, false);
        reader.sentSeq = this.#lastSeq;
      }
    }
    if (this.#readers.size > 0) this.#context.redelivery.schedule(pending, this);
    for (const callback of [...this.#arrivals]) callback();
  }

  /** Reads what is pending; while it reads, once more is remembered. */
  #read(): void {
    if (this.#isClosed) return;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    if (this.#isReading) {
      this.#isReadWanted = true;
      return;
    }
    this.#isReading = true;
    this.#isReadWanted = false;
    this.#acknowledgedMeanwhile.clear();
    const refreshers = this.#refreshers;
    this.#refreshers = [];
    const isFirst = !this.#isSubscribed;
    this.#isSubscribed = true;
    this.#context
      .read(this.recipient, isFirst)
      .then(
        (found) => this.#settle(found, refreshers),
        (error: unknown) => this.#fail(error, isFirst, refreshers),
      )
      // Who waits for it is answered behind its own wall; the rest is read again.
      .catch((error: unknown) => this.#fail(error, isFirst, []));
  }

  #settle(found: FoundEvents, refreshers: readonly ((isFresh: boolean) => void)[]): void {
    this.#isReading = false;
    if (this.#isClosed) return;
    this.#wasRead = true;
    const fresh = found.events.filter((event) => !this.#acknowledgedMeanwhile.has(eventId(event)));
    if (!found.isPartial) this.#keepOnly(new Set(fresh.map(eventId)));
    let isWhole = true;
    for (const event of fresh) {
      if (this.#window.has(eventId(event))) continue;
      if (this.#window.size < WINDOW_MAX) this.#append(event);
      else isWhole = false;
    }
    this.#isComplete = found.isComplete && isWhole;
    this.#isPartial = found.isPartial;
    if (this.#isSubscribed) this.#takeWaiting();
    // What was read has been acknowledged meanwhile: nobody will ask for the rest but us.
    const isSpent = !this.#isComplete && this.#window.size <= READ_ON_AT;
    if (isSpent && !found.isPartial) this.#isReadWanted = true;
    for (const refresher of refreshers) refresher(!found.isPartial);
    if (found.isPartial) this.#retry();
    this.#goOn();
  }

  #fail(
    error: unknown,
    wasSubscribing: boolean,
    refreshers: readonly ((isFresh: boolean) => void)[],
  ): void {
    this.#isReading = false;
    if (this.#isClosed) return;
    if (wasSubscribing) this.#isSubscribed = false;
    this.#context.onReadFailed(this.recipient, error);
    // What was complete goes on being so: live events still come, in their order.
    if (this.#wasRead && this.#isSubscribed) this.#takeWaiting();
    for (const refresher of refreshers) refresher(false);
    this.#retry();
    this.#goOn();
  }

  #goOn(): void {
    if (this.#isReadWanted || this.#refreshers.length > 0) this.#read();
  }

  #retry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = this.#context.clock.after(RETRY_MS, () => {
      this.#cancelRetry = null;
      this.#read();
    });
  }

  #takeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const event of waiting) {
      if (!this.#acknowledgedMeanwhile.has(eventId(event))) this.#take(event);
    }
    if (!this.#hasOverflowed) return;
    this.#hasOverflowed = false;
    this.#isComplete = false;
    this.#isReadWanted = true;
  }

  #keepOnly(ids: ReadonlySet<string>): void {
    this.#drop([...this.#window.keys()].filter((id) => !ids.has(id)));
  }
}
