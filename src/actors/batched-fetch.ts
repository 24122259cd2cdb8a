// All misses of a tick in one question, so many questions under way at a time: what is wanted meanwhile goes with the next.

export type Fetched<Value> = { readonly found: Value } | { readonly failed: unknown };

export class BatchedFetch<Key, Value> {
  readonly #fetch: (keys: readonly Key[]) => Promise<readonly Value[]>;
  readonly #batchMax: number;
  readonly #atOnceMax: number;
  readonly #settled: () => void;
  #wanted: { key: Key; done: (fetched: Fetched<Value>) => void }[] = [];
  #underWay = 0;

  /**
   * `fetch` answers in the order asked; `settled` is called after the callbacks of a question have run, so that what
   * they caused can be flushed. `atOnceMax`: how many questions may be under way; left out, one.
   */
  constructor(options: {
    fetch: (keys: readonly Key[]) => Promise<readonly Value[]>;
    batchMax: number;
    atOnceMax?: number;
    settled?: () => void;
  }) {
    this.#fetch = options.fetch;
    this.#batchMax = options.batchMax;
    this.#atOnceMax = options.atOnceMax ?? 1;
    this.#settled = options.settled ?? (() => undefined);
  }

  /** How many keys wait for the next question. */
  get depth(): number {
    return this.#wanted.length;
  }

  /** Asks for a key with the next question. Calls back exactly once, never at once. */
  want(key: Key, done: (fetched: Fetched<Value>) => void): void {
    this.#wanted.push({ key, done });
  }

  /** Asks now, unless enough questions are under way. */
  flush(): void {
    while (this.#underWay < this.#atOnceMax && this.#wanted.length > 0) this.#ask();
  }

  #ask(): void {
    const batch = this.#wanted.slice(0, this.#batchMax);
    this.#wanted = this.#wanted.slice(batch.length);
    this.#underWay += 1;
    this.#fetch(batch.map(({ key }) => key)).then(
      (values) => this.#answer(batch, (i) => this.#valueAt(values, i)),
      (error: unknown) => this.#answer(batch, () => ({ failed: error })),
    );
  }

  #valueAt(values: readonly Value[], index: number): Fetched<Value> {
    if (index >= values.length)
      return { failed: new Error('the answer is shorter than the question') };
    return { found: values[index] as Value };
  }

  #answer(
    batch: readonly { done: (fetched: Fetched<Value>) => void }[],
    fetchedAt: (index: number) => Fetched<Value>,
  ): void {
    this.#underWay -= 1;
    batch.forEach(({ done }, i) => {
      done(fetchedAt(i));
    });
    this.flush();
    this.#settled();
  }
}
