// Questions that cross threads: each has a number, by which its answer finds whoever waits for it.

import { systemClock } from './system-clock.ts';

export class Questions<Answer> {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #seq = 0;

  /** Puts a question; whoever is asked sees to its time. */
  ask(put: (seq: number) => void): Promise<Answer> {
    return new Promise((answered) => put(this.#expect(answered)));
  }

  /** Undefined where no answer has come in time. */
  askWithin(withinMs: number, put: (seq: number) => void): Promise<Answer | undefined> {
    return new Promise((done) => {
      const seq = this.#expect((answer) => {
        cancel();
        done(answer);
      });
      const cancel = systemClock.after(withinMs, () => {
        this.#waiting.delete(seq);
        done(undefined);
      });
      put(seq);
    });
  }

  /** An answer has come; one that nobody waits for any more is let go. */
  hear(seq: number, answer: Answer): void {
    this.#waiting.get(seq)?.(answer);
    this.#waiting.delete(seq);
  }

  #expect(answered: (answer: Answer) => void): number {
    this.#seq += 1;
    this.#waiting.set(this.#seq, answered);
    return this.#seq;
  }
}
