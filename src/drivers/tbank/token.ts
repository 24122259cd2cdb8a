// T-Bank's signature of calls and notifications: the scalars of the root and the password, sorted by name, values strung
// together, SHA-256. It covers no time: who has one message can send it again.

import { createHash, timingSafeEqual } from 'node:crypto';

export type Scalars = Readonly<Record<string, unknown>>;

export function signatureOf(message: Scalars, password: string): string {
  const values = Object.entries({ ...message, Password: password })
    .filter(([name, value]) => name !== 'Token' && isScalar(value))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, value]) => String(value));
  return createHash('sha256').update(values.join('')).digest('hex');
}

export function isSigned(message: Scalars, password: string): boolean {
  const given = Buffer.from(typeof message.Token === 'string' ? message.Token.toLowerCase() : '');
  const right = Buffer.from(signatureOf(message, password));
  return given.length === right.length && timingSafeEqual(given, right);
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
