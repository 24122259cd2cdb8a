// Codes on their way from tills to wallets within one process.

export class CodeQueue implements AsyncIterable<string> {
  readonly #codes: string[] = [];
  #wake: (() => void) | null = null;
  #isEnded = false;

  put(qr: string): void {
    this.#codes.push(qr);
    this.#wake?.();
  }

  /** There are no more. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (;;) {
      const qr = this.#codes.shift();
      if (qr !== undefined) {
        yield qr;
        continue;
      }
      if (this.#isEnded) return;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }
}
