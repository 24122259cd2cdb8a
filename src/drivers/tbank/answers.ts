// What T-Bank's answers mean in the words of the contract. One table of error codes, and one of statuses.

import { type Minor, minor, subtract, ZERO } from '../../domain/money.ts';
import type { Again, NotDoneCode, Registration, Sighting } from '../contract/bill-driver.ts';
import type { TbankDriverSettings } from './settings.ts';

const SOON_MS = 5_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

interface Meaning {
  readonly code: NotDoneCode;
  readonly again: Again;
}

const later = (code: NotDoneCode, afterMs: number): Meaning => ({ code, again: { afterMs } });
const never = (code: NotDoneCode): Meaning => ({ code, again: 'never' });

/** Codes that say that nothing was done. */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ['2', never('unfit')],
  ['4', later('closed', MINUTE_MS)],
  ['8', later('closed', MINUTE_MS)],
  ['12', never('unfit')],
  ['202', later('unauthorised', HOUR_MS)],
  ['204', later('unauthorised', HOUR_MS)],
  ['205', later('unauthorised', HOUR_MS)],
  ['237', never('unfit')],
  ['240', never('unfit')],
  ['251', never('unfit')],
  ['255', never('unregistered')],
  ['322', later('unauthorised', HOUR_MS)],
  ['330', never('exceeds')],
  ['335', never('unregistered')],
  ['402', later('busy', SOON_MS)],
  ['501', later('unauthorised', HOUR_MS)],
  ['620', never('unfit')],
  ['3001', never('refused')],
  ['3019', never('refused')],
  // SBP lets a refund fail once an hour and five times a day for a payment: another attempt waits that long.
  ['3002', later('refused', HOUR_MS)],
  ['3008', never('refused')],
  ['3009', later('refused', HOUR_MS)],
  ['3016', never('unfit')],
  ['3017', never('unfit')],
  ['3028', later('refused', HOUR_MS)],
  ['3029', later('usedUp', HOUR_MS)],
  ['3030', later('usedUp', DAY_MS)],
  ['3031', later('refused', HOUR_MS)],
  ['3037', never('refused')],
  ['3038', never('refused')],
  ['3041', later('usedUp', HOUR_MS)],
  ['3042', later('usedUp', DAY_MS)],
]);

/** Undefined for a code that does not say whether anything was done, as 3, 99, 3040 and those that are not known. */
export function meaningOf(errorCode: string): Meaning | undefined {
  return MEANINGS.get(errorCode);
}

const FINAL: ReadonlyMap<string, Sighting['status']> = new Map([
  ['CANCELED', 'cancelled'],
  ['DEADLINE_EXPIRED', 'expired'],
  ['ATTEMPTS_EXPIRED', 'failed'],
  ['REJECTED', 'failed'],
  ['AUTH_FAIL', 'failed'],
]);
/** What such a code refuses is the call, and not the payment that it is about. */
const OF_CALL: ReadonlySet<NotDoneCode> = new Set([
  'unauthorised',
  'busy',
  'unregistered',
  'unfit',
]);

/** Of a payment that has failed the bank may say so with `Success: false`, and why: that is an answer all the same. */
export function saysHowItEnded(status: string, errorCode: string): boolean {
  const meaning = meaningOf(errorCode);
  return FINAL.has(status) && (meaning === undefined || !OF_CALL.has(meaning.code));
}

const OPEN = new Set(['NEW', 'FORM_SHOWED']);
const PAYING = new Set([
  'AUTHORIZING',
  'AUTHORIZED',
  'CONFIRMING',
  'CONFIRM_CHECKING',
  'PREAUTHORIZING',
]);
const RETURNING = new Set(['REFUNDING', 'ASYNC_REFUNDING', 'REVERSING']);
const RETURNED = new Set(['REFUNDED', 'REVERSED']);
const PARTLY = new Set(['PARTIAL_REFUNDED', 'PARTIAL_REVERSED']);

export interface State {
  readonly Status: string;
  readonly Amount: number;
}

/** What GetState says; undefined for a status that no paper of the bank names for SBP, or an amount that cannot be. */
export function sightingOf(
  { Status, Amount }: State,
  registration: Pick<Registration, 'amount'>,
  settings: Pick<TbankDriverSettings, 'amountInState'>,
): Sighting | undefined {
  const base = { paid: ZERO, returned: ZERO, isReturning: false, reference: null, payer: null };
  const final = FINAL.get(Status);
  if (final !== undefined) return { ...base, status: final };
  if (OPEN.has(Status)) return { ...base, status: 'open' };
  if (PAYING.has(Status)) return { ...base, status: 'paying' };

  const paid = { ...base, status: 'paid', paid: registration.amount } as const;
  if (Status === 'CONFIRMED') return paid;
  if (RETURNED.has(Status)) return { ...paid, returned: registration.amount };
  const returned = returnedOf(Amount, registration.amount, settings);
  if (RETURNING.has(Status)) return { ...paid, returned: returned ?? ZERO, isReturning: true };
  return PARTLY.has(Status) && isPart(returned, registration) ? { ...paid, returned } : undefined;
}

/** "In part" of nothing or of all: Amount is not what `amountInState` says, and what has been given back is not known. */
function isPart(
  returned: Minor | undefined,
  { amount }: Pick<Registration, 'amount'>,
): returned is Minor {
  return returned !== undefined && returned > 0 && returned < amount;
}

function returnedOf(
  left: number,
  amount: Minor,
  { amountInState }: Pick<TbankDriverSettings, 'amountInState'>,
): Minor | undefined {
  if (amountInState === 'original' || left > amount) return undefined;
  return subtract(amount, minor(left));
}
