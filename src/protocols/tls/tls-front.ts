// TLS in front of the gateways: takes connections, asks for a client certificate without insisting on it, and passes the
// bytes on to the gateways' port of this machine. It reads nothing of what it passes on.
//
//   T1. A certificate that is told to the gateway has been proven: the handshake shows that the client has its key.
//   T2. It is of now, and comes from the operator's own authority where there is one. Any other is as good as none.

import { connect } from 'node:net';
import { pipeline } from 'node:stream';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Clock } from '../../switch/ports.ts';
import { certificateTag, proxyHeader } from './certificate-tag.ts';

const HANDSHAKE_MS = 10_000;

/** PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Who signs client certificates; null: whoever the operator names by fingerprint. */
  readonly clientAuthority: string | null;
}

export interface TlsFrontOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly gateway: { readonly host: string; readonly port: number };
  readonly token: string;
  readonly files: TlsFiles;
  readonly connectionsMax: number;
  readonly clock: Clock;
  readonly onDebug: (error: Error, message: string) => void;
}

export interface TlsFront {
  readonly port: number;
  /** Handshakes from now on are made with these. Throws where they cannot be used. */
  renew(files: TlsFiles): void;
  /** Takes no more connections. */
  stop(): void;
}

/** Listens. Rejects where the files are no good, or the port is taken. */
export function startTlsFront(options: TlsFrontOptions): Promise<TlsFront> {
  const { host, port, connectionsMax, onDebug } = options;
  return new Promise((resolve, reject) => {
    let files = options.files;
    const server: Server = createServer({ ...secrets(files), handshakeTimeout: HANDSHAKE_MS });
    server.maxConnections = connectionsMax;
    server.on('secureConnection', (socket) => {
      passOn(socket, options, fingerprintOf(socket, files.clientAuthority, options.clock));
    });
    server.on('tlsClientError', (error) => onDebug(error, 'a handshake failed'));
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        renew: (newer) => {
          server.setSecureContext(secrets(newer));
          files = newer;
        },
        stop: () => void server.close(),
      });
    });
  });
}

function secrets({ certificate, key, clientAuthority }: TlsFiles): TlsOptions {
  return {
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
    requestCert: true,
    // Whoever is asked for no certificate may come without one, or with one of another's.
    rejectUnauthorized: false,
    ...(clientAuthority === null ? {} : { ca: clientAuthority }),
  };
}

/** SHA-256, hex, of the certificate that the client has shown (T2). */
function fingerprintOf(
  socket: TLSSocket,
  clientAuthority: string | null,
  clock: Clock,
): string | null {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return null;
  if (clientAuthority !== null && !socket.authorized) return null;
  const now = clock.wall();
  const isOfNow = Date.parse(certificate.validFrom) <= now && now < Date.parse(certificate.validTo);
  return isOfNow ? certificate.fingerprint256.replaceAll(':', '').toLowerCase() : null;
}

function passOn(socket: TLSSocket, options: TlsFrontOptions, fingerprint: string | null): void {
  const { gateway, token, onDebug } = options;
  const upstream = connect({ ...gateway, noDelay: true });
  socket.setNoDelay(true);
  // What a client sends of this kind itself is a tag that it cannot have made.
  if (fingerprint !== null) upstream.write(proxyHeader(certificateTag(token, fingerprint)));
  const ended = (error: Error | null | undefined): void => {
    if (error) onDebug(error, 'a connection over TLS was cut');
  };
  pipeline(socket, upstream, ended);
  pipeline(upstream, socket, ended);
}
