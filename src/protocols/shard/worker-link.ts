// The worker's end of the links to the gateways: requests in, replies and events out, one message a gateway and tick.

import type { MessagePort } from 'node:worker_threads';
import type { Recipient } from '../../domain/bill/vocabulary.ts';
import type { BillId } from '../../domain/ids.ts';
import type { AcquiringNotice } from '../../switch/acquirers.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import { type Asked, describe, type ReplySink } from '../../switch/reply-sink.ts';
import type { Presenter, Reply, WorkerAnswer, WorkerQuery } from '../../switch/requests.ts';
import {
  type AskedQuery,
  type Notices,
  RecordPacker,
  RecordUnpacker,
  type ToWorker,
  type WrittenReply,
  writeToGateway,
} from './messages.ts';

/** What a worker answers with: its host. */
export interface Answering {
  receive(asked: Asked): void;
  ask(query: WorkerQuery): Promise<WorkerAnswer>;
}

/** Notices while they are gathered. */
interface Gathered extends Notices {
  readonly answers: { seq: number; answer: WorkerAnswer }[];
  readonly failures: { seq: number; detail: string }[];
  readonly events: StreamedEvent[];
  readonly ended: string[];
  readonly unfinished: BillId[];
  readonly acquiring: AcquiringNotice[];
  hasBegun: boolean;
}

interface Link {
  readonly port: MessagePort;
  readonly packer: RecordPacker;
  replies: WrittenReply[];
  notices: Gathered;
}

export class WorkerLink implements ReplySink {
  readonly #presenter: Presenter;
  readonly #links = new Map<number, Link>();
  /** Which gateways want a recipient's events. */
  readonly #subscriptions = new Map<Recipient, Set<number>>();
  #nextOrigin = 1;

  constructor(presenter: Presenter) {
    this.#presenter = presenter;
  }

  /** Serves a gateway over this port until it closes. */
  attach(port: MessagePort, host: Answering): void {
    const origin = this.#nextOrigin++;
    const packer = new RecordPacker();
    const unpacker = new RecordUnpacker<ToWorker>();
    this.#links.set(origin, { port, packer, replies: [], notices: nothing() });
    port.on('message', (bytes: Uint8Array) => {
      const { requests, queries } = unpacker.unpack(bytes);
      for (const request of requests) host.receive(Object.assign(request, { origin }));
      for (const query of queries) this.#ask(host, origin, query);
    });
    port.on('close', () => this.#detach(origin));
  }

  reply(asked: Asked, reply: Reply): void {
    const link = this.#links.get(asked.origin);
    if (link === undefined) return;
    const { status, body } = this.#presenter.present(reply, asked.encoding, asked.requestId);
    link.replies.push({ seq: asked.seq, status, body });
  }

  event(event: StreamedEvent): void {
    for (const origin of this.#subscriptions.get(event.event.recipient) ?? []) {
      this.#links.get(origin)?.notices.events.push(event);
    }
  }

  eventEnded(recipient: Recipient, eventId: string): void {
    for (const origin of this.#subscriptions.get(recipient) ?? []) {
      this.#links.get(origin)?.notices.ended.push(recipient, eventId);
    }
  }

  /**
   * Told to all: threads that call acquirers or post webhooks are linked like gateways, and do nothing about it. Where
   * several gateways do it, each of its steps says the same again; where none is there, it is told again.
   */
  unfinished(billId: BillId): void {
    for (const { notices } of this.#links.values()) notices.unfinished.push(billId);
  }

  acquiring(notice: AcquiringNotice): void {
    for (const origin of this.#subscriptions.get(notice.recipient) ?? []) {
      this.#links.get(origin)?.notices.acquiring.push(notice);
    }
  }

  begun(): void {
    for (const { notices } of this.#links.values()) notices.hasBegun = true;
  }

  flush(): void {
    for (const link of this.#links.values()) {
      const { replies, notices } = link;
      const hasNotices = !isNothing(notices);
      if (replies.length === 0 && !hasNotices) continue;
      link.replies = [];
      if (hasNotices) link.notices = nothing();
      const bytes = writeToGateway(replies, hasNotices ? link.packer.pack(notices) : null);
      link.port.postMessage(bytes, [bytes.buffer]);
    }
  }

  /** Lets the gateways know that nothing more will come from here. */
  close(): void {
    for (const { port } of this.#links.values()) port.close();
    this.#links.clear();
  }

  #ask(host: Answering, origin: number, { seq, query }: AskedQuery): void {
    if (query.query === 'subscribe') this.#subscribe(origin, query.recipient);
    if (query.query === 'unsubscribe') this.#unsubscribe(origin, query.recipient);
    host
      .ask(query)
      .then(
        (answer) => this.#links.get(origin)?.notices.answers.push({ seq, answer }),
        (error: unknown) =>
          this.#links.get(origin)?.notices.failures.push({ seq, detail: describe(error) }),
      )
      .finally(() => this.flush());
  }

  #subscribe(origin: number, recipient: Recipient): void {
    const origins = this.#subscriptions.get(recipient);
    if (origins === undefined) this.#subscriptions.set(recipient, new Set([origin]));
    else origins.add(origin);
  }

  #unsubscribe(origin: number, recipient: Recipient): void {
    const origins = this.#subscriptions.get(recipient);
    origins?.delete(origin);
    if (origins?.size === 0) this.#subscriptions.delete(recipient);
  }

  #detach(origin: number): void {
    this.#links.delete(origin);
    for (const recipient of [...this.#subscriptions.keys()]) this.#unsubscribe(origin, recipient);
  }
}

function nothing(): Gathered {
  const lists = { answers: [], failures: [], events: [], ended: [], unfinished: [], acquiring: [] };
  return { ...lists, hasBegun: false };
}

function isNothing(notices: Notices): boolean {
  const { answers, failures, events, ended, unfinished, acquiring, hasBegun } = notices;
  const lists = [answers, failures, events, ended, unfinished, acquiring];
  return !hasBegun && lists.every(({ length }) => length === 0);
}
