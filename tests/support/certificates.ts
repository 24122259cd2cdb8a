// Certificates for tests, made when they run: X.509 version 3, on the curve P-256.

import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** SHA-256, hex. */
  readonly fingerprint: string;
  readonly name: string;
  readonly privateKey: KeyObject;
}

export interface CertificateOptions {
  readonly name: string;
  /** Left out: it signs itself. */
  readonly by?: Certificate;
  readonly isAuthority?: boolean;
  /** Days from now. */
  readonly from?: number;
  readonly to?: number;
}

const DAY_MS = 86_400_000;
const ECDSA_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));
let serial = 0;

export function makeCertificate(of: CertificateOptions): Certificate {
  const { name, by, isAuthority = false, from = -1, to = 1 } = of;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  serial += 1;
  const told = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.from([serial])),
    ECDSA_SHA256,
    nameOf(by?.name ?? name),
    sequence(timeAt(from), timeAt(to)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(basicConstraints(isAuthority), subjectNames())),
  );
  const signature = sign('sha256', told, by?.privateKey ?? privateKey);
  const whole = sequence(told, ECDSA_SHA256, tagged(0x03, Buffer.from([0]), signature));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  const certificate = `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  const { fingerprint256 } = new X509Certificate(certificate);
  return {
    certificate,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    name,
    privateKey,
  };
}

function basicConstraints(isAuthority: boolean): Buffer {
  const value = sequence(...(isAuthority ? [tagged(0x01, Buffer.from([0xff]))] : []));
  return sequence(objectId('2.5.29.19'), tagged(0x01, Buffer.from([0xff])), tagged(0x04, value));
}

/** Every certificate may serve at 127.0.0.1. */
function subjectNames(): Buffer {
  const names = sequence(tagged(0x87, Buffer.from([127, 0, 0, 1])));
  return sequence(objectId('2.5.29.17'), tagged(0x04, names));
}

function nameOf(name: string): Buffer {
  const part = sequence(objectId('2.5.4.3'), tagged(0x0c, Buffer.from(name)));
  return sequence(tagged(0x31, part));
}

function timeAt(days: number): Buffer {
  const text = new Date(Date.now() + days * DAY_MS).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return tagged(0x18, Buffer.from(text));
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const digits = [number & 127];
    for (let left = number >> 7; left > 0; left >>= 7) digits.unshift((left & 127) | 128);
    bytes.push(...digits);
  }
  return tagged(0x06, Buffer.from(bytes));
}

function sequence(...parts: Uint8Array[]): Buffer {
  return tagged(0x30, ...parts);
}

function tagged(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}
