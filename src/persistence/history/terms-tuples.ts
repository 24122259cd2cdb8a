// The terms of a bill as tuples: what every type has, what one type adds, its policies. Their places are for ever (K1 in
// bill-codec.ts).

import type {
  AtAcquirer,
  Line,
  Offer,
  OwnQrFormat,
  Policies,
  Stay,
  Terms,
} from '../../domain/bill/vocabulary.ts';
import type { Minor } from '../../domain/money.ts';
import { asText, fromText, optional } from './part-tuples.ts';
import { words } from './words.ts';

export const TYPES = words<Terms['type']>('dynamic', 'static', 'timer');
const PURPOSES = words<Terms['purpose']>('sale', 'prepayment');
const CAPTURES = words<Terms['capture']>('manual', 'auto');
const UNCONFIRMED = words<Terms['unconfirmed']>('confirm', 'reverse');
const LATE = words<Policies['late']>('refuse', 'accept');
const EXCESS = words<Policies['excess']>('refuse', 'reverse');
const PART = words<Policies['part']>('allow', 'forbid');
const USAGES = words<Offer['usage']>('single', 'many');
/** Live is what has none. */
const MODES = words<'test'>('test');
const QR_FORMATS = words<OwnQrFormat>('url', 'emvco', 'sbp');

type StoredTerms = readonly [
  ...ReturnType<typeof storeCommonTerms>,
  ofType?: StoredOffer | StoredStay | null,
  policies?: StoredPolicies | null,
  tipMax?: Minor | null,
  mode?: number | null,
  acquirer?: StoredAcquirer,
];
type StoredAcquirer = ReturnType<typeof storeAcquirer>;

/**
 * What its type adds, an offer or a stay, then its policies, its tip, its mode and its acquirer. Dynamic bills have nothing of the first, few
 * bills have policies or a tip of their own, and most are live: their rows have no place for them.
 */
export function storeTerms(terms: Terms): StoredTerms {
  const common = storeCommonTerms(terms);
  const { policies, tipMax, mode, acquirer } = terms;
  const ofType = storeOfType(terms);
  if (acquirer !== undefined) {
    const own = optional(policies ?? null, storePolicies);
    const place = mode === undefined ? null : MODES.place(mode);
    return [...common, ofType, own, tipMax ?? null, place, storeAcquirer(acquirer)];
  }
  if (mode !== undefined) {
    const own = optional(policies ?? null, storePolicies);
    return [...common, ofType, own, tipMax ?? null, MODES.place(mode)];
  }
  if (tipMax !== undefined) {
    return [...common, ofType, optional(policies ?? null, storePolicies), tipMax];
  }
  if (policies !== undefined) return [...common, ofType, storePolicies(policies)];
  return ofType === null ? common : [...common, ofType];
}

function storeOfType({ offer, stay }: Terms): StoredOffer | StoredStay | null {
  if (stay !== undefined) return storeStay(stay);
  return offer === undefined ? null : storeOffer(offer);
}

export function restoreTerms(stored: StoredTerms): Terms {
  const terms: { -readonly [Key in keyof Terms]: Terms[Key] } = restoreCommonTerms(stored);
  const ofType = stored[OF_TYPE_PLACE] ?? null;
  const policies = stored[POLICIES_PLACE] ?? null;
  const tipMax = stored[TIP_PLACE] ?? null;
  const mode = stored[MODE_PLACE] ?? null;
  const acquirer = stored[ACQUIRER_PLACE];
  if (ofType !== null && terms.type === 'timer') terms.stay = restoreStay(ofType as StoredStay);
  else if (ofType !== null) terms.offer = restoreOffer(ofType as StoredOffer);
  if (policies !== null) terms.policies = restorePolicies(policies);
  if (tipMax !== null) terms.tipMax = tipMax;
  if (mode !== null) terms.mode = MODES.word(mode);
  if (acquirer !== undefined) terms.acquirer = restoreAcquirer(acquirer);
  return terms;
}

const OF_TYPE_PLACE = 23;
const POLICIES_PLACE = 24;
const TIP_PLACE = 25;
const MODE_PLACE = 26;
export const ACQUIRER_PLACE = 27;

function storeAcquirer({ name, paychannelId, closesByItself, partialRefund }: AtAcquirer) {
  return [name, paychannelId, closesByItself, partialRefund] as const;
}

function restoreAcquirer(stored: ReturnType<typeof storeAcquirer>): AtAcquirer {
  const [name, paychannelId, closesByItself, partialRefund] = stored;
  return { name, paychannelId, closesByItself, partialRefund };
}

type StoredPolicies = ReturnType<typeof storePolicies>;

export function storePolicies({ late, excess, part }: Policies) {
  return [LATE.place(late), EXCESS.place(excess), PART.place(part)] as const;
}

export function restorePolicies([late, excess, part]: StoredPolicies): Policies {
  return { late: LATE.word(late), excess: EXCESS.word(excess), part: PART.word(part) };
}

type StoredStay = ReturnType<typeof storeStay>;

/** A tariff is read whole or not at all, and says all in plain JSON. */
function storeStay({ startedAt, tariff }: Stay) {
  return [startedAt, JSON.stringify(tariff)] as const;
}

function restoreStay([startedAt, tariff]: StoredStay): Stay {
  return { tariff: JSON.parse(tariff) as Stay['tariff'], startedAt };
}

type StoredOffer = ReturnType<typeof storeOffer>;

function storeOffer(offer: Offer) {
  const { usage, minAmount, maxAmount, maxPayments, maxTotal, validFrom } = offer;
  return [USAGES.place(usage), minAmount, maxAmount, maxPayments, maxTotal, validFrom] as const;
}

function restoreOffer(stored: StoredOffer): Offer {
  const [usage, minAmount, maxAmount, maxPayments, maxTotal, validFrom] = stored;
  return { usage: USAGES.word(usage), minAmount, maxAmount, maxPayments, maxTotal, validFrom };
}

function storeCommonTerms(terms: Terms) {
  return [
    terms.id,
    TYPES.place(terms.type),
    terms.institutionId,
    terms.merchantId,
    terms.terminalId,
    terms.merchant.name,
    terms.merchant.city,
    terms.orderId,
    terms.digest,
    PURPOSES.place(terms.purpose),
    terms.amount,
    terms.currency,
    terms.description,
    terms.lines.map((line) => [line.name, line.quantity, line.price, line.amount] as const),
    asText(terms.metadata),
    CAPTURES.place(terms.capture),
    terms.confirmWithinMs,
    UNCONFIRMED.place(terms.unconfirmed),
    storeCode(terms),
    terms.returnUrl,
    terms.relatedBillId,
    terms.createdAt,
    terms.expiresAt,
  ] as const;
}

/**
 * Formats that came later than `url` stand with their text, and those of drivers by their name. A switch that does not know
 * such a place refuses it (K1 in bill-codec.ts).
 */
function storeCode({
  qrFormat,
  qrPayload,
}: Terms): number | readonly [format: number | string, payload: string] {
  const place = QR_FORMATS.placeIn(qrFormat) ?? qrFormat;
  if (qrPayload !== undefined) return [place, qrPayload];
  return QR_FORMATS.place(qrFormat as OwnQrFormat);
}

function restoreCode(stored: ReturnType<typeof storeCode>): Pick<Terms, 'qrFormat' | 'qrPayload'> {
  if (typeof stored === 'number') return { qrFormat: QR_FORMATS.word(stored) };
  const [format, qrPayload] = stored;
  return { qrFormat: typeof format === 'number' ? QR_FORMATS.word(format) : format, qrPayload };
}

function restoreCommonTerms(stored: StoredTerms): Terms {
  return {
    id: stored[0],
    type: TYPES.word(stored[1]),
    institutionId: stored[2],
    merchantId: stored[3],
    terminalId: stored[4],
    merchant: { name: stored[5], city: stored[6] },
    orderId: stored[7],
    digest: stored[8],
    purpose: PURPOSES.word(stored[9]),
    amount: stored[10],
    currency: stored[11],
    description: stored[12],
    lines: stored[13].map(
      ([name, quantity, price, amount]): Line => ({ name, quantity, price, amount }),
    ),
    metadata: fromText(stored[14]) as Terms['metadata'],
    capture: CAPTURES.word(stored[15]),
    confirmWithinMs: stored[16],
    unconfirmed: UNCONFIRMED.word(stored[17]),
    ...restoreCode(stored[18]),
    returnUrl: stored[19],
    relatedBillId: stored[20],
    createdAt: stored[21],
    expiresAt: stored[22],
  };
}
