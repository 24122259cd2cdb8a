import { minor } from '../../domain/money.ts';
import { DAY_MS, MINUTE_MS } from '../../domain/time.ts';
import type { Capabilities } from '../contract/bill-driver.ts';
import type { TbankDriverSettings } from './settings.ts';

/** SBP takes 10 to 1,000,000 roubles at once, with no hold; the bank ends by itself what nobody pays in time. */
export function capabilitiesOf(settings: TbankDriverSettings): Capabilities {
  return {
    hold: false,
    partialRefund: settings.amountInState === 'current',
    closesByItself: true,
    notifications: settings.notificationUrl === undefined ? 'none' : 'signed',
    currencies: ['RUB'],
    amountMin: minor(1_000),
    amountMax: minor(100_000_000),
    lifetimeMinMs: MINUTE_MS,
    lifetimeMaxMs: 90 * DAY_MS,
  };
}
