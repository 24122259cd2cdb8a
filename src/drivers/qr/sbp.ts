// The links of SBP, the Faster Payments System of NSPK: what every Russian banking app reads.
//
//   https://qr.nspk.ru/AD06D9K3Q1ZR0072M4N6P8Q0R2S47KQ2?type=02&bank=100000000004&sum=125000&cur=RUB&crc=1A2B
//                      ^^ bill                      tag
//
// `AS` and type 01 are static (many payments), `AD` and type 02 dynamic (one). The sum is in kopecks: a dynamic link has
// one, a static link may. The CRC covers all that stands before `&crc=`, our tag all that but itself.

import { Type } from '@sinclair/typebox';
import { type BillId, parseBillId } from '../../domain/ids.ts';
import type { QrClaim, QrIssue, QrReading } from '../../switch/qr.ts';
import { CONTRACT_VERSION } from '../contract/driver-module.ts';
import type { OwnQrDriver, QrCapabilities, QrDriverModule } from '../contract/qr-driver.ts';
import { crc16 } from './crc16.ts';
import type { Tagger } from './tag.ts';

export interface SbpLink {
  /** 32 of `0-9A-Z`. */
  readonly id: string;
  readonly usage: 'single' | 'many';
  /** 12 digits. */
  readonly bank: string;
  /** In kopecks; null: the payer's to say. */
  readonly sum: number | null;
}

const PREFIX = 'https://qr.nspk.ru/';
const LINK =
  /^https:\/\/qr\.nspk\.ru\/([0-9A-Z]{32})\?type=(01|02)&bank=(\d{12})(?:&sum=([1-9]\d{0,14})&cur=RUB)?&crc=([0-9A-F]{4})$/;
const ID_LENGTH = 26;
const TAG_LENGTH = 4;
const NO_TAG = '0'.repeat(TAG_LENGTH);
const PREFIXES = { single: 'AD', many: 'AS' } as const;

/** The link with its checksum. */
export function formatSbpLink(link: SbpLink): string {
  const body = bodyOf(link);
  return `${body}&crc=${crc16(body)}`;
}

/** Reads a link strictly, ours or another bank's; a fault says what is wrong with it. */
export function parseSbpLink(text: string): SbpLink | { readonly fault: string } {
  const match = LINK.exec(text);
  if (match === null) return { fault: 'it has not the form of an SBP link' };
  const [, id = '', type, bank = '', sum, crc] = match;
  const usage = type === '01' ? 'many' : 'single';
  if (sum === undefined && usage === 'single') return { fault: 'a dynamic link has a sum' };
  if (crc !== crc16(text.slice(0, text.lastIndexOf('&crc=')))) return { fault: 'the crc is wrong' };
  return { id, usage, bank, sum: sum === undefined ? null : Number(sum) };
}

const capabilities: QrCapabilities = {
  usages: ['single', 'many'],
  openAmounts: ['many'],
  currencies: ['RUB'],
  needs: ['sbpMember'],
  begins: [`${PREFIX}AD`, `${PREFIX}AS`],
  lengthMax: 128,
};

export const driver: QrDriverModule<OwnQrDriver> = {
  contract: CONTRACT_VERSION,
  kind: 'qr',
  name: 'sbp',
  settings: Type.Object({}, { additionalProperties: false }),
  make: (_settings, { tag }) => makeSbpDriver(tag),
};

export function makeSbpDriver(tagger: Tagger): OwnQrDriver {
  const tagOf = (link: SbpLink): string =>
    tagger(bodyOf({ ...link, id: link.id.slice(0, -TAG_LENGTH) + NO_TAG }), TAG_LENGTH);
  return {
    capabilities,
    issue(claim): QrIssue {
      const unfit = unfitOf(claim);
      if (unfit !== undefined) return { unfit };
      const { billId, usage, amount, settings } = claim;
      const start = PREFIXES[usage] + billId;
      const link = { usage, bank: settings.sbpMember ?? '', sum: amount };
      return {
        payload: formatSbpLink({ ...link, id: start + tagOf({ ...link, id: start + NO_TAG }) }),
      };
    },
    read(text): QrReading {
      const billId = billIdIn(text);
      if (billId === undefined) return 'foreign';
      const link = parseSbpLink(text);
      if ('fault' in link) return 'tampered';
      const isOurs =
        link.id.startsWith(PREFIXES[link.usage]) && link.id.slice(-TAG_LENGTH) === tagOf(link);
      return isOurs ? { billId } : 'tampered';
    },
    close: async () => {},
  };
}

function bodyOf({ id, usage, bank, sum }: SbpLink): string {
  const type = usage === 'many' ? '01' : '02';
  const amount = sum === null ? '' : `&sum=${sum}&cur=RUB`;
  return `${PREFIX}${id}?type=${type}&bank=${bank}${amount}`;
}

function unfitOf({ currency, amount, usage, settings }: QrClaim): string | undefined {
  if (currency !== 'RUB') return `SBP moves roubles only, and the bill is in ${currency}.`;
  if (settings.sbpMember === null) return 'The institution has no member number of SBP.';
  if (amount === null && usage === 'single') return 'A link for one payment names its amount.';
  return undefined;
}

/**
 * The bill in the link's id, where it has the form of one of ours: the ids of bills begin with 0 until the year 3084, and
 * those that other banks issue with another digit, as far as we have seen any.
 */
function billIdIn(text: string): BillId | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const id = text.slice(PREFIX.length, PREFIX.length + 2 + ID_LENGTH);
  return /^A[SD]0/.test(id) ? parseBillId(id.slice(2)) : undefined;
}
