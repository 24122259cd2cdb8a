// What the clients know: every call, noted before it is sent and again when its answer comes, and every event that
// reached them. It is kept in memory and written to files line by line, for the audit and for whoever looks later.

import { createHash } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Body, Op } from '../support/client.ts';

export type Via = 'http' | 'json' | 'msgpack';
/** How a client is told of its events. */
export type Way = 'socket' | 'poll' | 'webhook';

/** One sending of one request. What a linearisability checker needs of it stands in these fields. */
export interface Call {
  readonly no: number;
  /** Sent along, so that a transition in history tells which sending it was. */
  readonly requestId: string;
  /** `terminal:<id>` or `paychannel:<id>`. */
  readonly client: string;
  readonly via: Via;
  readonly op: Op;
  readonly body: Body;
  readonly billId: string | null;
  readonly orderId: string | null;
  /** Calls of one reference must all have one outcome; null where there is nothing to repeat. */
  readonly reference: string | null;
  /** Monotonic µs. */
  readonly invokedAt: number;
  returnedAt: number | null;
  /** Null: nothing was heard, nobody knows. */
  status: number | null;
  answer: unknown;
}

/** An event that reached a client, repeats included. */
export interface Heard {
  readonly client: string;
  readonly eventId: string;
  readonly billId: string;
  readonly no: number;
  readonly type: string;
  readonly way: Way;
  /** Of its text. */
  readonly digest: string;
  readonly at: number;
}

/** An event as it was told when it was asked for again. */
export type Reread = Pick<Heard, 'client' | 'eventId' | 'digest'>;

export interface Intent {
  readonly client: string;
  readonly via: Via;
  readonly op: Op;
  readonly body: Body;
}

export function now(): number {
  return Math.round(performance.now() * 1_000);
}

/** Whether the answer says that the call has had its effect or never will: neither lost nor to be tried again. */
export function isDefinite(call: Call): boolean {
  return call.status !== null && !isUnknown(call) && !isUndone(call);
}

function isUnknown({ status }: Call): boolean {
  return status === null || status === 504 || status === 500;
}

/** Refused before anything was done. */
export function isUndone({ status }: Call): boolean {
  return status === 503 || status === 429;
}

export function isDone({ status }: Call): boolean {
  return status !== null && status < 300;
}

const CHANGES: ReadonlySet<string> = new Set<Op>([
  'bill.create',
  'bill.confirm',
  'bill.cancel',
  'bill.refund',
  'payment.confirm',
  'payment.cancel',
  'payment.refund',
  'order.resolve',
  'bill.arm',
  'bill.reserve',
  'bill.release',
  'payment.create',
  'payment.void',
  'credit.settle',
]);

export function isChange(op: Op): boolean {
  return CHANGES.has(op);
}

export class Memory {
  readonly calls: Call[] = [];
  readonly heard: Heard[] = [];
  readonly rereads: Reread[] = [];
  /** When changes were acknowledged, in order: what unavailability is measured by. */
  readonly acknowledgedAt: number[] = [];
  readonly #run: string;
  readonly #files: { intents: WriteStream; calls: WriteStream; events: WriteStream } | null;

  constructor(run: string, folder: string | null) {
    this.#run = run;
    const open = (name: string) => createWriteStream(join(folder ?? '', name));
    this.#files =
      folder === null
        ? null
        : {
            intents: open('intents.jsonl'),
            calls: open('calls.jsonl'),
            events: open('events.jsonl'),
          };
  }

  /** Notes the intent; the call may be sent once this has returned. */
  intend(intent: Intent): Call {
    const no = this.calls.length;
    const { client, via, op, body } = intent;
    const call: Call = {
      no,
      requestId: `${this.#run}.${no}`,
      client,
      via,
      op,
      body,
      billId: typeof body.billId === 'string' ? body.billId : billOfPart(body.creditId),
      orderId: typeof body.orderId === 'string' ? body.orderId : null,
      reference: referenceOf(intent),
      invokedAt: now(),
      returnedAt: null,
      status: null,
      answer: null,
    };
    this.calls.push(call);
    this.#files?.intents.write(`${JSON.stringify(call)}\n`);
    return call;
  }

  /** Notes the answer; null where there will be none. */
  learn(call: Call, answer: { status: number; body: unknown } | null): void {
    call.returnedAt = answer === null ? null : now();
    call.status = answer?.status ?? null;
    call.answer = trimmed(answer?.body ?? null);
    this.#files?.calls.write(`${JSON.stringify(call)}\n`);
    if (isDone(call) && isChange(call.op) && call.returnedAt !== null) {
      this.acknowledgedAt.push(call.returnedAt);
    }
  }

  hear(
    client: string,
    event: { id: string; billId: string; type: string },
    { way, text }: { readonly way: Way; readonly text: string },
  ): void {
    const no = Number(event.id.slice(event.id.lastIndexOf('-e') + 2));
    const heard = {
      client,
      eventId: event.id,
      billId: event.billId,
      no,
      type: event.type,
      way,
      digest: digestOf(text),
      at: now(),
    };
    this.heard.push(heard);
    this.#files?.events.write(`${JSON.stringify(heard)}\n`);
  }

  reread(client: string, event: { id: string }): void {
    const digest = digestOf(JSON.stringify(event));
    this.rereads.push({ client, eventId: event.id, digest });
  }

  async close(): Promise<void> {
    const files = Object.values(this.#files ?? {});
    await Promise.all(files.map((file) => new Promise((done) => file.end(done))));
  }
}

/** What all calls about one thing have in common. */
export function referenceOf({ client, op, body }: Omit<Intent, 'via'>): string | null {
  switch (op) {
    case 'bill.create':
    case 'order.resolve':
    case 'bill.arm':
      return `order ${client} ${body.orderId}`;
    case 'payment.create':
    case 'payment.get':
    case 'payment.void':
      return `payment ${body.billId} ${client} ${body.paymentRef}`;
    case 'bill.reserve':
      return `reservation ${body.billId} ${client} ${body.reservationRef}`;
    case 'bill.refund':
    case 'payment.refund':
      return `key ${body.billId} ${client} ${body.idempotencyKey}`;
    case 'bill.cancel':
      return body.amount === undefined
        ? `cancel ${body.billId}`
        : `key ${body.billId} ${client} ${body.idempotencyKey}`;
    case 'payment.cancel':
      return body.amount === undefined
        ? `cancelOne ${body.paymentId}`
        : `key ${body.billId} ${client} ${body.idempotencyKey}`;
    case 'bill.confirm':
      return `confirm ${body.billId}`;
    case 'payment.confirm':
      return `confirmOne ${body.paymentId}`;
    case 'bill.release':
      return `release ${body.reservationId}`;
    case 'credit.settle':
      return `credit ${body.creditId}`;
    default:
      return null;
  }
}

function digestOf(text: string): string {
  return createHash('sha1').update(text).digest('base64url');
}

function billOfPart(id: unknown): string | null {
  return typeof id === 'string' ? (id.split('-')[0] ?? null) : null;
}

const BULKY: ReadonlySet<string> = new Set(['qr', 'lines', 'metadata', 'policies', 'merchant']);

/** Without what never changes and nobody compares: a long run must fit into memory. */
function trimmed(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return answer;
  const rest = Object.fromEntries(Object.entries(answer).filter(([name]) => !BULKY.has(name)));
  // What a bank's code says is what the bill can be found by in its books.
  const { qr } = answer as { qr?: { format?: string; payload?: string } | null };
  return qr?.format === 'acquirer' ? { ...rest, payload: qr.payload } : rest;
}
