// A credit as a tuple. Its places are for ever (K1 in bill-codec.ts).

import type { Credit, CreditResolution } from '../../domain/bill/vocabulary.ts';
import type { Millis } from '../../domain/time.ts';
import { words } from './words.ts';

const CREDIT_KINDS = words<Credit['kind']>('reversal', 'refund');
const ORIGINS = words<NonNullable<Credit['origin']>>('external');
const CREDIT_STATUSES = words<Credit['status']>('pending', 'settled', 'rejected');

type StoredCredit = readonly [
  ...ReturnType<typeof storeUsualCredit>,
  isTip?: true | null,
  replaces?: number | null,
  resolution?: StoredResolution | null,
  origin?: number,
];
type StoredResolution = readonly [creditNo: number] | readonly [reference: string, at: Millis];

/** Few credits are rejected, fewer requested again or given at an acquirer by hand: the others have no place for that. */
export function storeCredit(credit: Credit): StoredCredit {
  const usual = storeUsualCredit(credit);
  const { isTip = null, replaces = null, resolution, origin } = credit;
  if (origin !== undefined) {
    const resolved = resolution === undefined ? null : storeResolution(resolution);
    return [...usual, isTip, replaces, resolved, ORIGINS.place(origin)];
  }
  if (resolution !== undefined) return [...usual, isTip, replaces, storeResolution(resolution)];
  if (replaces !== null) return [...usual, isTip, replaces];
  return isTip === null ? usual : [...usual, isTip];
}

function storeResolution(resolution: CreditResolution): StoredResolution {
  if (resolution.how === 'requestedAgain') return [resolution.creditNo];
  return [resolution.reference, resolution.at];
}

function restoreResolution(stored: StoredResolution): CreditResolution {
  if (stored.length === 1) return { how: 'requestedAgain', creditNo: stored[0] };
  return { how: 'returnedOtherwise', reference: stored[0], at: stored[1] };
}

function storeUsualCredit(credit: Credit) {
  return [
    credit.no,
    CREDIT_KINDS.place(credit.kind),
    credit.paymentNo,
    credit.paychannelId,
    credit.paymentRef,
    credit.amount,
    CREDIT_STATUSES.place(credit.status),
    credit.reason,
    credit.reference,
    credit.requestedAt,
    credit.settledAt,
    credit.repeats,
    credit.settledReason,
  ] as const;
}

export function restoreCredit(stored: StoredCredit): Credit {
  const credit: { -readonly [Key in keyof Credit]: Credit[Key] } = {
    no: stored[0],
    kind: CREDIT_KINDS.word(stored[1]),
    paymentNo: stored[2],
    paychannelId: stored[3],
    paymentRef: stored[4],
    amount: stored[5],
    status: CREDIT_STATUSES.word(stored[6]),
    reason: stored[7],
    reference: stored[8],
    requestedAt: stored[9],
    settledAt: stored[10],
    repeats: stored[11],
    settledReason: stored[12],
  };
  const [isTip, replaces, resolution, origin] = [stored[13], stored[14], stored[15], stored[16]];
  if (isTip) credit.isTip = true;
  if (replaces != null) credit.replaces = replaces;
  if (resolution != null) credit.resolution = restoreResolution(resolution);
  if (origin !== undefined) credit.origin = ORIGINS.word(origin);
  return credit;
}
