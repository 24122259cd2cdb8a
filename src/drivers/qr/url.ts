// Our own format: the address of the bill's page, so that a plain camera opens it. It claims nothing but the bill; amount
// and merchant are what the switch then says.
//
//   https://pay.example/q/06D9K3Q1ZR0072M4N6P8Q0R2S4.7KQ2M9XD
//                         bill                       tag
//
// A code without a tag, as issued before there were tags, is as good as the bill's id, which nobody can guess and which
// a paychannel may ask for as it is. A wrong tag is another matter: something has been changed.

import { Type } from '@sinclair/typebox';
import { type BillId, parseBillId } from '../../domain/ids.ts';
import type { QrReading } from '../../switch/qr.ts';
import { CONTRACT_VERSION } from '../contract/driver-module.ts';
import type { OwnQrDriver, QrDriverModule } from '../contract/qr-driver.ts';
import type { Tagger } from './tag.ts';

const TAG_LENGTH = 8;
const ID_LENGTH = 26;

const BASE_MAX = 1_000;

export const driver: QrDriverModule<UrlDriver> = {
  contract: CONTRACT_VERSION,
  kind: 'qr',
  name: 'url',
  settings: Type.Object(
    { publicBaseUrl: Type.String({ pattern: '^https?://[^/]+$', maxLength: BASE_MAX }) },
    { additionalProperties: false },
  ),
  make: (settings, { tag }) =>
    makeUrlDriver({ ...(settings as { publicBaseUrl: string }), tagger: tag }),
};

export interface UrlDriver extends OwnQrDriver {
  /** The text follows from the bill's id: no bill needs to keep it. */
  payloadOf(billId: BillId): string;
}

/** `publicBaseUrl` has no slash at its end. */
export function makeUrlDriver(options: { publicBaseUrl: string; tagger: Tagger }): UrlDriver {
  const { publicBaseUrl, tagger } = options;
  const prefix = `${publicBaseUrl}/q/`;
  const foundPrefix = prefix.toLowerCase();
  const tagOf = (billId: BillId): string => tagger(billId, TAG_LENGTH);
  const payloadOf = (billId: BillId): string => `${prefix}${billId}.${tagOf(billId)}`;
  return {
    capabilities: {
      usages: ['single', 'many'],
      openAmounts: ['single', 'many'],
      currencies: null,
      needs: [],
      begins: [prefix],
      lengthMax: prefix.length + ID_LENGTH + 1 + TAG_LENGTH,
    },
    payloadOf,
    issue: ({ billId }) => ({ payload: payloadOf(billId) }),
    // Scanners change case, so all of it is read without it. ASCII only: elsewhere two letters may have one capital.
    read(text): QrReading {
      if (/[^!-~]/.test(text)) return 'foreign';
      if (text.slice(0, prefix.length).toLowerCase() !== foundPrefix) return 'foreign';
      const rest = text.slice(prefix.length).toUpperCase();
      const billId = parseBillId(rest.slice(0, ID_LENGTH));
      if (billId === undefined) return 'foreign';
      const tail = rest.slice(ID_LENGTH);
      return tail === '' || tail === `.${tagOf(billId)}` ? { billId } : 'tampered';
    },
    close: async () => {},
  };
}
