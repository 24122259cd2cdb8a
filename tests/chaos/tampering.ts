// Lies about a run: what was remembered of it is changed, so that the audit has something to find.

import type { Findings, Recollection } from './evidence.ts';
import type { Call } from './memory.ts';
import type { Rows } from './rows.ts';

/** What a tampering may change: all of it copies. */
export interface Copy {
  readonly memory: {
    calls: Call[];
    heard: Recollection['heard'][number][];
    rereads: Recollection['rereads'][number][];
    forged: string[];
    endpoints: Recollection['endpoints'][number][];
    listeners: string[];
    banks: Recollection['banks'][number][];
  };
  readonly rows: {
    [Table in keyof Rows]: { -readonly [K in keyof Rows[Table][number]]: Rows[Table][number][K] }[];
  };
}

export interface Tampering {
  readonly what: string;
  readonly with: (copy: Copy) => void;
  readonly found: keyof Findings;
}

/** A call that made the change itself and was told so. */
export function made(calls: readonly Call[], op: Call['op']): Call {
  return first(calls.filter((call) => call.op === op && call.status === 201));
}

export function first<Item>(items: readonly Item[]): Item {
  const [item] = items;
  if (item === undefined) throw new Error('the run was too short to tamper with');
  return item;
}

export function remove<Item>(items: Item[], isMeant: (item: Item) => boolean): void {
  const at = items.findIndex(isMeant);
  if (at < 0) throw new Error('the run was too short to tamper with');
  items.splice(at, 1);
}
