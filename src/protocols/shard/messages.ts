// Messages between a gateway's thread and a worker's: one packed buffer a tick each way.

import { Packr, Unpackr } from 'msgpackr';
import type { BillId } from '../../domain/ids.ts';
import type { AcquiringNotice } from '../../switch/acquirers.ts';
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

/** What a worker sends a gateway in one tick, beside replies. */
export interface Notices {
  readonly answers: readonly { readonly seq: number; readonly answer: WorkerAnswer }[];
  /** Queries that failed, with what to tell. */
  readonly failures: readonly { readonly seq: number; readonly detail: string }[];
  readonly events: readonly StreamedEvent[];
  /** Events that have ended: `recipient, id` two by two. */
  readonly ended: readonly string[];
  /** Bills at which something that spans several has not ended in its time. */
  readonly unfinished: readonly BillId[];
  /** Bills at acquirers at which a call may be due. */
  readonly acquiring: readonly AcquiringNotice[];
  /** A shard has begun to serve: what is pending is to be read again. */
  readonly hasBegun: boolean;
}

/** A reply, already written for the wire. */
export interface WrittenReply {
  readonly seq: number;
  readonly status: number;
  readonly body: Uint8Array;
}

/**
 * Records of one direction of one link. A record's definition travels once and is remembered by the other end, so each
 * end keeps a codec of its own for as long as the link lives: ports neither lose messages nor change their order.
 */
export class RecordPacker {
  readonly #packr = new Packr({
    sequential: true,
    useRecords: true,
    int64AsType: 'number',
    encodeUndefinedAsNil: true,
  });

  /** The bytes are good until the next call. */
  pack(message: ToWorker | Notices): Uint8Array {
    return this.#packr.pack(message);
  }
}

/** The other end of a RecordPacker: reads in the order in which it was packed. */
export class RecordUnpacker<Message extends ToWorker | Notices> {
  readonly #unpackr = new Unpackr({ sequential: true, useRecords: true, int64AsType: 'number' });

  unpack(bytes: Uint8Array): Message {
    return this.#unpackr.unpack(bytes) as Message;
  }
}

/** A copy in a buffer of its own, which can be transferred. */
export function transferable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  return own;
}

// A worker's message is flat, since most of it is bytes already:
//   u32 number of replies, then each reply as f64 seq, u16 status, u32 length, body; then the packed notices, if any.
const COUNT_BYTES = 4;
const HEADER_BYTES = 14;

/** One message of replies and, where there are any, packed notices. */
export function writeToGateway(
  replies: readonly WrittenReply[],
  notices: Uint8Array | null,
): Uint8Array<ArrayBuffer> {
  let length = COUNT_BYTES + (notices?.length ?? 0);
  for (const { body } of replies) length += HEADER_BYTES + body.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, replies.length);
  let at = COUNT_BYTES;
  for (const { seq, status, body } of replies) {
    view.setFloat64(at, seq);
    view.setUint16(at + 8, status);
    view.setUint32(at + 10, body.length);
    bytes.set(body, at + HEADER_BYTES);
    at += HEADER_BYTES + body.length;
  }
  if (notices !== null) bytes.set(notices, at);
  return bytes;
}

/** Calls back for every reply; returns the packed notices, or null where there are none. Bodies are views. */
export function readToGateway(
  bytes: Uint8Array,
  onReply: (seq: number, status: number, body: Uint8Array) => void,
): Uint8Array | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0);
  let at = COUNT_BYTES;
  for (let i = 0; i < count; i++) {
    const end = at + HEADER_BYTES + view.getUint32(at + 10);
    const body = bytes.subarray(at + HEADER_BYTES, end);
    onReply(view.getFloat64(at), view.getUint16(at + 8), body);
    at = end;
  }
  return at < bytes.length ? bytes.subarray(at) : null;
}
