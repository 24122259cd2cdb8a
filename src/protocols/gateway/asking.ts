// One request to a shard, or the several that it stands for: arming a sticker spans three bills, and who looks at a sticker
// is answered by its sale.

import { parseBillId, shardOfBill } from '../../domain/ids.ts';
import type { Operation, Request } from '../../switch/requests.ts';
import { ELSEWHERE } from '../presenter.ts';
import { armSticker, type OnReply } from './arming.ts';
import type { GatewayOptions } from './options.ts';

/** Calls back exactly once, as the door does. */
export function ask(
  options: Pick<GatewayOptions, 'door' | 'log'>,
  request: Omit<Request, 'seq'>,
  onReply: OnReply,
): void {
  const { operation } = request;
  if (operation.op === 'bill.arm') armSticker(options, { ...request, operation }, onReply);
  else if (isLook(operation)) look(options, { ...request, operation }, onReply);
  else options.door.send(request, onReply);
}

type Look = Extract<Operation, { op: 'bill.view' | 'bill.page' }>;

function isLook(operation: Operation): operation is Look {
  return operation.op === 'bill.view' || operation.op === 'bill.page';
}

function look(
  { door }: Pick<GatewayOptions, 'door'>,
  request: Omit<Request, 'seq'> & { readonly operation: Look },
  onReply: OnReply,
): void {
  door.send(request, (status, body) => {
    const billId = status === ELSEWHERE ? parseBillId(Buffer.from(body).toString()) : undefined;
    if (billId === undefined) {
      onReply(status, body);
      return;
    }
    const { principal, requestId, encoding, operation } = request;
    const sale = { shard: shardOfBill(billId), operation: { op: operation.op, billId } };
    door.send({ ...sale, principal, requestId, encoding }, onReply);
  });
}
