// Our own formats together: chosen by name when a code is issued, tried one by one when a text was scanned.

import { isOwnFormat, type OwnQrFormat } from '../../domain/bill/vocabulary.ts';
import type { QrCodes, QrReading } from '../../switch/qr.ts';
import type { OwnQrDriver } from '../contract/qr-driver.ts';
import { makeEmvcoDriver } from './emvco.ts';
import { makeSbpDriver } from './sbp.ts';
import { makeTagger } from './tag.ts';
import { makeUrlDriver } from './url.ts';

/** 130 bits: no code has to hold it. */
const QUOTE_TAG_LENGTH = 26;

/** All of them, with the key of this switch's tags. `publicBaseUrl` has no slash at its end. */
export function makeQrCodes(options: { publicBaseUrl: string; key: Uint8Array }): QrCodes {
  const { publicBaseUrl, key } = options;
  const url = makeUrlDriver({ publicBaseUrl, tagger: makeTagger(key, 'url') });
  const byFormat: Readonly<Record<OwnQrFormat, OwnQrDriver>> = {
    url,
    emvco: makeEmvcoDriver(makeTagger(key, 'emvco')),
    sbp: makeSbpDriver(makeTagger(key, 'sbp')),
  };
  const drivers = Object.values(byFormat);
  const quotes = makeTagger(key, 'quote');
  return {
    issue(format, claim) {
      // It follows from the bill's id, and is made where it is shown.
      if (format === 'url') return { qrFormat: format };
      if (!isOwnFormat(format)) return { unfit: 'No driver of that name is loaded here.' };
      const issue = byFormat[format].issue(claim);
      return 'unfit' in issue ? issue : { qrFormat: format, qrPayload: issue.payload };
    },
    payloadOf: ({ id, qrPayload }) => qrPayload ?? url.payloadOf(id),
    read(text): QrReading {
      const scanned = text.trim();
      for (const driver of drivers) {
        const reading = driver.read(scanned);
        if (reading !== 'foreign') return reading;
      }
      return 'foreign';
    },
    tagOfQuote: (text) => quotes(text, QUOTE_TAG_LENGTH),
  };
}
