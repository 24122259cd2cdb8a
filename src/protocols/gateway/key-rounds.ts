// A round of look-ups: so many at once, the rest in the order in which they came. What is called for again while it waits
// is looked up once.

export class KeyRounds {
  readonly #atOnceMax: number;
  readonly #lookUp: (keyHash: string) => Promise<unknown>;
  readonly #waiting = new Set<string>();
  /** One for all calls: a new one would pass over all that was taken before. */
  #next = this.#waiting.values();
  #underWay = 0;

  constructor(atOnceMax: number, lookUp: (keyHash: string) => Promise<unknown>) {
    this.#atOnceMax = atOnceMax;
    this.#lookUp = lookUp;
  }

  /** How many wait. */
  get depth(): number {
    return this.#waiting.size;
  }

  call(keyHash: string): void {
    this.#waiting.add(keyHash);
    this.#go();
  }

  #go(): void {
    while (this.#underWay < this.#atOnceMax && this.#waiting.size > 0) {
      const { value: keyHash } = this.#next.next();
      if (keyHash === undefined) {
        // One that has come to its end begins no more.
        this.#next = this.#waiting.values();
        continue;
      }
      this.#waiting.delete(keyHash);
      this.#underWay += 1;
      this.#lookUp(keyHash)
        // A known key survives a directory out of reach, so there is nothing to say.
        .catch(() => undefined)
        .finally(() => {
          this.#underWay -= 1;
          this.#go();
        });
    }
  }
}
