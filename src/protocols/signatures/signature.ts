// Signatures of requests (RFC 9421, algorithm hmac-sha256): what was signed, and whether it is this request.

import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { type NameList, readBytes, readNameLists } from './structured-fields.ts';

/** More than a client and the proxies on its way would make. */
const SIGNATURES_MAX = 4;
const DIGESTS: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]);

/** A request as it came. */
export interface Signable {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Without its question mark; empty where there is none. */
  readonly query: string;
  /** Scheme and authority under which clients know the switch. */
  readonly origin: string;
  /** A header by its lower-case name; empty where there is none. */
  header(name: string): string;
}

/** One signature of a request, not verified yet. It holds all that is needed once the request is forgotten. */
export interface Signature {
  readonly keyId: string;
  /** Seconds since 1970; null: not told. */
  readonly created: number | null;
  readonly expires: number | null;
  readonly covered: ReadonlySet<string>;
  readonly base: string;
  readonly mac: Buffer;
  /** The header, which `covered` may hold or not. */
  readonly contentDigest: string;
}

/** The signatures of a request that can be read and may be ours; empty: it carries none. Null: it carries something else. */
export function signaturesOf(request: Signable): readonly Signature[] | null {
  const inputs = request.header('signature-input');
  const macs = request.header('signature');
  if (inputs === '' && macs === '') return [];
  const lists = readNameLists(inputs);
  const bytes = readBytes(macs);
  if (lists === null || bytes === null || lists.size > SIGNATURES_MAX) return null;
  const found: Signature[] = [];
  for (const [label, list] of lists) {
    const mac = bytes.get(label);
    const signature = mac === undefined ? null : signatureOf(request, list, mac);
    if (signature !== null) found.push(signature);
  }
  return found.length === 0 ? null : found;
}

function signatureOf(request: Signable, list: NameList, mac: Buffer): Signature | null {
  const { names, parameters } = list;
  const keyId = parameters.get('keyid');
  const algorithm = parameters.get('alg') ?? 'hmac-sha256';
  const base = signatureBase(request, list);
  if (typeof keyId !== 'string' || algorithm !== 'hmac-sha256' || base === null) return null;
  return {
    keyId,
    created: secondsOf(parameters.get('created')),
    expires: secondsOf(parameters.get('expires')),
    covered: new Set(names),
    base,
    mac,
    contentDigest: request.header('content-digest'),
  };
}

function secondsOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** The text that was signed (RFC 9421, 2.5); null where it names what the request does not have, or something twice. */
export function signatureBase(request: Signable, list: NameList): string | null {
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const name of list.names) {
    const value = componentOf(request, name);
    if (value === null || seen.has(name)) return null;
    seen.add(name);
    lines.push(`"${name}": ${value}\n`);
  }
  return `${lines.join('')}"@signature-params": ${list.text}`;
}

function componentOf(request: Signable, name: string): string | null {
  const { method, path, query, origin } = request;
  const target = query === '' ? path : `${path}?${query}`;
  switch (name) {
    case '@method':
      return method;
    case '@path':
      return path;
    case '@query':
      return `?${query}`;
    case '@request-target':
      return target;
    case '@target-uri':
      return origin + target;
    case '@scheme':
      return origin.slice(0, origin.indexOf(':'));
    case '@authority':
      return authorityOf(request.header('host'), origin);
    default:
      return /^[a-z0-9-]+$/.test(name) ? request.header(name) || null : null;
  }
}

/** As clients write it: lower case, without the port that goes without saying. */
function authorityOf(host: string, origin: string): string | null {
  const usual = origin.startsWith('https:') ? ':443' : ':80';
  const name = host.toLowerCase();
  return (name.endsWith(usual) ? name.slice(0, -usual.length) : name) || null;
}

/** Whether it was made with this secret; takes the same time whatever is wrong. */
export function isMadeWith(signature: Pick<Signature, 'base' | 'mac'>, secret: string | Buffer) {
  const expected = createHmac('sha256', secret).update(signature.base).digest();
  return signature.mac.length === expected.length && timingSafeEqual(signature.mac, expected);
}

/** The first thing that must be covered and is not; null where nothing is left out. */
export function leftOut(
  { covered }: Pick<Signature, 'covered'>,
  request: { query: string; hasBody: boolean },
): string | null {
  const hasTarget = covered.has('@target-uri') || covered.has('@request-target');
  if (!covered.has('@method')) return '@method';
  if (!hasTarget && !covered.has('@path')) return '@path';
  if (!hasTarget && request.query !== '' && !covered.has('@query')) return '@query';
  return request.hasBody && !covered.has('content-digest') ? 'content-digest' : null;
}

/** Whether a Content-Digest (RFC 9530) is the body's: every digest in it that is known here, and at least one. */
export function isDigestOf(contentDigest: string, body: Buffer): boolean {
  let known = 0;
  for (const [name, digest] of readBytes(contentDigest) ?? []) {
    const algorithm = DIGESTS.get(name);
    if (algorithm === undefined) continue;
    const expected = hash(algorithm, body, 'buffer');
    if (digest.length !== expected.length || !timingSafeEqual(digest, expected)) return false;
    known += 1;
  }
  return known > 0;
}
