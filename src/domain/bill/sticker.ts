// A sticker: a static bill at a till that carries one sale at a time, each a dynamic bill of its own. Arming it spans three
// bills, so it is begun here, done elsewhere, and ended here.
//
//   ──begin──▶ arming ──the earlier sale is void, the new one is there──▶ armed: who looks sees the new sale
//                 └────the earlier sale is paid, or there can be no new one──▶ as it was before
//
//   S1. One arm at a time. Another's waits until this one has ended, and may end it: each step says the same when repeated.
//   S2. The arm of the sale that it carries changes nothing when it is repeated, whatever else is under way.
//   S3. From its first arm on a sticker takes nothing itself: who has scanned it pays a sale, and names it.
//   S4. No arm stays under way for ever: the switch drives on what whoever began it has left, for as long as the order
//       means the same. After that the bill that it was to make may have come and gone, and nobody would know it again.

import { must } from '../assert.ts';
import type { BillId } from '../ids.ts';
import { type Millis, NEVER, plus } from '../time.ts';
import { isTooEarly } from './offer.ts';
import { closedReason } from './payable.ts';
import type { PresentBill, Sticker } from './state.ts';
import {
  ARMING_REPEAT_MAX_MS,
  ARMING_REPEAT_MS,
  type BillDecision,
  type BillRejection,
  type CommandOf,
  type FactOf,
  type NotArmableReason,
  type ProposedSale,
  SALE_LIFE_MS,
  type Sale,
} from './vocabulary.ts';

export type StickerFact = FactOf<
  'ArmingBegun' | 'ArmingRepeated' | 'ArmingGivenUp' | 'StickerArmed'
>;

/**
 * Begins an arm. Nothing follows while another is under way, of the same order too: the caller ends that one, and asks
 * again.
 */
export function arm(
  bill: PresentBill,
  { sale }: CommandOf<'ArmSticker'>,
  now: Millis,
): BillDecision {
  const carried = bill.sticker?.carried ?? null;
  if (carried !== null && isSaleOf(carried, sale) && now - carried.armedAt < SALE_LIFE_MS) {
    return carried.digest === sale.digest ? [] : reused(carried.billId);
  }
  if (bill.sticker?.arming != null) return [];
  const reason = notArmableReason(bill, now);
  if (reason !== null) return { rejected: 'bill.notArmable', reason };

  return [{ type: 'ArmingBegun', sale: saleAt(sale, now), repeatAt: plus(now, ARMING_REPEAT_MS) }];
}

/** Ends the arm that is meant; one that has ended stays as it ended. */
export function endArming(
  bill: PresentBill,
  { attempt, saleId }: CommandOf<'EndArming'>,
): BillDecision {
  if (bill.sticker?.arming?.billId !== attempt) return [];
  if (saleId === null || bill.status !== 'open') return [{ type: 'ArmingGivenUp' }];

  return [{ type: 'StickerArmed', saleId }];
}

/** The arm under way is driven on; less and less often, where that does not end it, and not for ever. */
export function repeatArming({ armedAt }: Sale, now: Millis): StickerFact[] {
  const leftMs = armedAt + SALE_LIFE_MS - now;
  if (leftMs <= 0) return [{ type: 'ArmingGivenUp' }];
  const waitMs = Math.min(Math.max(now - armedAt, ARMING_REPEAT_MS), ARMING_REPEAT_MAX_MS, leftMs);
  return [{ type: 'ArmingRepeated', repeatAt: plus(now, waitMs) }];
}

/** What the fact makes of the sticker; undefined where it cannot follow. */
export function stickerAfter(
  sticker: Sticker | null,
  fact: StickerFact,
): Sticker | null | undefined {
  const carried = sticker?.carried ?? null;
  const arming = sticker?.arming ?? null;
  if (fact.type === 'ArmingBegun') {
    return arming === null ? { carried, arming: fact.sale, repeatAt: fact.repeatAt } : undefined;
  }
  if (arming === null) return undefined;
  switch (fact.type) {
    case 'ArmingRepeated':
      return { carried, arming, repeatAt: fact.repeatAt };
    case 'ArmingGivenUp':
      return carried === null ? null : { carried, arming: null, repeatAt: NEVER };
    default:
      return { carried: { ...arming, billId: fact.saleId }, arming: null, repeatAt: NEVER };
  }
}

/** The bill of the order's sale, if the sticker carries it and no later arm of that order is under way. */
export function saleCarried(bill: PresentBill, order: Order): BillId | null {
  const { carried, arming } = bill.sticker ?? NO_SALES;
  if (carried === null || !isSaleOf(carried, order)) return null;
  return arming !== null && isSaleOf(arming, order) ? null : carried.billId;
}

const NO_SALES = { carried: null, arming: null } as const;

type Order = Pick<Sale, 'terminalId' | 'orderId'>;

/** Whether it is the same order of the same terminal. */
function isSaleOf(sale: Order, other: Order): boolean {
  return sale.orderId === other.orderId && sale.terminalId === other.terminalId;
}

function reused(billId: BillId): BillRejection {
  return { rejected: 'order.reused', billId };
}

function notArmableReason(bill: PresentBill, now: Millis): NotArmableReason | null {
  const closed = closedReason(bill);
  if (closed !== null) return closed;
  if (isTooEarly(must(bill.terms.offer, 'the offer of a static bill'), now)) return 'notYetValid';
  if (now >= bill.terms.expiresAt) return 'expired';
  // What was promised to a payer of its own is kept first.
  return bill.reservations.length > 0 ? 'reserved' : null;
}

function saleAt({ ttlMs, ...sale }: ProposedSale, now: Millis): Sale {
  return { ...sale, armedAt: now, expiresAt: plus(now, ttlMs) };
}
