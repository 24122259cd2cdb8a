// Whose key is it? Keys are known by their SHA-256 only. What was found is kept, and looked at again when the directory
// tells of a change; so a withdrawn key stops within a second, and the request path does not wait for the directory.
//
//   P1. What was found is good for as long as main hears the directory, and is checked again now and then all the same.
//   P2. While nothing is heard, it is checked every second in use, and before use after five.
//   P3. A directory out of reach takes nobody's key away: what was known goes on being known, but for its end.
//   P4. A change is looked up for those whom it may concern: how many others are known does not matter.
//   P5. Nor does how many an institution or merchant has: its change is remembered, and each of their keys is looked up
//       again when it is next used, once.

import { hash } from 'node:crypto';
import type { Demands, Directory, DirectoryChange, KeyHolder } from '../../switch/directory.ts';
import { isDefect, tellDefect } from '../../switch/failures.ts';
import type { Clock } from '../../switch/ports.ts';
import type { Principal } from '../../switch/principal.ts';
import { Doubts } from './doubts.ts';
import { KeyRounds } from './key-rounds.ts';
import { type KnownKey, KnownKeys } from './known-keys.ts';
import type { GatewayLog } from './options.ts';
import { Turns } from './turns.ts';

/** A key found longer ago than `fresh` is used and checked again meanwhile; than `stale`, checked before it is used. */
const HEARING = { freshMs: 30_000, staleMs: 300_000 } as const;
const DEAF = { freshMs: 1_000, staleMs: 5_000 } as const;
/** For so long an unknown key is known to be unknown. */
const UNKNOWN_MS = 1_000;
const UNKNOWN_MAX = 10_000;
const KEY_LENGTH_MAX = 256;
const USED_AT_ONCE_MAX = 10_000;
/** About what the directory is asked in one question: after a silence, all may have changed. */
const CHANGES_AT_ONCE = 512;
const BEARER = /^Bearer +([!-~]+) *$/i;

/** The key of an `Authorization` header; undefined where it carries none. */
export function keyOfHeader(authorization: string): string | undefined {
  const key = BEARER.exec(authorization)?.[1];
  return key === undefined || key.length > KEY_LENGTH_MAX ? undefined : key;
}

export function hashOfKey(key: string): string {
  return hash('sha256', key, 'base64url');
}

export interface PrincipalsOptions {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly max: number;
  readonly inTurnAtOnce: number;
  readonly log: Pick<GatewayLog, 'error'>;
  /** A key has been found, for the first time or again. */
  readonly onFound?: (holder: KeyHolder) => void;
  /** A key that was somebody’s is another’s now, or nobody’s. */
  readonly onChange?: (keyHash: string, principal: Principal | null) => void;
  /** An institution or a merchant has changed: another thing may be true of these. */
  readonly onDoubt?: (concerns: (principal: Principal) => boolean) => void;
}

export class Principals {
  readonly #options: PrincipalsOptions;
  readonly #known: KnownKeys;
  readonly #unknown = new Map<string, number>();
  readonly #lookups = new Map<string, Promise<Principal | null>>();
  readonly #turns: Turns;
  /** What has changed does not wait behind a crowd that reconnects. */
  readonly #changes = new KeyRounds(CHANGES_AT_ONCE, (keyHash) => this.#lookUpAnew(keyHash));
  /** Nor does a withdrawn key behind thousands of holders that have changed. */
  readonly #withdrawals = new KeyRounds(CHANGES_AT_ONCE, (keyHash) => this.#lookUpAnew(keyHash));
  /** Of those of whom more is demanded than a key; nearly nobody is. */
  readonly #demands = new WeakMap<Principal, Demands>();
  /** Of the known keys, those that end some day. */
  readonly #ending = new Set<string>();
  readonly #doubts = new Doubts();
  #trust: typeof HEARING | typeof DEAF = DEAF;

  constructor(options: PrincipalsOptions) {
    this.#options = options;
    this.#turns = new Turns(options.inTurnAtOnce);
    this.#known = new KnownKeys(options.max);
  }

  /** Whose key this is: null where nobody’s, undefined where it must be looked up. */
  find(keyHash: string): Principal | null | undefined {
    const now = this.#options.clock.monotonic();
    const entry = this.#known.get(keyHash);
    if (entry !== undefined) {
      if (now >= entry.endsAt) return null;
      const age = now - entry.checkedAt;
      if (age > this.#trust.staleMs || this.#isDoubted(entry)) return undefined;
      if (age > this.#trust.freshMs) this.#recheck(keyHash);
      entry.isUsed = true;
      return entry.holder.principal;
    }
    const unknownAt = this.#unknown.get(keyHash);
    return unknownAt !== undefined && now - unknownAt <= UNKNOWN_MS ? null : undefined;
  }

  /** What the principal must show beside its key; undefined where that is enough. */
  demandsOf(principal: Principal): Demands | undefined {
    return this.#demands.get(principal);
  }

  /**
   * Asks the directory, once for all who ask meanwhile. Where the directory is out of reach, a key that was known goes
   * on being known; otherwise rejects.
   */
  async lookUp(keyHash: string): Promise<Principal | null> {
    const known = this.#known.get(keyHash);
    if (known !== undefined) known.isUsed = true;
    const found = await this.#lookUp(keyHash);
    const entry = this.#known.get(keyHash);
    // What was asked before the change may have been answered as it was before.
    return entry !== undefined && this.#isDoubted(entry) ? this.#lookUp(keyHash) : found;
  }

  #lookUp(keyHash: string): Promise<Principal | null> {
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

  /** What main hears of the directory: whether it hears at all, and what has changed; null: anything may have. */
  hear(isHearing: boolean, changes: readonly DirectoryChange[] | null): void {
    this.#trust = isHearing ? HEARING : DEAF;
    if (changes?.length === 0) return;
    this.#unknown.clear();
    const ofKeys = changes?.filter(({ kind }) => kind === 'key') ?? [];
    for (const keyHash of this.#known.touchedBy(ofKeys)) this.#withdrawals.call(keyHash);
    const others = changes?.filter(
      ({ kind }) => kind !== 'key' && kind !== 'institution' && kind !== 'merchant',
    );
    const touched = others === undefined ? this.#known.all() : this.#known.touchedBy(others);
    for (const keyHash of touched) this.#changes.call(keyHash);
    const concerns = this.#doubts.raise(changes ?? []);
    if (concerns !== null) this.#options.onDoubt?.(concerns);
    // Nobody knows whose these are, and their answers may be from before the change.
    for (const keyHash of this.#lookups.keys()) {
      if (!this.#known.has(keyHash)) this.#changes.call(keyHash);
    }
  }

  /** Lets go of keys that have come to their end. */
  endDue(): void {
    const now = this.#options.clock.monotonic();
    for (const keyHash of this.#ending) {
      const entry = this.#known.get(keyHash);
      if (entry !== undefined && now < entry.endsAt) continue;
      this.#ending.delete(keyHash);
      if (entry === undefined) continue;
      this.#known.delete(keyHash);
      this.#options.onChange?.(keyHash, null);
    }
  }

  /** Tells the directory which keys have been used since this was last called. Never rejects. */
  async tellUsed(): Promise<void> {
    const used: KnownKey[] = [];
    for (const entry of this.#known.values()) {
      if (!entry.isUsed || used.length === USED_AT_ONCE_MAX) continue;
      entry.isUsed = false;
      used.push(entry);
    }
    if (used.length === 0) return;
    try {
      await this.#options.directory.keysUsed(used.map(({ holder }) => holder.keyId));
    } catch (error) {
      this.#tell(error);
      // The directory is away: it is told next time.
      for (const entry of used) entry.isUsed = true;
    }
  }

  async #ask(keyHash: string): Promise<Principal | null> {
    const { turn } = this.#doubts;
    try {
      const holder = await this.#options.directory.holderOfKey(keyHash);
      this.#keep(keyHash, holder, turn);
      return holder?.principal ?? null;
    } catch (error) {
      this.#tell(error);
      const entry = this.#known.get(keyHash);
      if (entry === undefined) throw error;
      const now = this.#options.clock.monotonic();
      // P3. It is tried again in a second.
      if (now >= entry.endsAt) return null;
      entry.checkedAt = now - this.#trust.freshMs + DEAF.freshMs;
      entry.turn = this.#doubts.turn;
      return entry.holder.principal;
    } finally {
      this.#lookups.delete(keyHash);
    }
  }

  /** P3 holds for mistakes of ours, too: they are told here, and nobody has to notice them. */
  #tell(error: unknown): void {
    if (!isDefect(error)) return;
    const told = { what: 'directory.defect', ...tellDefect(error) };
    this.#options.log.error(told, 'directory.defect');
  }

  #recheck(keyHash: string): void {
    if (this.#lookups.has(keyHash)) return;
    this.lookUp(keyHash).catch(() => {
      // A known key survives a directory out of reach, so there is nothing left to say.
    });
  }

  /** After whatever look-up may have begun before the change. */
  async #lookUpAnew(keyHash: string): Promise<Principal | null> {
    await this.#lookups.get(keyHash)?.catch(() => null);
    return this.#lookUp(keyHash);
  }

  #isDoubted({ holder, turn }: KnownKey): boolean {
    return this.#doubts.concern(holder.principal, turn);
  }

  #keep(keyHash: string, holder: KeyHolder | null, turn: number): void {
    const now = this.#options.clock.monotonic();
    const before = this.#known.get(keyHash);
    this.#ending.delete(keyHash);
    if (holder === null) {
      this.#known.delete(keyHash);
      this.#keepUnknown(keyHash, now);
    } else {
      const { expiresAt, principal, demands } = holder;
      if (demands === undefined) this.#demands.delete(principal);
      else this.#demands.set(principal, demands);
      const endsAt = expiresAt === null ? Infinity : now + expiresAt - this.#options.clock.wall();
      if (expiresAt !== null) this.#ending.add(keyHash);
      this.#unknown.delete(keyHash);
      // Nobody has used a key that was looked up for a change.
      const isUsed = before?.isUsed ?? true;
      this.#known.set(keyHash, { holder, endsAt, checkedAt: now, turn, isUsed });
      // Its limits may be those of before: they come with the next look-up, before it is used.
      if (!this.#doubts.concern(principal, turn)) this.#options.onFound?.(holder);
    }
    if (before !== undefined && !isSame(before.holder, holder)) {
      this.#options.onChange?.(keyHash, holder?.principal ?? null);
    }
  }

  /** The oldest make room. */
  #keepUnknown(keyHash: string, now: number): void {
    this.#unknown.delete(keyHash);
    this.#unknown.set(keyHash, now);
    if (this.#unknown.size <= UNKNOWN_MAX) return;
    const oldest = this.#unknown.keys().next().value;
    if (oldest !== undefined) this.#unknown.delete(oldest);
  }
}

function isSame(before: KeyHolder, after: KeyHolder | null): boolean {
  const shown = (holder: KeyHolder | null): string =>
    JSON.stringify([holder?.principal ?? null, holder?.demands ?? null]);
  return shown(before) === shown(after);
}
