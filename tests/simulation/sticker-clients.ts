// What tills do with stickers: print one, arm it for a sale, arm it again, or for another amount under the same order.

import type { BillId, TerminalId } from '../../src/domain/ids.ts';
import type { Minor } from '../../src/domain/money.ts';
import { NEVER, SECOND_MS } from '../../src/domain/time.ts';
import type { Operation, ProposedTerms } from '../../src/switch/requests.ts';
import type { Client } from './clients.ts';

/** `print`: the terms of some printed code. */
export function stickerOperation(till: Client, print: () => ProposedTerms): Operation {
  const { world } = till;
  const { choices } = world;
  const billId = world.latestSticker;
  if (billId === null || choices.chance(0.03)) {
    return { op: 'bill.create', terms: stickerTerms(print()) };
  }
  const used = choices.chance(0.3) ? till.again() : undefined;
  if (used?.op === 'bill.arm') return choices.chance(0.8) ? used : armed(used, 1);
  const amount = choices.pick([3, 6, 10]) as Minor;
  return {
    op: 'bill.arm',
    billId,
    sale: {
      // The gateway draws it.
      billId: '' as BillId,
      terminalId: till.principal.id as TerminalId,
      orderId: till.ref(),
      digest: `arm ${amount}`,
      amount,
      policies: null,
      ttlMs: choices.pick([4, 30, 900]) * SECOND_MS,
    },
  };
}

/** Open to everybody, for good. */
function stickerTerms({ policies: _, ...terms }: ProposedTerms): ProposedTerms {
  const range = { minAmount: 2, maxAmount: 5 } as { minAmount: Minor; maxAmount: Minor };
  const limits = { maxPayments: null, maxTotal: null, validFrom: null };
  return {
    ...terms,
    amount: 0 as Minor,
    capture: 'auto',
    digest: 'create sticker',
    offer: { usage: 'many', ...range, ...limits },
    validUntil: NEVER,
  };
}

/** The same order for another sale. */
function armed(arm: Extract<Operation, { op: 'bill.arm' }>, more: number): Operation {
  const amount = (arm.sale.amount + more) as Minor;
  return { ...arm, sale: { ...arm.sale, amount, digest: `arm ${amount}` } };
}
