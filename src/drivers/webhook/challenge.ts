// Proves that an address is its holder's: it must answer a signed challenge by its echo.

import { randomBytes } from 'node:crypto';
import type { Courier, Outcome } from './courier.ts';
import { signedHeaders } from './signature.ts';

const CHALLENGE_BYTES = 24;

export interface Challenged {
  readonly isProven: boolean;
  /** What became of it, for people. */
  readonly said: string;
}

/** Sends one challenge. A good answer is 2xx and holds it: as JSON, `{ "challenge": "…" }`, or by itself. */
export async function challenge(
  courier: Courier,
  to: { readonly url: string; readonly secrets: readonly string[] },
  wall: number,
): Promise<Challenged> {
  const drawn = randomBytes(CHALLENGE_BYTES).toString('base64url');
  const body = Buffer.from(JSON.stringify({ type: 'webhook.challenge', challenge: drawn }));
  const id = `challenge_${drawn.slice(0, 16)}`;
  const seconds = Math.floor(wall / 1_000);
  const headers = {
    'content-type': 'application/json',
    ...signedHeaders({ id, seconds, body }, to.secrets),
  };
  const outcome = await courier.post(to.url, headers, body);
  const isGood = outcome.is === 'answered' && isTaken(outcome.status);
  const isProven = isGood && echoOf(outcome.body) === drawn;
  return {
    isProven,
    said: isGood && !isProven ? 'it did not echo the challenge' : saidOf(outcome),
  };
}

/** 2xx. */
export function isTaken(status: number): boolean {
  return status >= 200 && status < 300;
}

/** An outcome in words, without what the other side sent. */
export function saidOf(outcome: Outcome): string {
  return outcome.is === 'answered' ? `answered ${outcome.status}` : outcome.detail;
}

function echoOf(body: Uint8Array): string | undefined {
  const text = Buffer.from(body).toString('utf8').trim();
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'string') return parsed;
    const { challenge: echoed } = (parsed ?? {}) as { challenge?: unknown };
    return typeof echoed === 'string' ? echoed : undefined;
  } catch {
    return text;
  }
}
