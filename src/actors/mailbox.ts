// A bounded queue of what waits for one actor. It grows from nothing, since almost every mailbox is empty almost
// always, and gives its memory back when it is drained.

export class Mailbox<Item> {
  readonly #max: number;
  #items: Item[] = [];
  #head = 0;

  /** `max`: how many items may wait; beyond it `push` refuses. */
  constructor(max: number) {
    this.#max = max;
  }

  get depth(): number {
    return this.#items.length - this.#head;
  }

  /** Whether the item was taken; false when the mailbox is full. */
  push(item: Item): boolean {
    if (this.depth >= this.#max) return false;
    this.#items.push(item);
    return true;
  }

  /** The oldest item, left in place. */
  peek(): Item | undefined {
    return this.#items[this.#head];
  }

  /** Takes the oldest item out. */
  shift(): Item | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes everything out. */
  drain(): Item[] {
    const items = this.#items.slice(this.#head);
    this.#items = [];
    this.#head = 0;
    return items;
  }

  /** The waiting items, oldest first. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item !== undefined) yield item;
    }
  }
}
