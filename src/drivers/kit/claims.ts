// What the conformance kit has codes made of.

import {
  type BillId,
  makeBillId,
  type Reference,
  type ShardId,
  type TerminalId,
} from '../../domain/ids.ts';
import type { Currency, Minor } from '../../domain/money.ts';
import { millis } from '../../domain/time.ts';
import type { QrClaim } from '../../switch/qr.ts';

const AT = millis(1_767_225_600_000);
const billOf = (fill: number) => makeBillId(AT, 3 as ShardId, Buffer.alloc(13, fill));

export const OTHER_BILL = billOf(2);

const AT_ONCE = 16;

export function manyBills(): readonly BillId[] {
  return Array.from({ length: AT_ONCE }, (_, no) => billOf(100 + no));
}

/** Names as merchants have them. */
export const NAMES = [
  'Corner Coffee',
  'Кофейня на углу',
  '最佳运输',
  '🚕'.repeat(30),
  '"\\<&>',
  '',
];

export function claimOf({
  usage = 'single',
  amount = 1_250_00,
  currency = 'RUB',
}: {
  readonly usage?: QrClaim['usage'];
  readonly amount?: number | null;
  readonly currency?: string;
}): QrClaim {
  return {
    billId: billOf(1),
    usage,
    amount: amount as Minor | null,
    takesTip: false,
    currency: currency as Currency,
    merchant: { name: 'Corner Coffee', city: 'Springfield' },
    orderId: 'an-order-of-the-kit' as Reference,
    terminalId: 'ter_0a1b2c3d4e5f6' as TerminalId,
    settings: { format: 'url', country: 'RU', category: '5814', sbpMember: '100000000999' },
  };
}
