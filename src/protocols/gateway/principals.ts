// Whose key is it? Keys are known by their SHA-256 only. What was found is kept for a moment and checked again while it
// is in use, so that a withdrawn key stops within seconds and the request path does not wait for the directory.

import { hash } from 'node:crypto';
import type { Clock, Directory, Principal } from '../../switch/ports.ts';
import { Turns } from './turns.ts';

/** A key found longer ago than this is used and checked again meanwhile. */
const FRESH_MS = 1_000;
/** Longer ago than this it is checked before it is used. */
const STALE_MS = 5_000;
/** For so long an unknown key is known to be unknown. */
const UNKNOWN_MS = 1_000;
const UNKNOWN_MAX = 10_000;
const KEY_LENGTH_MAX = 256;
const BEARER = /^Bearer +([!-~]+) *$/i;

interface Entry {
  readonly principal: Principal | null;
  checkedAt: number;
}

/** The key of an `Authorization` header; undefined where it carries none. */
export function keyOfHeader(authorization: string): string | undefined {
  const key = BEARER.exec(authorization)?.[1];
  return key === undefined || key.length > KEY_LENGTH_MAX ? undefined : key;
}

export function hashOfKey(key: string): string {
  return hash('sha256', key, 'base64url');
}

export class Principals {
  readonly #directory: Directory;
  readonly #clock: Clock;
  readonly #max: number;
  readonly #known = new Map<string, Entry>();
  readonly #unknown = new Map<string, Entry>();
  readonly #lookups = new Map<string, Promise<Principal | null>>();
  readonly #turns: Turns;

  constructor(options: { directory: Directory; clock: Clock; max: number; inTurnAtOnce: number }) {
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#max = options.max;
    this.#turns = new Turns(options.inTurnAtOnce);
  }

  /** Whose key this is: null where nobody’s, undefined where it must be looked up. */
  find(keyHash: string): Principal | null | undefined {
    const now = this.#clock.monotonic();
    const entry = this.#known.get(keyHash);
    if (entry !== undefined) {
      const age = now - entry.checkedAt;
      if (age > STALE_MS) return undefined;
      if (age > FRESH_MS) this.#recheck(keyHash);
      return entry.principal;
    }
    const unknown = this.#unknown.get(keyHash);
    return unknown !== undefined && now - unknown.checkedAt <= UNKNOWN_MS ? null : undefined;
  }

  /**
   * Asks the directory, once for all who ask meanwhile. Where the directory is out of reach, a key that was known goes
   * on being known; otherwise rejects.
   */
  lookUp(keyHash: string): Promise<Principal | null> {
    let lookup = this.#lookups.get(keyHash);
    if (lookup === undefined) {
      lookup = this.#ask(keyHash);
      this.#lookups.set(keyHash, lookup);
    }
    return lookup;
  }

  /** For whoever has time: it waits its turn behind a few others, so that calls do not wait behind a crowd of sockets. */
  lookUpInTurn(keyHash: string): Promise<Principal | null> {
    return this.#turns.take(() => {
      const known = this.find(keyHash);
      return known === undefined ? this.lookUp(keyHash) : Promise.resolve(known);
    });
  }

  async #ask(keyHash: string): Promise<Principal | null> {
    try {
      const principal = await this.#directory.principalOfKey(keyHash);
      this.#keep(keyHash, principal);
      return principal;
    } catch (error) {
      const entry = this.#known.get(keyHash);
      if (entry === undefined) throw error;
      entry.checkedAt = this.#clock.monotonic();
      return entry.principal;
    } finally {
      this.#lookups.delete(keyHash);
    }
  }

  #recheck(keyHash: string): void {
    if (this.#lookups.has(keyHash)) return;
    this.lookUp(keyHash).catch(() => {
      // A known key survives a directory out of reach, so there is nothing left to say.
    });
  }

  #keep(keyHash: string, principal: Principal | null): void {
    const entry: Entry = { principal, checkedAt: this.#clock.monotonic() };
    if (principal === null) {
      this.#known.delete(keyHash);
      bounded(this.#unknown, keyHash, entry, UNKNOWN_MAX);
    } else {
      this.#unknown.delete(keyHash);
      bounded(this.#known, keyHash, entry, this.#max);
    }
  }
}

/** Sets at the end; the oldest make room. */
function bounded(map: Map<string, Entry>, key: string, entry: Entry, max: number): void {
  map.delete(key);
  map.set(key, entry);
  if (map.size <= max) return;
  const oldest = map.keys().next().value;
  if (oldest !== undefined) map.delete(oldest);
}
