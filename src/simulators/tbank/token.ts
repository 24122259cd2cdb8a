// The signature of calls and notifications (T-Bank’s v2 documentation): the scalars of the root, the password among
// them, sorted by name; their values strung together; SHA-256 in lower-case hexadecimal.

import { createHash } from 'node:crypto';

export function tokenOf(message: Readonly<Record<string, unknown>>, password: string): string {
  const signed: Record<string, unknown> = { ...message, Password: password };
  const text = Object.keys(signed)
    .filter((name) => name !== 'Token' && isScalar(signed[name]))
    .sort()
    .map((name) => String(signed[name]))
    .join('');
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
