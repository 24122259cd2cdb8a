// So many at once, the rest in the order in which they came: a crowd that reconnects does not stand in everybody's way.

export class Turns {
  #free: number;
  /** Linked, because an array of many moves all of them for each one that is taken from its front. */
  #first: Waiting | null = null;
  #last: Waiting | null = null;

  constructor(atOnceMax: number) {
    this.#free = atOnceMax;
  }

  /** Does the work once it is its turn; the next one's comes when it has settled. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((go) => this.#wait({ go, next: null }));
    try {
      return await work();
    } finally {
      const next = this.#first;
      if (next === null) {
        this.#free += 1;
      } else {
        this.#first = next.next;
        next.go();
      }
    }
  }

  #wait(waiting: Waiting): void {
    if (this.#first === null || this.#last === null) this.#first = waiting;
    else this.#last.next = waiting;
    this.#last = waiting;
  }
}

interface Waiting {
  readonly go: () => void;
  next: Waiting | null;
}
