// What a paychannel shows of who it is beside its key, where the operator demands it: a signature of each request, or a
// client certificate. A socket shows it once, with the request that opens it, and is trusted from then on for as long
// as what it showed is good.

import type { Demands } from '../../switch/directory.ts';
import type { Clock } from '../../switch/ports.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Problem } from '../problem-document.ts';
import type { ProblemCode } from '../problems.ts';
import type { Replays } from '../signatures/replays.ts';
import {
  isDigestOf,
  isMadeWith,
  leftOut,
  type Signature,
  signaturesOf,
} from '../signatures/signature.ts';
import { isTagOf } from '../tls/certificate-tag.ts';
import type { HttpRequest, HttpResponse } from './native.ts';

/** How far from now a signature may have been made. */
const SIGNED_WITHIN_MS = 60_000;
const SECOND_MS = 1_000;
const NO_BODY = Buffer.alloc(0);

export interface EvidenceContext {
  readonly clock: Clock;
  readonly replays: Replays;
  /** Wall clock: signatures made before it are not taken, for nobody remembers whether they have been used. */
  readonly signedSince: number;
  /** Under which clients know the switch. */
  readonly publicBaseUrl: string;
  /** With which the TLS front of this process tags connections. */
  readonly certificateToken: string;
  demandsOf(principal: Principal): Demands | undefined;
}

export class Evidence {
  readonly #context: EvidenceContext;
  readonly #query: string;
  /** Of the client certificate that the connection has shown; empty where it has shown none. */
  readonly #certificateTag: Buffer;
  /** Null: what should have been one cannot be read. */
  readonly #signatures: readonly Signature[] | null;
  /** The secret by which a signature was found to be good. */
  #signedBy: string | null = null;

  /** Takes from a request what there is: nothing of it can be read later. */
  constructor(context: EvidenceContext, res: HttpResponse, req: HttpRequest) {
    this.#context = context;
    // Its bytes die with the handler.
    this.#certificateTag = Buffer.from(Buffer.from(res.getProxiedRemoteAddress()));
    this.#query = req.getQuery() ?? '';
    this.#signatures = signaturesOf({
      method: req.getCaseSensitiveMethod(),
      path: req.getUrl(),
      query: this.#query,
      origin: context.publicBaseUrl,
      header: (name) => req.getHeader(name),
    });
  }

  /** What is missing of what the principal must show; null where nothing is. */
  refusal(principal: Principal, body: Buffer = NO_BODY): Problem | null {
    if (principal.kind !== 'paychannel') return null;
    const demands = this.#context.demandsOf(principal);
    if (demands === undefined) return null;
    return this.#uncertified(demands) ?? this.#unsigned(demands, body);
  }

  #uncertified({ certificates: fingerprints }: Demands): Problem | null {
    if (fingerprints === null) return null;
    const { certificateToken: token } = this.#context;
    const isShown = isTagOf(this.#certificateTag, { token, fingerprints });
    return isShown ? null : { code: 'request.certificateInvalid' };
  }

  #unsigned({ secrets }: Demands, body: Buffer): Problem | null {
    if (secrets === null) return null;
    const now = this.#context.clock.wall();
    const live = secrets.filter(({ expiresAt }) => expiresAt === null || now < expiresAt);
    // A socket's has been taken when it was opened.
    if (this.#signedBy !== null && live.some(({ id }) => id === this.#signedBy)) return null;
    if (this.#signatures?.length === 0) return { code: 'request.signatureMissing' };
    for (const signature of this.#signatures ?? []) {
      const secret = live.find(({ id }) => id === signature.keyId);
      if (secret === undefined || !isMadeWith(signature, secret.secret)) continue;
      const refusal = this.#unfit(signature, body, now);
      if (refusal === null) this.#signedBy = secret.id;
      return refusal;
    }
    return { code: 'request.signatureInvalid' };
  }

  /** Of a signature that somebody made who knows the secret. */
  #unfit(signature: Signature, body: Buffer, now: number): Problem | null {
    const { signedSince, replays } = this.#context;
    const { created, expires, covered, contentDigest, mac } = signature;
    const missing = leftOut(signature, { query: this.#query, hasBody: body.length > 0 });
    if (missing !== null) return because('request.signatureInvalid', `It must cover ${missing}.`);
    if (created === null) return because('request.signatureInvalid', 'It must tell `created`.');
    if (covered.has('content-digest') && !isDigestOf(contentDigest, body)) {
      return because('request.signatureInvalid', 'Content-Digest is not that of the body.');
    }
    const createdAt = created * SECOND_MS;
    const isStale =
      Math.abs(now - createdAt) > SIGNED_WITHIN_MS ||
      createdAt + SECOND_MS <= signedSince ||
      (expires !== null && now >= expires * SECOND_MS);
    if (isStale) return { code: 'request.signatureExpired' };
    switch (replays.take(mac, { now, until: createdAt + SIGNED_WITHIN_MS })) {
      case 'seen':
        return { code: 'request.signatureReplayed' };
      case 'full':
        return { code: 'overloaded' };
      default:
        return null;
    }
  }
}

function because(code: ProblemCode, detail: string): Problem {
  return { code, detail };
}
