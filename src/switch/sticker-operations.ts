// What is asked of stickers, and how they answer. What lies between an arm's beginning and its end is the gateway's.

import type { PresentBill } from '../domain/bill/state.ts';
import { saleCarried } from '../domain/bill/sticker.ts';
import type { StickerCommand } from '../domain/bill/vocabulary.ts';
import type { PaychannelId } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { Operation, Reply } from './requests.ts';

type Arm = Extract<Operation, { op: 'bill.arm' }>;
type End = Extract<Operation, { op: 'sticker.end' }>;
type Get = Extract<Operation, { op: 'sticker.get' }>;
type Look = Extract<Operation, { op: 'bill.view' | 'bill.page' }>;

export function stickerCommand(operation: Arm | End): StickerCommand {
  if (operation.op === 'bill.arm') return { type: 'ArmSticker', sale: operation.sale };
  const { attempt, saleId } = operation;
  return { type: 'EndArming', attempt, saleId };
}

export function replyOfSticker(operation: Arm | End | Get, bill: PresentBill): Reply {
  if (operation.op === 'sticker.get') return { kind: 'sticker', bill, saleId: null };
  const order = operation.op === 'bill.arm' ? operation.sale : operation;
  return { kind: 'sticker', bill, saleId: saleCarried(bill, order) };
}

/** Who looks at a sticker sees its sale, whatever has become of that, until the code is withdrawn or over. */
export function replyToLook(
  { op }: Look,
  bill: PresentBill,
  paychannelId: PaychannelId,
  now: Millis,
): Reply {
  const carried = bill.sticker?.carried ?? null;
  if (carried !== null && bill.status === 'open') {
    return { kind: 'elsewhere', billId: carried.billId };
  }
  return op === 'bill.page'
    ? { kind: 'page', bill, now }
    : { kind: 'view', bill, paychannelId, now };
}
