// Messages between a gateway's thread and a worker's: one packed buffer a tick each way.

import { Packr, Unpackr } from 'msgpackr';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Request, WorkerAnswer, WorkerQuery } from '../../switch/requests.ts';

export interface AskedQuery {
  readonly seq: number;
  readonly query: WorkerQuery;
}

/** What a gateway sends in one tick. */
export interface ToWorker {
  readonly requests: readonly Request[];
  readonly queries: readonly AskedQuery[];
}

/** What a worker sends a gateway in one tick. */
export interface ToGateway {
  /** `seq, status, body` three by three. */
  readonly replies: readonly (number | Uint8Array)[];
  readonly answers: readonly { readonly seq: number; readonly answer: WorkerAnswer }[];
  /** Queries that failed, with what to tell. */
  readonly failures: readonly { readonly seq: number; readonly detail: string }[];
  readonly events: readonly StreamedEvent[];
  /** Events that are pending no more: `recipient, id` two by two. */
  readonly ended: readonly string[];
  /** A shard has begun to serve: what is pending is to be read again. */
  readonly hasBegun: boolean;
}

/**
 * One direction of one link. A record's definition travels once and is remembered by the other end, so each end keeps
 * a codec of its own for as long as the link lives: ports neither lose messages nor change their order.
 */
export class MessagePacker<Message extends ToWorker | ToGateway> {
  readonly #packr = new Packr({
    sequential: true,
    useRecords: true,
    int64AsType: 'number',
    encodeUndefinedAsNil: true,
  });

  /** Packs into a buffer of its own, which can be transferred. */
  pack(message: Message): Uint8Array<ArrayBuffer> {
    const packed = this.#packr.pack(message);
    const own = new Uint8Array(packed.length);
    own.set(packed);
    return own;
  }
}

/** The other end of a MessagePacker: reads its messages in the order in which they were packed. */
export class MessageUnpacker<Message extends ToWorker | ToGateway> {
  readonly #unpackr = new Unpackr({ sequential: true, useRecords: true, int64AsType: 'number' });

  unpack(bytes: Uint8Array): Message {
    return this.#unpackr.unpack(bytes) as Message;
  }
}
