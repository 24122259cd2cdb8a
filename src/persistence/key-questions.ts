// Keys are asked for together: what is wanted while a question is under way goes with the next one. A crowd of thousands
// is some dozens of statements, and whoever comes alone waits for nobody.

import { BatchedFetch } from '../actors/batched-fetch.ts';
import type { KeyHolder } from '../switch/directory.ts';

/** Whoever comes behind a crowd waits for a question or two. */
const KEYS_IN_ONE_MAX = 512;

export class KeyQuestions {
  readonly #keys: BatchedFetch<string, KeyHolder | null>;

  /** `fetch` answers in the order asked. */
  constructor(
    fetch: (keyHashes: readonly string[]) => Promise<readonly (KeyHolder | null)[]>,
    atOnceMax: number,
  ) {
    this.#keys = new BatchedFetch({ fetch, batchMax: KEYS_IN_ONE_MAX, atOnceMax });
  }

  ask(keyHash: string): Promise<KeyHolder | null> {
    return new Promise((found, failed) => {
      this.#keys.want(keyHash, (fetched) => {
        if ('found' in fetched) found(fetched.found);
        else failed(fetched.failed);
      });
      // What is wanted within a turn goes as one.
      if (this.#keys.depth === 1) queueMicrotask(() => this.#keys.flush());
    });
  }
}
