// Acknowledgements: a list of events is split by bill, each bill's shard is asked, and the counts are added.

import { type BillId, partId, shardOfBill } from '../../domain/ids.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Encoding, ShardDoor } from '../../switch/requests.ts';
import { recipientOf } from '../../switch/visibility.ts';
import { eventsByBill } from '../operations/addressing.ts';
import { encodeBody } from '../presenter.ts';
import type { Inboxes } from './inboxes.ts';
import { type Answered, guarded, type OnReply } from './wall.ts';

export interface Acknowledgement {
  readonly ids: readonly string[];
  readonly principal: Principal;
  readonly requestId: string;
  readonly encoding: Encoding;
}

/**
 * Answers once, when all shards have answered: with the sum, or with the first answer that says that a shard could
 * not take it (then some may be taken, and sending all of them again is safe).
 */
export function acknowledge(
  to: { readonly door: ShardDoor; readonly inboxes: Inboxes },
  request: Acknowledgement,
  whose: Answered,
): void {
  const { principal, requestId, encoding } = request;
  const numbersByBill = eventsByBill(request.ids, to.door.shards);
  const sum = new Sum(numbersByBill.size, encoding, (status, body) => whose.reply(status, body));
  // What is added up here is asked for in JSON; a single answer passes through as the client wants it.
  const asked: Encoding = numbersByBill.size === 1 ? encoding : 'json';
  for (const [billId, nos] of numbersByBill) {
    const operation = { op: 'event.ack', billId, nos } as const;
    const shard = shardOfBill(billId);
    const onReply = guarded(whose, (status: number, body: Uint8Array) => {
      if (status === 200 || status === 404) settled(to.inboxes, principal, billId, nos);
      sum.add(status, body);
    });
    to.door.send({ shard, principal, requestId, encoding: asked, operation }, onReply);
  }
}

/** Adds up what the shards of one list answer. */
class Sum {
  readonly #encoding: Encoding;
  readonly #onReply: OnReply;
  readonly #isAlone: boolean;
  #open: number;
  #count = 0;
  #failed: { status: number; body: Uint8Array } | null = null;

  constructor(bills: number, encoding: Encoding, onReply: OnReply) {
    this.#open = bills;
    this.#isAlone = bills === 1;
    this.#encoding = encoding;
    this.#onReply = onReply;
    if (bills === 0) this.#finish();
  }

  add(status: number, body: Uint8Array): void {
    this.#open -= 1;
    // An event of a bill that is unknown to the caller is an unknown event: ignored.
    if (this.#isAlone && status !== 404) {
      this.#onReply(status, body);
      return;
    }
    if (status === 200) this.#count += countOf(body);
    else if (status !== 404) this.#failed ??= { status, body: translated(body, this.#encoding) };
    if (this.#open === 0) this.#finish();
  }

  #finish(): void {
    if (this.#failed !== null) this.#onReply(this.#failed.status, this.#failed.body);
    else this.#onReply(200, encodeBody({ acknowledged: this.#count }, this.#encoding));
  }
}

function settled(
  inboxes: Inboxes,
  principal: Principal,
  billId: BillId,
  nos: readonly number[],
): void {
  const recipient = recipientOf(principal);
  if (recipient === undefined) return;
  inboxes.acknowledged(
    recipient,
    nos.map((no) => partId(billId, 'e', no)),
  );
}

function translated(body: Uint8Array, encoding: Encoding): Uint8Array {
  return encoding === 'json'
    ? body
    : encodeBody(JSON.parse(Buffer.from(body).toString('utf8')), encoding);
}

function countOf(body: Uint8Array): number {
  const { acknowledged } = JSON.parse(Buffer.from(body).toString('utf8')) as {
    acknowledged: number;
  };
  return acknowledged;
}
