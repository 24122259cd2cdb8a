// What a lifecycle may cost, as counted by count.ts. Where a change makes one of these worse for a good reason, write down
// the new figure here and the reason in the commit; where it makes one better, write that down too, or the gain can be
// lost again unseen. The counts come out the same each time, and the tolerance is only for small intended changes (of
// statements there are twenty in a run: it is for three more). Heap bytes differed by 0.5 % in ten runs on a busy machine, and
// may differ by more from one Node.js to the next.

import type { Counted } from './count.ts';

export interface Figure {
  readonly what: string;
  readonly of: (counted: Counted) => number;
  readonly expected: number;
  /** As a part of `expected`. */
  readonly tolerance: number;
}

const each = (name: Exclude<keyof Counted, 'lifecycles'>) => (counted: Counted) =>
  counted[name] / counted.lifecycles;

export const FIGURES: readonly Figure[] = [
  { what: 'messages between threads', of: each('messages'), expected: 1.755, tolerance: 0.03 },
  { what: 'bytes between threads', of: each('messageBytes'), expected: 4192, tolerance: 0.03 },
  { what: 'appends to the log', of: each('appends'), expected: 2.11, tolerance: 0.03 },
  { what: 'bytes appended to the log', of: each('appendedBytes'), expected: 894, tolerance: 0.03 },
  { what: 'statements to Postgres', of: each('statements'), expected: 0.0083, tolerance: 0.15 },
  { what: 'bytes to Postgres', of: each('statementBytes'), expected: 2028, tolerance: 0.03 },
  { what: 'rows to Postgres', of: each('rows'), expected: 9.175, tolerance: 0.03 },
  { what: 'bytes of objects', of: ({ heapBytes }) => heapBytes, expected: 98_500, tolerance: 0.02 },
  {
    what: 'bytes of buffers',
    of: ({ bufferBytes }) => bufferBytes,
    expected: 11_740,
    tolerance: 0.02,
  },
];
