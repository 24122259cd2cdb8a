// A reference of an acquirer's names one bill, for ever. An acquirer or driver that gives another bill the same one would have
// both taken for paid when either is, so the code of the second is handed out to nobody.

import type { BillId } from '../../domain/ids.ts';

export interface RefsOptions {
  /** The bill that has it from now on: this one, unless another had it before. */
  readonly claim: (acquirer: string, ref: string, billId: BillId) => Promise<BillId>;
  readonly warn: (what: string, fields: object) => void;
}

/** What is known without the store, which may be away: the youngest are what an acquirer that repeats itself repeats. */
const KNOWN_MAX = 100_000;

export class Refs {
  readonly #options: RefsOptions;
  readonly #known = new Map<string, BillId>();

  constructor(options: RefsOptions) {
    this.#options = options;
  }

  /** The other bill that has it; null: none. */
  async otherOf(acquirer: string, ref: string, billId: BillId): Promise<BillId | null> {
    const key = `${acquirer} ${ref}`;
    const known = this.#known.get(key) ?? billId;
    if (known !== billId) return known;
    this.#know(key, billId);
    const owner = await this.#claimed(acquirer, ref, billId);
    if (owner === billId) return null;
    this.#know(key, owner);
    return owner;
  }

  async #claimed(acquirer: string, ref: string, billId: BillId): Promise<BillId> {
    const { claim, warn } = this.#options;
    try {
      return await claim(acquirer, ref, billId);
    } catch (err) {
      // Tills go on while Postgres is away.
      warn('acquirer.refUnclaimed', { acquirer, billId, err });
      return billId;
    }
  }

  #know(key: string, billId: BillId): void {
    this.#known.set(key, billId);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }
}
