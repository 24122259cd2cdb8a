// How the TLS front tells a gateway which client certificate a connection has shown. The gateways' library cannot be
// asked for it, but reads PROXY protocol v2: 16 bytes in front of a connection that a client may send as well. So they
// are no address here but a tag that only this process can make: an HMAC of the certificate's fingerprint.

import { createHmac, timingSafeEqual } from 'node:crypto';

const TAG_BYTES = 16;
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Version 2, a proxied connection; TCP over IPv6; 36 bytes follow: two addresses and two ports. */
const COMMAND = Buffer.from([0x21, 0x21, 0x00, 0x24]);
const NO_DESTINATION = Buffer.alloc(20);

/** `token` is drawn by this process at its start; `fingerprint` is the certificate's SHA-256, hex. */
export function certificateTag(token: string, fingerprint: string): Buffer {
  return createHmac('sha256', token).update(fingerprint).digest().subarray(0, TAG_BYTES);
}

/** What goes before the first byte of a connection. */
export function proxyHeader(tag: Buffer): Buffer {
  return Buffer.concat([SIGNATURE, COMMAND, tag, NO_DESTINATION]);
}

/** Whether the tag of a connection is that of one of the certificates. */
export function isTagOf(
  tag: Buffer,
  { token, fingerprints }: { token: string; fingerprints: readonly string[] },
): boolean {
  if (tag.length !== TAG_BYTES) return false;
  return fingerprints.some((one) => timingSafeEqual(tag, certificateTag(token, one)));
}
