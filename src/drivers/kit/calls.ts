// The calls of the driver under check that are under way: who waits in vain for one can say for which.

export class Calls {
  readonly #told: (underWay: readonly string[]) => void;
  readonly #underWay = new Map<number, string>();
  #count = 0;

  /** `told` hears of each that begins before it does, and of each that has ended. */
  constructor(told: (underWay: readonly string[]) => void = () => undefined) {
    this.#told = told;
  }

  get underWay(): readonly string[] {
    return [...new Set(this.#underWay.values())];
  }

  /** What it gives back is to be called once the call has ended. */
  begin(call: string): () => void {
    this.#count += 1;
    const no = this.#count;
    this.#underWay.set(no, call);
    this.#told(this.underWay);
    return () => {
      this.#underWay.delete(no);
      this.#told(this.underWay);
    };
  }
}

/** Who is to blame, for a sentence that begins with it. */
export function named(underWay: readonly string[]): string {
  return underWay.length === 0 ? 'it' : underWay.join(', ');
}
