// A timer heap for things that are no objects, only numbers of places in tables: what a TimerHeap does, in 16 bytes each
// outside the garbage collector's heap.

/** Slots wait in the first; the others are by slot. */
export class SlotHeap {
  #heap = new Int32Array(0);
  #size = 0;
  /** Place in the heap, counted from 1; 0 while the slot is in none. */
  #placeOf = new Int32Array(0);
  #dueAt = new Float64Array(0);

  get size(): number {
    return this.#size;
  }

  /** The slot due first; −1 where none waits. */
  get first(): number {
    return this.#size === 0 ? -1 : this.#at(0);
  }

  /** When a slot that waits is due. */
  dueAt(slot: number): number {
    return this.#dueAt[slot] ?? 0;
  }

  has(slot: number): boolean {
    return (this.#placeOf[slot] ?? 0) !== 0;
  }

  /** Puts in a slot that does not wait yet. */
  add(slot: number, dueAt: number): void {
    if (slot >= this.#placeOf.length) this.#grow(slot + 1);
    this.#dueAt[slot] = dueAt;
    this.#up(slot, this.#size++);
  }

  /** Takes a slot out; nothing happens where it is not in. */
  remove(slot: number): void {
    if (!this.has(slot)) return;
    const index = (this.#placeOf[slot] ?? 0) - 1;
    this.#placeOf[slot] = 0;
    this.#size -= 1;
    const last = this.#at(this.#size);
    if (last === slot) return;
    this.#up(last, index);
    this.#down(last, (this.#placeOf[last] ?? 0) - 1);
  }

  clear(): void {
    this.#heap = new Int32Array(0);
    this.#placeOf = new Int32Array(0);
    this.#dueAt = new Float64Array(0);
    this.#size = 0;
  }

  #at(index: number): number {
    return this.#heap[index] ?? -1;
  }

  #put(slot: number, index: number): void {
    this.#heap[index] = slot;
    this.#placeOf[slot] = index + 1;
  }

  #up(slot: number, from: number): void {
    const due = this.dueAt(slot);
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#at(parentIndex);
      if (this.dueAt(parent) <= due) break;
      this.#put(parent, index);
      index = parentIndex;
    }
    this.#put(slot, index);
  }

  #down(slot: number, from: number): void {
    const due = this.dueAt(slot);
    let index = from;
    for (;;) {
      const childIndex = this.#earlierChild(index);
      if (childIndex >= this.#size) break;
      const child = this.#at(childIndex);
      if (this.dueAt(child) >= due) break;
      this.#put(child, index);
      index = childIndex;
    }
    this.#put(slot, index);
  }

  #earlierChild(index: number): number {
    const left = 2 * index + 1;
    const right = left + 1;
    if (right >= this.#size) return left;
    return this.dueAt(this.#at(right)) < this.dueAt(this.#at(left)) ? right : left;
  }

  #grow(slots: number): void {
    const length = 2 ** Math.ceil(Math.log2(Math.max(slots, 64)));
    const [heap, placeOf, dueAt] = [this.#heap, this.#placeOf, this.#dueAt];
    this.#heap = new Int32Array(length);
    this.#heap.set(heap);
    this.#placeOf = new Int32Array(length);
    this.#placeOf.set(placeOf);
    this.#dueAt = new Float64Array(length);
    this.#dueAt.set(dueAt);
  }
}
