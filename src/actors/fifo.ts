// First in, first out, without moving what stays, however many that are. It grows from nothing, since almost every queue
// is empty almost always, and gives its memory back when it is drained.

/** How many places may be left empty at the front before those behind move up. */
const EMPTY_MAX = 1_024;

export class Fifo<Item> {
  #items: (Item | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** The oldest item, left in place. */
  peek(): Item | undefined {
    return this.#items[this.#head];
  }

  /** The newest item, left in place. */
  last(): Item | undefined {
    return this.#items.at(-1);
  }

  /** Takes the oldest item out. */
  shift(): Item | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.clear();
    } else if (this.#head > EMPTY_MAX && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes everything out. */
  drain(): Item[] {
    const items = [...this];
    this.clear();
    return items;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }

  /** The waiting items, oldest first. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item !== undefined) yield item;
    }
  }
}
