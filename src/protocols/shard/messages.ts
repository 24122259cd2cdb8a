// Messages between a gateway's thread and a worker's: one packed buffer a tick each way. Record definitions travel
// within each message, so that no state is shared and a message can be read by itself.

import { Packr } from 'msgpackr';
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
  /** A shard has begun to serve: what is pending is to be read again. */
  readonly hasBegun: boolean;
}

const packr = new Packr({ useRecords: true, int64AsType: 'number', encodeUndefinedAsNil: true });

/** Packs into a buffer of its own, which can be transferred. */
export function packMessage(message: ToWorker | ToGateway): Uint8Array<ArrayBuffer> {
  const packed = packr.pack(message);
  const own = new Uint8Array(packed.length);
  own.set(packed);
  return own;
}

export function unpackToWorker(bytes: Uint8Array): ToWorker {
  return packr.unpack(bytes) as ToWorker;
}

export function unpackToGateway(bytes: Uint8Array): ToGateway {
  return packr.unpack(bytes) as ToGateway;
}
