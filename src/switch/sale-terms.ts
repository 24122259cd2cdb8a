// The terms of the dynamic bill that a sticker is armed for: what the arm does not say, the sticker does.

import type { PresentBill } from '../domain/bill/state.ts';
import type { Sale } from '../domain/bill/vocabulary.ts';
import type { ProposedTerms } from './requests.ts';

/** The same for each attempt at the same arm, but for the id. Its own code is an address, whatever is printed. */
export function saleTerms({ terms }: PresentBill, sale: Sale): ProposedTerms {
  const made: ProposedTerms = {
    id: sale.billId,
    type: 'dynamic',
    institutionId: terms.institutionId,
    merchantId: terms.merchantId,
    terminalId: sale.terminalId,
    merchant: terms.merchant,
    orderId: sale.orderId,
    digest: sale.digest,
    purpose: terms.purpose,
    amount: sale.amount,
    currency: terms.currency,
    description: terms.description,
    lines: [],
    metadata: null,
    capture: 'manual',
    confirmWithinMs: terms.confirmWithinMs,
    unconfirmed: terms.unconfirmed,
    qrFormat: 'url',
    returnUrl: null,
    relatedBillId: terms.id,
    expiresInMs: 0,
    validUntil: sale.expiresAt,
  };
  const whole = sale.policies === null ? made : { ...made, policies: sale.policies };
  const tipped = terms.tipMax === undefined ? whole : { ...whole, tipMax: terms.tipMax };
  return terms.mode === undefined ? tipped : { ...tipped, mode: terms.mode };
}
