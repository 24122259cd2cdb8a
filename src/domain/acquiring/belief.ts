// What is believed of a sighting: an acquirer that contradicts itself is asked again, and nothing is sent meanwhile.

import { add, type Minor, ZERO } from '../money.ts';
import type { AcquiredBill } from './record.ts';
import type { Registration, Sighting, Tender } from './words.ts';

/** Given back by us, as far as it is known. */
export function givenByUs({ refunds }: AcquiredBill): Minor {
  return refunds
    .filter(({ status }) => status === 'done')
    .reduce((sum, { amount }) => add(sum, amount), ZERO);
}

/** Less than is known to have been given back: from such a sum a refund would be given twice. */
export function saysLess(bill: AcquiredBill, { returned }: Sighting): boolean {
  return returned < add(givenByUs(bill), bill.external);
}

/** Whether it is of what was to be registered: whatever is paid of another is another's. */
export function isOf({ id, amount, currency }: Tender, registration: Registration): boolean {
  return (
    registration.id === id && registration.amount === amount && registration.currency === currency
  );
}

/** Whether it can be: what is paid is something, and no more of it than all has been given back. */
export function isPossible({ status, paid, returned }: Sighting): boolean {
  return status !== 'paid' || (paid > 0 && returned <= paid);
}
