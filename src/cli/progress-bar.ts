// How far a long command is: a bar that fills in a terminal, a line now and then in a file.

import type { Io } from './io.ts';

const WIDTH = 30;
const DRAWN_EVERY_MS = 100;
const TOLD_EVERY_MS = 5_000;

export class ProgressBar {
  readonly #io: Io;
  readonly #total: number;
  readonly #of: string;
  readonly #startedAt = performance.now();
  #done = 0;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(io: Io, options: { total: number; of: string }) {
    this.#io = io;
    this.#total = options.total;
    this.#of = options.of;
    this.#show();
  }

  advance(): void {
    this.#done += 1;
    const every = this.#io.stderr.isTTY === true ? DRAWN_EVERY_MS : TOLD_EVERY_MS;
    if (performance.now() - this.#shownAt >= every) this.#show();
  }

  end(): void {
    this.#show();
    if (this.#io.stderr.isTTY === true) this.#io.stderr.write('\n');
  }

  #show(): void {
    this.#shownAt = performance.now();
    const part = this.#total === 0 ? 1 : this.#done / this.#total;
    const filled = Math.round(part * WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
    const seconds = (this.#shownAt - this.#startedAt) / 1_000;
    const left = this.#done === 0 ? '' : `, ${Math.ceil(seconds / part - seconds)} s to go`;
    const text = `${bar} ${Math.floor(part * 100)}% | ${this.#done} of ${this.#total} ${this.#of}${left}`;
    this.#io.stderr.write(this.#io.stderr.isTTY === true ? `\r${text}\u001b[K` : `${text}\n`);
  }
}
