// All misses of a tick in one question, one question under way at a time: what is wanted meanwhile goes with the next.

export type Fetched<Value> = { readonly found: Value } | { readonly failed: unknown };

export class BatchedFetch<Key, Value> {
  readonly #fetch: (keys: readonly Key[]) => Promise<readonly Value[]>;
  readonly #batchMax: number;
  readonly #settled: () => void;
  #wanted: { key: Key; done: (fetched: Fetched<Value>) => void }[] = [];
  #isUnderWay = false;

  /**
   * `fetch` answers in the order asked; `settled` is called after the callbacks of a question have run, so that what
   * they caused can be flushed.
   */
  constructor(options: {
    fetch: (keys: readonly Key[]) => Promise<readonly Value[]>;
    batchMax: number;
    settled: () => void;
  }) {
    this.#fetch = options.fetch;
    this.#batchMax = options.batchMax;
    this.#settled = options.settled;
  }

  /** How many keys wait for the next question. */
  get depth(): number {
    return this.#wanted.length;
  }

  /** Asks for a key with the next question. Calls back exactly once, never at once. */
  want(key: Key, done: (fetched: Fetched<Value>) => void): void {
    this.#wanted.push({ key, done });
  }

  /** Asks now, unless a question is under way. */
  flush(): void {
    if (this.#isUnderWay || this.#wanted.length === 0) return;
    const batch = this.#wanted.slice(0, this.#batchMax);
    this.#wanted = this.#wanted.slice(batch.length);
    this.#isUnderWay = true;
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
    this.#isUnderWay = false;
    batch.forEach(({ done }, i) => {
      done(fetchedAt(i));
    });
    this.flush();
    this.#settled();
  }
}
