// Signatures as the Standard Webhooks scheme has them: over id, time and body, one for each secret that is live.

import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

/** A new secret, as its holder is told it. */
export function makeSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** The headers of one request; `seconds` since 1970. */
export function signedHeaders(
  of: { readonly id: string; readonly seconds: number; readonly body: Uint8Array },
  secrets: readonly string[],
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    const mac = createHmac('sha256', key).update(`${of.id}.${of.seconds}.`).update(of.body);
    return `v1,${mac.digest('base64')}`;
  });
  return {
    'webhook-id': of.id,
    'webhook-timestamp': String(of.seconds),
    'webhook-signature': signatures.join(' '),
  };
}
