// What codes are issued of in tests.

import type { Currency, Minor } from '../../src/domain/money.ts';
import { makeQrCodes } from '../../src/drivers/qr/codes.ts';
import type { HostedFormats, QrClaim, QrCodes, QrSettings } from '../../src/switch/qr.ts';
import { billId, reference, terminalId } from './bill-fixtures.ts';

/** The key of the tags in tests. */
export const KEY = Buffer.from('a key of tests, 32 bytes of it!!');

/** All formats of a switch at this address. */
export function codesAt(publicBaseUrl: string): QrCodes {
  return makeQrCodes({ publicBaseUrl, key: KEY });
}

/** Where no driver has been loaded. */
export const NO_FORMATS: HostedFormats = {
  names: new Set(),
  issue: () => Promise.resolve({ unfit: 'No driver of that name is loaded here.' }),
  read: () => undefined,
};

export const SETTINGS: QrSettings = {
  format: 'url',
  country: 'DE',
  category: '5814',
  sbpMember: '100000000999',
};

type Plain = Omit<QrClaim, 'amount' | 'currency' | 'settings'> & {
  readonly amount: number | null;
  readonly currency: string;
};

/** A claim of 12.50 EUR, changed as a test needs it. */
export function claimOf(changes: Partial<Plain> = {}, settings: Partial<QrSettings> = {}): QrClaim {
  const { amount = 1_250, currency = 'EUR', ...rest } = changes;
  return {
    billId: billId(1),
    usage: 'single',
    amount: amount as Minor | null,
    currency: currency as Currency,
    merchant: { name: 'Corner Coffee', city: 'Springfield' },
    takesTip: false,
    orderId: reference('order-1'),
    terminalId,
    settings: { ...SETTINGS, ...settings },
    ...rest,
  };
}
