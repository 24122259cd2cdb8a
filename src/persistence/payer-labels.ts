// Labels of payers, sealed under the data keys. What bodies are compared by is keyed as well: of all else in a body
// somebody who reads the database knows enough to try labels one by one.

import { createHmac } from 'node:crypto';
import type { PayerLabels, PayerPlace } from '../switch/payers.ts';
import { type DataKeys, isSealed } from './data-keys.ts';

/** The key of the digests stays for ever, or a retry would be another body: it is drawn once, and kept sealed. */
export const DIGEST_KEY = 'payer_digest';

export function payerLabels(keys: DataKeys, digestKey: string): PayerLabels {
  return {
    digest: (label) => createHmac('sha256', digestKey).update(label).digest('base64url'),
    seal: (label, place) => keys.seal(label, nameOf(place)),
    open: (sealed, place) => (isSealed(sealed) ? keys.open(sealed, nameOf(place)) : null),
  };
}

function nameOf({ billId, paychannelId, paymentRef }: PayerPlace): string {
  return `payer ${billId} ${paychannelId} ${paymentRef}`;
}
