// The keys that a gateway knows, by their hash, and by who holds them: a change of one among a hundred thousand terminals
// costs no look at the others. Those of a whole institution or merchant are never gathered: see doubts.ts.

import type { DirectoryChange, KeyHolder } from '../../switch/directory.ts';

export interface KnownKey {
  readonly holder: KeyHolder;
  /** By the monotonic clock. */
  readonly endsAt: number;
  checkedAt: number;
  /** How far changes had been heard of when it was looked up. */
  turn: number;
  /** Since this was last told. */
  isUsed: boolean;
}

export class KnownKeys {
  readonly #max: number;
  readonly #byHash = new Map<string, KnownKey>();
  /** Hashes by the key’s id. */
  readonly #byKey = new Map<string, string>();
  /** Hashes by the holder’s id: nearly everybody has one key. */
  readonly #byHolder = new Map<string, string | Set<string>>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#byHash.size;
  }

  get(keyHash: string): KnownKey | undefined {
    return this.#byHash.get(keyHash);
  }

  has(keyHash: string): boolean {
    return this.#byHash.has(keyHash);
  }

  values(): IterableIterator<KnownKey> {
    return this.#byHash.values();
  }

  /** Sets at the end; the oldest make room. */
  set(keyHash: string, key: KnownKey): void {
    this.delete(keyHash);
    this.#byHash.set(keyHash, key);
    this.#byKey.set(key.holder.keyId, keyHash);
    this.#enter(key.holder.principal.id, keyHash);
    if (this.#byHash.size <= this.#max) return;
    const oldest = this.#byHash.keys().next().value;
    if (oldest !== undefined) this.delete(oldest);
  }

  delete(keyHash: string): void {
    const key = this.#byHash.get(keyHash);
    if (key === undefined) return;
    this.#byHash.delete(keyHash);
    this.#byKey.delete(key.holder.keyId);
    this.#strike(key.holder.principal.id, keyHash);
  }

  /** Those of these keys and holders; some perhaps more than once. */
  touchedBy(changes: readonly DirectoryChange[]): string[] {
    return changes.flatMap(({ kind, id }) =>
      kind === 'key' ? this.#keyOf(id) : this.#heldBy(kind, id),
    );
  }

  all(): Iterable<string> {
    return this.#byHash.keys();
  }

  #keyOf(keyId: string): string[] {
    const keyHash = this.#byKey.get(keyId);
    return keyHash === undefined ? [] : [keyHash];
  }

  #heldBy(kind: DirectoryChange['kind'], id: string): string[] {
    const known = this.#byHolder.get(id) ?? [];
    const hashes = typeof known === 'string' ? [known] : [...known];
    return hashes.filter((hash) => this.#byHash.get(hash)?.holder.principal.kind === kind);
  }

  #enter(holderId: string, keyHash: string): void {
    const known = this.#byHolder.get(holderId);
    if (known === undefined) this.#byHolder.set(holderId, keyHash);
    else if (typeof known === 'string') this.#byHolder.set(holderId, new Set([known, keyHash]));
    else known.add(keyHash);
  }

  #strike(holderId: string, keyHash: string): void {
    const known = this.#byHolder.get(holderId);
    if (known === keyHash) this.#byHolder.delete(holderId);
    if (typeof known !== 'object') return;
    known.delete(keyHash);
    const [last] = known;
    if (known.size === 1 && last !== undefined) this.#byHolder.set(holderId, last);
  }
}
