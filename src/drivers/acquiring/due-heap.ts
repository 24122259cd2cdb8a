// Bills by the time at which they are due, earliest first; of one time, in the order in which they were put.

import type { Millis } from '../../domain/time.ts';

interface Entry {
  readonly billId: string;
  readonly dueAt: Millis;
  readonly no: number;
}

export class DueHeap {
  /** Entries that were replaced or removed stay until they come up; `#byBill` says which are good. */
  #entries: Entry[] = [];
  readonly #byBill = new Map<string, Entry>();
  #count = 0;

  get size(): number {
    return this.#byBill.size;
  }

  has(billId: string): boolean {
    return this.#byBill.has(billId);
  }

  put(billId: string, dueAt: Millis): void {
    this.#count += 1;
    const entry = { billId, dueAt, no: this.#count };
    this.#byBill.set(billId, entry);
    this.#entries.push(entry);
    this.#rise(this.#entries.length - 1);
    // Bills that are put again and again must not fill it with what they were.
    if (this.#entries.length > 64 + 2 * this.#byBill.size) this.#rebuild();
  }

  remove(billId: string): void {
    this.#byBill.delete(billId);
  }

  first(): { readonly billId: string; readonly dueAt: Millis } | undefined {
    for (;;) {
      const entry = this.#entries[0];
      if (entry === undefined) return undefined;
      if (this.#byBill.get(entry.billId) === entry) return entry;
      this.#drop();
    }
  }

  #drop(): void {
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return;
    this.#entries[0] = last;
    this.#sink(0);
  }

  #rebuild(): void {
    this.#entries = [...this.#byBill.values()].sort(byDue);
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(at, above)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  #sink(from: number): void {
    for (let at = from; ; ) {
      let earliest = at;
      for (const below of [2 * at + 1, 2 * at + 2]) {
        if (below < this.#entries.length && this.#isBefore(below, earliest)) earliest = below;
      }
      if (earliest === at) return;
      this.#swap(at, earliest);
      at = earliest;
    }
  }

  #isBefore(left: number, right: number): boolean {
    const [one, other] = [this.#entries[left], this.#entries[right]];
    return one !== undefined && other !== undefined && byDue(one, other) < 0;
  }

  #swap(left: number, right: number): void {
    const [one, other] = [this.#entries[left], this.#entries[right]];
    if (one === undefined || other === undefined) return;
    this.#entries[left] = other;
    this.#entries[right] = one;
  }
}

function byDue(left: Entry, right: Entry): number {
  return left.dueAt - right.dueAt || left.no - right.no;
}
