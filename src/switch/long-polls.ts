// Long polls of one shard: a `bill.get` that waits for the bill to change, or for its time to be up.

import type { Cell, Watcher } from './cell.ts';
import type { Clock } from './ports.ts';
import type { Asked } from './reply-sink.ts';
import type { Residents } from './residents.ts';

export class LongPolls {
  readonly #residents: Residents;
  readonly #clock: Clock;
  readonly #answer: (cell: Cell, asked: Asked) => void;

  /** `answer` is called with the bill as it then is, once, when a poll ends. */
  constructor(options: {
    residents: Residents;
    clock: Clock;
    answer: (cell: Cell, asked: Asked) => void;
  }) {
    this.#residents = options.residents;
    this.#clock = options.clock;
    this.#answer = options.answer;
  }

  /** Whether the request waits from now on; false: it is to be answered at once. */
  begin(cell: Cell, asked: Asked, version: number): boolean {
    const { operation } = asked;
    if (operation.op !== 'bill.get' || operation.afterVersion === null) return false;
    if (operation.waitMs <= 0 || version > operation.afterVersion) return false;
    const { afterVersion, waitMs } = operation;
    const watcher: Watcher = { asked, cell, afterVersion, dueAt: 0, heapIndex: -1 };
    this.#residents.watch(cell, watcher, this.#clock.monotonic() + waitMs);
    return true;
  }

  /** Ends those whose time is up. */
  pulse(): void {
    const { watchers } = this.#residents;
    const now = this.#clock.monotonic();
    for (let due = watchers.peek(); due !== undefined && due.dueAt <= now; due = watchers.peek()) {
      this.#end(due);
    }
  }

  /** Ends those that waited for the committed version of the bill. */
  wake(cell: Cell): void {
    if (cell.watchers === null || cell.committed.status === 'absent') return;
    const { version } = cell.committed;
    for (const each of cell.watchers.filter(({ afterVersion }) => version > afterVersion)) {
      this.#end(each);
    }
  }

  /** Takes all of a bill's polls out, unanswered. */
  drain(cell: Cell): Asked[] {
    const watchers = cell.watchers ?? [];
    for (const watcher of [...watchers]) this.#residents.unwatch(watcher);
    return watchers.map(({ asked }) => asked);
  }

  #end(watcher: Watcher): void {
    const { cell, asked } = watcher;
    this.#residents.unwatch(watcher);
    if (asked.operation.op !== 'bill.get') return;
    this.#answer(cell, { ...asked, operation: { ...asked.operation, waitMs: 0 } });
  }
}
