// Terms as a shard makes them of what a terminal proposed: with their times.

import type { Stay, Terms } from '../domain/bill/vocabulary.ts';
import { lastChargeable } from '../domain/tariff/tariff.ts';
import { type Millis, millis, plus } from '../domain/time.ts';
import type { ProposedStay, ProposedTerms } from './requests.ts';

/**
 * The terms of a bill created now. Written out member by member: made by leaving the proposal's own members out, each
 * bill's terms would have a hidden class of their own (measured: 700 bytes a bill), and all code that reads them would
 * be slow.
 */
export function termsAt(proposed: ProposedTerms, now: Millis): Terms {
  const terms: { -readonly [Key in keyof Terms]: Terms[Key] } = {
    id: proposed.id,
    type: proposed.type,
    institutionId: proposed.institutionId,
    merchantId: proposed.merchantId,
    terminalId: proposed.terminalId,
    merchant: proposed.merchant,
    orderId: proposed.orderId,
    digest: proposed.digest,
    purpose: proposed.purpose,
    amount: proposed.amount,
    currency: proposed.currency,
    description: proposed.description,
    lines: proposed.lines,
    metadata: proposed.metadata,
    capture: proposed.capture,
    confirmWithinMs: proposed.confirmWithinMs,
    unconfirmed: proposed.unconfirmed,
    qrFormat: proposed.qrFormat,
    returnUrl: proposed.returnUrl,
    relatedBillId: proposed.relatedBillId,
    createdAt: now,
    expiresAt: proposed.validUntil ?? plus(now, proposed.expiresInMs),
  };
  if (proposed.qrPayload !== undefined) terms.qrPayload = proposed.qrPayload;
  if (proposed.offer !== undefined) terms.offer = proposed.offer;
  if (proposed.policies !== undefined) terms.policies = proposed.policies;
  if (proposed.tipMax !== undefined) terms.tipMax = proposed.tipMax;
  if (proposed.mode !== undefined) terms.mode = proposed.mode;
  if (proposed.acquirer !== undefined) terms.acquirer = proposed.acquirer;
  if (proposed.stay !== undefined) {
    const stay = stayAt(proposed.stay, now);
    terms.stay = stay;
    // Beyond its last moment, a stay has no price.
    terms.expiresAt = millis(Math.min(terms.expiresAt, lastChargeable(stay.startedAt)));
  }
  return terms;
}

/** A stay that says not when it started starts now; or with its tariff, by whose first day another clock may be ahead. */
function stayAt({ tariff, startedAt }: ProposedStay, now: Millis): Stay {
  const first = tariff.versions[0]?.effectiveFrom ?? now;
  return { tariff, startedAt: startedAt ?? millis(Math.max(now, first)) };
}
