// One request to a shard, or the several that it stands for: arming a sticker spans three bills, and who looks at a sticker
// is answered by its sale.

import { parseBillId, shardOfBill } from '../../domain/ids.ts';
import type { Operation, Request } from '../../switch/requests.ts';
import { ELSEWHERE } from '../presenter.ts';
import { armSticker } from './arming.ts';
import type { GatewaySurroundings } from './options.ts';
import { type Answered, guarded, replyTo } from './wall.ts';

/** Answers once, as the door does. */
export function ask(
  options: Pick<GatewaySurroundings, 'door' | 'log'>,
  request: Omit<Request, 'seq'>,
  whose: Answered,
): void {
  const { operation } = request;
  if (operation.op === 'bill.arm') armSticker(options, { ...request, operation }, replyTo(whose));
  else if (isLook(operation)) look(options, { ...request, operation }, whose);
  else options.door.send(request, replyTo(whose));
}

type Look = Extract<Operation, { op: 'bill.view' | 'bill.page' }>;

function isLook(operation: Operation): operation is Look {
  return operation.op === 'bill.view' || operation.op === 'bill.page';
}

function look(
  { door }: Pick<GatewaySurroundings, 'door'>,
  request: Omit<Request, 'seq'> & { readonly operation: Look },
  whose: Answered,
): void {
  const onReply = guarded(whose, (status: number, body: Uint8Array) => {
    const billId = status === ELSEWHERE ? parseBillId(Buffer.from(body).toString()) : undefined;
    if (billId === undefined) {
      whose.reply(status, body);
      return;
    }
    const { principal, requestId, encoding, operation } = request;
    const sale = { shard: shardOfBill(billId), operation: { op: operation.op, billId } };
    door.send({ ...sale, principal, requestId, encoding }, replyTo(whose));
  });
  door.send(request, onReply);
}
