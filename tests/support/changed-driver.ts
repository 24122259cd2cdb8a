// Drivers of acquirers with one thing wrong in them, for what is to find that.

import {
  type BillDriver,
  type BillDriverModule,
  done,
  type Outcome,
  type Registration,
} from '../../src/drivers/contract/bill-driver.ts';
import { driver as tbank } from '../../src/drivers/tbank/driver.ts';

/** The changed methods, made of the driver as it was, or of one with some settings changed. */
export type Change = (
  driver: BillDriver,
  made: (settings: object) => BillDriver,
) => Partial<BillDriver>;

export function changed(change: Change, of: BillDriverModule = tbank): BillDriverModule {
  return {
    ...of,
    make: (settings, surroundings) => {
      const driver = of.make(settings, surroundings);
      const made = (others: object) =>
        of.make({ ...(settings as object), ...others }, surroundings);
      return Object.assign(driver, change(asItWas(driver), made));
    },
  };
}

function asItWas(driver: BillDriver): BillDriver {
  return {
    capabilities: driver.capabilities,
    register: driver.register.bind(driver),
    look: driver.look.bind(driver),
    cancel: driver.cancel.bind(driver),
    refund: driver.refund.bind(driver),
    readNotification: driver.readNotification.bind(driver),
    close: driver.close.bind(driver),
  };
}

export function withRegistration(
  outcome: Outcome<Registration>,
  other: Partial<Registration>,
): Outcome<Registration> {
  return outcome.outcome === 'done' ? done({ ...outcome.value, ...other }) : outcome;
}
