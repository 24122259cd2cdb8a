// Short names for models: equal for equal ones. A search asks for one at every step, and most of a model is as it was at
// the step before, so parts that are shared are looked at once.

import type { Model, References } from './bill.ts';

export class Names {
  readonly #ids = new Map<string, number>();
  readonly #bits = new Map<string, number>();
  readonly #parts = new WeakMap<object, number>();
  readonly #sets = new WeakMap<References, bigint>();

  of(model: Model): number {
    if (model.is !== 'bill') return this.#idOf(model.is);
    const { payments, credits, holds, references, ...rest } = model.bill;
    const parts = [payments, credits, holds].map((part) => this.#part(part));
    const set = references === null ? 0n : this.#set(references);
    return this.#idOf(`${JSON.stringify(rest)} ${parts.join()} ${set.toString(36)}`);
  }

  #part(part: object): number {
    const known = this.#parts.get(part);
    if (known !== undefined) return known;
    const id = this.#idOf(JSON.stringify(part));
    this.#parts.set(part, id);
    return id;
  }

  /** Whatever the order in which they came: a bit for each. */
  #set(references: References): bigint {
    const chain: References[] = [];
    let set = 0n;
    let next: References | null = references;
    while (next !== null) {
      const known = this.#sets.get(next);
      if (known !== undefined) {
        set = known;
        break;
      }
      chain.push(next);
      next = next.before;
    }
    for (const each of chain.reverse()) {
      set |= 1n << BigInt(this.#bitOf(`${each.key} ${JSON.stringify(each.kept)}`));
      this.#sets.set(each, set);
    }
    return set;
  }

  #bitOf(text: string): number {
    const known = this.#bits.get(text);
    if (known !== undefined) return known;
    this.#bits.set(text, this.#bits.size);
    return this.#bits.size - 1;
  }

  #idOf(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    this.#ids.set(text, this.#ids.size);
    return this.#ids.size - 1;
  }
}
