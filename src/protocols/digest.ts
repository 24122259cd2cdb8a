// The digest of a body: what makes “the same body” mean the same over HTTP and WebSocket, in JSON and msgpack.

import { hash } from 'node:crypto';

const DIGEST_LENGTH = 22;

/**
 * The first 22 characters of base64url(SHA-256(canonical JSON)). `names` are left out of the outermost object: what
 * stands in the path or a header over HTTP is no part of the body.
 */
export function digestOf(body: object, names: readonly string[]): string {
  return hash('sha256', canonical(body, names), 'base64url').slice(0, DIGEST_LENGTH);
}

const NONE: readonly string[] = [];

/** JSON with sorted keys and no spaces. The value is JSON of bounded depth. */
export function canonical(value: unknown, except: readonly string[] = NONE): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) {
    let text = '[';
    for (let i = 0; i < value.length; i++) text += (i === 0 ? '' : ',') + canonical(value[i]);
    return `${text}]`;
  }
  const object = value as Record<string, unknown>;
  let text = '{';
  for (const key of Object.keys(object).sort()) {
    if (except.includes(key)) continue;
    text += `${text === '{' ? '' : ','}${JSON.stringify(key)}:${canonical(object[key])}`;
  }
  return `${text}}`;
}
