// A client that signs its requests with a public library, so that what the switch verifies is what others make.

import { createHash } from 'node:crypto';
import { createSigner, httpbis } from 'http-message-signatures';

export interface SigningKey {
  readonly id: string;
  readonly secret: string;
}

export interface Unsigned {
  readonly method: string;
  readonly url: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SigningWays {
  /** Seconds from now. */
  readonly created?: number;
  readonly expires?: number;
  readonly fields?: readonly string[];
  readonly nonce?: string;
}

let nonces = 0;

/** The headers of the request with those that sign it. */
export async function signedHeaders(
  { method, url, body, headers = {} }: Unsigned,
  key: SigningKey,
  ways: SigningWays & { readonly now?: number } = {},
): Promise<Record<string, string>> {
  const { now = Date.now(), created = 0, expires } = ways;
  const whole: Record<string, string> = { host: new URL(url).host, ...headers };
  if (body !== undefined) whole['content-digest'] ??= contentDigest(body);
  const usual = ['@method', '@path', '@query', ...(body === undefined ? [] : ['content-digest'])];
  const at = (seconds: number): Date => new Date(now + seconds * 1_000);
  nonces += 1;
  const signed = await httpbis.signMessage(
    {
      key: createSigner(Buffer.from(key.secret), 'hmac-sha256', key.id),
      fields: [...(ways.fields ?? usual)],
      params: ['created', ...(expires === undefined ? [] : ['expires']), 'keyid', 'nonce'],
      paramValues: {
        created: at(created),
        nonce: ways.nonce ?? `n${nonces}`,
        ...(expires === undefined ? {} : { expires: at(expires) }),
      },
    },
    { method, url, headers: whole },
  );
  const { host: _host, ...sent } = signed.headers as Record<string, string>;
  return sent;
}

export function contentDigest(body: string, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  const name = algorithm === 'sha256' ? 'sha-256' : 'sha-512';
  return `${name}=:${createHash(algorithm).update(body).digest('base64')}:`;
}
