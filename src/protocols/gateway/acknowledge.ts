// Acknowledgements: a list of events is split by bill, each bill's shard is asked, and the counts are added.

import { type BillId, partId, shardOfBill } from '../../domain/ids.ts';
import type { Principal } from '../../switch/ports.ts';
import type { Encoding, ShardDoor } from '../../switch/requests.ts';
import { recipientOf } from '../../switch/use-cases.ts';
import { eventsByBill } from '../operations.ts';
import { encodeBody } from '../presenter.ts';
import type { Inboxes } from './inboxes.ts';

export interface Acknowledgement {
  readonly ids: readonly string[];
  readonly principal: Principal;
  readonly requestId: string;
  readonly encoding: Encoding;
}

/**
 * Calls back once, when all shards have answered: with the sum, or with the first answer that says that a shard could
 * not take it (then some may be taken, and sending all of them again is safe).
 */
export function acknowledge(
  to: { readonly door: ShardDoor; readonly inboxes: Inboxes },
  request: Acknowledgement,
  onReply: (status: number, body: Uint8Array) => void,
): void {
  const { principal, requestId, encoding } = request;
  const numbersByBill = eventsByBill(request.ids, to.door.shards);
  let open = numbersByBill.size;
  let sum = 0;
  let failed: { status: number; body: Uint8Array } | null = null;
  const finish = (): void => {
    if (failed !== null) onReply(failed.status, failed.body);
    else onReply(200, encodeBody({ acknowledged: sum }, encoding));
  };
  if (open === 0) {
    finish();
    return;
  }
  for (const [billId, nos] of numbersByBill) {
    const operation = { op: 'event.ack', billId, nos } as const;
    const isAlone = numbersByBill.size === 1;
    // What is added up here is asked for in JSON; a single answer passes through as the client wants it.
    const asked: Encoding = isAlone ? encoding : 'json';
    const shard = shardOfBill(billId);
    to.door.send({ shard, principal, requestId, encoding: asked, operation }, (status, body) => {
      if (status === 200 || status === 404) settled(to.inboxes, principal, billId, nos);
      if (isAlone && status !== 404) {
        onReply(status, body);
        return;
      }
      if (status === 200) sum += countOf(body);
      // An event of a bill that is unknown to the caller is an unknown event: ignored.
      else if (status !== 404) failed ??= { status, body: translated(body, encoding) };
      open -= 1;
      if (open === 0) finish();
    });
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
