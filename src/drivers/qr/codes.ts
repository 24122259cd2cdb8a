// The formats together: chosen by name when a code is issued, tried one by one when a text was scanned.

import { must } from '../../domain/assert.ts';
import type { QrCodes, QrDriver, QrReading } from '../../switch/qr.ts';
import { makeEmvcoDriver } from './emvco.ts';
import { makeSbpDriver } from './sbp.ts';
import { makeTagger } from './tag.ts';
import { makeUrlDriver } from './url.ts';

/** 130 bits: no code has to hold it. */
const QUOTE_TAG_LENGTH = 26;

/** All formats, with the key of this switch's tags. `publicBaseUrl` has no slash at its end. */
export function makeQrCodes(options: { publicBaseUrl: string; key: Uint8Array }): QrCodes {
  const { publicBaseUrl, key } = options;
  const url = makeUrlDriver({ publicBaseUrl, tagger: makeTagger(key, 'url') });
  const drivers: readonly QrDriver[] = [
    url,
    makeEmvcoDriver(makeTagger(key, 'emvco')),
    makeSbpDriver(makeTagger(key, 'sbp')),
  ];
  const quotes = makeTagger(key, 'quote');
  const byFormat = new Map(drivers.map((driver) => [driver.format, driver]));
  return {
    issue(format, claim) {
      // It follows from the bill's id, and is made where it is shown.
      if (format === 'url') return { qrFormat: format };
      const issue = must(byFormat.get(format), `a driver of ${format}`).issue(claim);
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
