import { describe, expect, test } from 'vitest';
import {
  isDigestOf,
  isMadeWith,
  leftOut,
  type Signable,
  signatureBase,
  signaturesOf,
} from './signature.ts';
import { readNameLists } from './structured-fields.ts';

// RFC 9421, appendix B.2: the test request, its shared secret, and the signature of B.2.5.
const BODY = '{"hello": "world"}';
const SECRET = Buffer.from(
  'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
  'base64',
);
const HEADERS: Readonly<Record<string, string>> = {
  host: 'example.com',
  date: 'Tue, 20 Apr 2021 02:07:55 GMT',
  'content-type': 'application/json',
  'content-digest':
    'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
  'content-length': '18',
  'signature-input':
    'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
  signature: 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:',
};

function requestWith(headers: Readonly<Record<string, string>> = {}): Signable {
  const all = { ...HEADERS, ...headers };
  return {
    method: 'POST',
    path: '/foo',
    query: 'param=Value&Pet=dog',
    origin: 'https://example.com',
    header: (name) => all[name] ?? '',
  };
}

describe('the signature of RFC 9421, B.2.5', () => {
  test('is made with its secret, over the text that the RFC shows', () => {
    const [signature] = signaturesOf(requestWith()) ?? [];
    expect(signature?.base).toBe(
      [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@authority": example.com',
        '"content-type": application/json',
        '"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
      ].join('\n'),
    );
    expect(signature).toMatchObject({
      keyId: 'test-shared-secret',
      created: 1_618_884_473,
      expires: null,
    });
    expect(signature && isMadeWith(signature, SECRET)).toBe(true);
  });

  test('is not made with another secret, nor over another request, nor half of it', () => {
    const first = (headers: Readonly<Record<string, string>> = {}) => {
      const [signature] = signaturesOf(requestWith(headers)) ?? [];
      if (signature === undefined) throw new Error('it carries no signature');
      return signature;
    };
    expect(isMadeWith(first(), 'another secret')).toBe(false);
    expect(isMadeWith(first({ date: 'Tue, 20 Apr 2021 02:07:56 GMT' }), SECRET)).toBe(false);
    const { mac, base } = first();
    expect(isMadeWith({ base, mac: mac.subarray(0, 16) }, SECRET)).toBe(false);
    expect(isMadeWith({ base, mac: Buffer.alloc(0) }, SECRET)).toBe(false);
  });

  test('leaves out most of what the switch wants covered', () => {
    const [signature] = signaturesOf(requestWith()) ?? [];
    expect(signature && leftOut(signature, { query: '', hasBody: false })).toBe('@method');
  });
});

describe('the text that is signed', () => {
  const baseOf = (names: string, request = requestWith()): string | null => {
    const list = readNameLists(`s=(${names})`)?.get('s');
    return list === undefined ? null : signatureBase(request, list);
  };

  test('names each part of the request as RFC 9421, 2.2 does', () => {
    const names =
      '"@method" "@path" "@query" "@request-target" "@target-uri" "@scheme" "@authority"';
    expect(baseOf(names, requestWith({ host: 'EXAMPLE.com:443' }))).toBe(
      [
        '"@method": POST',
        '"@path": /foo',
        '"@query": ?param=Value&Pet=dog',
        '"@request-target": /foo?param=Value&Pet=dog',
        '"@target-uri": https://example.com/foo?param=Value&Pet=dog',
        '"@scheme": https',
        '"@authority": example.com',
        `"@signature-params": (${names})`,
      ].join('\n'),
    );
  });

  test('names nothing twice, nothing that is not there and nothing unknown', () => {
    for (const names of [
      '"date" "date"',
      '"x-missing"',
      '"@status"',
      '"@query-param"',
      '"Date"',
      '""',
    ]) {
      expect([names, baseOf(names)]).toEqual([names, null]);
    }
  });
});

describe('what a signature must cover', () => {
  const missing = (covered: string[], query: string, hasBody: boolean) =>
    leftOut({ covered: new Set(covered) }, { query, hasBody });

  test('is all that the request is', () => {
    expect(missing(['@path'], '', false)).toBe('@method');
    expect(missing(['@method'], '', false)).toBe('@path');
    expect(missing(['@method', '@path'], '', false)).toBeNull();
    expect(missing(['@method', '@path'], 'limit=1', false)).toBe('@query');
    expect(missing(['@method', '@target-uri'], 'limit=1', false)).toBeNull();
    expect(missing(['@method', '@request-target'], 'limit=1', true)).toBe('content-digest');
    expect(missing(['@method', '@path', '@query', 'content-digest'], 'limit=1', true)).toBeNull();
  });
});

describe('a Content-Digest', () => {
  const digest = HEADERS['content-digest'] ?? '';
  const ofNothing = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:';

  test('is that of its body alone', () => {
    expect(isDigestOf(digest, Buffer.from(BODY))).toBe(true);
    expect(isDigestOf(digest, Buffer.from(`${BODY} `))).toBe(false);
    expect(isDigestOf(ofNothing, Buffer.alloc(0))).toBe(true);
  });

  test('is right in each part that is known, and has one', () => {
    expect(isDigestOf(`${digest}, md5=:AAAA:`, Buffer.from(BODY))).toBe(true);
    expect(isDigestOf(`${digest}, ${ofNothing}`, Buffer.from(BODY))).toBe(false);
    for (const text of ['', 'md5=:AAAA:', 'sha-256=:AAAA:', 'nonsense']) {
      expect([text, isDigestOf(text, Buffer.from(BODY))]).toEqual([text, false]);
    }
  });
});

describe('the signatures of a request', () => {
  test('are none where there is none, and unreadable where there is something else', () => {
    expect(signaturesOf(requestWith({ signature: '', 'signature-input': '' }))).toEqual([]);
    const input = HEADERS['signature-input'] ?? '';
    for (const headers of [
      { signature: '' },
      { 'signature-input': '' },
      { signature: 'other=:AQID:' },
      { 'signature-input': 'nonsense' },
      { 'signature-input': `${input};alg="rsa-v1_5-sha256"` },
      { 'signature-input': 'sig-b25=("date");created=1' },
      { 'signature-input': Array.from({ length: 5 }, (_, i) => `s${i}=()`).join(',') },
    ]) {
      expect([headers, signaturesOf(requestWith(headers))]).toEqual([headers, null]);
    }
    expect(
      signaturesOf(requestWith({ 'signature-input': `${input};alg="hmac-sha256"` })),
    ).toHaveLength(1);
  });
});
