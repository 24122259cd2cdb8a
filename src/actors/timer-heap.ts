// One timer structure for very many actors: a binary heap of the actors themselves, each knowing its place, so that
// moving or removing one costs O(log n) and nothing is left behind.

/** What can wait in a heap. The heap alone writes `heapIndex`. */
export interface Timed {
  /** When it is due; compared, never interpreted. */
  dueAt: number;
  /** Its place in the heap; −1 while it is in none. */
  heapIndex: number;
}

export class TimerHeap<Item extends Timed> {
  readonly #heap: Item[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The item due first. */
  peek(): Item | undefined {
    return this.#heap[0];
  }

  /** Puts the item in at `dueAt`, or moves it there. */
  set(item: Item, dueAt: number): void {
    if (item.heapIndex < 0) {
      item.dueAt = dueAt;
      item.heapIndex = this.#heap.length;
      this.#heap.push(item);
      this.#up(item);
    } else if (dueAt !== item.dueAt) {
      const earlier = dueAt < item.dueAt;
      item.dueAt = dueAt;
      if (earlier) this.#up(item);
      else this.#down(item);
    }
  }

  /** Takes the item out; nothing happens where it is not in. */
  remove(item: Item): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === item) return;
    this.#place(last, index);
    this.#up(last);
    this.#down(last);
  }

  clear(): void {
    for (const item of this.#heap) item.heapIndex = -1;
    this.#heap.length = 0;
  }

  #place(item: Item, index: number): void {
    this.#heap[index] = item;
    item.heapIndex = index;
  }

  #up(item: Item): void {
    let index = item.heapIndex;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#heap[parentIndex];
      if (parent === undefined || parent.dueAt <= item.dueAt) break;
      this.#place(parent, index);
      index = parentIndex;
    }
    this.#place(item, index);
  }

  #down(item: Item): void {
    let index = item.heapIndex;
    for (;;) {
      const child = this.#earlierChild(index);
      if (child === undefined || child.dueAt >= item.dueAt) break;
      const childIndex = child.heapIndex;
      this.#place(child, index);
      index = childIndex;
    }
    this.#place(item, index);
  }

  #earlierChild(index: number): Item | undefined {
    const left = this.#heap[2 * index + 1];
    const right = this.#heap[2 * index + 2];
    if (left === undefined || right === undefined) return left;
    return right.dueAt < left.dueAt ? right : left;
  }
}
