// Takes a bill at an acquirer one step further, as the switch does with its log: the intent is kept, then the call is made,
// then its outcome is kept. A life that ends between two of these is gone on with.

import { begin, finish, nextStep, pastExpiry } from '../../src/domain/acquiring/acquired-bill.ts';
import type { AcquiredBill } from '../../src/domain/acquiring/record.ts';
import type { Millis } from '../../src/domain/time.ts';
import { callOf } from '../../src/drivers/acquiring/drive.ts';
import type { BillDriver } from '../../src/drivers/contract/bill-driver.ts';

/** One bill's record. What is kept is durable when `keep` resolves. */
export interface BillRecord {
  /** As it stands now, with what was wanted meanwhile. */
  readonly current: AcquiredBill;
  keep(bill: AcquiredBill): Promise<void>;
}

/** Makes the call that is due; whether one was. */
export async function takeStep(
  record: BillRecord,
  { driver, now }: { readonly driver: BillDriver; readonly now: () => Millis },
): Promise<boolean> {
  const today = pastExpiry(record.current, now());
  if (today !== record.current) await record.keep(today);
  const step = nextStep(record.current, now(), driver.capabilities);
  if (step === undefined) return false;
  const begunAt = now();
  const begun = begin(record.current, step, begunAt);
  if (begun !== record.current) await record.keep(begun);
  const outcome = await callOf(driver, step, begunAt, {
    otherOf: async () => null,
    doubted: (why) => {
      throw new Error(`the driver cannot be believed: ${why}`);
    },
  });
  await record.keep(finish(record.current, step, outcome, now()));
  return true;
}
