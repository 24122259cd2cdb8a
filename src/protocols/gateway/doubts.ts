// What has changed of institutions and merchants, and since which look-ups. A change is one line here, however many keys
// it may concern; each of them is looked at again when it is next used.

import type { DirectoryChange } from '../../switch/directory.ts';
import type { Principal } from '../../switch/principal.ts';

/** Beyond so many lines all keys are doubted instead, once. */
const LINES_MAX = 10_000;

type Placed = Pick<Principal, 'institutionId' | 'merchantId'>;

export class Doubts {
  #turn = 0;
  /** Everybody who was looked up before this turn is doubted. */
  #all = 0;
  readonly #institutions = new Map<string, number>();
  readonly #merchants = new Map<string | null, number>();

  /** How far changes have been heard of: a look-up that begins now knows them. */
  get turn(): number {
    return this.#turn;
  }

  /** Takes what has changed; answers whom it may concern, or null where it is nobody by institution or merchant. */
  raise(changes: readonly DirectoryChange[]): ((principal: Placed) => boolean) | null {
    const before = this.#turn;
    for (const { kind, id } of changes) {
      const lines =
        kind === 'institution' ? this.#institutions : kind === 'merchant' && this.#merchants;
      if (lines === false) continue;
      this.#turn = before + 1;
      lines.set(id, this.#turn);
    }
    if (this.#turn === before) return null;
    if (this.#institutions.size + this.#merchants.size > LINES_MAX) {
      this.#all = this.#turn;
      this.#institutions.clear();
      this.#merchants.clear();
    }
    return (principal) => this.concern(principal, before);
  }

  /** Whether another thing may be true of somebody by now who was looked up at this turn. */
  concern({ institutionId, merchantId }: Placed, turn: number): boolean {
    if (turn === this.#turn) return false;
    return (
      turn < this.#all ||
      turn < (this.#institutions.get(institutionId) ?? 0) ||
      turn < (this.#merchants.get(merchantId) ?? 0)
    );
  }
}
