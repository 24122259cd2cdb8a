// EMVCo merchant-presented codes of our bills: what wallets and acquirers all over the world read. The bill and our tag
// stand in a merchant account template under an id of our own; the tag is made over the whole code with zeros in its
// place, so that nothing in it can be changed, the checksum made anew and the code still pass.

import { Type } from '@sinclair/typebox';
import { currencyFacts } from '../../domain/currencies.ts';
import { parseBillId } from '../../domain/ids.ts';
import type { Minor } from '../../domain/money.ts';
import type { QrClaim, QrIssue, QrReading } from '../../switch/qr.ts';
import { CONTRACT_VERSION } from '../contract/driver-module.ts';
import type { OwnQrDriver, QrCapabilities, QrDriverModule } from '../contract/qr-driver.ts';
import {
  type EmvcoObject,
  encodeObjects,
  formatEmvco,
  isAccountTemplate,
  parseEmvco,
} from './emvco-tlv.ts';
import { cut, languageOf, tidy, toLatin } from './latin.ts';
import type { Tagger } from './tag.ts';

/** By which our account template is known among all others: a UUID without hyphens, drawn once, for ever. */
export const ACCOUNT_ID = '96CC1A9C8C124373A55B5F6E1A795E43';

const TAG_LENGTH = 10;
const NO_TAG = '0'.repeat(TAG_LENGTH);
const NAME_MAX = 25;
const CITY_MAX = 15;
const LABEL_MAX = 25;
const CATEGORY_UNKNOWN = '0000';
const ACCOUNT = new RegExp(`^0032${ACCOUNT_ID}0126(.{26})0210(.{10})$`);

const capabilities: QrCapabilities = {
  usages: ['single', 'many'],
  openAmounts: ['single', 'many'],
  currencies: null,
  needs: ['country'],
  begins: ['000201'],
  lengthMax: 512,
};

export const driver: QrDriverModule<OwnQrDriver> = {
  contract: CONTRACT_VERSION,
  kind: 'qr',
  name: 'emvco',
  settings: Type.Object({}, { additionalProperties: false }),
  make: (_settings, { tag }) => makeEmvcoDriver(tag),
};

export function makeEmvcoDriver(tagger: Tagger): OwnQrDriver {
  const tagOf = (objects: readonly EmvcoObject[]): string =>
    tagger(encodeObjects(objects), TAG_LENGTH);
  return {
    capabilities,
    issue(claim): QrIssue {
      const { country } = claim.settings;
      const currency = currencyFacts(claim.currency);
      if (country === null)
        return { unfit: 'Neither the merchant nor the institution has a country.' };
      if (currency === undefined) return { unfit: `${claim.currency} has no numeric code.` };
      const objectsOf = (tag: string): EmvcoObject[] => [
        ['00', '01'],
        ['01', claim.usage === 'many' ? '11' : '12'],
        ['26', accountOf(claim.billId, tag)],
        ['52', claim.settings.category ?? CATEGORY_UNKNOWN],
        ['53', currency.numeric],
        ...(claim.amount === null
          ? []
          : ([['54', decimalOf(claim.amount, currency.decimals)]] as const)),
        // Wallets ask their customers for a tip where they find this.
        ...(claim.takesTip ? ([['55', '01']] as const) : []),
        ['58', country],
        ...namesOf(claim, country),
        ['62', additionalOf(claim)],
        ...originalOf(claim, country),
      ];
      return { payload: formatEmvco(objectsOf(tagOf(objectsOf(NO_TAG)))) };
    },
    read(text): QrReading {
      if (!text.includes(ACCOUNT_ID)) return 'foreign';
      const code = parseEmvco(text);
      if ('fault' in code) return 'tampered';
      const account = code.objects.find(([id]) => isAccountTemplate(id));
      const match = ACCOUNT.exec(account?.[1] ?? '');
      const billId = parseBillId(match?.[1] ?? '');
      if (match === null || billId === undefined) return 'tampered';
      const untagged = code.objects.map((object) =>
        object === account ? ([object[0], accountOf(billId, NO_TAG)] as const) : object,
      );
      return match[2] === tagOf(untagged) ? { billId } : 'tampered';
    },
    close: async () => {},
  };
}

function accountOf(billId: string, tag: string): string {
  return encodeObjects([
    ['00', ACCOUNT_ID],
    ['01', billId],
    ['02', tag],
  ]);
}

/** With the currency's decimals; without them where they are zeros and there is no room for them. */
function decimalOf(amount: Minor, decimals: number): string {
  if (decimals === 0) return String(amount);
  const digits = String(amount).padStart(decimals + 1, '0');
  const whole = digits.slice(0, -decimals);
  const text = `${whole}.${digits.slice(-decimals)}`;
  return text.length <= 13 ? text : whole;
}

/** In Latin letters, since that is all that many terminals show. A name that has none becomes the terminal's id. */
function namesOf({ merchant, terminalId }: QrClaim, country: string): EmvcoObject[] {
  return [
    ['59', cut(toLatin(merchant.name), NAME_MAX) || cut(terminalId, NAME_MAX)],
    ['60', cut(toLatin(merchant.city), CITY_MAX) || country],
  ];
}

/** The names as they are written, where Latin letters could not say them. */
function originalOf({ merchant }: QrClaim, country: string): EmvcoObject[] {
  const name = cut(tidy(merchant.name), NAME_MAX);
  const city = cut(tidy(merchant.city), CITY_MAX);
  if (/^[ -~]*$/.test(name + city) || name === '') return [];
  const fields: EmvcoObject[] = [
    ['00', languageOf(name + city, country)],
    ['01', name],
  ];
  if (city !== '') fields.push(['02', city]);
  return [['64', encodeObjects(fields)]];
}

/** The bill number is the merchant's own, the reference label ours: the bill's id less its first character, a 0. */
function additionalOf({ orderId, billId, terminalId }: QrClaim): string {
  return encodeObjects([
    ['01', cut(orderId, LABEL_MAX)],
    ['05', billId.slice(-LABEL_MAX)],
    ['07', cut(terminalId, LABEL_MAX)],
  ]);
}
