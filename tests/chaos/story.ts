// What happened when, in the run's folder and on the screen.

import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

const TICK_MS = 1_000;

export class Story {
  readonly #began = performance.now();
  readonly #file: ReturnType<typeof createWriteStream>;
  readonly #progress: (line: string) => void;
  #ticks: NodeJS.Timeout | undefined;
  #last = '';

  constructor(folder: string, progress: (line: string) => void = () => undefined) {
    this.#file = createWriteStream(join(folder, 'story.log'));
    this.#progress = progress;
  }

  tell(what: string): void {
    const line = `${this.#elapsed()}  ${what}`;
    this.#file.write(`${line}\n`);
    this.#last = what;
    this.#progress(line);
  }

  /** Shows every second how it goes, beside what was told last. */
  watch(how: () => string): void {
    this.#ticks = setInterval(() => {
      this.#progress(`${this.#elapsed()}  ${how()}; ${this.#last}`);
    }, TICK_MS);
  }

  end(): void {
    clearInterval(this.#ticks);
    this.#file.end();
  }

  #elapsed(): string {
    return `${((performance.now() - this.#began) / 1_000).toFixed(1).padStart(6)} s`;
  }
}
