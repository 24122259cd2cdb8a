// Keys are asked for together: what is wanted while a question is under way goes with the next one. A crowd of thousands
// is some dozens of statements, and whoever comes alone waits for nobody.

import type { KeyHolder } from '../switch/directory.ts';

/** Whoever comes behind a crowd waits for a question or two. */
const KEYS_IN_ONE_MAX = 512;

interface Wanted {
  readonly keyHash: string;
  readonly found: (holder: KeyHolder | null) => void;
  readonly failed: (error: unknown) => void;
}

export class KeyQuestions {
  readonly #fetch: (keyHashes: readonly string[]) => Promise<readonly (KeyHolder | null)[]>;
  readonly #atOnceMax: number;
  #wanted: Wanted[] = [];
  #underWay = 0;

  /** `fetch` answers in the order asked. */
  constructor(
    fetch: (keyHashes: readonly string[]) => Promise<readonly (KeyHolder | null)[]>,
    atOnceMax: number,
  ) {
    this.#fetch = fetch;
    this.#atOnceMax = atOnceMax;
  }

  ask(keyHash: string): Promise<KeyHolder | null> {
    return new Promise((found, failed) => {
      this.#wanted.push({ keyHash, found, failed });
      // What is wanted within a turn goes as one.
      if (this.#wanted.length === 1) queueMicrotask(() => this.#go());
    });
  }

  #go(): void {
    while (this.#underWay < this.#atOnceMax && this.#wanted.length > 0) {
      const asked = this.#wanted.slice(0, KEYS_IN_ONE_MAX);
      this.#wanted = this.#wanted.slice(asked.length);
      this.#underWay += 1;
      this.#fetch(asked.map(({ keyHash }) => keyHash))
        .then(
          (holders) => {
            asked.forEach(({ found }, i) => {
              found(holders[i] ?? null);
            });
          },
          (error: unknown) => {
            for (const { failed } of asked) failed(error);
          },
        )
        .finally(() => {
          this.#underWay -= 1;
          this.#go();
        });
    }
  }
}
